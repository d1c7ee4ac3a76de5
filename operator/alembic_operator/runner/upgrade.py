"""Bring the database to the target: lock, compare, upgrade, read back."""

from __future__ import annotations

import gc
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Applied, Result
from alembic_operator.runner import environment, locks, scripts
from alembic_operator.runner.connect import Connections, connect_failed
from alembic_operator.runner.failures import Ending, Scene, Verdict, classify, trace
from alembic_operator.runner.own import Origin, fetch, literal, quoted
from alembic_operator.runner.sites import Site, Sites, end_unless_begun, raw_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation

_ATTEMPTS = {Reason.LOCK_TIMEOUT: 40, Reason.CONFLICT: 5}
"""How often a revision is tried in one run; the database stays at the revision before in between."""
_PAUSE_SECONDS = (0.2, 30.0)
_SHARED = "alembic_operator.shared"


@dataclass
class Progress:
    """How far the run has come."""

    applied: list[Applied] = field(default_factory=list)
    scene: Scene = field(default_factory=Scene)
    """The revision that is running."""
    attempts: int = 0
    """How often the running revision has failed."""


class Upgrade:
    """One run of `upgrade`."""

    def __init__(self, invocation: Invocation, connections: Connections) -> None:
        self._invocation = invocation
        self._connections = connections
        self._around = connections.around
        self._sites = Sites(connections, [])
        self._progress = Progress()
        self._script: Any = None
        self._site: Site | None = None
        self._locked: list[Site] = []
        """Those whose lock this attempt has seen to be held."""
        self._version_arguments: dict[str, Any] = {}
        connections.on_checkout = self._checked_out
        self._around.stop.cancel = self._cancel

    def run(self) -> Result:
        """Run until the target is in the database, or raise Ending's verdict inside a Result."""
        verdict = self._attempts()
        self._around.stop.unwound()
        result = self._read_back(verdict)
        for site in self._sites.found:
            if site.lock:
                site.lock.release()
        return result

    # Attempts

    def _attempts(self) -> Verdict | None:
        while True:
            calls: list[str] = []
            try:
                self._attempt(calls)
            except BaseException as error:  # noqa: BLE001  env.py may raise anything, also SystemExit
                verdict = self._verdict(error)
                if not self._again(verdict):
                    return self._told(error, verdict)
                self._wait(verdict)
            else:
                return None if "run_migrations" in calls else environment.never_ran(calls).verdict

    def _attempt(self, calls: list[str]) -> None:
        self._progress.scene = Scene()
        self._locked.clear()
        gc.collect()  # the connections of a failed attempt must not be left to share key B
        config = environment.open_config(self._invocation)
        self._script = environment.open_scripts(config, self._invocation)
        hooks = environment.Hooks(self._configuring, self._configured, self._steps, calls)
        environment.run(config, self._script, hooks, self._invocation.target)
        self._around.stop.check()

    def _verdict(self, error: BaseException) -> Verdict:
        if stopped := self._around.stop.requested:
            return self._stopped(stopped, error)
        origin = self._connections.origin
        return classify(error, replace(self._progress.scene, server=origin.place if origin else ""))

    def _stopped(self, stopped: Ending, error: BaseException) -> Verdict:
        verdict = classify(stopped, self._progress.scene)
        last = classify(error, self._progress.scene).failure
        return replace(verdict, failure=replace(verdict.failure, statement=last.statement))

    def _again(self, verdict: Verdict) -> bool:
        self._progress.attempts += 1
        return self._progress.attempts < _ATTEMPTS.get(verdict.reason, 0)

    def _wait(self, verdict: Verdict) -> None:
        shortest, longest = _PAUSE_SECONDS
        ceiling = min(longest, shortest * 2 ** min(self._progress.attempts, 10))
        self._around.journal.warning(
            "retrying", reason=str(verdict.reason), message=verdict.failure.message, attempt=self._progress.attempts
        )
        self._around.stop.waiting_for = f"another attempt; the last one: {verdict.failure.message}"
        self._around.stop.pause(random.uniform(0, ceiling))  # noqa: S311  jitter, not a secret
        self._around.stop.waiting_for = ""

    def _told(self, error: BaseException, verdict: Verdict) -> Verdict:
        if not isinstance(error, Ending):
            self._around.journal.error("failed", **trace(error))
        return verdict

    # Stations of env.py

    def _configuring(self, connection: Any, arguments: dict[str, Any]) -> None:
        if connection is not None:
            self._own_the_transaction(connection)
        self._site = site = self._sites.examine(connection, arguments)
        arguments["transaction_per_migration"] = True
        self._version_arguments = arguments
        self._lock(site)
        self._locked.append(site)
        self._create_schema(site)
        self._share(raw_of(connection), connection.info, site.origin)
        end_unless_begun(connection)

    def _own_the_transaction(self, connection: Any) -> None:
        """Commit what SQLAlchemy began by itself; Alembic would take it for env.py's, and nobody would ever commit."""
        transaction = connection.get_transaction()
        if transaction is None:
            return
        if self._connections.is_explicit(transaction):
            message = "env.py holds one transaction around all revisions; they are committed together, or not at all"
            self._around.journal.warning("external transaction", message=message)
            return
        transaction.commit()
        message = "env.py ran a statement before context.configure(); its transaction was committed"
        self._around.journal.info("transaction committed", message=message)

    def _lock(self, site: Site) -> None:
        if site.lock and site.lock.held():
            return
        own = self._connections.take_spare(site.origin)
        ((standby,),) = own.rows("SELECT pg_catalog.pg_is_in_recovery()")
        if standby:
            message = f"{site.origin.place} is a standby"
            raise Ending(Reason.READ_ONLY_DATABASE, message, "Connect to the primary; it is tried again.")
        site.lock = locks.acquire(own, site.table, locks.Waiting(self._around.stop, self._around.journal))

    def _create_schema(self, site: Site) -> None:
        schema = self._invocation.schema
        if not schema or not site.lock:
            return
        own = site.lock.own
        if not own.rows(f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {literal(schema)}"):
            try:
                own.become(self._invocation.role).rows(f"CREATE SCHEMA {quoted(schema)}")
                own.rows("RESET ROLE")
            except Exception as error:
                raise connect_failed(error, site.origin) from error
            self._around.journal.info("schema created", schema=schema)

    def _checked_out(self, raw: Any, info: dict[Any, Any], origin: Origin) -> None:
        if self._share(raw, info, origin):
            raw.rollback()

    def _share(self, raw: Any, info: dict[Any, Any], origin: Origin) -> bool:
        """Take key B on a migration connection; False: it had it."""
        new = False
        shared = info.setdefault(_SHARED, {})
        for site in self._locked:
            table = site.lock.table if site.lock and site.origin.place == origin.place else None
            if table and shared.get(table) is not raw:
                locks.share(lambda sql: fetch(raw, sql), table, self._around.stop)
                shared[table] = raw
                new = True
        return new

    def _configured(self, context: Any) -> None:
        @contextmanager
        def entered() -> Iterator[None]:
            self._progress.scene = replace(self._progress.scene, autocommitted=True)
            with self._connections.session.no_timeouts(raw_of(context.connection)):
                yield

        environment.around_autocommit(context, entered)

    def _steps(self, heads: tuple[str, ...], context: Any) -> Iterator[Any]:
        """Yield the revisions to run; Alembic asks for the next one only after it has committed the one before."""
        site = self._compare(heads, context)
        if site.ahead or not scripts.missing(self._script, site.target, heads):
            return
        target = self._invocation.target
        destination: Any = site.target if scripts.is_relative(target) else target
        for step in self._script._upgrade_revs(destination, heads):  # noqa: SLF001  what `alembic upgrade` itself calls
            revision = step.revision.revision
            self._around.stop.check()
            self._begin(revision)
            begun = time.monotonic()
            yield step
            self._committed(Applied(revision, round((time.monotonic() - begun) * 1000)))

    def _compare(self, heads: tuple[str, ...], context: Any) -> Site:
        site = self._site
        if site is None:
            raise environment.never_ran([])
        site.table = self._sites.locate(context.connection, self._version_arguments).table
        if site.before is None:
            site.before = tuple(sorted(heads))
            self._around.journal.info("database heads read", heads=site.before, table=site.table.sql)
        site.ahead = scripts.unknown(self._script, heads)
        site.target = site.target or self._target(site, heads)
        if site.ahead and self._invocation.database_ahead == "Block":
            raise scripts.ahead_blocked(site.ahead)
        return site

    def _target(self, site: Site, heads: tuple[str, ...]) -> tuple[str, ...]:
        if site.ahead and scripts.is_relative(self._invocation.target):
            return ()
        return scripts.targets(self._script, self._invocation.target, heads)

    def _begin(self, revision: str) -> None:
        if revision != self._progress.scene.revision:
            self._around.journal.info("revision started", revision=revision)
        self._progress.scene = Scene(revision=revision)

    def _committed(self, applied: Applied) -> None:
        self._progress.applied.append(applied)
        self._progress.attempts = 0
        self._progress.scene = Scene()
        self._around.journal.info("revision applied", revision=applied.revision, ms=applied.ms)

    def _cancel(self) -> None:
        first = [self._connections.origin] if self._connections.origin else []
        origins = [site.origin for site in self._sites.found] or first
        for origin in {origin.place: origin for origin in origins}.values():
            own = origin.open()
            try:
                own.rows(
                    "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE state = 'active'"
                    f" AND application_name = {literal(self._connections.session.application_name)}"
                )
            finally:
                own.close()

    # The end

    def _read_back(self, verdict: Verdict | None) -> Result:
        before = scripts.union(site.before or () for site in self._sites.found)
        target = scripts.union(site.target for site in self._sites.found)
        result = Result("", before, target=target, applied=tuple(self._progress.applied))
        try:
            after = [site.read(self._invocation.role) for site in self._sites.found]
            pending = self._pending(after)
            result = replace(result, applied=self._kept(result.applied, after))
        except BaseException as error:  # noqa: BLE001  whatever it is, the Result must come
            verdict = verdict or classify(error, Scene(server=self._sites.found[0].origin.place))
            return replace(result, reason=str(verdict.reason), error=verdict.failure)
        ahead = any(site.ahead for site in self._sites.found)
        result = replace(result, to=scripts.union(after), pending=pending, ahead=ahead)
        verdict = verdict or self._not_committed(pending, ahead)
        if verdict is None:
            return replace(result, reason=str(Reason.DATABASE_AHEAD if ahead else Reason.UP_TO_DATE))
        return replace(result, reason=str(verdict.reason), error=verdict.failure)

    def _pending(self, after: list[tuple[str, ...]]) -> int:
        pairs = [(site, heads) for site, heads in zip(self._sites.found, after) if not site.ahead]  # noqa: B905  3.9
        return sum(len(scripts.missing(self._script, site.target, heads)) for site, heads in pairs)

    def _kept(self, applied: tuple[Applied, ...], after: list[tuple[str, ...]]) -> tuple[Applied, ...]:
        """Return what the database really contains; a transaction of env.py may have rolled the rest back."""
        names = tuple(one.revision for one in applied)
        lost = set(scripts.missing(self._script, names, scripts.union(after))) if names else set()
        return tuple(one for one in applied if one.revision not in lost)

    def _not_committed(self, pending: int, ahead: bool) -> Verdict | None:
        if ahead or not pending:
            return None
        message = f"Alembic ended without an error, but {pending} revision(s) are not in the database"
        hint = (
            "A transaction of env.py rolled them back: let context.begin_transaction() begin and commit it, "
            "or commit what env.py began itself."
        )
        return Ending(Reason.NOT_COMMITTED, message, hint).verdict
