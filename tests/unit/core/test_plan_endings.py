"""How pods and Jobs end and stand, and what follows."""

from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.contract import FINAL_EXIT_CODES, JOB_FAILING_EXIT_CODES, ExitCode, Failure, Result
from alembic_operator.core.actions import Plan
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.results import newer_version
from alembic_operator.core.plan import plan
from alembic_operator.runner.process import failures
from tests.unit.core.builders import (
    BROKEN,
    LOCKED,
    UP_TO_DATE,
    a_job,
    at,
    ended,
    name_of,
    ready,
    seen,
    told,
)

NAME = name_of(seen())
NOT_STARTED = 'exec: "python9": executable file not found in $PATH: unknown'


def after(pod: Pod | None, **job: str) -> Plan:
    """Return the plan when the Job has ended with this pod."""
    return plan(seen(jobs=(a_job(NAME, **job),), pods=(pod,) if pod else ()))


def test_what_is_pending_is_unknown_where_no_script_is_called_like_the_target() -> None:
    """A Result counts 0 then, which `kubectl get`, the metrics and the plugin would tell."""
    unknown = replace(failed("UnknownTarget"), to=("a1",), target=(), pending=0)
    status = after(ended(NAME, ExitCode.SCRIPTS, unknown), outcome="Failed", failure="PodFailurePolicy").status
    assert status.revisions is not None
    assert status.shown is not None
    assert (status.revisions.current, status.revisions.pending) == (("a1",), None)
    assert (status.shown.current, status.shown.target, status.shown.pending) == ("a1", "?", "?")


def failed(reason: str) -> Result:
    return replace(LOCKED, reason=reason, error=Failure("why", hint="what to do"))


EXIT_CODES = {
    ExitCode.USAGE: ("ConfigInvalid", "AlembicNotFound", "NotPostgreSQL", "WrongDatabase"),
    ExitCode.SCRIPTS: ("MultipleHeads", "UnknownTarget", "BrokenScripts"),
    ExitCode.DATABASE_AHEAD: ("DatabaseAheadBlocked", "Diverged", "VersionTableShared", "UnknownRevision"),
    ExitCode.FAILED: (
        "RevisionFailed",
        "EnvFailed",
        "NotCommitted",
        "PartlyApplied",
        "VersionTableMissing",
        "VersionTableEmpty",
        "VersionTableDamaged",
    ),
    ExitCode.TRY_AGAIN: (
        "DatabaseUnreachable",
        "WaitingForLock",
        "LockTimeout",
        "Conflict",
        "ReadOnlyDatabase",
        "ResourcesExhausted",
        "TemplateInUse",
    ),
    ExitCode.TIME_LIMIT: ("DeadlineExceeded", "StatementTimeout"),
    ExitCode.REFUSED: (
        "AuthenticationFailed",
        "DatabaseNotFound",
        "TenantNotFound",
        "PermissionDenied",
        "PooledConnection",
        "RoleNotFound",
    ),
    ExitCode.TERMINATED: ("Interrupted",),
}
ENDINGS = [(code, reason) for code, reasons in EXIT_CODES.items() for reason in reasons]


def test_the_table_has_every_exit_code_of_the_contract() -> None:
    assert {ExitCode.OK, *EXIT_CODES} == set(ExitCode)


def test_the_table_has_every_reason_that_a_runner_can_fail_with() -> None:
    failing = {(code, str(reason)) for reason, code in failures.EXIT_CODES.items() if code is not ExitCode.OK}
    assert set(ENDINGS) == failing


@pytest.mark.parametrize(("code", "reason"), ENDINGS, ids=[f"{int(code)} {reason}" for code, reason in ENDINGS])
def test_a_run_that_ended_with(code: ExitCode, reason: str) -> None:
    planned = after(ended(NAME, code, failed(reason)), outcome="Failed", failure="BackoffLimitExceeded")
    final = code in FINAL_EXIT_CODES
    assert told(planned) == (Effect.STALLED if final else Effect.RECONCILING, reason)
    assert ready(planned).message.startswith("why; what to do")
    assert planned.requeue_after == (None if final else 50)
    assert planned.actions == ()
    assert planned.status.history[0].outcome == reason


