"""spec.strategy InitContainer: what the gates of pods reported becomes the status, and no Job is made."""

from dataclasses import replace
from random import Random

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.contract import FINAL_EXIT_CODES, Applied, ExitCode, Failure, Result
from alembic_operator.core.manifests import job
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.observation.source import of_image
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    BROKEN,
    IMAGE,
    LOCKED,
    ON_POSTGRES,
    POSTGRES,
    UP_TO_DATE,
    a_job,
    a_spec,
    at,
    ended,
    name_of,
    ready,
    reason,
    seen,
    told,
    with_status,
)
from tests.unit.core.migrating_pods import RESTART, a_gate, a_pod, at_work, by_pods, end, failed, lived, passed
from tests.unit.core.test_plan_endings import ENDINGS
from tests.unit.core.test_plan_endings import failed as failing

WAITED = Result("UpToDate", ("b2",), ("b2",), ("b2",))
AHEAD = Result("DatabaseAhead", ("c3",), ("c3",), ("b2",), ahead=True)
UNREACHABLE = Result("DatabaseUnreachable", error=Failure("connection refused"))


def test_no_job_is_ever_created() -> None:
    for pods in ((), (at_work("p1"),), (failed("p1", 75, LOCKED),), (failed("p1", 70, BROKEN),)):
        assert plan(by_pods(*pods)).actions == ()


def test_a_pod_that_migrates_is_named_and_the_status_then_tells_what_a_job_would() -> None:
    given = lived((at_work("p1"),))
    assert told(plan(given)) == (Effect.RECONCILING, "Migrating")
    assert ready(plan(given)).message == "pod p1 is migrating"
    done = plan(replace(given, gated=(passed("p1", UP_TO_DATE),)))
    assert told(done) == (Effect.READY, "UpToDate")
    name, other = name_of(given), name_of(seen())
    of_job = plan(seen(jobs=(a_job(other, outcome="Complete"),), pods=(ended(other, 0, UP_TO_DATE),)))
    assert ready(done).message == ready(of_job).message
    assert done.status.revisions is not None
    assert (done.status.revisions.current, done.status.revisions.pending) == (("b2",), 0)
    last = done.status.last_run
    assert last is not None
    assert (last.pod, last.job, last.inputs, last.attempt, last.finished_at) == ("p1", None, name, 1, at(-10))
    assert [one.revision for one in last.applied] == ["b2"]
    assert done.status.image == IMAGE
    assert [one.occasion for one in done.notices] == ["Succeeded"]
    assert done.status.known_images == ()


def test_of_ten_pods_the_one_that_applied_something_is_told_of_once_in_whatever_order_they_are_seen() -> None:
    first, others = passed("p0", UP_TO_DATE, -10), [passed(f"p{n}", WAITED, -10 + n % 2) for n in range(1, 10)]
    for looks in (((first,), (first, *others)), ((others[0],), (first, *others)), ((first, *others),), ((first,), ())):
        status = lived(*looks).migration.status
        assert status.last_run is not None
        assert (status.last_run.pod, status.last_run.attempt) == ("p0", 1)
        assert len(status.history) == 1
        assert status.history[0].from_ == ("a1",)


def test_a_run_before_a_failure_is_not_told_of_again() -> None:
    before, after = passed("p0", UP_TO_DATE, -30), passed("p2", WAITED, -10)
    status = lived((before, failed("p1", 70, BROKEN, -20)), (before, failed("p1", 70, BROKEN, -20), after))
    assert status.migration.status.last_run is not None
    assert status.migration.status.last_run.pod == "p2"


def test_every_pod_has_its_gate_also_where_the_image_is_named_by_digest() -> None:
    spec = ON_POSTGRES | {"strategy": "InitContainer", "source": {"image": IMAGE}}
    words = job.invocation(a_spec(**spec)).argv()
    env = job.environment(a_spec(**spec).database, POSTGRES)
    pod = passed("p1", UP_TO_DATE, gate=a_gate(image=IMAGE, command=["python3", "runner", *words], env=env))
    done = plan(replace(seen(spec), source=of_image(IMAGE), gated=(pod,)))
    assert reason(done) == "UpToDate"
    assert done.status.known_images == ()


