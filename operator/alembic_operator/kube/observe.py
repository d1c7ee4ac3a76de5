"""Look at one migration: gather everything that a decision may depend on, mostly from what the watches told."""

from dataclasses import dataclass, replace
from datetime import datetime

from alembic_operator.api.v1alpha1 import Spec, WorkloadRef
from alembic_operator.core import names
from alembic_operator.core.observation import source
from alembic_operator.core.observation.controlled import only_controlled
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.dependencies import Dependency
from alembic_operator.core.observation.last_change import LastChange, last_change
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.reading import Manifest, fields
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.core.runs import ends
from alembic_operator.kube.answers import Answers
from alembic_operator.kube.cache import Cache, CachedWorkload, Key, Reference, workload_reference
from alembic_operator.kube.cache.migrations import HEAVIEST, SIZE
from alembic_operator.kube.cluster import CONFIG_MAPS, PODS, STATEFUL_SETS, Cluster, Scope
from alembic_operator.kube.runner_config_map import RunnerConfigMap

_NO_SOURCE = Missing("the specification cannot be read")


@dataclass(frozen=True)
class Ways:
    """How this operator makes Jobs."""

    runner_image: str
    """Its own image."""
    limits_job_template: bool = False
    answers: Answers | None = None
    """Of their pods; None: it does not ask these."""


class Observer:
    """Eyes on a cluster: a cache for what is watched, a read for what is not."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        runner_config_map: RunnerConfigMap,
        ways: Ways,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._runner_config_map = runner_config_map
        self._ways = ways
        self._last_changes = LastChanges()

    async def observe(self, key: Key, now: datetime) -> Observation | None:
        """Return what there is to see; None when the migration is gone or going.

        Raises:
            ApiError: what a decision depends on cannot be read.
        """
        raw = self._cache.migration(key)
        if raw is None or raw["metadata"].get("deletionTimestamp"):
            self._last_changes.forget(key)
            if self._ways.answers:
                self._ways.answers.forget(key)
            return None
        self._cache.check_readable(key)
        migration = _migration(raw)
        spec = migration.spec
        followed = await self.source(key, spec) if spec else _NO_SOURCE
        seen = Observation(
            now=now,
            migration=migration,
            source=followed,
            last_change=self._last_changes.observe(key, migration, followed, now),
            server=await self.server(key, spec) if spec else None,
            dependencies=tuple(self._dependency(key.namespace, name) for name in self._cache.depends_on(key)),
            cycle=self._cache.cycle(key),
            jobs=self._cache.jobs(key),
            pods=await self._pods(key, raw),
            gated=self._cache.gated(key),
            workloads=self._cache.gated_workloads(key),
            runner_image=self._ways.runner_image,
            runner_is_there=await self._runner_config_map.is_in(key.namespace, self._cluster),
            runner_news=self._runner_config_map.news(key.namespace),
            limits_job_template=self._ways.limits_job_template,
            asks_progress=self._ways.answers is not None,
        )
        answers = self._ways.answers
        return replace(seen, progress=answers.of(key, only_controlled(seen).pods, now)) if answers else seen

    async def source(self, key: Key, spec: Spec) -> PodParts | Missing:
        """Return what a migration takes over from its source."""
        if spec.source.image:
            return source.of_image(spec.source.image)
        if reference := spec.source.workload_ref:
            return await self._workload_source(key, reference)
        name = spec.source.config_map_ref.name if spec.source.config_map_ref else ""
        content = await self._cluster.get(CONFIG_MAPS, key.namespace, name)
        return source.of_config_map(name, content, spec.alembic.config, self._ways.runner_image)

    async def _workload_source(self, key: Key, reference: WorkloadRef) -> PodParts | Missing:
        found = await self._workload(key, workload_reference(key, reference.kind, reference.name))
        parts = found.containers if found else None
        return source.of_workload(reference.kind, reference.name, parts, reference.container)

    async def server(self, key: Key, spec: Spec) -> DatabaseServer | Missing | None:
        """Return the StatefulSet of spec.database; None: it names none."""
        if spec.database is None or spec.database.stateful_set_ref is None:
            return None
        name = spec.database.stateful_set_ref.name
        found = await self._workload(key, Reference(STATEFUL_SETS, key.namespace, name))
        if found is None or found.server is None:
            return Missing(f"StatefulSet {name} does not exist", "create it, or correct spec.database.statefulSetRef")
        return found.server

    async def _workload(self, key: Key, reference: Reference) -> CachedWorkload | None:
        """Return a workload from the cache; read it once, because it may be older than the reference to it."""
        known = self._cache.workload(reference)
        if known is None and (raw := await self._cluster.get(*reference)):
            self._cache.put_read_by(key, reference.resource, raw)
            known = self._cache.workload(reference)
        return known

    def _dependency(self, namespace: str, name: str) -> Dependency:
        standing = self._cache.standing(Key(namespace, name))
        return Dependency(name, exists=standing is not None, ready=standing is not None and standing.ready)

    async def _pods(self, key: Key, raw: Manifest) -> tuple[Pod, ...]:
        """Return the pods; read them when a Job has finished whose pod's report has not been told yet."""
        known, jobs = self._cache.pods(key), self._cache.jobs(key)
        if all(not job.outcome or ends.has_report(job, known) or _is_recorded(raw, job.name) for job in jobs):
            return known
        async for page in self._cluster.pages(Scope(PODS, key.namespace, f"{names.RUN_LABEL}={key.name}")):
            for one in page.items:
                self._cache.put(PODS, one)
        return self._cache.pods(key)


def _migration(raw: Manifest) -> Migration:
    """Read what is kept of a migration."""
    found = read_migration(raw)
    if SIZE not in raw:
        return found
    said = f"spec has {raw[SIZE]} bytes of JSON, and at most {HEAVIEST} are read; shorten spec.jobTemplate"
    return replace(found, spec=None, spec_error=said)


def _is_recorded(raw: Manifest, job: str) -> bool:
    """Return whether the status already tells how this Job, or a later one, ended."""
    last = fields(raw, "status", "lastRun")
    return bool(last) and (last.get("job") != job or bool(last.get("finishedAt")))


class LastChanges:
    """Since when the workloads that migrations follow are as they are: the API server does not tell."""

    def __init__(self) -> None:
        self._seen: dict[Key, LastChange] = {}

    def observe(self, key: Key, migration: Migration, parts: PodParts | Missing, now: datetime) -> LastChange | None:
        """Return since when a migration's source is as it is now; None: it is no workload."""
        if found := last_change(self._seen.get(key), migration, parts, now):
            self._seen[key] = found
        return found

    def forget(self, key: Key) -> None:
        """Forget a migration that is gone."""
        self._seen.pop(key, None)
