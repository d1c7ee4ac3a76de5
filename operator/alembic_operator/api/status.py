"""The status of a DatabaseMigration: what the operator found and did."""

from typing import Annotated

from pydantic import Field

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.meta import (
    SENTENCE_LENGTH,
    Condition,
    Message,
    Model,
    Name,
    Revision,
    Revisions,
    Sentences,
    Text,
    Timestamp,
)


class Applied(Model):
    """One revision that a run applied."""

    revision: Revision
    """The revision."""
    seconds: float
    """How long it took, in seconds."""


class RunError(Model):
    """Why a run failed."""

    sqlstate: Annotated[str, Field(max_length=5)] | None = None
    """PostgreSQL's error code."""
    revision: Revision | None = None
    """The revision that was running."""
    statement: Message | None = None
    """The statement that failed, shortened, without its literals."""
    message: Message | None = None
    """First line of the error."""
    hint: Message | None = None
    """What to do next."""
    committed: Sentences = ()
    """Statements of the failed revision that are committed nevertheless, in order, shortened, without their
    literals; of a run that was killed, what the catalogue shows. The first ones, when there were many."""


class LastRun(Model):
    """The last run, under way or finished."""

    job: Text | None = None
    """Name of the Job; absent when the gate of a pod ran the migration."""
    pod: Text | None = None
    """Name of the pod whose gate ran the migration; absent when a Job did."""
    inputs: Text | None = None
    """Beside `pod`: the name that a Job of the same image and specification would have. Another one, another run."""
    attempt: int
    """1 for the first run of this specification; increased each time the operator creates its Job again, and with each
    new outcome of pods that migrate themselves."""
    started_at: Timestamp | None = None
    """When the Job, or the pod's gate, started."""
    finished_at: Timestamp | None = None
    """When it finished; absent while it runs."""
    from_: Annotated[Revisions, Field(alias="from")] = ()
    """Database heads before the run."""
    to: Revisions = ()
    """Database heads after it."""
    applied: Annotated[
        tuple[Applied, ...], Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """What it applied, or undid where policy.downgrade let it, in order; the newest, when there were many."""
    applied_count: int = 0
    """How many it applied."""
    lock_seconds: float | None = None
    """How long it waited for locks: for those of other migrations, and with revisions that gave up because of one."""
    read_back_seconds: float | None = None
    """How long it took to read back at its end what the database contains."""
    outcome: Annotated[str, Field(max_length=64)] | None = None
    """The reason that it ended with; absent while it runs."""
    error: RunError | None = None
    """Why it failed."""
    warnings: Sentences = ()
    """What somebody should look at although nothing failed, most important first."""

    @property
    def identity(self) -> str:
        """The name of the Job of these inputs, whether there was one or not."""
        return self.job or self.inputs or ""


class HistoryEntry(Model):
    """One finished run."""

    finished_at: Timestamp
    """When it finished."""
    from_: Annotated[Revisions, Field(alias="from")] = ()
    """Database heads before the run."""
    to: Revisions = ()
    """Database heads after it."""
    image: Annotated[str, Field(max_length=1024)] | None = None
    """The image that ran."""
    outcome: Annotated[str, Field(max_length=64)]
    """The reason that it ended with."""


class RevisionsStatus(Model):
    """What the database contains."""

    current: Revisions = ()
    """Database heads, read back after the run on a fresh connection."""
    target: Revisions = ()
    """Script heads that the target names."""
    pending: int | None = None
    """How many revisions are missing; absent while that is unknown."""
    database_ahead: bool = False
    """The database holds a revision that this image does not know."""


class ShownRevisions(Model):
    """The same as text, for `kubectl get`: heads joined by commas, `base` for none, `?` for what is unknown."""

    current: Text
    """Database heads."""
    target: Text
    """Script heads that the target names."""
    pending: Text
    """How many revisions are missing."""


class WaitingFor(Model):
    """A session that holds what a run waits for; what its user hides from the run's is absent."""

    pid: int
    """Its process id in PostgreSQL; 0: a transaction that was prepared, see pg_prepared_xacts."""
    application: Text | None = None
    """Its application_name, or the pod of another migration."""
    user: Text | None = None
    """Its user."""
    state: Text | None = None
    """What it does, such as `active` or `idle in transaction`."""
    query_age: Annotated[str, Field(max_length=32)] | None = None
    """For how long its query has been running, or, where it is idle, for how long it has been so, such as `31m5s`."""


class Build(Model):
    """How far CREATE INDEX, VACUUM, CLUSTER, COPY or ANALYZE is, by pg_stat_progress_*."""

    command: Text
    """The command, such as `CREATE INDEX CONCURRENTLY`."""
    phase: Text | None = None
    """Its phase, in PostgreSQL's words; COPY has none."""
    done: int = 0
    """How much of this phase is done."""
    total: int = 0
    """How much there is to do in this phase, in the same unit; 0: unknown."""


class Progress(Model):
    """How far a run is, as its pod said when it was asked last."""

    revision: Revision | None = None
    """The revision that is running; absent before the first one and between two."""
    index: int | None = None
    """Its number among the revisions of this run, from 1."""
    of: int | None = None
    """How many revisions the run has."""
    since: Timestamp
    """When this revision began; without a revision, since when there is none."""
    statement: Annotated[str, Field(max_length=SENTENCE_LENGTH)] | None = None
    """The statement that is running, shortened, without its literals."""
    waiting_for: WaitingFor | None = None
    """Who is in the way; of several, the session with the oldest transaction."""
    build: Build | None = None
    """How far a command that PostgreSQL counts is."""
    at: Timestamp
    """When all this was so."""
    moved_at: Timestamp
    """When the run moved last: it came to another revision or statement, or one computed instead of waiting."""


class DatabaseStatus(Model):
    """Where spec.database.statefulSetRef leads; gates connect there."""

    stateful_set: Name
    """Name of the StatefulSet."""
    host: Text
    """Its headless Service."""
    port: int
    """Its port."""


class Status(Model):
    """What was found and done."""

    observed_generation: int = -1
    """The metadata.generation that this status is about; -1 before the operator has seen the object."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=8,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Ready always; Reconciling and Stalled only while they are true."""
    image: Annotated[str, Field(max_length=1024)] | None = None
    """The image that ran."""
    revisions: RevisionsStatus | None = None
    """What the database contains."""
    shown: ShownRevisions | None = None
    """What `kubectl get` shows of it; nothing else reads it."""
    database: DatabaseStatus | None = None
    """Where spec.database.statefulSetRef leads; absent without it."""
    last_run: LastRun | None = None
    """The last run."""
    progress: Progress | None = None
    """How far the run under way is; absent in its first seconds, and where its pod cannot be asked."""
    tenants: TenantsStatus | None = None
    """How all tenants stand, as the run under way or the last one has found; absent without spec.tenants."""
    history: Annotated[
        tuple[HistoryEntry, ...], Field(max_length=10, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """Finished runs, newest first."""
    known_images: Annotated[
        tuple[Annotated[str, Field(max_length=128, description="Such as `sha256:...`.")], ...],
        Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Digests of images whose revisions the database was seen to contain, newest first: pods of these start without a
    gate. Only with spec.database and strategy Job, not for a configMapRef, whose scripts are in no image, and not with
    spec.tenants. Emptied
    at every doubt: when the specification asks for something else, when a run begins again for the same image, and
    when a run or a gate finds the database otherwise than the last run left it."""
    held_pods: int = 0
    """How many pods have been waiting at their gate for some seconds now."""
