"""Decide what should be true now: the one pure function from an Observation to a Plan."""

from dataclasses import replace

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import LastRun, Status
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.core import times
from alembic_operator.core.actions import BringRunner, CreateJob, DeleteJob, Plan
from alembic_operator.core.decide import refusals
from alembic_operator.core.decide.job_name import job_name
from alembic_operator.core.decide.settling import runs_anew, unless_fresh
from alembic_operator.core.decide.slow_pace import delay
from alembic_operator.core.gates import by_pods
from alembic_operator.core.gates.held_pods import held_pods
from alembic_operator.core.gates.made_for import Inputs, of_another_strategy
from alembic_operator.core.gates.rollouts import at_risk
from alembic_operator.core.gates.skipped import skipped
from alembic_operator.core.manifests import harmless, job
from alembic_operator.core.observation.conditions import is_ready, reason_of
from alembic_operator.core.observation.controlled import only_controlled
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest, moment
from alembic_operator.core.observation.results import revisions
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.core.runs import messages, progress, run
from alembic_operator.core.status import unreadable
from alembic_operator.core.status.notices import notices, replaced, requeue_after, without_the_dying
from alembic_operator.core.status.status import fitting, status_after, with_held_pods
from alembic_operator.core.verdict import Finished, Verdict

_SLOW = 60.0
"""Seconds after which to look again at what no watch tells of."""


def plan(seen: Observation) -> Plan:
    """Return what should be true now, and what to do for it."""
    all_seen, seen = seen, only_controlled(seen)
    verdict = refusals.unless_runner_is_refused(seen, judge(seen))
    before, after = seen.migration.status, status_after(seen, verdict)
    waiting = held_pods(seen, after)
    starting = any(isinstance(action, CreateJob) for action in verdict.actions)
    bring = (BringRunner(),) if starting or not (seen.runner_is_there or seen.migration.spec is None) else ()
    told = fitting(with_held_pods(after, waiting, unreadable.sentence(all_seen)))
    return Plan(
        actions=(*bring, *verdict.actions),
        status=told,
        notices=without_the_dying(
            seen,
            (
                *notices(seen, after, verdict),
                *refusals.of_runner(seen, verdict),
                *replaced(seen.runner_news),
                *waiting.notices,
                *skipped(seen, after.conditions),
                *at_risk(seen),
                *of_another_strategy(seen),
                *unreadable.unreadable(all_seen),
            ),
        ),
        requeue_after=_soonest(verdict.requeue_after, waiting.requeue_after, requeue_after(seen, after, verdict)),
        report_first=starting and (is_ready(before.conditions) or told == before or runs_anew(seen)),
    )


def _soonest(*seconds: float | None) -> float | None:
    return min((one for one in seconds if one is not None), default=None)


def judge(seen: Observation) -> Verdict:
    """Return the first verdict that applies: a wrong request, what runs, what is in the way, or a start."""
    spec, wrong = seen.migration.spec, seen.migration.spec_error or harmless.refusal(seen)
    if spec is None or wrong:
        return Verdict(Reason.INVALID_SPEC, wrong)
    if seen.refusal and not seen.refusal.of_runner:
        return refusals.of_job(seen, seen.refusal)
    if seen.cycle:
        return Verdict(
            Reason.DEPENDENCY_CYCLE, f"spec.dependsOn is a cycle: {' -> '.join(seen.cycle)}; remove one of them"
        )
    if isinstance(seen.source, Missing):
        return _missing_source(spec, seen.source)
    if isinstance(seen.server, Missing):
        return Verdict(Reason.WAITING_FOR_DATABASE, f"{seen.server.what}; {seen.server.advice}")
    return _with_inputs(seen, spec, seen.source, seen.server)


def _missing_source(spec: Spec, missing: Missing) -> Verdict:
    said = f"{missing.what}; {missing.advice}"
    if spec.source.config_map_ref:
        return Verdict(Reason.WAITING_FOR_CONFIG_MAP, said, requeue_after=_SLOW / 6)
    return Verdict(Reason.WAITING_FOR_WORKLOAD, said)


