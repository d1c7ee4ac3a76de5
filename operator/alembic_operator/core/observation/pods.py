"""What is kept of a migration pod, read from its raw object."""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.contract import Result
from alembic_operator.core import names
from alembic_operator.core.observation import containers, reading
from alembic_operator.core.observation.jobs import servers
from alembic_operator.core.observation.owners import made_by
from alembic_operator.core.observation.reading import Manifest, Reading

ENDED = ("Succeeded", "Failed")
"""Phases of a pod whose containers have terminated for good."""

_NO_PROBLEM = ("", "ContainerCreating", "PodInitializing")


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
    ip: str = ""
    """Where it can be asked how far it is; empty while the migration's container does not run."""
    running_since: str = ""
    """When that container started."""
    server: str = ""
    """Of several servers, which one it migrates."""
    unreadable: tuple[str, ...] = ()
    """As of a Job."""

    @property
    def ended(self) -> bool:
        """Whether all its containers have terminated for good."""
        return self.phase in ENDED


def read_pod(raw: Manifest) -> Pod:
    """Read a migration pod."""
    looked = Reading(raw)
    before, own = looked.items("status", "initContainerStatuses"), looked.items("status", "containerStatuses")
    waiting = _waiting([*before, *own])
    main = containers.named(own, names.CONTAINER)
    ended = _terminated(main) or next(filter(_exit_code, map(_terminated, before)), {})
    phase = containers.word(looked.fields("status"), "phase")
    result, message = containers.read_report(ended)
    job = made_by(raw, "batch", "Job")
    runs = containers.state(main, "state", "running")
    running = not waiting and any(map(_has_started, (*before, *own))) and phase not in ENDED
    return Pod(
        name=looked.text("metadata", "name"),
        job=reading.text(job, "name"),
        job_uid=reading.text(job, "uid"),
        created_at=looked.time("metadata", "creationTimestamp"),
        phase=phase or "Pending",
        running=running,
        waiting_reason=containers.word(waiting, "reason"),
        waiting_message=containers.said(waiting, "message"),
        unschedulable=containers.unschedulable(looked.items("status", "conditions")),
        exit_code=containers.exit_code(ended),
        terminated_reason=containers.word(ended, "reason"),
        terminated_message=message,
        finished_at=reading.time(ended, "finishedAt"),
        image=containers.running_image(main),
        result=result,
        image_named=containers.image(containers.named(looked.items("spec", "containers"), names.CONTAINER)),
        uid=looked.text("metadata", "uid"),
        ip=looked.text("status", "podIP") if running and runs is not None else "",
        running_since=reading.time(runs, "startedAt"),
        server=_server(looked, servers(raw)),
        unreadable=looked.unreadable,
    )


def _server(looked: Reading, servers: tuple[str, ...]) -> str:
    index = reading.whole(looked.text("metadata", "labels", names.INDEX_LABEL))
    return servers[index] if index is not None and index < len(servers) else ""


def _has_started(container: Manifest) -> bool:
    """Return whether a container has ever run: between two of them no container is running."""
    return any(containers.state(container, "state", kind) is not None for kind in ("running", "terminated"))


def _terminated(container: Manifest) -> Manifest:
    return containers.state(container, "state", "terminated") or {}


def _exit_code(terminated: Manifest) -> int:
    return containers.exit_code(terminated) or 0


def _waiting(statuses: Iterable[Manifest]) -> Manifest:
    """Return the first waiting state that is a problem: ContainerCreating and PodInitializing are none."""
    states = (containers.state(one, "state", "waiting") or {} for one in statuses)
    return next((one for one in states if reading.text(one, "reason") not in _NO_PROBLEM), {})
