"""The plain case on a real node: a project in a ConfigMap, run once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.scene import Migration as Told
from tests.e2e.project import chain

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
    assert states == ["", "Pending", "Migrating", "UpToDate"]  # one write a change, and no change told twice