def _with_inputs(seen: Observation, spec: Spec, parts: PodParts, server: DatabaseServer | None) -> Verdict:
    name = job_name(seen, job.what_matters(seen.migration, spec, parts, server))
    if spec.strategy == "InitContainer":
        return (
            _previous(seen) or _reported_by_job(seen, name) or by_pods.judge(seen, name, Inputs.of(spec, parts, server))
        )
    verdict = _under_way(seen, spec, name) or unless_fresh(
        seen,
        spec,
        name,
        _previous(seen, name)
        or _finished(seen, name)
        or _settled(seen, name)
        or _held(seen, spec)
        or _start(seen, name, job.pod(spec, parts, server)),
    )
    unwatched = spec.source.config_map_ref and verdict.requeue_after is None
    return replace(verdict, requeue_after=_SLOW) if unwatched else verdict


def _reported_by_job(seen: Observation, name: str) -> Verdict | None:
    """Report a Job of these very inputs that ended well after the strategy was changed, once."""
    found = None if _remembers(seen.migration.status.last_run, name) else _finished(seen, name)
    return found if found and found.reason.effect is Effect.READY else None


def _remembers(last: LastRun | None, name: str) -> bool:
    return last is not None and last.identity == name and last.finished_at is not None


def _job(seen: Observation, name: str) -> Job | None:
    return next((one for one in seen.jobs if one.name == name), None)


def _start(seen: Observation, name: str, pod: Manifest) -> Verdict:
    if name in seen.taken:
        return refusals.of_name(name, seen.migration)
    attempt = run.attempt(seen.migration.status.last_run, name)
    manifest = job.build(name, attempt, seen.migration, pod)
    verdict = progress.created(name, requeue_after=progress.PATIENCE)
    return replace(verdict, actions=(CreateJob(manifest),), under_way=LastRun(job=name, attempt=attempt))


def _under_way(seen: Observation, spec: Spec, name: str) -> Verdict | None:
    """Report on the Job of these very inputs, until it has ended."""
    current = _job(seen, name)
    if current is None:
        return None
    if current.owner != seen.migration.uid:
        said = f"Job {name} belongs to a deleted migration of the same name, and goes with it"
        return Verdict(Reason.WAITING_FOR_PREVIOUS_JOB, said, requeue_after=_SLOW)
    if current.outcome:
        return None
    if spec.suspend and (current.deleting or not run.has_begun(current, seen.pods)):
        said = f"spec.suspend is true; Job {name} is being deleted; set it to false to start"
        return Verdict(Reason.SUSPENDED, said, actions=_deletion(current))
    if current.deleting:
        return Verdict(
            Reason.WAITING_FOR_PREVIOUS_JOB,
            f"Job {name} is being deleted; it is made anew when its pods are gone",
            under_way=_kept(seen.migration.status.last_run, name),
        )
    current = replace(current, has_lost_pods=current.has_lost_pods or _had_pod(seen, current))
    verdict = progress.progress(current, run.pods_of(current, seen.pods), seen.now)
    started_at = _told_start(seen, current) or (current.started_at if verdict.reason is not Reason.PENDING else None)
    return replace(verdict, under_way=LastRun(job=name, attempt=current.attempt, started_at=started_at or None))


def _had_pod(seen: Observation, current: Job) -> bool:
    """Return whether the status tells of a pod of this attempt: the Job does not count one that was evicted."""
    reason = reason_of(seen.migration.status.conditions)
    return _told_start(seen, current) is not None and reason not in (Reason.PENDING, Reason.POD_NOT_CREATED)


def _told_start(seen: Observation, current: Job) -> str | None:
    """Return the start that the status tells already: a second that moves is not worth a write."""
    last = _kept(seen.migration.status.last_run, current.name)
    return last.started_at if last and last.attempt == current.attempt and not last.finished_at else None


def _kept(last: LastRun | None, name: str) -> LastRun | None:
    return last if last and last.identity == name else None


def _finished(seen: Observation, name: str) -> Verdict | None:
    """Report on how the Job of these very inputs has ended."""
    current = _job(seen, name)
    if current is None:
        return None
    if _superseded(seen, current):
        return Verdict(
            Reason.WAITING_FOR_PREVIOUS_JOB,
            f"another run followed Job {name}, whose report is out of date; it is made anew",
            actions=_deletion(current),
        )
    end = run.ending(current, seen.pods)
    if end and end.pod:
        return _ended(seen, current, end)
    return _recorded(seen, current) or (_ended(seen, current, end) if end else _unseen(current))


def _superseded(seen: Observation, current: Job) -> bool:
    """Return whether another run began after this one had ended: the database may contain something else by now."""
    last = seen.migration.status.last_run
    began = [one.started_at for one in seen.jobs if one.name != current.name]
    if last and last.identity != current.name:
        began.append(last.started_at or "")
    return max(began, default="") >= current.finished_at