def test_a_ready_migration_is_not_disturbed_by_pods_that_come_later_or_cannot_reach_the_database() -> None:
    done = lived((passed("p1", UP_TO_DATE),))
    for pods in (
        (),
        (at_work("p2"),),
        (at_work("p2"), passed("p3", WAITED, 5)),
        (failed("p2", 75, UNREACHABLE, 5),),
        (a_pod("p2", state={"waiting": {"reason": "ImagePullBackOff", "message": "no"}}),),
    ):
        again = plan(replace(done, gated=pods))
        assert told(again) == (Effect.READY, "UpToDate")
        assert again.status.history == done.migration.status.history
        assert again.status.last_run == done.migration.status.last_run


NEWS = {
    "a database that was set back, and a lock": (failed("p2", 75, LOCKED, 5), "LockTimeout"),
    "a database that is ahead": (passed("p2", AHEAD, 5), "DatabaseAhead"),
    "scripts that fail now": (failed("p2", 70, BROKEN, 5), "RevisionFailed"),
}


@pytest.mark.parametrize(("pod", "reason_then"), NEWS.values(), ids=NEWS)
def test_a_later_pod_that_finds_something_else_is_believed(pod: GatedPod, reason_then: str) -> None:
    then = plan(replace(lived((passed("p1", UP_TO_DATE),)), gated=(passed("p1", UP_TO_DATE), pod)))
    assert reason(then) == reason_then
    assert len(then.status.history) == 2


def test_a_revision_that_is_applied_again_is_another_run() -> None:
    again = replace(UP_TO_DATE, applied=(Applied("b2", 9),))
    status = lived((passed("p1", UP_TO_DATE),), (passed("p1", UP_TO_DATE), passed("p2", again, 5))).migration.status
    assert status.last_run is not None
    assert (status.last_run.pod, status.last_run.attempt, len(status.history)) == ("p2", 2, 2)


@pytest.mark.parametrize(("code", "why"), ENDINGS, ids=[f"{int(code)} {why}" for code, why in ENDINGS])
def test_a_gate_that_ended_with(code: ExitCode, why: str) -> None:
    planned = plan(by_pods(failed("p1", code, failing(why))))
    final = code in FINAL_EXIT_CODES
    assert told(planned) == (Effect.STALLED if final else Effect.RECONCILING, why)
    said, held = ready(planned).message.split("; 1 pod of ")
    assert said == "why; what to do" + ("" if final else "; its pods try again")
    assert held == f"Deployment users held since {at(-100)}, because its gate ends with exit code {int(code)}"
    assert planned.requeue_after is None
    assert planned.status.history[0].outcome == why


def test_a_gate_that_tries_again_changes_nothing_until_it_has_ended_otherwise() -> None:
    for code, result in ((70, BROKEN), (75, UNREACHABLE)):
        given = lived(
            (failed("p1", code, result, -50),),
            (at_work("p1", last=end(code, result, -50)),),
        )
        assert reason(plan(given)) == result.reason
        given = lived(
            (failed("p1", code, result, -30), failed("p2", code, result, -20)),
            start=given,
        )
        assert reason(plan(given)) == result.reason
        assert len(given.migration.status.history) == 1
        assert {str(one.occasion) for one in plan(given).notices} == {"PodsHeld"}
        healed = plan(replace(given, gated=(passed("p1", UP_TO_DATE, 5), failed("p2", code, result, -20))))
        assert reason(healed) == "UpToDate"


def test_a_failure_that_a_retry_can_heal_is_over_when_no_pod_is_left_to_try_again() -> None:
    given = lived((failed("p1", 75, LOCKED),), ())
    assert reason(plan(given)) == "WaitingForPods"
    assert reason(plan(replace(given, gated=(failed("p1", 70, BROKEN, 5),)))) == "RevisionFailed"
    assert reason(plan(lived((failed("p1", 70, BROKEN),), ()))) == "RevisionFailed"


def test_another_pod_takes_over_from_one_that_was_stopped() -> None:
    stopped = Result("Interrupted", ("a1",), ("a1",), ("b2",), pending=1, error=Failure("asked to stop"))
    given = lived((at_work("p1"), at_work("p2")), (failed("p1", 143, stopped), at_work("p2")))
    assert ready(plan(given)).message.startswith("pod p2 is migrating; 1 pod of")
    done = plan(replace(given, gated=(passed("p2", UP_TO_DATE, 5),)))
    assert reason(done) == "UpToDate"


def test_of_a_second_in_which_one_failed_and_another_succeeded_the_success_came_last() -> None:
    assert reason(plan(by_pods(failed("p1", 75, LOCKED), passed("p2", UP_TO_DATE)))) == "UpToDate"
    told_already = lived((failed("p1", 75, LOCKED),), (failed("p1", 75, LOCKED), at_work("p2")))
    assert reason(plan(replace(told_already, gated=(passed("p2", UP_TO_DATE),)))) == "UpToDate"