@pytest.mark.parametrize(("code", "reason"), ENDINGS, ids=[f"{int(code)} {reason}" for code, reason in ENDINGS])
def test_a_pod_that_ended_while_its_job_goes_on_with(code: ExitCode, reason: str) -> None:
    planned = after(ended(NAME, code, failed(reason)))
    told_now = "Migrating" if code in JOB_FAILING_EXIT_CODES else reason
    assert told(planned) == (Effect.RECONCILING, told_now)
    assert planned.actions == ()
    assert planned.status.last_run is not None
    assert planned.status.last_run.finished_at is None


@pytest.mark.parametrize("code", list(ExitCode), ids=[str(int(code)) for code in ExitCode])
def test_a_reason_that_only_a_newer_operator_knows_counts_by_its_exit_code(code: ExitCode) -> None:
    job = {"outcome": "Complete"} if code is ExitCode.OK else {"outcome": "Failed", "failure": "BackoffLimitExceeded"}
    planned = after(ended(NAME, code, failed("OfTomorrow")), **job)
    effect = Effect.STALLED if code in FINAL_EXIT_CODES else Effect.RECONCILING
    assert told(planned)[0] == (Effect.READY if code is ExitCode.OK else effect)
    assert ready(planned).message.startswith("why; what to do")


WITHOUT_A_RESULT = {
    "any exit code": (
        ended(NAME, 1),
        "Retrying",
        f"pod {NAME}-0 ended without a report (exit code 1); read its log: kubectl logs {NAME}-0",
    ),
    "a node that was lost": (
        ended(NAME, None, phase="Failed"),
        "Retrying",
        f"pod {NAME}-0 ended without a report (its node lost it); read its log: kubectl logs {NAME}-0",
    ),
    "a newer runner": (
        ended(NAME, 1, terminated_message='{"version":2,"verdict":"UpToDate"}'),
        "Retrying",
        f"pod {NAME}-0 reported in version 2 of the contract, and this operator reads version 1 (exit code 1)",
    ),
    "too little memory": (
        ended(NAME, 137, terminated_reason="OOMKilled"),
        "Retrying",
        "the migration ran out of memory; raise the memory limit of its container, or use spec.jobTemplate",
    ),
    "a stop": (
        ended(NAME, 143),
        "Interrupted",
        "the pod was asked to stop before it could report",
    ),
    "a python that does not exist": (
        ended(NAME, 128, terminated_reason="StartError", terminated_message=f"{NOT_STARTED}\nand more"),
        "AlembicNotFound",
        f"{NOT_STARTED}; spec.alembic.python must name a Python that the image has",
    ),
    "a container that could not be started": (
        ended(NAME, 128, terminated_reason="StartError", terminated_message="permission denied"),
        "ContainerRefused",
        "permission denied",
    ),
    "a container that could not be started, without a word": (
        ended(NAME, 128, terminated_reason="ContainerCannotRun"),
        "ContainerRefused",
        "the container did not start",
    ),
}


@pytest.mark.parametrize(
    ("pod", "reason", "message"), [pytest.param(*case, id=name) for name, case in WITHOUT_A_RESULT.items()]
)
def test_a_job_that_failed_without_a_result_because_of(pod: Pod, reason: str, message: str) -> None:
    planned = after(pod, outcome="Failed", failure="BackoffLimitExceeded")
    effect = Effect.STALLED if reason == "AlembicNotFound" else Effect.RECONCILING
    assert told(planned) == (effect, reason)
    assert ready(planned).message.startswith(message)
    assert planned.actions == ()


def test_a_version_that_is_newer_is_told_from_junk() -> None:
    texts = (
        '{"version":7,"verdict":{}}',
        '{"version":1}',
        '{"version":"2"}',
        '{"version":true}',
        "null",
        "",
        "[" * 5000,
    )
    assert [newer_version(text) for text in texts] == [7, *[None] * 6]


@pytest.mark.parametrize("code", FINAL_EXIT_CODES)
def test_a_final_exit_code_stalls_even_without_a_result(code: ExitCode) -> None:
    planned = after(ended(NAME, code), outcome="Failed", failure="PodFailurePolicy")
    effect, reason = told(planned)
    assert effect is Effect.STALLED
    assert reason in EXIT_CODES[code]


