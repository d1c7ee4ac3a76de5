"""Upgrade all tenants that are behind, and say how all of them stand."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import ExitCode, Failure, Result, seconds
from alembic_operator.contract.tenants import NO_TABLE, Tenants
from alembic_operator.runner.database import holders, locks, versions
from alembic_operator.runner.database.own import quoted
from alembic_operator.runner.database.session import Session
from alembic_operator.runner.process.failures import Ending, Scene, classify, exit_code, first_line
from alembic_operator.runner.process.imports import imported
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.tenants import course, crew, discovery, drift, rollout, spared, table
from alembic_operator.runner.tenants.echoes import Echoes
from alembic_operator.runner.tenants.load import Processors
from alembic_operator.runner.tenants.places import Places
from alembic_operator.runner.tenants.quick_scout import QuickScout
from alembic_operator.runner.tenants.rollout import Width
from alembic_operator.runner.tenants.soak import Soak
from alembic_operator.runner.tenants.survey import Survey, survey
from alembic_operator.runner.tenants.telling import Telling

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.commands.inspection import Access
    from alembic_operator.runner.tenants.scout import Connected, Scout

_POLL = (0.1, 0.6)
_EACH = 4
"""Connections of one process at the most: env.py's, the lock's, that which watches, that which reads back."""
_NAME = 44
"""Characters of the run's name that are left in the names of its processes' sessions."""
_DRIFT_SECONDS, _DRIFT_SECONDS_OF_NOTHING = 2.0, 0.5
"""For how long tenants are compared with one another, after a run and when nothing was behind."""
_ROUNDS = 3
"""How often those are looked for that have appeared meanwhile."""


def command(nursery: Any, invocation: Invocation, access: Access) -> Result:
    """Upgrade the tenants, each in a run of its own."""
    places = Places(invocation, Tenants.from_json(invocation.tenants), access.address)
    try:
        upgrade = Upgrade(nursery, places, access)
    except Ending as ending:
        if invocation.create_database == "Never" or ending.verdict.reason is not Reason.DATABASE_NOT_FOUND:
            raise
    else:
        return upgrade.run()
    imported("database.creation").before_all(invocation, access())
    return Upgrade(nursery, places, access).run()


def scout_of(places: Places, access: Access, importing: Callable[[], None] = lambda: None) -> Scout:
    """Return the quickest way to look that is certain; `importing` is called before the image's libraries are."""
    try:
        return QuickScout(places)
    except NeedsAlembic as why:
        access.around.journal.info("looking with Alembic", message=str(why))
        importing()
        scout: Scout = imported("tenants.env_scout").EnvScout(places, access())
        return scout


