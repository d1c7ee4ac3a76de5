"""Everything that a decision may depend on, frozen: what was seen of the cluster at one moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import Spec, WorkloadRef
from alembic_operator.contract import Result

Manifest = dict[str, Any]
"""A Kubernetes object, or a part of one, as plain camelCase JSON."""


ENDED = ("Succeeded", "Failed")
"""Phases of a pod whose containers have terminated for good."""


@dataclass(frozen=True)
class Migration:
    """One DatabaseMigration."""

    namespace: str
    name: str
    uid: str
    generation: int
    retry: str
    """Value of the retry annotation; empty without it."""
    spec: Spec | None
    """None when it cannot be read; then `spec_error` says why."""
    spec_error: str
    status: Status


@dataclass(frozen=True)
class Missing:
    """Something that the specification names is not there."""

    what: str
    """For a person: `Deployment users`."""
    advice: str = ""


@dataclass(frozen=True)
class PodParts:
    """What the migration pod takes over from its source: the same fields as in a pod template."""

    container: Manifest
    pod: Manifest


@dataclass(frozen=True, slots=True)
class Sighting:
    """Since when the followed workload is as it is now, and how the migration was then."""

    workload: WorkloadRef
    parts: str
    """Digest of what the migration takes over of it."""
    since: datetime | None
    """None: it is the migration that has changed, and follows another workload now."""
    generation: int
    retry: str


@dataclass(frozen=True)
class DatabaseServer:
    """A StatefulSet that runs PostgreSQL."""

    name: str
    host: str
    port: int
    ready: bool


@dataclass(frozen=True)
class Dependency:
    """A migration that must be Ready first."""

    name: str
    exists: bool
    ready: bool


@dataclass(frozen=True, slots=True)
class Job:
    """What a decision needs of a Job."""

    name: str
    uid: str
    owner: str
    """uid of the DatabaseMigration that controls it; empty when none does."""
    attempt: int
    started_at: str
    deleting: bool
    outcome: str
    """`Complete`, `Failed`, or empty while it is not finished (all pods terminated)."""
    finished_at: str
    failure: str
    """Reason of the Failed condition, such as DeadlineExceeded."""
    is_taken_up: bool = True
    """The Job controller has begun with it: not while a queue of Jobs keeps it suspended, or the controller lags."""
    has_lost_pods: bool = False
    """A pod of it has failed, or was deleted before it could succeed."""
    owner_name: str = ""
    """Name of that DatabaseMigration."""
    unreadable: tuple[str, ...] = ()
    """Which of its fields cannot be read, each with its value, shortened; they count as absent."""


@dataclass(frozen=True, slots=True)
class Pod:
    """What a decision needs of a migration pod."""

    name: str
    job: str
    """Name of the Job that controls it; empty when none does."""
    created_at: str
    phase: str
    running: bool
    """It has begun and not ended: a container has started, the runner's installer too, and none is kept from it."""
    waiting_reason: str
    """Why the kubelet cannot start a container, such as ImagePullBackOff."""
    waiting_message: str
    unschedulable: str
    """The scheduler's message, while no node takes it."""
    exit_code: int | None
    """Of the migration's container, once it ended; of an init container that failed before it."""
    terminated_reason: str
    """The kubelet's word for that end, such as OOMKilled or StartError."""
    terminated_message: str
    """The termination message, when it is not a Result."""
    finished_at: str
    image: str
    """The image that really runs, by digest where the kubelet knows it."""
    result: Result | None
    image_named: str = ""
    """The image in the words of the manifest."""
    uid: str = ""
    job_uid: str = ""
    unreadable: tuple[str, ...] = ()
    """As of a Job."""

    @property
    def ended(self) -> bool:
        """Whether all its containers have terminated for good."""
        return self.phase in ENDED


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that made a pod: a ReplicaSet, a StatefulSet; the pod itself, when nobody did."""

    api_version: str
    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Workload:
    """What a person calls the workload of a pod."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Gate:
    """The init container in front of a pod's own containers."""

    image: str
    command: tuple[str, ...]
    """With its arguments."""
    running_since: str
    """Empty unless it runs now."""
    waiting_reason: str
    """Why the kubelet does not run it, such as CrashLoopBackOff."""
    exit_code: int | None
    """Of its last end; None before the first."""
    finished_at: str
    running_image: str
    """The image that really runs, by digest where the kubelet knows it."""
    result: Result | None
    """What it reported at its last end."""
    opened: bool
    """It has ended well: the pod's own containers may start."""
    inputs: str = ""
    """Its env, envFrom and workingDir, as JSON; the same text for all pods of a template."""
    waiting_message: str = ""
    started_at: str = ""
    """When it began what ended last."""
    ended_reason: str = ""
    """The kubelet's word for its last end, such as OOMKilled or StartError."""
    ended_message: str = ""
    """The termination message of its last end, when it is not a Result."""

    @property
    def has_failed(self) -> bool:
        """Whether it ended otherwise than well; a node that starts again runs also those again that ended well."""
        return self.exit_code not in (None, 0)