def test_a_missing_python_is_no_verdict_before_the_job_has_failed() -> None:
    pod = ended(NAME, 128, terminated_reason="StartError", terminated_message=NOT_STARTED)
    planned = after(pod)
    assert told(planned) == (Effect.RECONCILING, "Retrying")
    assert ready(planned).message.endswith(f"; Job {NAME} tries again")


def test_a_success_in_a_pod_that_failed_is_no_success_before_the_job_has_ended() -> None:
    assert told(after(ended(NAME, 137, UP_TO_DATE))) == (Effect.RECONCILING, "Retrying")


def test_a_job_past_its_deadline_says_so_and_is_tried_again() -> None:
    planned = after(None, outcome="Failed", failure="DeadlineExceeded")
    assert told(planned) == (Effect.RECONCILING, "DeadlineExceeded")
    assert ready(planned).message == f"policy.deadline is over; attempt 2 starts at {at(50)}"
    assert planned.requeue_after == 50


def test_a_job_past_its_deadline_says_what_its_pod_was_doing() -> None:
    planned = after(ended(NAME, 76, LOCKED), outcome="Failed", failure="DeadlineExceeded")
    assert told(planned) == (Effect.RECONCILING, "DeadlineExceeded")
    assert ready(planned).message.startswith("revision b2: SQLSTATE 55P03: lock timeout; attempt 2")


def test_what_the_pod_of_a_job_past_its_deadline_said_is_kept_when_the_pod_is_gone() -> None:
    job = a_job(NAME, outcome="Failed", failure="DeadlineExceeded")
    first = plan(seen(jobs=(job,), pods=(ended(NAME, 76, LOCKED),)))
    assert plan(seen(jobs=(job,), status=first.status)).status == first.status


def test_a_status_holds_a_handful_of_committed_statements_and_warnings_each_cut() -> None:
    committed, warnings = tuple(f"insert {n}" for n in range(40)), ("w" * 3000, *("look" for _ in range(40)))
    error = replace(BROKEN.error or Failure(""), committed=committed)
    result = replace(BROKEN, reason="PartlyApplied", error=error, warnings=warnings)
    last = after(ended(NAME, 70, result), outcome="Failed", failure="PodFailurePolicy").status.last_run
    assert last is not None
    assert last.error is not None
    assert last.error.committed == committed[:16]
    assert (len(last.warnings), len(last.warnings[0]), last.warnings[1]) == (16, 1024, "look")


def test_a_run_that_succeeded_keeps_its_warnings() -> None:
    warned = replace(UP_TO_DATE, warnings=("an index is invalid",))
    planned = after(ended(NAME, 0, warned), outcome="Complete")
    assert told(planned) == (Effect.READY, "UpToDate")
    assert planned.status.last_run is not None
    assert planned.status.last_run.warnings == ("an index is invalid",)


def test_a_broken_revision_names_revision_state_and_statement() -> None:
    planned = after(ended(NAME, 70, BROKEN), outcome="Failed", failure="PodFailurePolicy")
    assert ready(planned).message == "revision b2: SQLSTATE 42P01: no such table"
    assert planned.status.last_run is not None
    assert planned.status.last_run.error is not None
    assert (planned.status.last_run.error.sqlstate, planned.status.last_run.error.revision) == ("42P01", "b2")
    assert planned.status.revisions is not None
    assert (planned.status.revisions.current, planned.status.revisions.pending) == (("a1",), 1)


def test_a_run_that_could_not_look_leaves_the_heads_that_were_known() -> None:
    unreachable = Result("DatabaseUnreachable", error=Failure("refused"))
    before = after(ended(NAME, 0, UP_TO_DATE), outcome="Complete").status
    given = seen(retry="again", status=before)
    job = a_job(name_of(given), outcome="Failed")
    planned = plan(replace(given, jobs=(job,), pods=(ended(job.name, 75, unreachable),)))
    assert planned.status.revisions is not None
    assert planned.status.revisions.current == ("b2",)
    assert planned.status.revisions.pending is None
