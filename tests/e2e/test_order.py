"""What must not happen at once, or not yet: two runs on one database, a change under way, dependencies, suspension.

All of it is started at once, and then looked at one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.project import REVISIONS, chain

if TYPE_CHECKING:
    from tests.e2e.conftest import Start
    from tests.e2e.migration import Migration


@pytest.fixture(scope="module")
def started(start: Start) -> dict[str, Migration]:
    files = chain(*REVISIONS, held=("r1",))
    twin = start("twin", files)
    made = [
        twin,
        start("other-twin", files, where=twin.database),
        start("changed", chain("r1", held=("r1",))),
        start("second", chain("r1"), dependsOn=[{"name": "first"}]),
    ]
    return {migration.name: migration for migration in made}


def test_two_migrations_of_one_database_run_one_after_the_other(started: dict[str, Migration]) -> None:
    twin, other = started["twin"], started["other-twin"]
    twin.until_logged("waiting for another migration", other)
    twin.database.release("r1")
    for migration in (twin, other):
        assert migration.until_ready().current == ("r3",)
    assert twin.database.applied() == list(REVISIONS)
    assert [twin.database.began(name) for name in REVISIONS] == [1, 1, 1]
    assert twin.database.overlapped() == 0
    applied = [len(migration.status()["lastRun"].get("applied", [])) for migration in (twin, other)]
    assert sorted(applied) == [0, 3]


def test_a_specification_that_changes_during_a_run_is_run_when_that_has_ended(started: dict[str, Migration]) -> None:
    migration = started["changed"]
    migration.until_begun("r1")
    before = migration.jobs()[0]["metadata"]["name"]
    migration.patch(policy={"lockTimeout": "3s"})
    assert before in migration.until_reason("WaitingForPreviousJob").message
    assert len(migration.pods()) == 1
    migration.database.release("r1")
    migration.until_ready()
    status = migration.status()
    assert status["observedGeneration"] == 2
    assert status["lastRun"]["job"] != before
    assert migration.database.began("r1") == 1
    assert migration.database.overlapped() == 0


def test_a_migration_waits_for_the_one_it_depends_on_and_that_one_for_the_end_of_its_suspension(
    started: dict[str, Migration], start: Start
) -> None:
    second = started["second"]
    assert "first (does not exist in this namespace)" in second.until_reason("WaitingForDependency").message
    first = start("first", chain("r1"), suspend=True)
    first.until_reason("Suspended")
    second.until(lambda _: "first (not Ready)" in second.told().message, "waiting for first")
    assert first.jobs() == second.jobs() == []
    first.patch(suspend=False)
    for migration in (second, first):
        migration.until_ready()
    assert first.status()["lastRun"]["finishedAt"] <= second.status()["lastRun"]["startedAt"]
