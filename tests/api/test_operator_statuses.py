"""The status is the operator's own word: what others left in it goes, and what stands there is not written again."""

from contextlib import closing
from pathlib import Path
from typing import Any

from devcluster.controlplane import ApiServer
from tests.api.job_controller import CONTROLLERS, connect, started
from tests.api.operator_process import OperatorProcess, account
from tests.api.rest import Manifest
from tests.api.shop import JOB, MIGRATION, Shop, conditions, until

pytest_plugins = ["tests.api.operator_fixtures"]

DIGEST = f"sha256:{'4' * 64}"
NOW = "2026-01-01T00:00:00Z"
STALLED = {"type": "Stalled", "status": "True", "reason": "Restored", "message": "", "lastTransitionTime": NOW}
LEFT: Manifest = {
    "observedGeneration": 1,
    "conditions": [STALLED],
    "knownImages": [DIGEST],
    "image": "registry.test/other:1",
    "heldPods": 3,
    "revisions": {"current": ["z9"], "pending": 0},
    "lastRun": {"job": "another", "attempt": 7, "outcome": "UpToDate", "error": {"message": "no"}, "warnings": ["w"]},
    "database": {"statefulSet": "postgres", "host": "db.other.svc", "port": 5432},
    "history": [{"finishedAt": NOW, "outcome": "UpToDate"}],
}


def write(shop: Shop, status: Manifest) -> None:
    """Write a status as a restore or a person does, under another manager's name."""
    shop.rest.merge(MIGRATION | {"metadata": {"name": "users"}}, {"status": status}, shop.namespace, "status")


def test_images_that_somebody_else_called_known_are_unknown_after_the_next_write(shop: Shop) -> None:
    shop.migrate()
    shop.job()
    shop.becomes("Pending")
    write(shop, {"knownImages": [DIGEST]})
    until(lambda: "knownImages" in shop.status() and shop.status()["knownImages"] == [], shop.status)


def test_what_a_restore_left_in_the_status_is_gone_after_a_run(shop: Shop) -> None:
    shop.migrate(suspend=True)
    shop.becomes("Suspended")
    write(shop, LEFT)
    shop.change(suspend=False)
    status = shop.succeeds()
    assert conditions(status) == {"Ready": "True"}
    assert status["knownImages"] == []
    assert status["heldPods"] == 0
    assert "database" not in status
    assert {"error", "warnings"}.isdisjoint(status["lastRun"])
    assert status["revisions"]["current"] == ["b2"]


def test_a_status_that_stands_there_is_not_written_again(shop: Shop) -> None:
    shop.migrate()
    shop.succeeds()
    settled = shop.see()
    shop.annotate({"example.com/looked-at": "now"})
    shop.annotate({"example.com/looked-at": "again"})
    shop.migrate("other", suspend=True)
    shop.becomes("Suspended", "other")
    told = [one["object"] for one in shop.changes(MIGRATION, settled)]
    of_users = [one for one in told if one["metadata"]["name"] == "users"]
    assert [one["status"] for one in of_users] == [settled["status"]] * 2
    assert _own_entries(shop.see()) == _own_entries(settled)


def _own_entries(raw: Manifest) -> list[Any]:
    return [one for one in raw["metadata"]["managedFields"] if one["manager"] == "alembic-operator"]


def test_a_job_whose_time_to_live_is_zero_is_reported_once_and_made_once(tmp_path: Path) -> None:
    controllers = (*CONTROLLERS, "ttl-after-finished-controller")
    with started(ApiServer.at(tmp_path, controllers)) as server, closing(connect(server)) as rest:
        operator = OperatorProcess(account(rest, server, "operator", tmp_path)).start()
        shop = Shop(rest, "default")
        created = shop.migrate(ttlSecondsAfterFinished=0)
        assert shop.job()["spec"]["ttlSecondsAfterFinished"] == 60
        assert [one["outcome"] for one in shop.succeeds()["history"]] == ["UpToDate"]
        settled = shop.see()
        until(lambda: shop.occasions() == ["Started", "Succeeded"], shop.events)
        assert [one["type"] for one in shop.changes(JOB, created)].count("ADDED") == 1
        assert shop.changes(MIGRATION, settled) == []
        operator.kill()
