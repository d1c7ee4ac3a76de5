"""A migration of many tenants on the real API server: how they stand, in status and column, and the look for more."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alembic_operator.contract import ExitCode, Failure
from alembic_operator.contract.fleet import Fleet, Group
from alembic_operator.contract.progress import Progress
from alembic_operator.contract.servers import INDEX_VARIABLE
from alembic_operator.core.names import INDEX_LABEL, LOOKS, RETRY
from devcluster.controlplane import ApiServer
from tests.api.listener import listening
from tests.api.operator_process import OperatorProcess, account
from tests.api.rest import Manifest, Rest
from tests.api.shop import BROKEN, MIGRATION, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]
pytestmark = pytest.mark.xdist_group("progress")  # who says how far it is listens at the same ports

DATABASE = {"urlFrom": {"name": "db", "key": "url"}}
GROUP = Group(2, ("ws_17", "ws_203"), "RevisionFailed", "b2", "42P01", "ALTER TABLE user ...", "no such table")
FAILED = replace(
    BROKEN, error=Failure("no such table", "42P01", "b2"), tenants=Fleet(128, 120, 6, 2, "Tenants", (GROUP,))
)
DONE = replace(SUCCESS, tenants=Fleet(128, 128))
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture
def asking(cluster: ApiServer, admin: Rest, empty_shop: Shop, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Start an operator that asks migration pods."""
    kubeconfig = account(admin, cluster, empty_shop.namespace, tmp_path, empty_shop.namespace)
    process = OperatorProcess(kubeconfig, (f"--namespace={empty_shop.namespace}", "--progress")).start()
    yield process
    process.kill()


def test_tenants_from_the_first_run_over_a_failure_to_the_look_for_more(
    asking: OperatorProcess, empty_shop: Shop
) -> None:
    del asking
    shop = empty_shop
    shop.migrate(database=DATABASE, tenants={"pattern": r"ws\_%", "every": "10m"})
    pod, now = shop.pod(), time.time()
    assert "--tenants" in pod["spec"]["containers"][0]["command"]
    run = f"{shop.namespace}/{shop.job()['metadata']['name']}"
    under_way = Fleet(128, 100, 27, 1, "Tenants", eta_seconds=90, slowest="ws_7")
    with listening(Progress(now, now, now, run=run, tenants=under_way)):
        shop.kubelet.starts(pod, address="127.0.0.1")
        until(lambda: "tenants" in shop.status(), shop.status)
    assert message(shop.status()) == "Tenants: 101 of 128 done, 1 failed, 90 s left, slowest ws_7"
    shop.kubelet.ends(pod, ExitCode.FAILED, FAILED)
    status = shop.becomes("RevisionFailed")
    said = (
        "120 of 128 tenants are up to date; 2 failed in b2 with 42P01: ws_17, ws_203; 6 were not begun; no such table"
    )
    assert message(status) == said
    assert (status["tenants"]["shown"], status["tenants"]["failures"][0]["count"]) == ("120/128", 2)
    shop.annotate({RETRY: "1"})
    again = shop.pod(besides=(pod,))
    shop.kubelet.ends(again, 0, DONE)
    status = shop.becomes("UpToDate")
    assert (message(status), status["tenants"]["shown"]) == ("128 of 128 tenants are up to date", "128/128")
    _ready_while_it_looks(shop, (pod, again))


def _ready_while_it_looks(shop: Shop, before: tuple[dict[str, object], ...]) -> None:
    """Let the last run have ended long ago, and see what the look for more does."""
    job = {"apiVersion": "batch/v1", "kind": "Job"}
    name = shop.see()["status"]["lastRun"]["job"]
    shop.rest.delete(job | {"metadata": {"name": name}}, shop.namespace, propagationPolicy="Background")
    until(lambda: not shop.exists(job, name))
    migration = MIGRATION | {"metadata": {"name": "users"}}
    shop.rest.merge(migration, {"status": _ended_long_ago(shop)}, shop.namespace, "status")
    since = shop.see()
    pod = shop.pod(besides=before)
    (made,) = [one for one in shop.jobs() if one["metadata"]["name"] == name]
    assert made["metadata"]["annotations"][LOOKS] == "true"
    shop.kubelet.ends(pod, 0, DONE)
    until(lambda: shop.status()["lastRun"]["finishedAt"] != LONG_AGO, shop.status)
    states = {conditions(one["object"]["status"])["Ready"] for one in shop.changes(MIGRATION, since)}
    assert states == {"True"}


