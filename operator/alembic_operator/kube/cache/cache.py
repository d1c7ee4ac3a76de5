"""Remember of the cluster what a decision needs."""

from collections import defaultdict
from collections.abc import AsyncIterable
from typing import TypeVar

from alembic_operator.core import names
from alembic_operator.core.observation.gated_pods import GatedPod, read_gated_pod
from alembic_operator.core.observation.gated_workloads import GatedWorkload, read_gated_workload, waits_for
from alembic_operator.core.observation.jobs import Job, read_job
from alembic_operator.core.observation.pods import Pod, read_pod
from alembic_operator.core.observation.reading import Manifest, fields
from alembic_operator.kube import codec
from alembic_operator.kube.cache import migrations, workloads
from alembic_operator.kube.cache.dependencies import Dependencies
from alembic_operator.kube.cache.keys import Key, Reference, depends_on, migration_of, reference, references
from alembic_operator.kube.cache.migrations import Standing
from alembic_operator.kube.cache.versions import Versions, version
from alembic_operator.kube.cache.workloads import CachedWorkload, Packed
from alembic_operator.kube.cluster import CONFIG_MAPS, JOBS, MIGRATIONS, PODS, WORKLOADS, Resource
from alembic_operator.kube.errors import ApiError

_KINDS = {resource: kind for kind, resource in WORKLOADS.items()}

Part = Job | Pod | GatedPod | GatedWorkload
"""What belongs to one migration, by its label."""

T = TypeVar("T", bound=Part)


