"""What is kept of a pod that waits for a migration, or has waited, read from its raw object."""

import json
import sys
from dataclasses import dataclass
from functools import lru_cache

from alembic_operator.contract import Result
from alembic_operator.core import names
from alembic_operator.core.observation import containers, reading
from alembic_operator.core.observation.owners import controller
from alembic_operator.core.observation.pods import ENDED
from alembic_operator.core.observation.reading import Manifest, Reading

_TEMPLATE_HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
"""Labels by which the name of a ReplicaSet is that of its Deployment or Rollout and a hash."""

_TEMPLATES = 256
"""The gates of one template have the same words, and report the same: they are kept once for so many templates."""

_INPUTS = ("env", "envFrom", "workingDir")

_INPUTS_LENGTH = 65_536
"""Characters of a gate's environment: half of what a kernel hands on in one variable, and ten times what is usual."""

_WORDS, _COMMAND_LENGTH = 256, 65_536
"""Of a gate's command line: the runner's own has at most a hundred, with 32 arguments of 1,024 characters."""

_WORD_LENGTH = 63

_GATE = ("spec", "initContainers", names.GATE_CONTAINER)


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
    gate_annotation: str
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


def read_gated_pod(raw: Manifest) -> GatedPod:
    """Read a pod that carries the label of a migration and does not run it."""
    looked = Reading(raw)
    owner = _owner(raw)
    container = containers.named(looked.items("spec", "initContainers"), names.GATE_CONTAINER)
    status = containers.named(looked.items("status", "initContainerStatuses"), names.GATE_CONTAINER)
    return GatedPod(
        name=looked.text("metadata", "name"),
        created_at=looked.time("metadata", "creationTimestamp"),
        owner=owner,
        workload=_workload(owner, looked.fields("metadata", "labels")),
        ended=containers.word(looked.fields("status"), "phase") in ENDED
        or "deletionTimestamp" in looked.fields("metadata"),
        gate_annotation=_annotation(looked, names.GATE_ANNOTATION),
        strategy=_annotation(looked, names.STRATEGY_ANNOTATION),
        gate=_gate(looked, container, status) if container else None,
        unschedulable=containers.unschedulable(looked.items("status", "conditions")),
        unreadable=looked.unreadable,
    )


def _annotation(looked: Reading, name: str) -> str:
    """Return the value of an annotation that says one of a few words; any other text says none of them."""
    found = looked.text("metadata", "annotations", name)
    return sys.intern(found) if len(found) <= _WORD_LENGTH else ""


def _owner(raw: Manifest) -> Owner:
    own = {"apiVersion": "v1", "kind": "Pod", **reading.fields(raw, "metadata")}
    made_by = controller(raw) or own
    return Owner(*(sys.intern(reading.text(made_by, name)) for name in ("apiVersion", "kind", "name", "uid")))


def _workload(owner: Owner, labels: Manifest) -> Workload:
    """Return the Deployment or Rollout behind a ReplicaSet, else the owner itself."""
    if owner.kind != "ReplicaSet":
        return Workload(owner.kind, owner.name)
    for label in _TEMPLATE_HASHES:
        base = owner.name.removesuffix(f"-{reading.text(labels, label)}")
        if base != owner.name:
            return Workload("Rollout" if label.startswith("rollouts") else "Deployment", sys.intern(base))
    return Workload(owner.kind, owner.name)


def _gate(looked: Reading, container: Manifest, status: Manifest) -> Gate:
    ended = containers.state(status, "state", "terminated") or containers.state(status, "lastState", "terminated") or {}
    now = containers.state(status, "state", "terminated") or {}
    waiting = containers.state(status, "state", "waiting") or {}
    result, message = containers.read_report(ended)
    return Gate(
        image=containers.image(container),
        command=_command(looked, container),
        running_since=reading.time(containers.state(status, "state", "running"), "startedAt"),
        waiting_reason=containers.word(waiting, "reason"),
        exit_code=containers.exit_code(ended),
        finished_at=reading.time(ended, "finishedAt"),
        running_image=containers.running_image(status),
        result=result,
        opened=containers.exit_code(now) == 0,
        inputs=_inputs(looked, container),
        waiting_message=containers.said(waiting, "message"),
        started_at=reading.time(ended, "startedAt"),
        ended_reason=containers.word(ended, "reason"),
        ended_message=message,
    )


def _command(looked: Reading, container: Manifest) -> tuple[str, ...]:
    """Return a gate's command line with its arguments; of one that no gate of ours has, nothing."""
    words = [one for name in ("command", "args") for one in reading.texts(container, name)]
    if len(words) > _WORDS or sum(map(len, words)) > _COMMAND_LENGTH:
        looked.note((*_GATE, "command"), f"has more than {_WORDS} words or {_COMMAND_LENGTH} characters")
        return ()
    return _shared(tuple(words))


@lru_cache(_TEMPLATES)
def _shared(command: tuple[str, ...]) -> tuple[str, ...]:
    return command


def _inputs(looked: Reading, container: Manifest) -> str:
    """Return what the database may depend on of a container, as one text that all pods of a template share."""
    found = {name: container.get(name) for name in _INPUTS}
    if wrong := reading.unfit(found, _INPUTS_LENGTH):
        looked.note((*_GATE, "env"), f"{wrong}: whether it is that of the migration is not known")
        return ""
    return sys.intern(json.dumps(found, sort_keys=True))
