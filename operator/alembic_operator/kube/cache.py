"""Remember what the watches have told, as far as a decision needs it, and who must look again when it changes."""

import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterable, Mapping
from typing import NamedTuple, TypeVar

from alembic_operator.core import facts, names, source
from alembic_operator.core.gates import gated, rollouts
from alembic_operator.core.observation import DatabaseServer, GatedPod, GatedWorkload, Job, Manifest, Missing, Pod
from alembic_operator.kube.cluster import JOBS, MIGRATIONS, PODS, STATEFUL_SETS, WORKLOADS, Resource


class Key(NamedTuple):
    """One DatabaseMigration."""

    namespace: str
    name: str


class Reference(NamedTuple):
    """An object that migrations refer to."""

    resource: Resource
    namespace: str
    name: str


class Workload(NamedTuple):
    """What is kept of a workload that some migration refers to."""

    containers: source.Containers
    server: DatabaseServer | Missing | None


_NOT_READ = -1
"""A version before any: the next one that comes is news."""

_KEPT_METADATA = ("namespace", "name", "uid", "generation", "annotations", "deletionTimestamp", "resourceVersion")


_KINDS = {resource: kind for kind, resource in WORKLOADS.items()}

Part = Job | Pod | GatedPod | GatedWorkload
"""What belongs to one migration, by its label."""

T = TypeVar("T", bound=Part)


class Cache:
    """What is known of the cluster. `put` and `drop` return the migrations that must be looked at again."""

    def __init__(self) -> None:
        self._migrations: dict[Key, str] = {}
        """As JSON, which takes a third of the memory; most of them are settled, and nobody looks at them."""
        self._parts: dict[Key, dict[Reference, Part]] = defaultdict(dict)
        self._part_of: dict[Reference, Key] = {}
        self._workloads: dict[Reference, Workload] = {}
        self._referrers: dict[Reference, set[Key]] = defaultdict(set)
        self._versions: dict[Reference, int] = {}

    def put(self, resource: Resource, raw: Manifest) -> set[Key]:
        """Take in an object, unless a newer version of it, or this very one, is known."""
        reference, version = _reference(resource, raw), _version(raw)
        if not self._wanted(reference, raw) or version <= self._versions.get(reference, _NOT_READ):
            return set()
        self._versions[reference] = version
        return self._store(reference, raw)

    def drop(self, resource: Resource, raw: Manifest) -> set[Key]:
        """Forget an object that was deleted."""
        return self._forget(_reference(resource, raw))

    def known(self, resource: Resource, namespace: str | None) -> dict[Reference, int]:
        """Return which objects of a namespace, or of all, are known now, with their versions."""
        return {
            one: version
            for one, version in self._versions.items()
            if one.resource == resource and namespace in (None, one.namespace)
        }

    async def replace(
        self, resource: Resource, before: Mapping[Reference, int], listed: AsyncIterable[Manifest]
    ) -> set[Key]:
        """Take in a whole list as it comes, and forget what was known `before` it was asked for and is not in it.

        Such is a deletion that a watch has missed; what came while the list was on its way is newer than the list.
        """
        alive, woken = set(), set()
        async for raw in listed:
            alive.add(_reference(resource, raw))
            woken |= self.put(resource, raw)
        for one, version in before.items():
            if one not in alive and self._versions.get(one) == version:
                woken |= self._forget(one)
        return woken

    def keys(self) -> list[Key]:
        """Return all migrations, and those that a label names although they do not exist."""
        return [*self._migrations, *(key for key in self._parts if key not in self._migrations)]

    def migration(self, key: Key) -> Manifest | None:
        """Return a migration as the API server sent it, without its managed fields."""
        kept = self._migrations.get(key)
        found: Manifest | None = json.loads(kept) if kept else None
        return found

    def jobs(self, key: Key) -> tuple[Job, ...]:
        """Return the Jobs of a migration."""
        return self._those(key, Job)

    def pods(self, key: Key) -> tuple[Pod, ...]:
        """Return the pods that run a migration."""
        return self._those(key, Pod)

    def gated(self, key: Key) -> tuple[GatedPod, ...]:
        """Return the pods that wait for a migration, or have waited."""
        return self._those(key, GatedPod)

    def gated_workloads(self, key: Key) -> tuple[GatedWorkload, ...]:
        """Return the workloads whose pods wait for a migration."""
        return self._those(key, GatedWorkload)

    def _those(self, key: Key, kind: type[T]) -> tuple[T, ...]:
        return tuple(one for one in self._parts.get(key, {}).values() if isinstance(one, kind))

    def workload(self, reference: Reference) -> Workload | None:
        """Return a workload; None when it does not exist, or was not read yet."""
        return self._workloads.get(reference)

    def _wanted(self, reference: Reference, raw: Manifest) -> bool:
        return (
            reference.resource in (MIGRATIONS, JOBS, PODS)
            or reference in self._referrers
            or reference in self._part_of
            or bool(rollouts.migration_of(raw))
        )

    def _store(self, reference: Reference, raw: Manifest) -> set[Key]:
        if reference.resource == MIGRATIONS:
            key = Key(reference.namespace, reference.name)
            self._refer(key, raw)
            self._migrations[key] = _slim(raw)
            return {key} | self._referrers.get(reference, set())
        if reference.resource in (JOBS, PODS):
            return self._keep(reference, _migration_of(raw), _part(reference.resource, raw))
        return self._store_workload(reference, raw)

    def _store_workload(self, reference: Reference, raw: Manifest) -> set[Key]:
        """Keep what a migration takes over of a workload, and how it replaces pods that wait for one."""
        if name := rollouts.migration_of(raw):
            kept = rollouts.workload(raw, reference.resource.api_version, _KINDS[reference.resource])
            woken = self._keep(reference, Key(reference.namespace, name), kept)
        else:
            woken = self._let_go(reference)
        if reference not in self._referrers:
            if not name:
                del self._versions[reference]
            return woken
        server = facts.database_server(raw) if reference.resource == STATEFUL_SETS else None
        workload = Workload(source.containers(raw), server)
        changed = self._workloads.get(reference) != workload
        self._workloads[reference] = workload
        return woken | (self._referrers[reference] if changed else set())

    def _keep(self, reference: Reference, key: Key, part: Part) -> set[Key]:
        """Keep a part of a migration; wake nobody when nothing has changed that a decision depends on."""
        moved = self._part_of.get(reference, key) != key
        woken = self._let_go(reference) if moved else set()
        parts = self._parts[key]
        if parts.get(reference) != part:
            woken.add(key)
        parts[reference] = part
        self._part_of[reference] = key
        return woken

    def _let_go(self, reference: Reference) -> set[Key]:
        key = self._part_of.pop(reference, None)
        if key is None:
            return set()
        del self._parts[key][reference]
        if not self._parts[key]:
            del self._parts[key]
        return {key}

    def _forget(self, reference: Reference) -> set[Key]:
        self._versions.pop(reference, None)
        if reference.resource == MIGRATIONS:
            key = Key(reference.namespace, reference.name)
            self._refer(key, {})
            self._migrations.pop(key, None)
            return self._referrers.get(reference, set()) | ({key} if key in self._parts else set())
        self._workloads.pop(reference, None)
        return self._let_go(reference) | self._referrers.get(reference, set())

    def _refer(self, key: Key, raw: Manifest) -> None:
        """Note what a migration refers to, instead of what it referred to before."""
        before = set(references(key, (self.migration(key) or {}).get("spec") or {}))
        after = set(references(key, raw.get("spec") or {}))
        for reference in after - before:
            self._referrers[reference].add(key)
            if reference in self._part_of:  # of which more is needed now than was kept
                self._versions[reference] = _NOT_READ
        for reference in before - after:
            self._referrers[reference].discard(key)
            if not self._referrers[reference]:
                del self._referrers[reference]
                if self._workloads.pop(reference, None) and reference not in self._part_of:
                    self._versions.pop(reference, None)


