"""Read a pod that waits for a migration, or has waited, from its raw object."""

import json
import sys
from functools import lru_cache
from typing import Any

from alembic_operator.core import names
from alembic_operator.core.facts import controller, report, running_image, state, unschedulable
from alembic_operator.core.observation import ENDED, Gate, GatedPod, Manifest, Owner, Workload

_TEMPLATE_HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
"""Labels by which the name of a ReplicaSet is that of its Deployment or Rollout and a hash."""

_TEMPLATES = 256
"""The gates of one template have the same words, and report the same: they are kept once for so many templates."""

_INPUTS = ("env", "envFrom", "workingDir")


def pod(raw: Manifest) -> GatedPod:
    """Read a pod that carries the label of a migration and does not run it."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    annotations: dict[str, str] = metadata.get("annotations") or {}
    owner = _owner(metadata)
    return GatedPod(
        name=metadata["name"],
        created_at=metadata.get("creationTimestamp") or "",
        owner=owner,
        workload=_workload(owner, metadata.get("labels") or {}),
        ended=status.get("phase") in ENDED or "deletionTimestamp" in metadata,
        verdict=annotations.get(names.GATE_ANNOTATION, ""),
        strategy=annotations.get(names.STRATEGY_ANNOTATION, ""),
        gate=_gate(_named(raw["spec"].get("initContainers")), _named(status.get("initContainerStatuses"))),
        unschedulable=unschedulable(status.get("conditions") or ()),
    )


def _owner(metadata: Manifest) -> Owner:
    made_by = controller(metadata) or {"apiVersion": "v1", "kind": "Pod", **metadata}
    return Owner(*map(sys.intern, (made_by["apiVersion"], made_by["kind"], made_by["name"], made_by["uid"])))


def _workload(owner: Owner, labels: dict[str, str]) -> Workload:
    """Return the Deployment or Rollout behind a ReplicaSet, else the owner itself."""
    if owner.kind != "ReplicaSet":
        return Workload(owner.kind, owner.name)
    for label in _TEMPLATE_HASHES:
        base = owner.name.removesuffix(f"-{labels.get(label, '')}")
        if base != owner.name:
            return Workload("Rollout" if label.startswith("rollouts") else "Deployment", sys.intern(base))
    return Workload(owner.kind, owner.name)


def _named(containers: Any) -> Manifest:
    return next((one for one in containers or () if one["name"] == names.GATE_CONTAINER), {})


def _gate(container: Manifest, status: Manifest) -> Gate | None:
    if not container:
        return None
    now, before = state(status, "state"), state(status, "lastState")
    ended, waiting = now.get("terminated") or before.get("terminated") or {}, now.get("waiting") or {}
    message = ended.get("message") or ""
    result = report(message)
    return Gate(
        image=sys.intern(container.get("image") or ""),
        command=_shared((*(container.get("command") or ()), *(container.get("args") or ()))),
        running_since=(now.get("running") or {}).get("startedAt") or "",
        waiting_reason=waiting.get("reason") or "",
        exit_code=ended.get("exitCode"),
        finished_at=ended.get("finishedAt") or "",
        running_image=sys.intern(running_image(status)),
        result=result,
        opened=(now.get("terminated") or {}).get("exitCode") == 0,
        inputs=_inputs(container),
        waiting_message=waiting.get("message") or "",
        started_at=ended.get("startedAt") or "",
        ended_reason=ended.get("reason") or "",
        ended_message="" if result else message,
    )


@lru_cache(_TEMPLATES)
def _shared(command: tuple[str, ...]) -> tuple[str, ...]:
    return command


def _inputs(container: Manifest) -> str:
    """Return what the database may depend on of a container, as one text that all pods of a template share."""
    return sys.intern(json.dumps({name: container.get(name) for name in _INPUTS}, sort_keys=True))