@dataclass(frozen=True, slots=True)
class GatedPod:
    """A pod of a workload whose pods wait for a migration."""

    name: str
    created_at: str
    owner: Owner
    workload: Workload
    ended: bool
    """All its containers have terminated for good, or it is being deleted."""
    verdict: str
    """Value of the annotation that says what became of its gate; empty: it has one."""
    strategy: str
    """Value of the annotation that says whether the gate runs the migration; empty: it waits."""
    gate: Gate | None
    unschedulable: str = ""
    """The scheduler's message, while no node takes it."""
    unreadable: tuple[str, ...] = ()
    """As of a Job."""

    @property
    def told_of(self) -> str:
        """Its workload, with its ReplicaSet where it has one, as a part of a sentence."""
        made_by = f" ({self.owner.kind} {self.owner.name})" if self.owner.name != self.workload.name else ""
        return f"{self.workload}{made_by}"


@dataclass(frozen=True, slots=True)
class GatedWorkload:
    """What is kept of a workload whose pods wait for a migration: how it replaces them."""

    owner: Owner
    recreates: bool = False
    """It stops all old pods before it starts new ones."""
    progress_deadline: int | None = None
    """Seconds; None: it has none."""
    max_unavailable: str = ""
    """As it is written, when it lets old pods go while new ones wait; else empty."""
    deleting: bool = False
    """Somebody has asked for its end, and its pods go before it: nobody can change it any more."""
    unreadable: tuple[str, ...] = ()
    """As of a Job."""


@dataclass(frozen=True)
class Refusal:
    """The API server did not take a Job, or the runner."""

    message: str
    forbidden: bool
    """By a quota, an admission policy or a missing right, which others can change; else the manifest is invalid."""
    of_runner: bool = False
    """It is the ConfigMap with the runner, and not a Job."""


@dataclass(frozen=True)
class Observation:
    """What was seen when one migration was looked at."""

    now: datetime
    migration: Migration
    source: PodParts | Missing
    server: DatabaseServer | Missing | None
    """Of spec.database.statefulSetRef; None without it."""
    dependencies: tuple[Dependency, ...]
    cycle: tuple[str, ...]
    """Names along which dependsOn leads back to this migration."""
    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    gated: tuple[GatedPod, ...]
    """The pods that wait for this migration, or have waited."""
    runner_image: str
    runner_is_there: bool
    """The namespace has the ConfigMap with this operator's runner."""
    runner_news: str = ""
    """Who had put something else in that runner's place; empty: nobody, or it was told."""
    taken: tuple[str, ...] = ()
    """Names of Jobs that only look like this migration's: they have its labels, or the name that its own would have."""
    workloads: tuple[GatedWorkload, ...] = ()
    """The workloads whose pods wait for this migration."""
    sighting: Sighting | None = None
    """Of the source, when it is a workload."""
    limits_job_template: bool = False
    """Only what is harmless is taken from spec.jobTemplate: no policy asks who may write it."""
    refusal: Refusal | None = None
    """The answer to what was planned a moment ago."""

    def workload_of(self, pod: GatedPod) -> Owner:
        """Return the object at which a person looks for a pod: its workload, or what made it where that is unknown."""
        wanted = (pod.workload.kind, pod.workload.name)
        return next((one.owner for one in self.workloads if (one.owner.kind, one.owner.name) == wanted), pod.owner)
