"""What must not happen at once, or not yet: two runs on one database, a change under way, dependencies, suspension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.project import REVISIONS, chain

if TYPE_CHECKING:
    from tests.e2e.conftest import Start


def test_two_migrations_of_one_database_run_one_after_the_other(start: Start) -> None:
    files = chain(r1=2, r2=2, r3=2)
    one = start("twin-one", files)
    other = start("twin-other", files, where=one.database)
    for migration in (one, other):
        assert migration.until_ready().current == ("r3",)
    assert one.database.applied() == list(REVISIONS)
    assert [one.database.began(name) for name in REVISIONS] == [1, 1, 1]
    assert one.database.overlapped() == 0
    applied = [len(migration.status()["lastRun"].get("applied", [])) for migration in (one, other)]
    assert sorted(applied) == [0, 3]
    assert "waiting for another migration" in one.logs() + other.logs()


def test_a_specification_that_changes_during_a_run_is_run_when_the_run_has_ended(start: Start) -> None:
    migration = start("changed", chain(r1=8))
    migration.until(lambda _: migration.database.began("r1") == 1, "in the middle of r1")
    migration.patch(policy={"lockTimeout": "3s"})
    told = migration.until_reason("WaitingForPreviousJob")
    assert migration.jobs()[0]["metadata"]["name"] in told.message
    migration.until_ready()
    first, second = sorted(migration.jobs(), key=lambda job: str(job["metadata"]["creationTimestamp"]))
    assert first["status"]["completionTime"] <= second["metadata"]["creationTimestamp"]
    assert migration.status()["observedGeneration"] == 2
    assert migration.database.began("r1") == 1


def test_a_migration_waits_for_the_one_it_depends_on_and_that_one_for_the_end_of_its_suspension(start: Start) -> None:
    second = start("second", chain(r1=0), dependsOn=[{"name": "first"}])
    assert "first (does not exist)" in second.until_reason("WaitingForDependency").message
    first = start("first", chain(r1=0), suspend=True)
    first.until_reason("Suspended")
    second.until(lambda _: "first (not Ready)" in second.told().message, "waiting for first")
    assert first.jobs() == second.jobs() == []
    first.patch(suspend=False)
    for migration in (second, first):
        migration.until_ready()
    assert first.status()["lastRun"]["finishedAt"] <= second.status()["lastRun"]["startedAt"]
