"""Tenants on a real node, of two servers: one fails alone, the pods wait for it, and it is mended."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from demo.expectation import until
from tests.e2e.database import Database
from tests.e2e.migration import PATIENCE
from tests.e2e.plugin import ask
from tests.e2e.project import chain
from tests.e2e.shop import REVISIONS
from tests.e2e.workloads import is_held

if TYPE_CHECKING:
    from tests.e2e.conftest import Start
    from tests.e2e.migration import Migration
    from tests.e2e.shop import OpenShop

FIRST = REVISIONS["v1"]
DATABASES = ("fleet_db_1", "fleet_db_2")
AWKWARD = "a%2Fb%40c%3Ad%2541e"
"""The password of demo/manifests/postgres.yaml, as a URL has it."""


def test_a_tenant_fails_alone_and_pods_start_when_it_is_mended(open_shop: OpenShop, start: Start) -> None:
    us = {"name": "us", "urlFrom": {"name": "fleet-us", "key": "url"}}
    shop = open_shop.prepare("fleet", tenants={"pattern": r"ws\_%", "gate": "All", "servers": [{"name": "eu"}, us]})
    database, access = shop.migration.database, shop.app.access
    database.rows("CREATE SCHEMA ws_1; CREATE SCHEMA ws_2; CREATE SCHEMA ws_3; CREATE TABLE ws_2.users (id int)")
    other = replace(database, name="fleet_us").create()
    other.rows("CREATE SCHEMA ws_4")
    url = f"postgresql://{other.user}:{AWKWARD}@postgres:5432/{other.name}"
    secret = {"metadata": {"name": "fleet-us"}, "stringData": {"url": url}}
    access.apply_text(json.dumps({"apiVersion": "v1", "kind": "Secret", **secret}))
    shop.deploy()
    apart = _databases(start)
    told = shop.migration.until_stalled()
    assert told.message.startswith(f"3 of 4 tenants are up to date; 1 failed in {FIRST} with 42P07: eu/ws_2"), told
    assert shop.migration.status()["tenants"]["shown"] == "3/4"
    shop.app.until_at_gate("v1", 2)
    shop.app.until_gate_says(f"revision {FIRST} is missing in 1 of 3 tenants: ws_2", "v1")
    code, said = ask(access, "tenants", "fleet", "--failed")
    assert (code, "eu/ws_2" in said, "ws_1" in said) == (3, True, False), said
    database.rows("DROP TABLE ws_2.users")
    shop.migration.retry()
    told = shop.migration.until_ready()
    assert told.message.startswith("4 of 4 tenants are up to date"), told
    until(lambda: not any(map(is_held, shop.app.pods())) or None, PATIENCE, "a pod is still held")
    code, said = ask(access, "tenants", "fleet")
    assert (code, said.count("UpToDate")) == (0, 4), said
    assert apart.until_ready().message == "2 of 2 tenants are up to date"
    assert [replace(apart.database, name=one).heads() for one in DATABASES] == [["r2"], ["r2"]]


def _databases(start: Start) -> Migration:
    """Have tenants that are databases, each with a process of its own, beside the others."""
    tenants = {"kind": "Databases", "pattern": r"fleet\_db\_%", "isolation": "Tenant"}
    for name in DATABASES:
        Database(start.access, name).create()
    return start("fleet-databases", chain("r1", "r2"), tenants=tenants)
