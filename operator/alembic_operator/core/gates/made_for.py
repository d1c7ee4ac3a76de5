"""Tell which pods were made for a specification as it is now, and which for another strategy."""

import contextlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import Invocation
from alembic_operator.core.actions import Notice
from alembic_operator.core.manifests import job
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.gated_pods import GatedPod, Owner, Workload
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts


@dataclass(frozen=True)
class Inputs:
    """What the gate of a pod must have, to speak for the migration as it is now."""

    workload: str
    """Whose pods are meant, as a person calls it."""
    image: str
    invocation: Invocation
    container: Manifest
    """env, envFrom and workingDir, as the source and spec.database say; a pod may have more than that."""

    @staticmethod
    def of(spec: Spec, parts: PodParts, server: DatabaseServer | None) -> "Inputs":
        """Return what a specification and its source ask for now."""
        reference = spec.source.workload_ref
        return Inputs(
            workload=str(Workload(reference.kind, reference.name)) if reference else "a workload",
            image=parts.container.get("image") or "",
            invocation=job.invocation(spec),
            container=parts.container | {"env": job.environment_of(spec, parts, server)},
        )


def pods_made_for(inputs: Inputs, pods: Iterable[GatedPod]) -> list[GatedPod]:
    """Return the pods whose gate runs exactly this; those of an older template or specification do not."""
    groups: dict[tuple[str, tuple[str, ...], str], list[GatedPod]] = defaultdict(list)
    for pod in pods:
        if pod.gate:
            groups[pod.gate.image, pod.gate.command, pod.gate.inputs].append(pod)
    return [
        pod
        for (image, command, given), made in groups.items()
        if image == inputs.image and _asks(command) == inputs.invocation and _has(given, inputs.container)
        for pod in made
    ]


def _asks(command: tuple[str, ...]) -> Invocation | None:
    """Return what a gate's command line asks the runner for; None: nothing that changes a database."""
    if "upgrade" not in command:
        return None
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):  # --help
            return Invocation.parse(list(command[command.index("upgrade") :]))
    except SystemExit:
        return None


def _has(given: str, wanted: Manifest) -> bool:
    there: Manifest = json.loads(given) if given else {}
    if "workingDir" in wanted and wanted["workingDir"] != there.get("workingDir"):
        return False
    return all(
        _texts(wanted, name) <= _texts(there, name)  # others, such as a webhook, may add to them
        for name in ("env", "envFrom")
    )


def _texts(container: Manifest, name: str) -> set[str]:
    """Return entries for a comparison; the API server leaves an empty value out."""
    plain = ({key: value for key, value in one.items() if value != ""} for one in reading.items(container, name))
    return {json.dumps(one, sort_keys=True) for one in plain}


def only_waits(pod: GatedPod) -> bool:
    """Return whether a pod is kept by a gate that waits for somebody else to migrate."""
    return not pod.ended and pod.gate is not None and not pod.gate.opened and "gate" in pod.gate.command


def _migrates(pod: GatedPod) -> bool:
    return not pod.ended and pod.gate is not None and "upgrade" in pod.gate.command


def anew(workload: Workload) -> str:
    """Return what makes new pods of a workload."""
    if workload.kind in ("Deployment", "StatefulSet", "DaemonSet"):
        return f"kubectl rollout restart {workload.kind.lower()}/{workload.name} makes new ones"
    return f"make new ones: restart or delete {workload}"


def of_another_strategy(seen: Observation) -> tuple[Notice, ...]:
    """Return one notice for each owner of pods that do something else than spec.strategy says."""
    spec = seen.migration.spec
    if spec is None:
        return ()
    strays = only_waits if spec.strategy == "InitContainer" else _migrates
    found: dict[Owner, GatedPod] = {pod.owner: pod for pod in seen.gated if strays(pod)}
    return tuple(_notice(pod, seen, spec.strategy) for pod in found.values())


def _notice(pod: GatedPod, seen: Observation, strategy: str) -> Notice:
    nobody = strategy == "InitContainer"
    why = (
        "only wait for the migration, which spec.strategy leaves to pods"
        if nobody
        else "migrate by themselves before they start, as spec.strategy said when they were made; that is safe beside"
        " the Job, under the same locks"
    )
    return Notice(
        Occasion.STRATEGY_MISMATCH,
        f"pods of {pod.workload} {why}; {anew(pod.workload)}",
        warning=nobody,
        regarding=seen.workload_of(pod),
        identity=f"{pod.owner.uid} {strategy}",
    )
