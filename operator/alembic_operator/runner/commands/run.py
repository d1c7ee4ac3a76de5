"""One run that changes a database: lock, compare, move, read back. The direction is a module of its own."""

from __future__ import annotations

import functools
import random
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Applied
from alembic_operator.runner.commands import foreign
from alembic_operator.runner.commands.course import Progress
from alembic_operator.runner.commands.early import EarlyReading
from alembic_operator.runner.commands.finish import Finish
from alembic_operator.runner.database import direct, option, patience, versions
from alembic_operator.runner.database.guard import Guard
from alembic_operator.runner.database.sites import Site, Sites, raw_of
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify
from alembic_operator.runner.process.telling import cause, trace
from alembic_operator.runner.project import environment, scripts, state
from alembic_operator.runner.watching.recorder import Recorder
from alembic_operator.runner.watching.witnesses import Witnesses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.commands.move import Move
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import OwnConnection

_ATTEMPTS = {Reason.LOCK_TIMEOUT: 40, Reason.CONFLICT: 5}
"""How often a revision is tried in one run; the database stays at the revision before in between."""
_PAUSE_SECONDS = (0.2, 30.0)
_ENV = "env.py, which has not called context.configure() yet"


class Run:
    """One run of `upgrade` or of a command like it."""

    def __init__(self, invocation: Invocation, connections: Connections, move: Move) -> None:
        self._invocation = invocation
        self._connections = connections
        self._move = move
        patience.install(connections.session)
        self._recorder = Recorder(connections, enabled=invocation.history == "Enabled")
        self._witnesses = Witnesses(connections, invocation, self._recorder)
        self._early = EarlyReading(self._witnesses)
        self._around = connections.around
        self._sites = Sites(connections, [])
        self._guard = Guard(connections, self._sites, invocation.role, self._waiting)
        self._progress = Progress()
        self._script: Any = None
        self._target = invocation.target
        """For which env.py is running."""
        self._site: Site | None = None

    def run(self) -> Result:
        """Run until the target is in the database, or raise Ending's verdict inside a Result."""
        verdict = self._attempts()
        self._around.stop.unwound()
        self._early.over()
        for witness in self._witnesses:
            witness.over()
        seen = (self._invocation, self._sites.found, self._script, self._move.left, self._around.journal)
        finish = Finish(*seen, self._connections.is_of_fleet)
        result = finish.read_back(tuple(self._progress.applied), verdict)
        result = replace(result, lock_ms=round((self._guard.waited + self._progress.blocked) * 1000))
        for witness in self._witnesses:
            result = witness.ended(result)
        self._guard.leave()
        return result

    def _attempts(self) -> Verdict | None:
        while True:
            calls: list[str] = []
            try:
                self._attempt(calls)
            except BaseException as error:  # noqa: BLE001  env.py may raise anything, also SystemExit
                with self._around.stop.undisturbed():
                    verdict = self._verdict(self._connections.explain(error))
                again = self._again(verdict)
                if again:
                    self._wait(verdict)
                if verdict.reason is Reason.LOCK_TIMEOUT:
                    self._progress.gave_up()
                if not again:
                    return self._told(error, verdict)
            else:
                ran = "run_migrations" in calls
                refused = None if ran else self._connections.refused
                ending = refused or environment.never_ran(calls, self._invocation.target)
                return ending.verdict if ending else None

    def _attempt(self, calls: list[str]) -> None:
        self._progress.again()
        self._progress.begins(Scene())
        self._guard.begin()
        for target in self._move.runs(self._invocation.target):
            self._target = target
            self._run_env(replace(self._invocation, target=target), calls)

    def _run_env(self, invocation: Invocation, calls: list[str]) -> None:
        config = environment.open_config(invocation)
        self._script = self._scripts(config, invocation)
        option.give_url(config, self._script, self._connections.address)
        engine = direct.Engine(config, self._script, self._around.journal)
        connect = engine.connect if self._connections.address else None
        hooks = environment.Hooks(self._configuring, self._configured, self._steps, calls, connect)
        hooks.running, hooks.ran = self._guard.follow, self._ran
        self._around.stop.waiting_for = _ENV
        environment.run(config, self._script, hooks, invocation.target)
        self._around.stop.check()

    def _scripts(self, config: Any, invocation: Invocation) -> Any:
        return environment.open_scripts(config, invocation)

    def _verdict(self, error: BaseException) -> Verdict:
        if stopped := self._around.stop.requested:
            verdict = self._stopped(stopped, error)
        else:
            origin = self._connections.origin
            verdict = classify(error, replace(self._progress.scene, server=origin.place if origin else ""))
        told = verdict.failure.message
        for witness in self._witnesses:
            verdict = witness.failed(verdict)
        alone = verdict.reason is Reason.DEADLINE_EXCEEDED and verdict.failure.message == told
        return self._recalled(verdict) if alone else verdict

    def _recalled(self, verdict: Verdict) -> Verdict:
        """Say why the attempt before failed, when the deadline came too soon in this one to see who is in its way."""
        last = self._progress.last
        if not last or last.message in verdict.failure.message:
            return verdict
        message = f"{verdict.failure.message}; the attempt before failed: {last.message}"
        return replace(verdict, failure=replace(verdict.failure, message=message, hint=last.hint))

    def _stopped(self, stopped: Ending, error: BaseException) -> Verdict:
        verdict = classify(stopped, self._progress.scene)
        last = classify(error, self._progress.scene).failure
        return replace(verdict, failure=replace(verdict.failure, statement=last.statement))

    def _again(self, verdict: Verdict) -> bool:
        self._progress.attempts += 1
        return self._progress.attempts < _ATTEMPTS.get(verdict.reason, 0)

    def _wait(self, verdict: Verdict) -> None:
        shortest, longest = _PAUSE_SECONDS
        attempt, message = self._progress.attempts, verdict.failure.message
        self._progress.last = verdict.failure
        pause = random.uniform(0, min(longest, shortest * 2 ** min(attempt, 10)))  # noqa: S311  jitter, not a secret
        facts = {"reason": str(verdict.reason), "message": message, "attempt": attempt, "pause": round(pause, 1)}
        self._around.journal.warning("retrying", **facts)
        stop = self._around.stop
        stop.waiting_for = f"another attempt; the last one: {message}"
        late = f"the deadline was reached while waiting for {stop.waiting_for}"
        stop.overdue = Ending(Reason.DEADLINE_EXCEEDED, late, verdict.failure.hint)
        stop.pause(pause)
        stop.waiting_for, stop.overdue = "", None

    def _told(self, error: BaseException, verdict: Verdict) -> Verdict:
        if shown := cause(error):
            self._around.journal.error("failed", **trace(shown))
        return verdict

    def _waiting(self, site: Site, own: OwnConnection) -> None:
        for witness in self._witnesses:
            witness.waiting(site, own)

    def _configuring(self, connection: Any, arguments: dict[str, Any]) -> None:
        self._around.stop.waiting_for = ""
        self._site = site = self._guard.enter(connection, arguments)
        self._progress.begins(Scene())
        self._early.begun(site)
        arguments["transaction_per_migration"] = True
        environment.also_on_version_apply(arguments, self._applying)
        for witness in self._witnesses:
            witness.locked(site)

    def _configured(self, context: Any) -> None:
        def inside() -> Any:
            return self._connections.session.no_timeouts(raw_of(context.connection))

        self._guard.take_over(context)
        if self._connections.is_of_fleet and self._site and self._site.existed:
            context._has_version_table = lambda: True  # noqa: SLF001  it was just looked for
        environment.around_autocommit(context, self._in_autocommit, inside)

    def _ran(self, context: Any) -> None:
        if self._site:
            self._early.ran(self._site, context.connection)

    @contextmanager
    def _in_autocommit(self) -> Iterator[None]:
        for witness in self._witnesses:
            witness.autocommitting(entered=True)
        try:
            yield
        finally:
            for witness in self._witnesses:
                witness.autocommitting(entered=False)

    def _steps(self, heads: tuple[str, ...], context: Any) -> Iterator[Any]:
        """Yield the revisions to run; Alembic asks for the next one only after it has committed the one before."""
        site = self._compare(heads, context)
        aimed = site.aims[self._target]
        if site.ahead or not self._move.left(self._script, aimed, heads):
            return
        steps = list(self._move.steps(self._script, self._target, aimed, heads))
        for witness in self._witnesses:
            witness.planned(sum(hasattr(one, "revision") for one in steps))
        for step in steps:
            self._around.stop.check()
            if hasattr(step, "revision"):
                yield from self._revision(step, context)
            else:  # a stamp: it runs no revision
                yield step

    def _revision(self, step: Any, context: Any) -> Iterator[Any]:
        revision = step.revision.revision
        self._witnesses.summon(self._site)
        self._announce(Scene(revision, undoing=step.is_downgrade))
        self._watch(step, context.connection)
        begun = time.monotonic()
        yield step
        ms = round((time.monotonic() - begun) * 1000)
        self._committed(Applied(revision, ms), "revision applied" if step.is_upgrade else "revision undone")
        if not context._in_external_transaction:  # noqa: SLF001  there is no public name
            self._progress.committed()

    def _compare(self, heads: tuple[str, ...], context: Any) -> Site:
        site = self._site
        if site is None:
            raise environment.unconfigured()
        self._sites.again(site)
        known = versions.named(heads, site.table)
        if site.before is None:
            site.before = known
            self._around.journal.info("database heads read", heads=site.before, table=site.table.sql)
            for witness in self._witnesses:
                witness.read(site)
        if damage := state.damage(scripts.lineage(self._script), heads, site.table.sql):
            raise damage
        site.ahead = scripts.unknown(self._script, heads)
        if not site.aims and self._target != self._invocation.target:
            self._move.aim(self._script, self._invocation.target, heads)  # each must be good before the first one runs
        if self._target not in site.aims:
            site.aims[self._target] = self._move.aim(self._script, self._target, heads)
        graph = scripts.graph(self._script)
        site.contains = frozenset(state.contained(graph, heads))
        wanted = site.aims[self._target] or scripts.heads(self._script)
        recorded = self._recorder.recorded(context.connection) if site.ahead else None
        found = state.standing(graph, wanted, heads, recorded)
        if refusal := found.refusal(self._invocation.database_ahead):
            raise refusal
        if site.ahead and not site.contains and not found.exact:
            foreign.require_own(self._script, site.table.sql, site.ahead, raw_of(context.connection))
        self._recorder.compared(found, graph, heads, context.connection)
        return site

    def _announce(self, scene: Scene) -> None:
        if scene.revision != self._progress.scene.revision:
            self._around.journal.info("revision started", revision=scene.revision)
        self._progress.begins(scene)

    def _watch(self, step: Any, connection: Any) -> None:
        original, revision = step.migration_fn, step.revision.revision

        @functools.wraps(original)
        def migration(*arguments: Any, **named: Any) -> Any:
            for witness in self._witnesses:
                witness.begun(revision, connection)
            answer = original(*arguments, **named)
            for witness in self._witnesses:
                witness.ran(revision)
            return answer

        step.migration_fn = migration

    def _applying(self, *, ctx: Any, heads: set[str], **_: Any) -> None:
        revision = self._progress.scene.revision
        for witness in self._witnesses if revision else ():
            witness.applying(revision, ctx.connection)
        self._recorder.written(heads, ctx.connection, by_hand=not revision)

    def _committed(self, applied: Applied, event: str) -> None:
        self._progress.applied.append(applied)
        self._progress.scene = Scene()
        facts: dict[str, Any] = {}
        for witness in self._witnesses:
            facts |= witness.applied(applied.revision)
        self._around.journal.info(event, revision=applied.revision, ms=applied.ms, **facts)