def test_of_many_at_work_the_first_is_named_as_long_as_it_is() -> None:
    given = lived((at_work("p2", -5),))
    both = replace(given, gated=(at_work("p1", -9), at_work("p2", -5)))
    message = "pod p2 is migrating, or waits for the one that is; 1 pod of Deployment users held since"
    assert ready(plan(both)).message.startswith(message)
    assert plan(both).status.held_pods == 1


WITHOUT_A_RESULT = {
    "a killed gate": (failed("p1", 137, None), "Retrying"),
    "no such interpreter": (
        a_pod(
            "p1",
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={
                "terminated": {
                    "exitCode": 128,
                    "reason": "StartError",
                    "message": 'exec: "python9": executable file not found in $PATH',
                    "finishedAt": at(-9),
                }
            },
        ),
        "AlembicNotFound",
    ),
    "an image that cannot be pulled": (
        a_pod("p1", state={"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}),
        "ImagePullFailed",
    ),
    "a Secret that is missing": (
        a_pod("p1", state={"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "db" not found'}}),
        "SecretNotFound",
    ),
    "a pod that has just come": (a_pod("p1", state={"waiting": {"reason": "PodInitializing"}}), "WaitingForPods"),
    "a gate that said nothing": (a_pod("p1", state=end(0, None, -9)), "WaitingForPods"),
}


@pytest.mark.parametrize(("pod", "why"), WITHOUT_A_RESULT.values(), ids=WITHOUT_A_RESULT)
def test_a_gate_without_a_report(pod: GatedPod, why: str) -> None:
    assert reason(plan(by_pods(pod))) == why


def test_old_reports_do_not_count_after_another_run_unless_the_database_is_as_they_left_it() -> None:
    old = passed("old", Result("UpToDate", ("a1",), ("a1",), ("a1",)), -500)
    new = by_pods(passed("new", UP_TO_DATE, -10, gate=a_gate(image="users:2")), image="users:2")
    before = lived((old,))
    rolled_out = lived(new.gated, start=with_status(new, before.migration.status))
    assert rolled_out.migration.status.revisions is not None
    assert rolled_out.migration.status.revisions.current == ("b2",)
    undone = with_status(before, rolled_out.migration.status)
    assert reason(plan(undone)) == "WaitingForPods"
    assert RESTART in ready(plan(undone)).message
    read_anew = lived((old, at_work("again")), (old, passed("again", AHEAD, 5)), start=undone)
    assert reason(plan(read_anew)) == "DatabaseAhead"
    failed_release = replace(BROKEN, pending=1)
    new = replace(new, gated=(a_pod("n", a_gate(image="users:2"), state={}, lastState=end(70, failed_release, -9)),))
    stalled = plan(with_status(new, before.migration.status))
    assert reason(stalled) == "RevisionFailed"
    assert reason(plan(with_status(before, stalled.status))) == "UpToDate"


def some_pods(random: Random) -> tuple[GatedPod, ...]:
    """Return pods in any state that a node may leave them in."""
    states = (
        lambda name, _: a_pod(name),
        at_work,
        lambda name, at: at_work(name, at, end(75, LOCKED, at - 5)),
        lambda name, at: at_work(name, at, end(70, BROKEN, at - 5)),
        lambda name, at: failed(name, 70, BROKEN, at),
        lambda name, at: failed(name, 75, random.choice((LOCKED, UNREACHABLE, None)), at),
        lambda name, at: passed(name, random.choice((UP_TO_DATE, WAITED, WAITED, AHEAD)), at),
        lambda name, at: passed(name, UP_TO_DATE, at, gate=a_gate(image="users:1.3")),
    )
    count = random.randint(0, 4)
    return tuple(random.choice(states)(f"p{n}", -random.randint(5, 60)) for n in random.sample(range(6), count))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_seen_in_whatever_order_a_plan_settles_and_is_ready_only_by_a_report(seed: int) -> None:
    random = Random(seed)
    given, reported = by_pods(), False
    for _ in range(6):
        given = replace(given, gated=some_pods(random))
        planned = plan(given)
        reported |= any(one.gate and one.gate.opened and one.gate.image == "users:1.4" for one in given.gated)
        assert planned.actions == ()
        assert reported or told(planned)[0] is not Effect.READY
        again = plan(with_status(given, planned.status))
        assert again.status == planned.status
        assert {str(one.occasion) for one in again.notices} <= {"PodsHeld"}
        given = with_status(given, planned.status)