def _ended_long_ago(shop: Shop) -> dict[str, object]:
    return {"lastRun": shop.status()["lastRun"] | {"finishedAt": LONG_AGO}}


def test_tenants_on_two_servers_are_one_job_with_an_index_for_each(asking: OperatorProcess, empty_shop: Shop) -> None:
    del asking
    shop = empty_shop
    servers = [{"name": "eu"}, {"name": "us", "urlFrom": {"name": "us", "key": "url"}}]
    shop.migrate(database=DATABASE, tenants={"pattern": r"ws\_%", "servers": servers})
    eu, us = of_indexes(shop)
    assert INDEX_VARIABLE in [one["name"] for one in us["spec"]["containers"][0]["env"]]
    shop.kubelet.ends(eu, 0, DONE)
    now, run = time.time(), f"{shop.namespace}/{shop.job()['metadata']['name']}"
    under_way = Fleet(128, 100, 27, 1, "Tenants", eta_seconds=90, slowest="ws_7")
    with listening(Progress(now, now, now, run=run, tenants=under_way)):
        shop.kubelet.starts(us, address="127.0.0.1")
        until(lambda: shop.status().get("tenants", {}).get("shown") == "228/256", shop.status)
    assert message(shop.status()) == "Tenants: 229 of 256 done, 1 failed, 90 s left, slowest us/ws_7"
    shop.kubelet.ends(us, ExitCode.FAILED, FAILED)
    status = shop.becomes("RevisionFailed")
    assert message(status).startswith(
        "248 of 256 tenants are up to date; 2 failed in b2 with 42P01: us/ws_17, us/ws_203"
    )
    (failed,) = [one for one in shop.job()["status"]["conditions"] if one["type"] == "Failed"]
    assert (failed["reason"], shop.job()["status"]["failedIndexes"]) == ("FailedIndexes", "1")
    shop.annotate({RETRY: "1"})
    for pod in of_indexes(shop, eu, us):
        shop.kubelet.ends(pod, 0, DONE)
    status = shop.becomes("UpToDate")
    assert (message(status), status["tenants"]["shown"]) == ("256 of 256 tenants are up to date", "256/256")


def test_a_job_template_lets_servers_go_one_after_the_other_and_none_after_one_that_failed(
    asking: OperatorProcess, empty_shop: Shop
) -> None:
    del asking
    shop = empty_shop
    servers = [{"name": "eu"}, {"name": "us", "urlFrom": {"name": "us", "key": "url"}}]
    template = {"spec": {"parallelism": 1, "maxFailedIndexes": 0}}
    shop.migrate(database=DATABASE, tenants={"pattern": r"ws\_%", "servers": servers}, jobTemplate=template)
    shop.kubelet.ends(shop.pod(), ExitCode.FAILED, FAILED)
    status = shop.becomes("RevisionFailed")
    assert (status["tenants"]["shown"], status["tenants"]["silent"]) == ("120/128+?", ["us"])
    assert "nothing is known of those of server us" in message(status)
    assert len(shop.pods("users")) == 1


def of_indexes(shop: Shop, *before: Manifest) -> list[Manifest]:
    """Return the two pods of a Job, in the order of its indexes."""
    known = [one["metadata"]["name"] for one in before]

    def fresh() -> list[Manifest]:
        found = [one for one in shop.pods("users") if one["metadata"]["name"] not in known]
        return found if len(found) == 2 else []

    return sorted(until(fresh), key=lambda one: one["metadata"]["labels"][INDEX_LABEL])
