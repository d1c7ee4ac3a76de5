"""Everything that a decision may depend on, frozen: what was seen when one migration was looked at."""

from dataclasses import dataclass
from datetime import datetime

from alembic_operator.contract.progress import Progress
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.dependencies import Dependency
from alembic_operator.core.observation.gated_pods import GatedPod, Owner
from alembic_operator.core.observation.gated_workloads import GatedWorkload
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.last_change import LastChange
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.source import Missing, PodParts


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
    last_change: LastChange | None = None
    """Of the source, when it is a workload."""
    limits_job_template: bool = False
    """Only what is harmless is taken from spec.jobTemplate: no policy asks who may write it."""
    asks_progress: bool = False
    """Jobs are made so that their pods can be asked how far they are."""
    progress: Progress | None = None
    """What the pod of the run under way has answered last."""
    refusal: Refusal | None = None
    """The answer to what was planned a moment ago."""

    def workload_of(self, pod: GatedPod) -> Owner:
        """Return the object at which a person looks for a pod: its workload, or what made it where that is unknown."""
        wanted = (pod.workload.kind, pod.workload.name)
        return next((one.owner for one in self.workloads if (one.owner.kind, one.owner.name) == wanted), pod.owner)
