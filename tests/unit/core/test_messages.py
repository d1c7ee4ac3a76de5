import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import Applied, LastRun, RevisionsStatus, RunError
from alembic_operator.core.runs.messages import ended, failed, heads

ONE = (Applied(revision="b2", seconds=0.25),)
TWO = (*ONE, Applied(revision="c3", seconds=1))


def last(**changes: object) -> LastRun:
    return LastRun.model_validate({"job": "users-1", "attempt": 1, "to": ("b2",)} | changes)


ENDED = {
    "nothing to do": (Reason.UP_TO_DATE, last(), "the database contains b2; nothing had to be applied"),
    "one revision": (
        Reason.UP_TO_DATE,
        last(applied=ONE, applied_count=1),
        "the database contains b2; 1 revision applied in 0.2 s",
    ),
    "two revisions": (
        Reason.UP_TO_DATE,
        last(applied=TWO, applied_count=2),
        "the database contains b2; 2 revisions applied in 1.2 s",
    ),
    "more than are listed": (
        Reason.UP_TO_DATE,
        last(applied=TWO, applied_count=67),
        "the database contains b2; 67 revisions applied",
    ),
    "two revisions that were undone": (
        Reason.UP_TO_DATE,
        last(from_=("c3",), to=("a1",), applied=TWO[::-1], applied_count=2),
        "the database contains a1; 2 revisions undone in 1.2 s",
    ),
    "two heads": (
        Reason.UP_TO_DATE,
        last(to=("b2", "x9")),
        "the database contains b2, x9; nothing had to be applied",
    ),
    "no head": (Reason.UP_TO_DATE, last(to=()), "the database contains no revision; nothing had to be applied"),
    "ahead": (
        Reason.DATABASE_AHEAD,
        last(),
        (
            "the database contains b2, which this image does not know; nothing was changed."
            " If another service made it, give each its own spec.database.schema"
        ),
    ),
    "an error": (Reason.LOCK_TIMEOUT, last(error=RunError(message="lock timeout")), "lock timeout"),
}


@pytest.mark.parametrize(("reason", "run", "message"), [pytest.param(*case, id=name) for name, case in ENDED.items()])
def test_a_run_that_ended_with(reason: Reason, run: LastRun, message: str) -> None:
    assert ended(reason, run, None) == message


def test_heads_that_were_read_back_win_over_those_of_the_run() -> None:
    assert "contains c3;" in ended(Reason.UP_TO_DATE, last(), RevisionsStatus(current=("c3",)))


FAILED = {
    "nothing known": (RunError(), "failed"),
    "a message": (RunError(message="no"), "no"),
    "a hint": (RunError(message="no", hint="do this"), "no; do this"),
    "a hint that is a sentence": (RunError(message="no", hint="Do this."), "no; Do this"),
    "everything": (
        RunError(message="no", hint="do this", sqlstate="55P03", revision="b2", statement="ALTER"),
        "revision b2: SQLSTATE 55P03: no; do this",
    ),
}


@pytest.mark.parametrize(("error", "message"), [pytest.param(*case, id=name) for name, case in FAILED.items()])
def test_an_error_with(error: RunError, message: str) -> None:
    assert failed(error) == message


def test_no_heads_are_said_in_words() -> None:
    assert heads(()) == "no revision"
