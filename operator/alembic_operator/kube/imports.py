"""DatabaseImports on the cluster: remember what their watches tell, look at one, make its Job, write its status."""

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alembic_operator.api.imports import KIND, ImportStatus
from alembic_operator.api.v1alpha1 import API_VERSION
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob, DeleteJob
from alembic_operator.core.imports.holders import Holder, Workload, read_holder, read_workload
from alembic_operator.core.imports.observation import (
    Ground,
    Import,
    ImportPod,
    ImportSeen,
    read_import,
    read_import_pod,
)
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.owners import controller
from alembic_operator.core.observation.pods import ENDED
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing
from alembic_operator.kube import codec
from alembic_operator.kube.answers import Answers
from alembic_operator.kube.cache import Cache, ImportKey, Key, Reference
from alembic_operator.kube.cache.keys import reference
from alembic_operator.kube.cache.migrations import HEAVIEST, SIZE
from alembic_operator.kube.cache.versions import version
from alembic_operator.kube.cluster import DEPLOYMENTS, IMPORTS, JOBS, PODS, STATEFUL_SETS, Cluster, Resource, Scope
from alembic_operator.kube.errors import AlreadyExistsError, ApiError, ConflictError, NotFoundError, RefusedError
from alembic_operator.kube.observe import Observer, Ways


@dataclass
class ImportCache:
    """What is known of imports, their Jobs and pods. Each change returns the imports that must be looked at again."""

    unreadable: dict[tuple[Resource, str | None], ApiError] = field(default_factory=dict)
    """As of the other cache."""
    _known: dict[Reference, Manifest] = field(default_factory=dict)

    def put(self, resource: Resource, raw: Manifest) -> set[ImportKey]:
        """Take in an object, unless a newer version of it is known."""
        about = reference(resource, raw)
        before = self._known.get(about)
        if before is not None and version(before) > version(raw):
            return set()
        self._known[about] = _kept(resource, raw)
        return {_import_of(about, raw)}

    def drop(self, resource: Resource, raw: Manifest) -> set[ImportKey]:
        """Forget an object that was deleted."""
        about = reference(resource, raw)
        return {_import_of(about, raw)} if self._known.pop(about, None) is not None else set()

    async def replace(
        self, resource: Resource, namespace: str | None, listed: AsyncIterable[Manifest]
    ) -> set[ImportKey]:
        """Take in a whole list, and forget what is not in it."""
        woken: set[ImportKey] = set()
        found = {reference(resource, raw): raw async for raw in listed}
        for about in list(self._known):
            if about.resource == resource and namespace in (None, about.namespace) and about not in found:
                woken.add(_import_of(about, self._known.pop(about)))
        for raw in found.values():
            woken |= self.put(resource, raw)
        return woken

    def keys(self) -> list[ImportKey]:
        """Return all imports; also to another thread, and so from a copy that is taken in one step."""
        return [ImportKey(one.namespace, one.name) for one in list(self._known) if one.resource == IMPORTS]

    def referring(self, key: Key) -> set[ImportKey]:
        """Return the imports into a migration's database."""
        return {
            one
            for one in self.keys()
            if one.namespace == key.namespace and key.name == reading.text(self.get(one), *_MIGRATION)
        }

    def get(self, key: ImportKey) -> Manifest | None:
        """Return an import; None when it does not exist."""
        return self._known.get(Reference(IMPORTS, key.namespace, key.name))

    def parts(self, resource: Resource, key: ImportKey) -> list[Manifest]:
        """Return the Jobs or the pods of an import."""
        return [raw for one, raw in self._known.items() if one.resource == resource and _import_of(one, raw) == key]


def _kept(resource: Resource, raw: Manifest) -> Manifest:
    """Return what is read of an object later on: it is kept for as long as the object exists."""
    metadata = {name: value for name, value in reading.fields(raw, "metadata").items() if name != "managedFields"}
    kept = {"metadata": metadata, "status": raw.get("status")}
    if resource != IMPORTS:
        return kept
    size = len(codec.write(raw.get("spec")))
    return kept | ({"spec": raw.get("spec")} if size <= HEAVIEST else {SIZE: size})


def _read(raw: Manifest) -> Import:
    """Read what is kept of an import."""
    found = read_import(raw)
    if SIZE not in raw:
        return found
    said = f"spec has {raw[SIZE]} bytes of JSON, and at most {HEAVIEST} are read; shorten spec.jobTemplate"
    return replace(found, spec=None, spec_error=said)


_KINDS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}
_MIGRATION = ("spec", "migrationRef", "name")


def _import_of(about: Reference, raw: Manifest) -> ImportKey:
    if about.resource == IMPORTS:
        return ImportKey(about.namespace, about.name)
    return ImportKey(about.namespace, reading.text(raw, "metadata", "labels", names.IMPORT_LABEL))


