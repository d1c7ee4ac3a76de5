"""A migration of many tenants: how they stand, when it is Ready, and when it looks again."""

from dataclasses import replace

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect
from alembic_operator.contract import SPARES_VARIABLE, Applied, Failure, Result
from alembic_operator.contract.fleet import Fleet, Group
from alembic_operator.contract.progress import Progress
from alembic_operator.contract.tenants import NO_TABLE
from alembic_operator.core.actions import CreateJob, Plan
from alembic_operator.core.observation import fleet
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import DATABASE, created, deleted, ready, told
from tests.unit.core.life import Life

SPEC: Manifest = {"database": DATABASE | {"host": "db.test"}, "tenants": {"pattern": r"ws\_%", "every": "10m"}}
WITHOUT_EVERY = SPEC | {"tenants": {"pattern": r"ws\_%"}}
ALL = Fleet(128, 128)
GROUP = Group(2, ("ws_17", "ws_203"), "RevisionFailed", "b2", "23505", "INSERT INTO t", "duplicate key", "Mend it.")
SOME = Fleet(128, 120, 6, 2, failures=(GROUP,))
UP_TO_DATE = Result("UpToDate", (), ("b2",), ("b2",), tenants=ALL)
FAILED = Result(
    "RevisionFailed",
    target=("b2",),
    pending=1,
    error=Failure("duplicate key", "23505", "b2", hint="Mend it."),
    tenants=SOME,
)
EVERY = 600


def message(planned: Plan) -> str:
    return ready(planned).message


def test_a_migration_is_ready_when_all_of_its_tenants_contain_the_target() -> None:
    life = Life(SPEC)
    planned = life.run(0, UP_TO_DATE)
    assert told(planned) == (Effect.READY, "UpToDate")
    assert message(planned) == "128 of 128 tenants are up to date"
    assert life.status.tenants
    assert life.status.tenants.shown == "128/128"


@pytest.mark.parametrize("tenants", [None, replace(ALL, up_to_date=127, behind=1), SOME], ids=str)
def test_a_run_that_ended_well_and_left_a_tenant_behind_is_not_ready_and_runs_again(tenants: Fleet | None) -> None:
    life = Life(SPEC)
    planned = life.run(0, replace(UP_TO_DATE, tenants=tenants))
    assert told(planned) == (Effect.RECONCILING, "TenantsBehind")
    assert "attempt 2 starts at" in message(planned)
    life.pass_time(60)
    assert deleted(life.look())
    assert created(life.look())


def test_a_failure_says_how_many_failed_of_what_and_their_error_once() -> None:
    life = Life(SPEC)
    planned = life.run(70, FAILED)
    said = (
        "120 of 128 tenants are up to date; 2 failed in b2 with 23505: ws_17, ws_203; 6 were not begun; duplicate key;"
        " Mend it"
    )
    assert told(planned) == (Effect.STALLED, "RevisionFailed")
    assert message(planned) == said
    life.job_goes()
    assert message(life.look()) == said, "also when only the status remembers it"


def test_a_run_that_was_stopped_says_once_how_its_tenants_stand() -> None:
    said = "the deadline was reached; 120 of 128 tenants are up to date; 8 were not begun"
    stopped = replace(
        FAILED, reason="DeadlineExceeded", error=Failure(said), tenants=Fleet(128, 120, 8, phase="Canary")
    )
    assert message(Life(SPEC).run(76, stopped)).startswith(f"{said}; attempt 2")


def test_a_run_that_did_not_come_to_look_keeps_what_was_known() -> None:
    life = Life(SPEC)
    life.run(0, UP_TO_DATE)
    life.change(**SPEC, alembic={"target": "c3"})
    life.run(75, Result("DatabaseUnreachable", error=Failure("connection refused")))
    assert life.status.tenants
    assert (life.status.tenants.shown, life.status.tenants.total) == ("?/128", 128)


def progressed(life: Life, tenants: Fleet, revision: str = "") -> Plan:
    at = life.seen.now.timestamp()
    life.seen = replace(life.seen, progress=Progress(at, at, at, revision=revision, tenants=tenants))
    return life.look()


