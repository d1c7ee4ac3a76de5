"""The plain case on a real node: a project in a ConfigMap, run once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.scene import Migration as Told
from tests.e2e.project import HALF, chain

if TYPE_CHECKING:
    from tests.e2e.conftest import Stage, Start


def test_a_project_in_a_config_map_is_migrated_and_its_status_says_what_the_database_says(
    start: Start, stage: Stage
) -> None:
    migration = start("plain", chain("r1", "r2"))
    told = migration.until_ready()
    status = migration.status()
    assert told.reason == "UpToDate"
    assert migration.database.applied() == ["r1", "r2"]
    assert migration.database.heads() == ["r2"] == status["revisions"]["current"] == status["revisions"]["target"]
    assert status["revisions"]["pending"] == 0
    assert [one["revision"] for one in status["lastRun"]["applied"]] == ["r1", "r2"]
    assert len(status["history"]) == len(migration.jobs()) == len(migration.pods()) == 1
    states = [Told.of(state).reason for state in stage.evidence.states("databasemigrations", migration.name)]
    told_of = [one for one in states if one != "JobForbidden"]  # an API server that has just been told of the kind
    assert told_of == ["", "Pending", "Migrating", "UpToDate"]  # one write a change, and no change told twice


def test_a_migration_goes_down_to_its_target_only_when_its_policy_allows_that(start: Start) -> None:
    migration = start("down", chain("r1", "r2"))
    migration.until_ready()
    migration.patch(alembic={"target": "r1"})
    assert migration.until_reason("UpToDate").current == ("r2",)
    assert migration.database.heads() == ["r2"]
    migration.patch(policy={"downgrade": "Allow"})
    assert migration.until_reason("UpToDate").current == ("r1",)
    assert migration.database.heads() == ["r1"]
    assert [one["revision"] for one in migration.status()["lastRun"]["applied"]] == ["r2"]


def test_a_revision_of_which_a_part_is_committed_stalls_and_the_status_lists_the_part(start: Start) -> None:
    migration = start("half", {"r1.py": HALF})
    assert migration.until_stalled().reason == "PartlyApplied"
    error = migration.status()["lastRun"]["error"]
    assert (error["revision"], error["sqlstate"]) == ("r1", "22012")
    assert error["committed"] == ["create table half (id int)"]
    migration.retry()
    assert "an earlier run ended in the middle of revision r1" in migration.until_stalled().message
    assert len(migration.pods()) <= 2
