"""Who has the claim that the file lies on: read from pods, and said with the command that stops each."""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_operator.core import names
from alembic_operator.core.observation import containers, reading
from alembic_operator.core.observation.owners import controller
from alembic_operator.core.observation.pods import ENDED
from alembic_operator.core.observation.reading import Manifest

_HASH = "pod-template-hash"
_SHOWN = 3


@dataclass(frozen=True)
class Holder:
    """A pod that mounts the claim."""

    name: str
    node: str
    """Empty: no node has taken it."""
    kind: str
    """Of who made it: a Deployment rather than its ReplicaSet; Pod when nobody did."""
    owner: str

    @property
    def stop(self) -> str:
        """Return the command that stops it for good, as far as one is known."""
        match self.kind:
            case "Deployment" | "StatefulSet" | "ReplicaSet":
                return f"kubectl scale {self.kind.lower()} {self.owner} --replicas=0"
            case _:
                return f"kubectl delete {self.kind.lower()} {self.owner}"


@dataclass(frozen=True)
class Workload:
    """The workload that is to stand still."""

    replicas: int
    """How many somebody wants."""


def read_holder(raw: Manifest, claim: str) -> Holder | None:
    """Read a pod; None: it does not have the claim, has ended, is an import's own, or waits at its gate."""
    if containers.word(reading.fields(raw, "status"), "phase") in ENDED or _waits(raw):
        return None
    if reading.text(raw, "metadata", "labels", names.IMPORT_LABEL):
        return None
    volumes = reading.items(reading.fields(raw, "spec"), "volumes")
    if claim not in [reading.text(one, "persistentVolumeClaim", "claimName") for one in volumes]:
        return None
    name = reading.text(raw, "metadata", "name")
    kind, owner = _owner(raw)
    return Holder(name, reading.text(raw, "spec", "nodeName"), kind or "Pod", owner or name)


def _waits(raw: Manifest) -> bool:
    """Tell whether a pod has not passed its gate: its application cannot have begun."""
    told = containers.named(reading.items(reading.fields(raw, "status"), "initContainerStatuses"), names.GATE_CONTAINER)
    return bool(told) and containers.state(told, "state", "terminated") is None


def _owner(raw: Manifest) -> tuple[str, str]:
    made_by = controller(raw)
    kind, name = containers.word(made_by, "kind"), containers.word(made_by, "name")
    suffix = f"-{reading.text(raw, 'metadata', 'labels', _HASH)}"
    if kind == "ReplicaSet" and suffix != "-" and name.endswith(suffix):
        return "Deployment", name.removesuffix(suffix)
    return kind, name


def read_workload(raw: Manifest | None) -> Workload | None:
    """Read how many replicas somebody wants; None: there is no such workload."""
    if raw is None:
        return None
    wanted = reading.number(raw, "spec", "replicas")  # Kubernetes' default is 1
    return Workload(1 if wanted is None else wanted)


def told(holders: Sequence[Holder]) -> str:
    """Return who has the claim and how each is stopped."""
    some = [f"pod {one.name}{f' on node {one.node}' if one.node else ''}" for one in holders[:_SHOWN]]
    more = f" and {len(holders) - _SHOWN} more" if len(holders) > _SHOWN else ""
    commands = dict.fromkeys(one.stop for one in holders[:_SHOWN])
    verb = "has" if len(holders) == 1 else "have"
    return f"{', '.join(some)}{more} {verb} it: {', '.join(commands)}"