def _ended(seen: Observation, current: Job, end: run.Ending) -> Verdict:
    before = seen.migration.status
    done = Finished(
        run=run.last_run(current, end),
        revisions=revisions(before.revisions, end.result),
        image=end.pod.image if end.pod else "",
        image_named=end.pod.image_named if end.pod else "",
    )
    said = messages.ended(end.reason, done.run, done.revisions)
    return _unless_healing(seen, current, Verdict(end.reason, said, finished=done))


def _recorded(seen: Observation, current: Job) -> Verdict | None:
    """Judge a finished Job whose pods are gone by what was written down of it."""
    last = seen.migration.status.last_run
    if last is None or not last.finished_at or (last.identity, last.attempt) != (current.name, current.attempt):
        return None
    return _unless_healing(seen, current, _remembered(seen.migration.status, last))


def _unseen(current: Job) -> Verdict:
    return Verdict(
        Reason.RETRYING,
        f"Job {current.name} has finished, but there is no report of it that can be read: its pod is gone, or its"
        " runner was of a newer operator; it runs again to read the database",
        actions=_deletion(current),
    )


def _deletion(unwanted: Job) -> tuple[DeleteJob, ...]:
    """Return the deletion of a Job, unless somebody has asked for it already."""
    return () if unwanted.deleting else (DeleteJob(unwanted.name, unwanted.uid),)


def _unless_healing(seen: Observation, ended: Job, verdict: Verdict) -> Verdict:
    """Keep a verdict that waiting does not change; else make the Job anew at the slow pace, for ever."""
    if verdict.reason.effect is not Effect.RECONCILING:
        return verdict
    due = (moment(ended.finished_at) or seen.now) + delay(ended.attempt)
    wait = (due - seen.now).total_seconds()
    if wait > 0:
        said = f"{verdict.message}; attempt {ended.attempt + 1} starts at {times.text(due)}"
        return replace(verdict, message=said, requeue_after=wait)
    return replace(verdict, actions=_deletion(ended))


def _settled(seen: Observation, name: str) -> Verdict | None:
    """Keep the verdict of a finished run of these inputs whose Job is gone, unless a retry can heal it."""
    status = seen.migration.status
    if status.last_run is None or not _remembers(status.last_run, name):
        return None
    verdict = _remembered(status, status.last_run)
    return None if verdict.reason.effect is Effect.RECONCILING else verdict


def _remembered(status: Status, last: LastRun) -> Verdict:
    """Return the verdict of a run that only the status remembers."""
    reason = run.outcome(last)
    return Verdict(reason, messages.ended(reason, last, status.revisions))


def _previous(seen: Observation, name: str = "") -> Verdict | None:
    """Wait for Jobs of earlier inputs, and for pods that outlive their Job; delete Jobs whose pods started nothing.

    Without a name, no Job is the right one.
    """
    own = {one.uid for one in seen.jobs if one.name == name}
    live = {pod.job for pod in seen.pods if not pod.ended and pod.job_uid not in own}
    others = [one for one in seen.jobs if one.name != name and not one.outcome]
    if not others and not live:
        return None
    busy = {pod.job_uid for pod in seen.pods if pod.running}
    cancelled = [one for one in others if one.uid not in busy and one.owner == seen.migration.uid]
    idle = tuple(action for one in cancelled for action in _deletion(one))
    waiting_for = ", ".join(sorted({one.name for one in others} | live))
    return Verdict(
        Reason.WAITING_FOR_PREVIOUS_JOB,
        f"{waiting_for} of an earlier run must end first; delete the Job to cancel it",
        actions=idle,
    )


def _held(seen: Observation, spec: Spec) -> Verdict | None:
    """Name what a new run has to wait for."""
    if spec.suspend:
        return Verdict(Reason.SUSPENDED, "spec.suspend is true; set it to false to start")
    waiting = [one for one in seen.dependencies if not one.ready]
    if waiting:
        said = ", ".join(f"{one.name} ({'not Ready' if one.exists else 'does not exist'})" for one in waiting)
        return Verdict(Reason.WAITING_FOR_DEPENDENCY, f"spec.dependsOn: {said}")
    if isinstance(seen.server, DatabaseServer) and not seen.server.ready:
        return Verdict(Reason.WAITING_FOR_DATABASE, f"StatefulSet {seen.server.name} has no ready replica")
    return None
