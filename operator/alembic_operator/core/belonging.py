"""Tell what belongs to a migration from what only carries its labels, or a name that it would give."""

import re
from dataclasses import replace
from typing import Any

from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import LastRun
from alembic_operator.core import names, run
from alembic_operator.core.observation import Job, Migration, Observation, Pod


def belonging(seen: Observation) -> Observation:
    """Return what was seen without the Jobs and pods of others: nobody waits for them, believes or deletes them.

    The Jobs of a deleted migration of the same name stay: the garbage collector takes them, and is waited for.
    """
    jobs = tuple(one for one in seen.jobs if _is_of(one, seen.migration))
    others = [one for one in seen.jobs if one not in jobs]
    known, strange = {one.uid for one in jobs}, {one.uid for one in others}
    pods = tuple(
        one
        for one in seen.pods
        if one.job_uid in known or (one.job_uid not in strange and _is_of_a_deleted_job(one, seen.migration))
    )
    return replace(seen, jobs=jobs, pods=pods, taken=tuple(one.name for one in others))


def _is_of(job: Job, migration: Migration) -> bool:
    return job.owner == migration.uid or (bool(job.owner) and job.owner_name == migration.name)


def _is_of_a_deleted_job(pod: Pod, migration: Migration) -> bool:
    return re.fullmatch(rf"{re.escape(migration.name)}-[0-9a-f]{{{names.DIGITS}}}", pod.job) is not None


def job_name(seen: Observation, what_matters: Any) -> str:
    """Return the name that the Job of these inputs has, or will have: another one where that is taken, and for good."""
    name, uid, last = seen.migration.name, seen.migration.uid, seen.migration.status.last_run
    usual, other = names.job_name(name, what_matters), names.job_name(name, [what_matters, uid])
    if (last and last.identity == other) or any(one.name == other for one in seen.jobs):
        return other
    return other if usual in seen.taken and not _is_settled(last, usual) else usual


def _is_settled(last: LastRun | None, name: str) -> bool:
    """Return whether these inputs need no Job any more."""
    if last is None or last.identity != name or last.finished_at is None:
        return False
    return run.outcome(last).effect is not Effect.RECONCILING
