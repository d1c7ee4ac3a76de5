"""Who is in a statement's way, in a sentence."""

import pytest

from alembic_operator.runner.database.activity import OWN, Activity, Blocker

CASES = {
    "a session that is at work": (
        Blocker(7, "reporting", "shop", "active", query_seconds=12.4, transaction_seconds=60.0),
        "pid 7 (reporting, user shop, active, query age 12 s, transaction age 60 s)",
    ),
    "a session that forgot to commit": (
        Blocker(7, "reporting", "shop", "idle in transaction", 1990.0, 2000.0, 1860.0),
        "pid 7 (reporting, user shop, idle in transaction for 1860 s, transaction age 2000 s)",
    ),
    "one that holds a lock without a transaction": (
        Blocker(7, OWN, "shop", "idle", query_seconds=5.0, idle_seconds=4.0),
        "pid 7 (another connection of this run, user shop, idle for 4 s)",
    ),
    "one of which all is hidden": (Blocker(7), "pid 7"),
    "one that has no process any more": (Blocker(0), "a prepared transaction (see pg_prepared_xacts)"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_blocker_is_named_with_what_it_does_and_since_when(case: str) -> None:
    blocker, sentence = CASES[case]
    assert str(blocker) == sentence


def test_an_idle_blocker_is_told_to_the_log_with_the_age_of_its_idleness() -> None:
    facts = Blocker(7, "reporting", "shop", "idle in transaction", 1990.0, 2000.0, 1860.0).facts()
    assert (facts["idle seconds"], facts["query seconds"], facts["transaction seconds"]) == (1860.0, 1990.0, 2000.0)


@pytest.mark.parametrize(
    ("blockers", "waits"),
    [
        ((), False),
        ((Blocker(7, OWN, idle_seconds=2.1), Blocker(8, OWN, idle_seconds=9.0)), True),
        ((Blocker(7, OWN, idle_seconds=2.1), Blocker(8, "reporting", idle_seconds=9.0)), False),
        ((Blocker(7, OWN, idle_seconds=1.9),), False),  # a thread that goes on
        ((Blocker(7, OWN, "shop", "active", 2.5),), False),
    ],
)
def test_a_run_waits_for_itself_where_its_own_connections_have_done_nothing_since(
    blockers: tuple[Blocker, ...], *, waits: bool
) -> None:
    assert Activity("alter table t", 2.0, "Lock/relation", blockers).waits_for_itself is waits


@pytest.mark.parametrize(
    ("pids", "words"),
    [
        ((428, 429), "Let that session end, or end it: SELECT pg_terminate_backend(428)"),
        ((0, 428), "Commit that prepared transaction, or roll it back (pg_prepared_xacts)"),
    ],
)
def test_the_session_in_the_way_can_be_ended_and_a_prepared_transaction_has_none(
    pids: tuple[int, ...], words: str
) -> None:
    assert Activity("drop table busy", 1.0, "Lock/relation", tuple(map(Blocker, pids))).remedy == words
