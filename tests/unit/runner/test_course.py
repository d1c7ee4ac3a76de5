"""Where a run is among its revisions, and whether it moves."""

import json
from dataclasses import asdict, replace

import pytest

from alembic_operator.contract.progress import PROGRESS_BYTES, Build, Progress, WaitingFor
from alembic_operator.runner.database.activity import Activity
from alembic_operator.runner.database.builds import sql
from alembic_operator.runner.watching.progress import Course, Sight, bar

WORKS = Activity("UPDATE t", 5.0, "", (), 7)
WAITS = Activity("ALTER TABLE t", 5.0, "Lock/relation", (), 7)


def course() -> Course:
    course = Course("shop/users-1")
    course.planned(3)
    course.begun("a1")
    course.applied()
    course.begun("b2")
    return course


def test_revisions_are_counted_over_attempts_and_targets() -> None:
    here = course()
    first = here.at(Sight())
    assert (first.revision, first.index, first.of) == ("b2", 2, 3)
    here.planned(2)  # env.py runs anew
    here.begun("b2")
    again = here.at(Sight())
    assert (again.index, again.of) == (2, 3)
    assert again.since == pytest.approx(first.since, abs=0.01)
    here.applied()
    between = here.at(Sight(note="waiting for env.py"))
    assert (between.revision, between.index, between.of) == ("", 0, 3)


MOVES = {
    "a statement that computes": (WORKS, None, True),
    "the same statement, which waits": (WAITS, None, False),
    "another statement, which waits": (replace(WAITS, statement="DROP TABLE t"), None, True),
    "one more block of an index, which waits": (WAITS, Build("CREATE INDEX", "waiting", 2, 9), True),
    "the same block, which waits": (WAITS, Build("CREATE INDEX", "waiting", 1, 9), False),
}


@pytest.mark.parametrize("case", MOVES)
def test_a_run_moves_unless_it_waits_at_the_same_place(case: str) -> None:
    seen, build, moves = MOVES[case]
    here = course()
    here.at(Sight(seen if moves and seen is WORKS else WAITS, build and replace(build, done=1)))
    here._moved -= 100
    after = here.at(Sight(seen, build))
    assert (after.at - after.moved < 50) == moves


def test_another_attempt_at_the_same_statement_is_no_move() -> None:
    here = course()
    here.at(Sight(WAITS, waiting_for=WaitingFor(7)))
    here._moved -= 100
    here.at(Sight(waiting_for=WaitingFor(7), note="another attempt"))
    here.begun("b2")
    after = here.at(Sight(replace(WAITS, pid=8), waiting_for=WaitingFor(7)))
    assert after.at - after.moved > 99


def test_in_python_a_run_does_not_move() -> None:
    here = course()
    here.at(Sight(note="in Python"))
    here._moved -= 100
    after = here.at(Sight(note="in Python"))
    assert after.at - after.moved > 99


def test_an_answer_is_never_longer_than_is_read() -> None:
    longest = course().at(Sight(replace(WORKS, statement="\U0001f600" * 403), note="\U0001f600" * 9000))
    assert len(json.dumps(asdict(longest), ensure_ascii=False).encode()) < PROGRESS_BYTES - 1000


def test_a_bar_shows_the_revisions_that_are_done() -> None:
    done = Progress(at=9, since=0, moved=0, revision="c3", index=3, of=4, note="in Python")
    assert bar(done) == "[##########..........] revision 3 of 4, c3, for 9 s: in Python"
    assert bar(replace(done, revision="", index=0, of=0)).startswith("[....................] no revision yet")


@pytest.mark.parametrize(
    ("version", "absent"),
    [(130011, ["copy"]), (140000, []), (180004, []), (120000, ["copy", "analyze"]), (110000, ["create_index"])],
)
def test_a_server_is_asked_only_for_what_its_version_counts(version: int, absent: list[str]) -> None:
    views = ("create_index", "vacuum", "cluster", "analyze", "copy")
    missing = [one for one in views if f"pg_stat_progress_{one}" not in sql(version)]
    assert set(absent) <= set(missing)
    assert version < 130000 or sorted(missing) == absent
