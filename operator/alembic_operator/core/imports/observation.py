"""Everything that a decision about an import may depend on, read from raw objects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from alembic_operator.api.imports import ImportSpec, ImportStatus
from alembic_operator.contract.import_progress import ImportProgress
from alembic_operator.contract.imports import ImportAnswer
from alembic_operator.core import names
from alembic_operator.core.imports.holders import Holder, Workload
from alembic_operator.core.observation import containers, reading
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Refusal
from alembic_operator.core.observation.owners import made_by
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing, PodParts

_NO_PROBLEM = ("", "ContainerCreating", "PodInitializing")


@dataclass(frozen=True)
class Import:
    """One DatabaseImport."""

    namespace: str
    name: str
    uid: str
    generation: int
    retry: str
    """Value of the retry annotation; empty without it."""
    spec: ImportSpec | None
    """None when it cannot be read; then `spec_error` says why."""
    spec_error: str
    status: ImportStatus


@dataclass(frozen=True)
class ImportPod:
    """What a decision needs of a pod of an import."""

    name: str
    job: str
    """Name of the Job that controls it; empty when none does."""
    created_at: str
    phase: str
    step: str
    """The container that runs, or that ended last; empty: none has started."""
    waiting_reason: str
    """Why the kubelet cannot start a container, such as ImagePullBackOff."""
    waiting_message: str
    unschedulable: str
    """The scheduler's message, while no node takes it."""
    exit_code: int | None
    """Of the container that failed, else of the last one, once it ended."""
    answer: ImportAnswer | None
    ended_as: str
    """The kubelet's word for that end, such as OOMKilled."""
    uid: str = ""
    ip: str = ""
    """Where it can be asked how far it is; empty while the step that loads does not run."""
    running_since: str = ""
    """When that step started."""
    has_its_volumes: bool = False
    """The kubelet has set it up, and pulls an image if nothing has started yet."""


@dataclass(frozen=True)
class Ground:
    """What the migration gives to its import."""

    migration: Migration
    ready: bool
    """It is Ready, of its specification as it is now."""
    source: PodParts | Missing
    server: DatabaseServer | Missing | None


@dataclass(frozen=True)
class ImportSeen:
    """What was seen when one import was looked at."""

    now: datetime
    asked: Import
    ground: Ground | None
    """None: there is no such migration."""
    jobs: tuple[Job, ...]
    pods: tuple[ImportPod, ...]
    image: str
    """The operator's own."""
    others: tuple[str, ...] = ()
    """Other imports into the same migration's database of which a pod has begun, and not ended."""
    limits_job_template: bool = False
    """Only what is harmless is taken from spec.jobTemplate: no policy asks who may write it."""
    asks_progress: bool = False
    """Pods are asked how far they are."""
    progress: ImportProgress | None = None
    """What the pod that loads has answered last."""
    holders: tuple[Holder, ...] = ()
    """Pods of others that have the claim, as far as somebody asks."""
    stopped: Workload | None = None
    """That of spec.cutover; None: it is not there, or nobody asks."""
    refusal: Refusal | None = None
    """The answer to what was planned a moment ago."""


def read_import(raw: Manifest) -> Import:
    """Read a DatabaseImport; a specification that cannot be read becomes `spec_error`."""
    spec, error = _spec(raw.get("spec") or {})
    return Import(
        namespace=reading.text(raw, "metadata", "namespace"),
        name=reading.text(raw, "metadata", "name"),
        uid=reading.text(raw, "metadata", "uid"),
        generation=reading.number(raw, "metadata", "generation") or 1,
        retry=names.digest(reading.text(raw, "metadata", "annotations", names.RETRY)),
        spec=spec,
        spec_error=error,
        status=read_import_status(raw),
    )


def _spec(raw: Any) -> tuple[ImportSpec | None, str]:
    try:
        return ImportSpec.model_validate(raw), ""
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return None, f"{'.'.join(('spec', *map(str, first['loc'])))}: {first['msg']}"


def read_import_status(raw: Manifest) -> ImportStatus:
    """Read the status of a DatabaseImport."""
    try:
        return ImportStatus.model_validate(raw.get("status") or {})
    except ValidationError:  # written by somebody else, or by another version: it is only a memory
        return ImportStatus()


def read_import_pod(raw: Manifest) -> ImportPod:
    """Read a pod of an import."""
    status = reading.fields(raw, "status")
    told = [*reading.items(status, "initContainerStatuses"), *reading.items(status, "containerStatuses")]
    ended = [(one, found) for one in told if (found := containers.state(one, "state", "terminated")) is not None]
    failed = next((one for one in ended if containers.exit_code(one[1])), None)
    last = failed or (ended[-1] if told and len(ended) == len(told) else None)
    running = next((one for one in told if containers.state(one, "state", "running") is not None), {})
    step = running or (last[0] if last else ended[-1][0] if ended else {})
    terminated = last[1] if last else {}
    loads = containers.state(containers.named(told, names.LOAD), "state", "running")
    waits = (containers.state(one, "state", "waiting") or {} for one in told)
    waiting = next(filter(_is_a_problem, waits), {})
    return ImportPod(
        name=reading.text(raw, "metadata", "name"),
        job=reading.text(made_by(raw, "batch", "Job"), "name"),
        created_at=reading.time(raw, "metadata", "creationTimestamp"),
        phase=containers.word(status, "phase") or "Pending",
        step=containers.word(step, "name"),
        waiting_reason=containers.word(waiting, "reason"),
        waiting_message=containers.said(waiting, "message"),
        unschedulable=containers.unschedulable(reading.items(status, "conditions")),
        exit_code=containers.exit_code(terminated),
        answer=ImportAnswer.from_json(containers.said(terminated, "message")),
        ended_as=containers.word(terminated, "reason"),
        uid=reading.text(raw, "metadata", "uid"),
        ip=reading.text(status, "podIP") if loads is not None else "",
        running_since=reading.time(loads, "startedAt"),
        has_its_volumes=any(map(_is_set_up, reading.items(status, "conditions"))),
    )


def _is_a_problem(waiting: Manifest) -> bool:
    return containers.word(waiting, "reason") not in _NO_PROBLEM


def _is_set_up(condition: Manifest) -> bool:
    return condition.get("type") == "PodReadyToStartContainers" and condition.get("status") == "True"
