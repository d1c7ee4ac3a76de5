"""Nothing stands against a run."""

from dataclasses import replace

from alembic_operator.api.status import LastRun
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob
from alembic_operator.core.decide import looking
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.manifests import job
from alembic_operator.core.runs import progress, run


def start(case: Case) -> Decision | None:
    """Nothing of this applies: the Job is created."""
    attempt = run.attempt(case.seen.migration.status.last_run, case.name)
    found = progress.created(case.name, requeue_after=progress.PATIENCE)
    under_way = LastRun(job=case.name, attempt=attempt)
    return replace(found, actions=(creation(case, attempt),), under_way=under_way)


def creation(case: Case, attempt: int, *, looks: bool = False) -> CreateJob:
    """Return the creation of the Job of these inputs; one that looks may find nothing to do."""
    migration = case.seen.migration
    pod = job.pod(_as_remembered(case), case.parts, case.server)
    if case.seen.asks_progress:
        pod = job.answering(pod, f"{migration.namespace}/{case.name}")
    if looking.spares(case):
        pod = job.sparing(pod)
    manifest = job.build(case.name, attempt, migration, pod)
    if looks:
        manifest["metadata"]["annotations"][names.LOOKS] = "true"
    return CreateJob(manifest)


def _as_remembered(case: Case) -> Spec:
    """Return the specification without the making of a database, where one was migrated: if it is gone, it is lost."""
    spec, status = case.spec, case.seen.migration.status
    there = (status.revisions and status.revisions.current) or (status.tenants and status.tenants.total)
    if not (spec.database and there):
        return spec
    return spec.model_copy(update={"database": spec.database.model_copy(update={"create": None})})
