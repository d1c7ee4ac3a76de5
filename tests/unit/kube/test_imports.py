"""What is kept of imports, their Jobs and pods."""

from typing import Any

import pytest

from alembic_operator.kube.cache import ImportKey
from alembic_operator.kube.cluster import IMPORTS, JOBS, PODS
from alembic_operator.kube.imports import ImportCache, Imports, _read
from alembic_operator.kube.observe import Ways
from tests.unit.core.imports import SPEC, an_import

KEY = ImportKey("shop", "past")


def an_object(name: str = "past", version: int = 1, **fields: Any) -> dict[str, Any]:
    labels = {"alembic-operator.dev/import": "past"}
    metadata = {"namespace": "shop", "name": name, "resourceVersion": str(version), "managedFields": [{}] * 9}
    return {"metadata": metadata | {"labels": labels}} | fields


def test_only_what_is_read_of_an_object_is_kept() -> None:
    cache = ImportCache()
    cache.put(IMPORTS, an_object(spec=SPEC))
    cache.put(JOBS, an_object("past-1", spec={"template": "x" * 9000}))
    cache.put(PODS, an_object("past-1-x", spec={"containers": "x" * 9000}))
    assert "x" * 9000 not in repr(cache)
    assert "managedFields" not in repr(cache)
    kept = cache.get(KEY)
    assert kept is not None
    assert _read(kept).spec is not None


def test_a_specification_that_is_too_heavy_is_not_kept_and_said_to_be() -> None:
    cache = ImportCache()
    cache.put(IMPORTS, an_object(spec=SPEC | {"jobTemplate": {"metadata": {"labels": {"x": "y" * 70_000}}}}))
    kept = cache.get(KEY)
    assert kept is not None
    found = _read(kept)
    assert (found.spec, "bytes of JSON, and at most 65536 are read; shorten spec.jobTemplate" in found.spec_error) == (
        None,
        True,
    )
    assert "y" * 70_000 not in repr(cache)


@pytest.mark.parametrize(
    ("state", "phase", "others"),
    [
        ("running", "Running", ("early",)),
        ("waiting", "Pending", ()),  # as for a volume that nobody has: it keeps no other from its turn
        ("terminated", "Failed", ()),
    ],
)
def test_another_import_is_in_the_way_while_its_pod_is_under_way(
    state: str, phase: str, others: tuple[str, ...]
) -> None:
    cache = ImportCache()
    for name in ("past", "early", "late"):
        cache.put(IMPORTS, an_object(name, spec=SPEC))
    pod = an_object(
        "early-1-x", status={"phase": phase, "initContainerStatuses": [{"name": "copy", "state": {state: {}}}]}
    )
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": "early-1", "uid": "1", "controller": True}
    pod["metadata"] |= {"labels": {"alembic-operator.dev/import": "early"}, "ownerReferences": [job]}
    cache.put(PODS, pod)
    nobody: Any = None
    seen = Imports(nobody, cache, nobody, nobody, Ways("operator:1"))
    assert seen._others(KEY, an_import()) == others


def test_an_older_version_is_no_news_and_what_is_gone_wakes_its_import() -> None:
    cache = ImportCache()
    assert cache.put(IMPORTS, an_object(version=9, spec=SPEC)) == {KEY}
    assert cache.put(IMPORTS, an_object(version=8, spec=SPEC)) == set()
    assert cache.put(PODS, an_object("past-1-x")) == cache.drop(PODS, an_object("past-1-x")) == {KEY}
    assert cache.drop(PODS, an_object("past-1-x")) == set()