class Cache:
    """What is known of the cluster. `put`, `drop` and `replace` return the migrations that must be looked at again."""

    def __init__(self) -> None:
        self._versions = Versions()
        self._dependencies = Dependencies()
        self._migrations: dict[Key, str] = {}
        """As JSON, which takes a third of the memory; most of them are settled, and nobody looks at them."""
        self._standings: dict[Key, Standing] = {}
        self._parts: dict[Key, dict[Reference, Part]] = defaultdict(dict)
        self._part_of: dict[Reference, Key] = {}
        self._workloads: dict[Reference, Packed] = {}
        self._referrers: dict[Reference, set[Key]] = defaultdict(set)
        self._referred: dict[Key, tuple[Reference, ...]] = {}
        self._not_told: dict[Reference, set[Key]] = {}
        """Who has not been told of an object that another one has read; its watch tells of it."""
        self.unreadable: dict[tuple[Resource, str | None], ApiError] = {}
        """What the API server refuses to let be read, by resource and namespace; None: of all namespaces."""

    def put(self, resource: Resource, raw: Manifest) -> set[Key]:
        """Take in an object, unless a newer version of it, this very one, or its end is known."""
        about = reference(resource, raw)
        others = self._not_told.pop(about, set())
        if not self._wanted(about, raw) or not self._versions.is_news(about, version(raw)):
            return others
        self._versions.learn(about, version(raw))
        return others | self._store(about, raw)

    def put_read_by(self, reader: Key, resource: Resource, raw: Manifest) -> None:
        """Take in what one migration has read by itself: others look at it when the watch tells of it, as of news."""
        if others := self.put(resource, raw) - {reader}:
            self._not_told[reference(resource, raw)] = others

    def drop(self, resource: Resource, raw: Manifest) -> set[Key]:
        """Forget an object that was deleted, unless a newer one of its name is known."""
        about = reference(resource, raw)
        return self._forget(about) if self._versions.end(about, version(raw)) else set()

    def lose(self, key: Key) -> None:
        """Forget a migration that the API server says does not exist."""
        about = Reference(MIGRATIONS, *key)
        self._versions.lose(about)
        self._forget(about)

    async def replace(self, resource: Resource, namespace: str | None, listed: AsyncIterable[Manifest]) -> set[Key]:
        """Take in a whole list as it comes, and forget what is not in it."""
        listed_ones, woken = set(), set()
        with self._versions.listing(resource) as newer:
            async for raw in listed:
                about = reference(resource, raw)
                listed_ones.add(about)
                woken |= self._not_told.pop(about, set())
                if about in newer:
                    woken |= self.put(resource, raw)
                elif self._wanted(about, raw) and self._versions.believe(about, version(raw)):
                    woken |= self._store(about, raw)
            for one in self._versions.known(resource, namespace):
                if one not in listed_ones and one not in newer:
                    self._versions.leave(one)
                    woken |= self._forget(one)
        return woken

    def keys(self) -> list[Key]:
        """Return all migrations, and those that a label names although they do not exist."""
        return [*self._migrations, *(key for key in self._parts if key not in self._migrations)]

    def snapshot(self) -> list[tuple[Key, str]]:
        """Return all migrations that exist, as JSON; another thread may ask for it, and for `gated`."""
        return list(self._migrations.items())

    def migration(self, key: Key) -> Manifest | None:
        """Return a migration as the API server sent it, without what nobody reads."""
        kept = self._migrations.get(key)
        found: Manifest | None = codec.read(kept) if kept else None
        return found

    def standing(self, key: Key) -> Standing | None:
        """Return how a migration stands for those that depend on it; None when it does not exist."""
        return self._standings.get(key)

    def depends_on(self, key: Key) -> tuple[str, ...]:
        """Return the names of the migrations that must be Ready before this one."""
        return self._dependencies.of(key)

    def cycle(self, key: Key) -> tuple[str, ...]:
        """Return the names along which a migration depends on itself; none: it does not."""
        return self._dependencies.cycle(key)

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
        parts = list(self._parts.get(key, {}).values())  # in one step, for other threads
        return tuple(one for one in parts if isinstance(one, kind))

    def workload(self, about: Reference) -> CachedWorkload | None:
        """Return a workload; None when it does not exist, or was not read yet."""
        kept = self._workloads.get(about)
        return workloads.unpack(kept) if kept else None

    def version(self, about: Reference) -> int | None:
        """Return the version of an object; None when it is not known to exist."""
        return self._versions.of(about)

    def is_readable(self, resource: Resource, namespace: str) -> bool:
        """Return whether the API server has not refused to let it be read."""
        return self._refusal(resource, namespace) is None

    def check_readable(self, key: Key) -> None:
        """Refuse to decide about a migration whose Jobs or pods cannot be read.

        Raises:
            ApiError: the API server's answer.
        """
        for resource in (JOBS, PODS):
            if error := self._refusal(resource, key.namespace):
                again = ApiError(error.status, error.reason, error.message)
                again.asked = error.asked
                raise again

    def _refusal(self, resource: Resource, namespace: str) -> ApiError | None:
        return self.unreadable.get((resource, None)) or self.unreadable.get((resource, namespace))

    def _wanted(self, about: Reference, raw: Manifest) -> bool:
        return (
            about.resource in (MIGRATIONS, JOBS, PODS, CONFIG_MAPS)
            or about in self._referrers
            or about in self._part_of
            or bool(waits_for(raw))
        )

    def _store(self, about: Reference, raw: Manifest) -> set[Key]:
        if about.resource == MIGRATIONS:
            return self._store_migration(Key(about.namespace, about.name), raw)
        if about.resource == CONFIG_MAPS:
            return self._within(about.namespace)  # its version is all that is kept
        if about.resource in (JOBS, PODS):
            return self._keep(about, migration_of(raw), _part(about.resource, raw))
        return self._store_workload(about, raw)

    def _store_migration(self, key: Key, raw: Manifest) -> set[Key]:
        spec = fields(raw, "spec")
        self._refer(key, spec)
        self._dependencies.note(key, depends_on(spec))
        before, standing = self._standings.get(key), migrations.standing(raw)
        self._migrations[key], self._standings[key] = migrations.kept(raw), standing
        depending = self._dependencies.dependents(key) if standing != before else set()
        return {key} | depending  # whatever is new: a person may have annotated it to be looked at

    def _store_workload(self, about: Reference, raw: Manifest) -> set[Key]:
        """Keep what a migration takes over of a workload, and how it replaces pods that wait for one."""
        if name := waits_for(raw):
            kept = read_gated_workload(raw, about.resource.api_version, _KINDS[about.resource])
            woken = self._keep(about, Key(about.namespace, name), kept)
        else:
            woken = self._let_go(about)
        if about not in self._referrers:
            if not name:
                self._versions.leave(about)
            return woken
        workload = workloads.pack(about.resource, raw)
        changed = self._workloads.get(about) != workload
        self._workloads[about] = workload
        return woken | (self._referrers[about] if changed else set())

    def _keep(self, about: Reference, key: Key, part: Part) -> set[Key]:
        """Keep a part of a migration; wake nobody when nothing has changed that a decision depends on."""
        moved = self._part_of.get(about, key) != key
        woken = self._let_go(about) if moved else set()
        parts = self._parts[key]
        if parts.get(about) != part:
            woken.add(key)
        parts[about] = part
        self._part_of[about] = key
        return woken

    def _let_go(self, about: Reference) -> set[Key]:
        key = self._part_of.pop(about, None)
        if key is None:
            return set()
        del self._parts[key][about]
        if not self._parts[key]:
            del self._parts[key]
        return {key}

    def _forget(self, about: Reference) -> set[Key]:
        if about.resource == MIGRATIONS:
            return self._forget_migration(Key(about.namespace, about.name))
        if about.resource == CONFIG_MAPS:
            return self._within(about.namespace)
        self._workloads.pop(about, None)
        self._not_told.pop(about, None)
        return self._let_go(about) | self._referrers.get(about, set())

    def _within(self, namespace: str) -> set[Key]:
        return {key for key in self._migrations if key.namespace == namespace}

    def _forget_migration(self, key: Key) -> set[Key]:
        self._refer(key, {})
        self._dependencies.note(key, ())
        known = self._migrations.pop(key, None) is not None
        self._standings.pop(key, None)
        depending = self._dependencies.dependents(key) if known else set()
        return depending | ({key} if key in self._parts else set())

    def _refer(self, key: Key, spec: Manifest) -> None:
        """Note what a migration refers to, instead of what it referred to before."""
        before, after = self._referred.pop(key, ()), tuple(references(key, spec))
        if after:
            self._referred[key] = after
        if before == after:
            return
        for one in set(after).difference(before):
            self._referrers[one].add(key)
            if one in self._part_of:  # of which more is needed now than was kept
                self._versions.doubt(one)
        for one in set(before).difference(after):
            self._referrers[one].discard(key)
            if not self._referrers[one]:
                del self._referrers[one]
                if self._workloads.pop(one, None) and one not in self._part_of:
                    self._versions.leave(one)


def _part(resource: Resource, raw: Manifest) -> Part:
    if resource == JOBS:
        return read_job(raw)
    runs = names.RUN_LABEL in fields(raw, "metadata", "labels")
    return read_pod(raw) if runs else read_gated_pod(raw)