def references(key: Key, spec: Manifest) -> list[Reference]:
    """Return what a specification refers to: its workload, its database's StatefulSet, and what it depends on."""
    found = [Reference(MIGRATIONS, key.namespace, one["name"]) for one in spec.get("dependsOn") or ()]
    if workload := (spec.get("source") or {}).get("workloadRef"):
        found.append(workload_reference(key, workload.get("kind", "Deployment"), workload["name"]))
    if server := (spec.get("database") or {}).get("statefulSetRef"):
        found.append(Reference(STATEFUL_SETS, key.namespace, server["name"]))
    return found


def workload_reference(key: Key, kind: str, name: str) -> Reference:
    """Return the reference of a workload in a migration's namespace."""
    return Reference(WORKLOADS[kind], key.namespace, name)


def _reference(resource: Resource, raw: Manifest) -> Reference:
    metadata = raw["metadata"]
    return Reference(resource, sys.intern(metadata["namespace"]), metadata["name"])


def _version(raw: Manifest) -> int:
    """Return the resourceVersion as a number: since Kubernetes 1.35 it is defined to be comparable (KEP-5504)."""
    written = str(raw["metadata"].get("resourceVersion", ""))
    return int(written) if written.isdecimal() else 0


def _part(resource: Resource, raw: Manifest) -> Part:
    if resource == JOBS:
        return facts.job(raw)
    return facts.pod(raw) if names.RUN_LABEL in (raw["metadata"].get("labels") or {}) else gated.pod(raw)


def _migration_of(raw: Manifest) -> Key:
    metadata = raw["metadata"]
    labels = metadata.get("labels") or {}
    name = labels.get(names.RUN_LABEL) or labels.get(names.MIGRATION_LABEL, "")
    return Key(sys.intern(metadata["namespace"]), sys.intern(name))


def _slim(raw: Manifest) -> str:
    metadata = {name: raw["metadata"][name] for name in _KEPT_METADATA if name in raw["metadata"]}
    retry = {names.RETRY: (metadata.get("annotations") or {}).get(names.RETRY, "")}
    kept = {"metadata": metadata | {"annotations": retry}, "spec": raw.get("spec"), "status": raw.get("status")}
    return json.dumps(kept, separators=(",", ":"))