def test_while_a_run_lasts_the_status_says_how_far_it_is() -> None:
    life = Life(SPEC)
    life.look()
    life.pod_runs()
    planned = progressed(life, replace(SOME, phase="Tenants", eta_seconds=150, slowest="ws_7"))
    assert told(planned) == (Effect.RECONCILING, "Migrating")
    assert message(planned) == "Tenants: 122 of 128 done, 2 failed, 2 min left, slowest ws_7"
    tenants = planned.status.tenants
    assert tenants
    assert (tenants.shown, tenants.phase, tenants.eta_seconds, tenants.slowest) == ("120/128", "Tenants", 150, "ws_7")
    assert [one.names for one in tenants.failures] == [("ws_17", "ws_203")]


def test_without_tenants_nothing_is_told_of_any() -> None:
    life = Life()
    life.run(0, UP_TO_DATE)
    assert life.status.tenants is None
    assert "tenants" not in message(life.look())


def test_no_image_is_known_for_a_tenant_that_comes_later_may_be_behind() -> None:
    with_tenants, without = Life(SPEC), Life({"database": SPEC["database"]})
    for life in (with_tenants, without):
        life.run(0, UP_TO_DATE)
    assert (with_tenants.status.known_images, without.status.known_images) == ((), ("sha256:4242",))


def a_ready(spec: Manifest = SPEC) -> Life:
    life = Life(spec)
    life.run(0, UP_TO_DATE)
    return life


def test_it_looks_again_after_a_while_and_stays_ready_as_long_as_it_finds_nothing() -> None:
    life = a_ready()
    before = life.status
    planned = life.look()
    assert planned.requeue_after == EVERY
    life.pass_time(EVERY)
    planned = life.look()
    assert deleted(planned)
    assert told(planned)[0] is Effect.READY
    planned = life.look()
    assert created(planned) == [before.last_run and before.last_run.job]
    assert [one.occasion for one in planned.notices] == []
    for _ in range(2):
        planned = life.look()
        assert told(planned) == (Effect.READY, "UpToDate")
        assert message(planned) == "128 of 128 tenants are up to date; it looks again for tenants"
        assert not planned.actions
        life.pod_runs()
    life.job_ends(0, UP_TO_DATE)
    planned = life.look()
    assert (planned.notices, message(planned)) == ((), "128 of 128 tenants are up to date")
    assert life.status.history == before.history
    assert life.status.last_run
    assert life.status.last_run.attempt == 1
    assert planned.requeue_after == EVERY


def test_it_is_ready_no_more_as_soon_as_it_finds_a_tenant_that_is_behind() -> None:
    life = looking()
    planned = progressed(life, Fleet(129, 128, 1, phase="Tenants"))
    assert told(planned) == (Effect.RECONCILING, "Migrating")
    planned = progressed(life, Fleet(129, 129, phase="Tenants"))
    assert told(planned) == (Effect.RECONCILING, "Migrating"), "only its report says that it is done"
    life.job_ends(0, replace(UP_TO_DATE, tenants=Fleet(129, 129)))
    planned = life.look()
    assert told(planned) == (Effect.READY, "UpToDate")
    assert message(planned) == "129 of 129 tenants are up to date"
    assert len(life.status.history) == 2


def looking() -> Life:
    """Return a life in which the pod of a look runs."""
    life = a_ready()
    life.pass_time(EVERY)
    life.look()
    life.look()
    life.pod_runs()
    life.look()
    return life


def test_a_look_that_fails_is_told_and_tried_again_at_the_pace_of_a_first_attempt() -> None:
    life = looking()
    life.job_ends(75, Result("DatabaseUnreachable", error=Failure("connection refused")))
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "DatabaseUnreachable")
    assert planned.requeue_after == 60
    life.pass_time(60)
    life.look()
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "Pending")
    assert planned.status.last_run
    assert planned.status.last_run.attempt == 2


def test_a_look_that_is_deleted_changes_nothing_and_is_made_anew() -> None:
    life = looking()
    life.job_goes()
    planned = life.look()
    assert told(planned)[0] is Effect.READY
    assert created(planned)


def test_a_look_is_put_off_while_it_is_suspended_and_takes_nothing_back() -> None:
    life = a_ready()
    life.change(**SPEC, suspend=True)
    life.pass_time(EVERY)
    planned = life.look()
    assert (told(planned)[0], planned.actions, planned.requeue_after) == (Effect.READY, (), 60)


