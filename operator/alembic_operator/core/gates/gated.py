"""Read a pod that waits for a migration, or has waited, from its raw object."""

import json
import sys
from functools import lru_cache

from alembic_operator.core import facts, names, reading
from alembic_operator.core.observation import ENDED, Gate, GatedPod, Manifest, Owner, Workload
from alembic_operator.core.reading import Reading

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


def pod(raw: Manifest) -> GatedPod:
    """Read a pod that carries the label of a migration and does not run it."""
    looked = Reading(raw)
    owner = _owner(raw)
    container = facts.named(looked.items("spec", "initContainers"), names.GATE_CONTAINER)
    status = facts.named(looked.items("status", "initContainerStatuses"), names.GATE_CONTAINER)
    return GatedPod(
        name=looked.text("metadata", "name"),
        created_at=looked.time("metadata", "creationTimestamp"),
        owner=owner,
        workload=_workload(owner, looked.fields("metadata", "labels")),
        ended=facts.word(looked.fields("status"), "phase") in ENDED or "deletionTimestamp" in looked.fields("metadata"),
        verdict=_annotation(looked, names.GATE_ANNOTATION),
        strategy=_annotation(looked, names.STRATEGY_ANNOTATION),
        gate=_gate(looked, container, status) if container else None,
        unschedulable=facts.unschedulable(looked.items("status", "conditions")),
        unreadable=looked.unreadable,
    )


def _annotation(looked: Reading, name: str) -> str:
    """Return the value of an annotation that says one of a few words; any other text says none of them."""
    found = looked.text("metadata", "annotations", name)
    return sys.intern(found) if len(found) <= _WORD_LENGTH else ""


def _owner(raw: Manifest) -> Owner:
    own = {"apiVersion": "v1", "kind": "Pod", **reading.fields(raw, "metadata")}
    made_by = facts.controller(raw) or own
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
    ended = facts.state(status, "state", "terminated") or facts.state(status, "lastState", "terminated") or {}
    now = facts.state(status, "state", "terminated") or {}
    waiting = facts.state(status, "state", "waiting") or {}
    result, message = facts.report(ended)
    return Gate(
        image=facts.image(container),
        command=_command(looked, container),
        running_since=reading.time(facts.state(status, "state", "running"), "startedAt"),
        waiting_reason=facts.word(waiting, "reason"),
        exit_code=facts.exit_code(ended),
        finished_at=reading.time(ended, "finishedAt"),
        running_image=facts.running_image(status),
        result=result,
        opened=facts.exit_code(now) == 0,
        inputs=_inputs(looked, container),
        waiting_message=facts.said(waiting, "message"),
        started_at=reading.time(ended, "startedAt"),
        ended_reason=facts.word(ended, "reason"),
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
