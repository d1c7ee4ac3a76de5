"""The one sentence in which log, terminal and status say how far a run is."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.contract import seconds
from alembic_operator.contract.durations import spoken, written
from alembic_operator.contract.progress import Build, Progress, WaitingFor

REVISION = Progress(at=1000, since=760, moved=760, revision="b60f27d9e1a3", index=3, of=7)
REPORTING = WaitingFor(4711, "reporting", "app", "idle in transaction", 1900)
INDEX = Build("CREATE INDEX CONCURRENTLY", "building index: scanning table", 45, 100)

SENTENCES: dict[str, tuple[dict[str, Any], str]] = {
    "a statement waits for a session": (
        {"statement": "ALTER TABLE t", "waiting_for": REPORTING},
        "waits for pid 4711 (reporting, idle in transaction for 31 min)",
    ),
    "a session that has no name": (
        {"waiting_for": replace(REPORTING, application="")},
        "waits for pid 4711 (app, idle in transaction for 31 min)",
    ),
    "a session that hides what it does": (
        {"waiting_for": WaitingFor(4711, "reporting", "app")},
        "waits for pid 4711 (reporting)",
    ),
    "a session that hides everything": ({"waiting_for": WaitingFor(4711)}, "waits for pid 4711"),
    "nobody any more": (
        {"waiting_for": WaitingFor(0)},
        "waits for a prepared transaction (see pg_prepared_xacts)",
    ),
    "a build": (
        {"statement": "CREATE INDEX", "build": INDEX},
        "CREATE INDEX CONCURRENTLY: building index: scanning table, 45 % of this phase",
    ),
    "a build of unknown length": ({"build": Build("COPY FROM", done=9)}, "COPY FROM"),
    "a build that counts beyond its guess": ({"build": Build("ANALYZE", "x", 9, 3)}, "ANALYZE: x, 100 % of this phase"),
    "a build that waits": (
        {"waiting_for": REPORTING, "build": replace(INDEX, phase="waiting for old snapshots", done=0, total=1)},
        (
            "waits for pid 4711 (reporting, idle in transaction for 31 min);"
            " CREATE INDEX CONCURRENTLY: waiting for old snapshots, 0 % of this phase"
        ),
    ),
    "a statement that works": ({"statement": "UPDATE t SET a = ?", "seconds": 61}, "UPDATE t SET a = ? (for 61 s)"),
    "a long one": ({"statement": "x" * 400}, f"{'x' * 120}... (for 0 s)"),
    "a statement whose blocker is hidden": (
        {"statement": "ALTER TABLE t", "note": "waiting for Lock/relation"},
        "ALTER TABLE t (for 0 s), waiting for Lock/relation",
    ),
    "no statement": ({"note": "in Python: no statement is running"}, "in Python: no statement is running"),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_sentence_says_what_a_run_waits_for_or_else_what_it_does(case: str) -> None:
    changes, end = SENTENCES[case]
    assert str(replace(REVISION, **changes)) == f"revision 3 of 7, b60f27d9e1a3, for 4 min: {end}"


def test_a_sentence_of_a_run_that_another_one_keeps_waiting_names_the_lock_and_its_pod() -> None:
    holder = WaitingFor(4711, "pod users-1", "app", "connected", 7260)
    waits = Progress(at=1000, since=995, moved=995, note="another migration of public.alembic_version:")
    words = "waits for another migration of public.alembic_version: pid 4711 (pod users-1, connected for 2 h 1 min)"
    assert str(replace(waits, waiting_for=holder)) == f"no revision yet, for 5 s: {words}"


@pytest.mark.parametrize(
    ("number", "said", "as_written"),
    [
        (-1, "0 s", "0s"),
        (0.9, "0 s", "0s"),
        (119.9, "119 s", "1m59s"),
        (120, "2 min", "2m"),
        (7199, "119 min", "1h59m59s"),
        (7200, "2 h", "2h"),
        (36 * 3600 + 61, "36 h 1 min", "36h1m1s"),
    ],
)
def test_a_duration_is_said_shortly_and_written_as_users_write_it(number: float, said: str, as_written: str) -> None:
    assert (spoken(number), written(number)) == (said, as_written)
    assert seconds(as_written) == max(0, int(number))