def test_nothing_looks_again_unless_it_is_asked_for() -> None:
    life = a_ready(WITHOUT_EVERY)
    life.pass_time(10 * EVERY)
    planned = life.look()
    assert (planned.actions, planned.requeue_after) == ((), None)


def spares(planned: Plan) -> bool:
    (made,) = [one.manifest for one in planned.actions if isinstance(one, CreateJob)]
    return SPARES_VARIABLE in [one["name"] for one in made["spec"]["template"]["spec"]["containers"][0]["env"]]


def test_beside_tenants_that_failed_for_good_it_looks_for_others_and_leaves_those_alone() -> None:
    life = Life(SPEC)
    life.look()
    assert life.run(70, FAILED).requeue_after == EVERY
    before = life.status
    life.pass_time(EVERY)
    assert deleted(life.look())
    planned = life.look()
    assert (spares(planned), told(planned), planned.notices) == (True, (Effect.STALLED, "RevisionFailed"), ())
    life.pod_runs()
    assert message(life.look()).endswith("Mend it; it looks again for tenants")
    left_alone = replace(SOME, failures=(replace(GROUP, statement="", hint="Left alone."),))
    life.job_ends(70, replace(FAILED, tenants=left_alone))
    planned = life.look()
    assert (told(planned), planned.notices) == ((Effect.STALLED, "RevisionFailed"), ()), "nothing new, and no Event"
    assert (life.status.history, planned.requeue_after) == (before.history, EVERY)
    assert life.status.tenants == before.tenants, "also with the statement, which only the first run knew"


def test_a_look_that_finds_a_new_tenant_beside_a_failed_one_migrates_it_and_says_so() -> None:
    life = Life(SPEC)
    life.run(70, FAILED)
    life.pass_time(EVERY)
    life.look()
    life.look()
    life.pod_runs()
    assert told(progressed(life, replace(SOME, total=129, behind=7, phase="Tenants")))[1] == "Migrating"
    life.job_ends(70, replace(FAILED, tenants=replace(SOME, total=129, up_to_date=121), applied=(Applied("b2", 7),)))
    planned = life.look()
    assert [one.occasion for one in planned.notices] == [Occasion.FAILED]
    assert message(planned).startswith("121 of 129 tenants are up to date; 2 failed in b2")


def test_a_look_that_an_outage_ended_leaves_them_alone_with_its_next_attempt_and_a_retry_does_not() -> None:
    life = Life(SPEC)
    life.run(70, FAILED)
    life.pass_time(EVERY)
    life.look()
    assert spares(life.look())
    life.pod_runs()
    life.job_ends(75, Result("DatabaseUnreachable", error=Failure("connection refused")))
    life.look()
    life.pass_time(EVERY)
    life.look()
    assert spares(life.look())
    life.job_goes()
    life.change(**SPEC, retry="1")
    assert not spares(life.look())


@pytest.mark.parametrize(
    "failed",
    [
        replace(FAILED, tenants=replace(SOME, phase="Shared")),
        replace(FAILED, tenants=replace(SOME, phase="Canary")),
        replace(FAILED, warnings=(f"{NO_TABLE}: permission denied",)),
        replace(FAILED, reason="EnvFailed"),
        replace(FAILED, tenants=None),
    ],
    ids=["what all share", "the canary", "nobody knows who", "not the tenants", "nothing was seen"],
)
def test_what_would_fail_again_is_not_looked_at_by_the_clock(failed: Result) -> None:
    life = Life(SPEC)
    life.run(70, failed)
    life.pass_time(10 * EVERY)
    assert not life.look().actions


def test_numbers_stay_when_texts_go() -> None:
    many = tuple(replace(GROUP, names=("x" * 63,) * 10, statement="𝄞" * 900) for _ in range(16))
    found = fleet.told(replace(SOME, failures=many, drifted=7, drifted_names=("d" * 63,) * 10))
    assert found
    assert fleet.size(found) <= fleet.MOST_BYTES
    assert (found.shown, found.failed, found.behind, found.drifted) == ("120/128", 2, 6, 7)
    assert found.failures[0].names