@dataclass(frozen=True)
class Imports:
    """Eyes and hands for imports."""

    cluster: Cluster
    cache: ImportCache
    migrations: Cache
    observer: Observer
    ways: Ways
    answers: Answers | None = None
    """Of pods that load; None: they are not asked."""

    async def observe(self, key: ImportKey, now: datetime) -> ImportSeen | None:
        """Return what there is to see; None when the import is gone or going.

        Raises:
            ApiError: what a decision depends on cannot be read.
        """
        raw = self.cache.get(key)
        if raw is None or "deletionTimestamp" in reading.fields(raw, "metadata"):
            if self.answers:
                self.answers.forget(key)
            return None
        for resource in (JOBS, PODS):
            error = self.cache.unreadable.get((resource, None)) or self.cache.unreadable.get((resource, key.namespace))
            if error:
                raise ApiError(error.status, error.reason, error.message)
        asked = _read(raw)
        jobs = tuple(read_job(one, KIND) for one in self.cache.parts(JOBS, key))
        pods = tuple(map(read_import_pod, self.cache.parts(PODS, key)))
        own = {one.name for one in jobs if one.owner == asked.uid and not one.outcome}
        answers = self.answers.each(key, [one for one in pods if one.job in own], now) if self.answers else ()
        return ImportSeen(
            now=now,
            asked=asked,
            ground=await self._ground(key, asked),
            jobs=jobs,
            pods=pods,
            asks_progress=self.answers is not None,
            progress=max((told for _, told in answers), key=lambda one: one.at, default=None),
            image=self.ways.runner_image,
            others=self._others(key, asked),
            holders=await self._holders(key, asked, pods),
            stopped=await self._stopped(key, asked),
            limits_job_template=self.ways.limits_job_template,
        )

    def _others(self, key: ImportKey, asked: Import) -> tuple[str, ...]:
        """Return the other imports into the same migration's database of which a pod has begun, and not ended."""
        about = Key(key.namespace, asked.spec.migration_ref.name) if asked.spec else None
        others = sorted((one.name, one) for one in self.cache.referring(about)) if about else ()
        return tuple(name for name, one in others if one != key and any(map(_goes_on, self.cache.parts(PODS, one))))

    async def _holders(self, key: ImportKey, asked: Import, pods: Sequence[ImportPod]) -> tuple[Holder, ...]:
        """Return who has the claim, when that matters: before a pod is made, and while it has not started."""
        if asked.spec is None or asked.status.imported_at or any(one.step for one in pods if one.phase not in ENDED):
            return ()
        claim = asked.spec.from_.sqlite.volume.persistent_volume_claim.claim_name
        found: list[Holder] = []
        async for page in self.cluster.pages(Scope(PODS, key.namespace)):
            found += filter(None, (read_holder(raw, claim) for raw in page.items))
        return tuple(sorted(found, key=lambda one: one.name))

    async def _stopped(self, key: ImportKey, asked: Import) -> Workload | None:
        """Return the workload that has to stand still, while somebody waits for that."""
        if asked.spec is None or asked.spec.cutover is None or not asked.status.first_pass_at:
            return None
        about = asked.spec.cutover.workload
        return read_workload(await self.cluster.get(_KINDS[about.kind], key.namespace, about.name))

    async def _ground(self, key: ImportKey, asked: Import) -> Ground | None:
        about = Key(key.namespace, asked.spec.migration_ref.name) if asked.spec else None
        raw = self.migrations.migration(about) if about else None
        if raw is None or about is None or raw["metadata"].get("deletionTimestamp"):
            return None
        migration, standing = read_migration(raw), self.migrations.standing(about)
        if migration.spec is None:
            return Ground(migration, ready=False, source=Missing("its specification cannot be read"), server=None)
        return Ground(
            migration,
            ready=standing is not None and standing.ready,
            source=await self.observer.source(about, migration.spec),
            server=await self.observer.server(about, migration.spec),
        )

    async def act(self, action: CreateJob | DeleteJob, key: ImportKey) -> None:
        """Make or delete a Job, and let the cache know at once.

        Raises:
            RefusedError: the API server does not take the Job, or its name is taken.
        """
        if isinstance(action, DeleteJob):
            await self.cluster.delete(JOBS, key.namespace, action.name, action.uid)
            return
        name = action.manifest["metadata"]["name"]
        try:
            stored = await self.cluster.create(JOBS, key.namespace, action.manifest)
        except AlreadyExistsError:
            existing = await self.cluster.get(JOBS, key.namespace, name)
            (owner,) = action.manifest["metadata"]["ownerReferences"]
            if existing is None or controller(existing).get("uid") != owner["uid"]:
                raise RefusedError(409, "AlreadyExists", f"Job {name} exists, and is not this import's") from None
            stored = existing
        self.cache.put(JOBS, stored)

    async def report(self, asked: Import, status: ImportStatus) -> bool:
        """Write the status, if it differs, and return whether the import is still there."""
        if status == asked.status:
            return True
        written = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
        try:
            raw = await self.cluster.apply_status(IMPORTS, _body(asked, asked.uid, written))
            if (uid := reading.text(raw, "metadata", "uid")) != asked.uid:
                # As of a migration: a successor of the same name must not begin with what another one did.
                raw = await self.cluster.apply_status(IMPORTS, _body(asked, uid, {}))
        except (NotFoundError, ConflictError):  # its own event is on the way
            return False
        self.cache.put(IMPORTS, raw)
        return uid == asked.uid


def _goes_on(raw: Manifest) -> bool:
    pod = read_import_pod(raw)
    return bool(pod.job and pod.step) and pod.phase not in ENDED


def _body(asked: Import, uid: str, status: Manifest) -> Manifest:
    metadata = {"name": asked.name, "namespace": asked.namespace, "uid": uid}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": status}
