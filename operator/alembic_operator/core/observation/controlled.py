"""Tell what a migration controls from what only carries its labels, or a name that it would give."""

import re
from dataclasses import replace

from alembic_operator.core import names
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.pods import Pod


def only_controlled(seen: Observation) -> Observation:
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
