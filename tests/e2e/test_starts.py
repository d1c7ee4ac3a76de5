"""A migration pod that is deleted while it starts is stopped: none runs on until its grace period is over."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from demo.expectation import until
from tests.e2e.migration import PATIENCE
from tests.e2e.project import chain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Start
    from tests.e2e.migration import Manifest, Migration

MOMENTS = 20
LONGEST = 3.0
"""Seconds of a start, of which twenty fit into the time for which a revision is held."""
SOON = 45.0
"""Seconds from the deletion to the end: fewer than the 60 of the grace period, also on a busy machine."""


def pods_like(migration: Migration) -> Iterator[Manifest]:
    """Yield pods as the Job of a migration makes them, which no Job makes again."""
    template = migration.jobs()[0]["spec"]["template"]
    for moment in range(MOMENTS + 1):
        metadata = {"name": f"{migration.name}-{moment}", "labels": {"test": migration.name}}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def names(migration: Migration) -> set[str]:
    found = migration.access.get("pods", f"--selector=test={migration.name}")["items"]
    return {one["metadata"]["name"] for one in found}


def test_a_pod_that_is_deleted_at_any_moment_of_its_start_applies_nothing(start: Start) -> None:
    migration = start("starts", chain("r1", held=("r1",)))
    migration.until_begun("r1")
    access, (first, *others) = migration.access, pods_like(migration)
    begun = time.monotonic()
    access.apply_text(json.dumps(first))
    until(lambda: access.get("pod", "starts-0")["status"]["phase"] == "Running" or None, PATIENCE, "no pod runs")
    whole = min(time.monotonic() - begun, LONGEST)
    deleted = {}
    for moment, pod in enumerate(others, 1):
        name = pod["metadata"]["name"]
        begun = time.monotonic()
        access.apply_text(json.dumps(pod))
        time.sleep(max(0.0, whole * (0.5 + moment / MOMENTS) - (time.monotonic() - begun)))
        access.kubectl("delete", "pod", name, "--wait=false")
        deleted[name] = time.monotonic()
    while there := names(migration) & set(deleted):
        waited = {name: round(time.monotonic() - deleted[name], 1) for name in there}
        assert max(waited.values()) < SOON, waited
        time.sleep(0.2)
    assert migration.database.applied() == []
    access.kubectl("delete", "pod", "starts-0")
    migration.database.release("r1")
    migration.until_ready()
    assert migration.database.applied() == ["r1"]