class Upgrade:
    """One run over all tenants."""

    def __init__(self, nursery: Any, places: Places, access: Access) -> None:
        """Begin without a connection."""
        self._nursery = nursery
        self._places = places
        self._around = access.around
        self._scout = scout_of(places, access, nursery.prepare)
        self._own: Connected = self._scout.connect()
        self._book: table.Book | None = None
        self._spared: set[str] = set()
        self._warnings: list[str] = []
        self._run = Session.of(places.invocation).run[-_NAME:]

    def run(self) -> Result:
        """Look, migrate what is behind, look again."""
        first = self._looked()
        self._book = self._book_of(first)
        first = self._without_spared(first)
        last, done = first, None
        with self._around.stop.undisturbed():
            if first.behind or self._places.tenants.shared:
                done, last = self._migrated(first)
        self._around.stop.unwound()
        self._written(last, done)
        self._compare(last, _DRIFT_SECONDS if done else _DRIFT_SECONDS_OF_NOTHING)
        self._own.close()
        return self._result(first, last, done)

    def _compare(self, seen: Survey, seconds: float) -> None:
        """Name those whose tables differ from most others', where each has a place and stands at the target."""
        rule, width = seen.map.rule, self._places.tenants.max_parallel
        alike = [one for one in seen.tally.up_to_date if seen.heads.get(one) == seen.map.wanted]
        try:
            if self._places.are_databases:
                seen.tally.drifted = drift.of_databases(self._scout.connect, alike, width, seconds)
            elif rule and rule.is_plain:
                seen.tally.drifted = drift.of_schemas(self._own.rows, alike, seconds)
        except (Exception, Ending) as error:  # noqa: BLE001  the drivers share no class, and the tenants are migrated
            self._around.journal.warning("tenants not compared", message=first_line(error))

    def _looked(self) -> Survey:
        try:
            return self._without_spared(survey(self._scout, self._places, self._own))
        except Exception as error:
            raise Ending.of(classify(error, Scene())) from error

    def _without_spared(self, seen: Survey) -> Survey:
        """Count those as failed, where that is asked for, that failed for good and stand as they stood then."""
        if self._book is None or not self._around.spares_failed:
            return seen
        seen.tally.failed |= spared.of(seen, self._book.failures(self._own.rows))
        self._spared = {one for one in seen.behind if one in seen.tally.failed}
        return replace(seen, behind=tuple(one for one in seen.behind if one not in self._spared))

    def _migrated(self, last: Survey) -> tuple[course.Course, Survey]:
        if self._waited():
            last = self._looked()  # it may have done what was to be done
        self._written(last, None)
        telling = Telling(self._around, last.tally)
        done = self._course(telling)
        if self._places.tenants.shared and not done.share():
            return done, last
        tried, again = set[str](), set[str]()
        for _ in range(_ROUNDS):
            todo = replace(last, behind=tuple(one for one in last.behind if one not in tried))
            if not todo.behind or not done.may_begin:
                break
            telling.begins(last.tally)
            done.run(todo, self._ordered(last))
            failed = dict(last.tally.failed)
            passing = {name for name, (reason, _) in failed.items() if exit_code(reason) == ExitCode.TRY_AGAIN}
            tried |= done.took.keys() - (passing - again)  # what passes is tried once more, after the others
            again |= passing
            last = self._looked()
            self._keep(last, failed)
            telling.tally = last.tally
        telling.over()
        done.echoes.over()
        done.crew.dismiss()
        return done, last

    def _course(self, telling: Telling) -> course.Course:
        journal = self._around.journal
        soak = Soak(seconds(self._places.tenants.soak), self._book, self._own.rows, self._run, journal)
        return course.Course(self._places, self._around, self._crew(), self._width(), telling, soak, Echoes(journal))

    def _ordered(self, seen: Survey) -> tuple[str, ...]:
        if self._places.tenants.order != "SmallestFirst":
            return seen.found.names
        return rollout.ordered(seen.found.names, discovery.sizes(self._places.tenants, self._own.rows))

    def _keep(self, last: Survey, failed: dict[str, tuple[str, Failure]]) -> None:
        """Let those stay failed that are still behind; one that is gone from the list is no tenant any more."""
        for name, why in failed.items():
            if name in last.behind:
                last.tally.failed[name] = why

    def _crew(self) -> crew.Crew:
        stop = self._around.stop
        left = stop.remaining if stop.remaining is not None else 0.0
        brief = {
            "argv": self._places.invocation.argv(),
            "name": f"alembic-operator/{self._run}",
            "run": self._run,
            "ends": time.monotonic() + left,
            "table": [self._book.table.schema, self._book.table.name] if self._book else None,
            "project": self._book.project if self._book else "",
        }
        if self._places.are_databases:
            brief["table"] = None
        return course.crew_of(self._nursery, brief, self._places)

    def _width(self) -> Width:
        ((most, reserved, used),) = self._own.rows(
            "SELECT pg_catalog.current_setting('max_connections')::int,"
            " pg_catalog.current_setting('superuser_reserved_connections')::int"
            " + coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0),"
            " (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend')::int"
        )
        left = int(most) - int(reserved) - int(used)
        return Width.of(self._places.tenants, left, _EACH, Processors())

    def _book_of(self, seen: Survey) -> table.Book | None:
        """Make the table of tenants; a role that may not does without."""
        ((schema,),) = self._own.rows("SELECT coalesce(pg_catalog.current_schema()::text, '')")
        schema = self._places.invocation.schema or str(schema)
        rule = seen.map.rule
        book = table.Book(versions.VersionTable(schema, versions.TENANTS_TABLE), rule.words if rule else "")
        try:
            book.prepare(self._own.rows)
        except Exception as error:  # noqa: BLE001  the drivers share no class
            self._without_table(first_line(error), schema)
            return None
        return book

    def _without_table(self, why: str, schema: str) -> None:
        message = (
            f"{NO_TABLE}: {why}. Grant CREATE on schema {quoted(schema)} to the migration's role, or"
            " set spec.database.schema"
        )
        self._around.journal.warning("no table of tenants", message=message)
        self._warnings.append(message)

    def _waited(self) -> bool:
        """Wait until no other run shares out the same tenants, and return whether there was one.

        Not behind a pooler, which would keep the lock; there each tenant is refused.
        """
        book = self._book
        name = f"{book.project}/{versions.TENANTS_TABLE}" if book else versions.TENANTS_TABLE
        at = versions.VersionTable(book.table.schema if book else "", name)
        waiting, waited = locks.Waiting(self._around.stop, self._around.journal, ""), False
        sql = f"SELECT pg_catalog.pg_try_advisory_lock({versions.LOCK_CLASS_FLEET}, {at.lock_object})"
        while not self._own.is_pooled() and not self._own.rows(sql)[0][0]:
            waited = True
            waiting.tell("another migration of the tenants", at, holders.look(self._own, versions.LOCK_CLASS_FLEET, at))
            self._around.stop.pause(random.uniform(*_POLL))  # noqa: S311  jitter, not a secret
        waiting.over()
        return waited

    def _written(self, seen: Survey, done: course.Course | None) -> None:
        """Bring the table of tenants to what was seen."""
        if self._book is None:
            return
        try:
            there = self._book.read(self._own.rows)
            wanted = self._rows(seen, done)
            new = {one.tenant for one in wanted if one.message}.difference(self._spared)
            rows = [one for one in wanted if there.get(one.tenant) != (one.heads, one.outcome) or one.tenant in new]
            self._book.write(self._own.rows, rows)
            if gone := set(there).difference(seen.found.names):
                self._book.keep_only(self._own.rows, gone)
        except Exception as error:  # noqa: BLE001  the drivers share no class
            self._without_table(first_line(error), self._book.table.schema)

    def _rows(self, seen: Survey, done: course.Course | None) -> list[table.Row]:
        rows = []
        for name in seen.found.names:
            ms = done.took.get(name, 0) if done else 0
            reason, failure = seen.tally.failed.get(name, ("", None))
            heads = seen.heads.get(name) or ()
            well = Reason.UP_TO_DATE if all(one in seen.map.graph for one in heads) else Reason.DATABASE_AHEAD
            outcome = reason or str(well if name in seen.tally.up_to_date else Reason.PENDING)
            row = table.Row(name, heads, outcome, seconds=ms / 1000, run=self._run)
            if failure:
                row = replace(row, revision=failure.revision, sqlstate=failure.sqlstate, message=failure.message)
            rows.append(row)
        return rows

    def _result(self, first: Survey, last: Survey, done: course.Course | None) -> Result:
        fleet, worst, stopped = last.tally.fleet, last.tally.worst, self._around.stop.requested
        unshared = done and done.shared and done.shared.error
        if done and done.telling.phase and (stopped or fleet.behind or unshared):
            fleet = replace(fleet, phase=done.telling.phase)
        result = Result(
            str(Reason.UP_TO_DATE),
            first.current,
            last.current,
            last.map.wanted,
            last.pending,
            ahead=last.ahead,
            applied=done.all_applied if done else (),
            warnings=(*self._warnings, *last.found.warnings),
            tenants=fleet,
        )
        if not last.found.names:
            result = replace(result, warnings=(*result.warnings, "spec.tenants finds no tenant: nothing was migrated"))
        if stopped:
            return replace(result, reason=str(stopped.verdict.reason), error=_with(stopped.verdict.failure, str(fleet)))
        if done and done.shared and done.shared.error:
            return replace(result, reason=done.shared.reason, error=done.shared.error)
        if worst:
            told = Failure(str(fleet), worst.sqlstate, worst.revision, worst.statement, worst.hint)
            return replace(result, reason=worst.reason, error=told)
        if fleet.behind and done and done.is_alone:
            message = f"{fleet}; the process that starts the others was ended: perhaps it was out of memory"
            return replace(
                result, reason=str(Reason.RESOURCES_EXHAUSTED), error=Failure(message, hint=crew.MORE_MEMORY)
            )
        if fleet.behind:
            message = f"{fleet}: {fleet.behind:,} are behind although none failed"
            return replace(result, reason=str(Reason.NOT_COMMITTED), error=Failure(message))
        return result


def _with(failure: Failure, sentence: str) -> Failure:
    return replace(failure, message=f"{failure.message}; {sentence}")
