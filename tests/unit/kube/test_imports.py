"""What is kept of imports, their Jobs and pods."""

from typing import Any

from alembic_operator.kube.cache import ImportKey
from alembic_operator.kube.cluster import IMPORTS, JOBS, PODS
from alembic_operator.kube.imports import ImportCache, _read
from tests.unit.core.imports import SPEC

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


def test_an_older_version_is_no_news_and_what_is_gone_wakes_its_import() -> None:
    cache = ImportCache()
    assert cache.put(IMPORTS, an_object(version=9, spec=SPEC)) == {KEY}
    assert cache.put(IMPORTS, an_object(version=8, spec=SPEC)) == set()
    assert cache.put(PODS, an_object("past-1-x")) == cache.drop(PODS, an_object("past-1-x")) == {KEY}
    assert cache.drop(PODS, an_object("past-1-x")) == set()
