"""Look at one migration, decide, and make it so: observe, plan, apply, report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from alembic_operator.api.status import Status
from alembic_operator.core.actions import BringRunner, CreateJob, DeleteJob, Notice, Plan
from alembic_operator.core.gates.rollouts import without_migration
from alembic_operator.core.observation.migrations import Migration, asks_for_more, read_migration
from alembic_operator.core.observation.observation import Observation, Refusal
from alembic_operator.core.plan import plan
from alembic_operator.core.status.trouble import Trouble, is_misled, not_written, status_in, told
from alembic_operator.kube.apply import apply
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import Cluster
from alembic_operator.kube.errors import (
    AnotherJobError,
    ApiError,
    InvalidError,
    LeaseLostError,
    RefusedError,
    UnreachableError,
)
from alembic_operator.kube.events import Events
from alembic_operator.kube.observe import Observer
from alembic_operator.kube.report import report
from alembic_operator.kube.runner_config_map import RunnerConfigMap
from alembic_operator.shell.failures import Failures
from alembic_operator.shell.metrics.tally import Tally

log = structlog.get_logger()

_MISSED_AFTER = 10.0
"""Seconds: who installs or removes an application does so with all of its parts, in any order."""


@dataclass(frozen=True)
class Reconciler:
    """One operator's hands: what it needs for its work on any migration."""

    cluster: Cluster
    cache: Cache
    observer: Observer
    runner_config_map: RunnerConfigMap
    wake: Callable[[set[Key]], None]
    """Told of the migrations that depend on one whose status was written."""
    clock: Callable[[], datetime]
    events: Events
    missed: dict[Key, datetime] = field(default_factory=dict)
    """Since when workloads ask for migrations that do not exist."""
    failures: Failures = field(default_factory=Failures)
    tally: Tally = field(default_factory=Tally)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one migration a step further; return after how many seconds to look again, or None."""
        with (
            structlog.contextvars.bound_contextvars(namespace=key.namespace, name=key.name),
            self.tally.timed(),
        ):
            try:
                after = await self._reconcile(key)
            except LeaseLostError:
                raise
            except Exception as error:
                await self._failed(key, error)
                raise
            self.failures.forget(key)
            return after

    async def _reconcile(self, key: Key) -> float | None:
        seen = await self.observer.observe(key, self.clock())
        if seen is None:
            self.tally.forget(key)
            return await self._warn(key)
        self.missed.pop(key, None)
        self.tally.seen(key, seen)
        planned = plan(seen)
        if planned.report_first:
            if not await self._report(seen.migration, planned.status, for_sure=True):
                return None
            if self._has_changed(seen.migration):
                return 0.0
        done = await self._act(seen, planned)
        if (done is not planned or not planned.report_first) and not await self._report(seen.migration, done.status):
            return None
        await self._announce(key.namespace, done.notices, seen.migration)
        return done.requeue_after

    def _has_changed(self, migration: Migration) -> bool:
        """Return whether the answer to a write told of a newer specification, which its watch has still to tell of."""
        raw = self.cache.migration(Key(migration.namespace, migration.name))
        return raw is not None and asks_for_more(raw, migration)

    async def _warn(self, key: Key) -> float | None:
        """Warn of workloads that ask for a migration that does not exist, once it has had the time to come."""
        lost = () if self.cache.migration(key) else self.cache.gated_workloads(key)
        if not lost:
            self.missed.pop(key, None)
            return None
        now = self.clock()
        wait = (self.missed.setdefault(key, now) - now).total_seconds() + _MISSED_AFTER
        if wait > 0:
            return wait
        await self._announce(key.namespace, without_migration(lost, key.name))
        return None

    async def _act(self, seen: Observation, planned: Plan) -> Plan:
        """Carry out a plan, and return it, or what follows from what the API server answers."""
        refusal = None
        for action in planned.actions:
            if refusal and isinstance(action, CreateJob):
                break  # it would wait for the runner for ever
            try:
                await apply(action, seen.migration.namespace, self.cluster, self.cache, self.runner_config_map)
            except AnotherJobError as error:
                others = replace(seen, jobs=(*seen.jobs, error.job))
                return await self._act(others, plan(others))
            except RefusedError as error:
                if isinstance(action, DeleteJob):
                    raise
                forbidden = not isinstance(error, InvalidError)
                refusal = Refusal(error.message, forbidden, of_runner=isinstance(action, BringRunner))
        return plan(replace(seen, refusal=refusal)) if refusal else planned

    async def _failed(self, key: Key, error: Exception) -> None:
        """Remember a failure, and tell of it when it stays, or when the status says what it has made untrue."""
        if self.failures.remember(key, error, self.clock()):
            _log(error)
        try:
            await self._tell_of(key)
        except LeaseLostError:
            raise
        except Exception as another:  # noqa: BLE001  what cannot even be told is at least in the log
            _log(another)

    async def _tell_of(self, key: Key) -> None:
        raw = self.cache.migration(key)
        migration = read_migration(raw) if raw and not raw["metadata"].get("deletionTimestamp") else None
        if migration is None:
            return
        at_once = is_misled(migration.status, self.cache.jobs(key))
        if trouble := self.failures.worth_telling(key, self.clock(), at_once=at_once):
            await self._tell(migration, trouble)

    async def _tell(self, migration: Migration, trouble: Trouble) -> None:
        """Write what keeps the operator from its work into the status; where that is refused, into one Event."""
        key = Key(migration.namespace, migration.name)
        try:
            if not await self._report(migration, status_in(trouble, migration, self.clock())):
                return
        except UnreachableError:
            return  # nor would an Event be
        except ApiError as error:
            if self.failures.first_without_status(key):
                log.warning("status not written", status=error.status, reason=error.reason, message=error.message)
                await self._announce(key.namespace, not_written(trouble, error.message), migration)
            return
        await self._announce(key.namespace, told(trouble, migration.status), migration)

    async def _report(self, migration: Migration, status: Status, *, for_sure: bool = False) -> bool:
        """Write the status, and return whether the migration is still there: of one that is gone, nothing is told."""
        dependents = await report(migration, status, self.cluster, self.cache, for_sure=for_sure)
        self.wake(dependents or set())
        self.tally.written(Key(migration.namespace, migration.name), migration.status, status)
        return dependents is not None

    async def _announce(self, namespace: str, notices: Iterable[Notice], migration: Migration | None = None) -> None:
        for notice in notices:
            try:
                if await self.events.announce(namespace, notice, migration):
                    generation = migration.generation if migration else None
                    log.info(str(notice.occasion).lower(), generation=generation, note=notice.note)
            except ApiError as error:  # an Event is a courtesy; the status has the facts
                log.warning("event not written", status=error.status, message=error.message)


def _log(error: Exception) -> None:
    if isinstance(error, ApiError):
        log.warning(
            "api server refused", asked=error.asked, status=error.status, reason=error.reason, message=error.message
        )
    else:
        log.error("reconcile failed", error=type(error).__name__, exc_info=error)
