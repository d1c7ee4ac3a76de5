"""Fill a cluster with settled migrations: a few that ran, and copies of them with their Jobs and pods."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from alembic_operator.core.names import RUN_LABEL
from devcluster.controlplane import ApiServer
from tests.api.job_controller import connect
from tests.api.kubelet import POD
from tests.api.rest import Manifest, Rest
from tests.bench.node import ENDED
from tests.bench.witness import JOBS, MIGRATIONS

_HANDS = 4
_NOBODY = "bench/nobody"
"""The controller of a copied Job: the real one would run it."""

_OWN = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "namespace", "finalizers")
_GENERATED = ("controller-uid", "batch.kubernetes.io/controller-uid")


@dataclass(frozen=True)
class Mould:
    """One settled migration with its Job and its pod, as the API server has them."""

    migration: Manifest
    job: Manifest
    pod: Manifest


def moulds(rest: Rest, namespace: str) -> list[Mould]:
    """Return the settled migrations of a namespace."""
    jobs, pods = (
        {one["metadata"]["labels"][RUN_LABEL]: one for one in rest.items(kind, namespace, labelSelector=RUN_LABEL)}
        for kind in (JOBS, POD)
    )
    found = ((one, one["metadata"]["name"]) for one in rest.items(MIGRATIONS, namespace))
    return [Mould(one, jobs[name], pods[name]) for one, name in found]


def fill(server: ApiServer, originals: list[Mould], namespaces: list[str]) -> None:
    """Have a copy of each in every one of the namespaces."""
    with ThreadPoolExecutor(_HANDS) as hands:
        list(hands.map(lambda some: _fill(server, originals, some), (namespaces[at::_HANDS] for at in range(_HANDS))))


def _fill(server: ApiServer, originals: list[Mould], namespaces: list[str]) -> None:
    with closing(connect(server)) as rest:
        for namespace in namespaces:
            for one in originals:
                _copy(rest, one, namespace)


def _copy(rest: Rest, mould: Mould, namespace: str) -> None:
    migration = _put(rest, MIGRATIONS | _bare(mould.migration), mould.migration, namespace)
    job = JOBS | _bare(mould.job, migration)
    job["spec"] = {name: value for name, value in _without_uids(job["spec"]).items() if name != "selector"}
    job["spec"]["managedBy"] = _NOBODY
    pod = POD | _bare(mould.pod, _put(rest, job, mould.job, namespace))
    pod["metadata"]["labels"] |= {ENDED: ""}
    _put(rest, pod, mould.pod, namespace)


def _bare(found: Manifest, owner: Manifest | None = None) -> Manifest:
    metadata = {name: value for name, value in _without_uids(found["metadata"]).items() if name not in _OWN}
    if owner:
        metadata["ownerReferences"] = [metadata["ownerReferences"][0] | {"uid": owner["metadata"]["uid"]}]
    return {"metadata": metadata, "spec": found["spec"]}


def _without_uids(found: Any) -> Any:
    """Return it without the labels that the API server gives to each Job and its pods."""
    if isinstance(found, dict):
        return {name: _without_uids(value) for name, value in found.items() if name not in _GENERATED}
    return found


def _put(rest: Rest, wanted: Manifest, mould: Manifest, namespace: str) -> Manifest:
    made: Manifest = rest.create(wanted, namespace)
    rest.merge(made, {"status": mould["status"]}, namespace, "status")
    return made
