"""Hold a pod until the tenants that it waits for contain the revisions of its image."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Failure, Result
from alembic_operator.contract.fleet import Fleet, named
from alembic_operator.contract.tenants import Tenants, of_total
from alembic_operator.runner.commands.gate import Gate
from alembic_operator.runner.process.failures import Ending, Scene, classify
from alembic_operator.runner.process.imports import imported
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project.targets import union
from alembic_operator.runner.tenants import question
from alembic_operator.runner.tenants.discovery import Found
from alembic_operator.runner.tenants.places import Places
from alembic_operator.runner.tenants.survey import heads_of, stands, survey
from alembic_operator.runner.tenants.upgrade import scout_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic_operator.contract import Invocation
    from alembic_operator.runner.commands.inspection import Access
    from alembic_operator.runner.database.versions import VersionTable
    from alembic_operator.runner.tenants.question import Alike, Counts
    from alembic_operator.runner.tenants.scout import Connected, Map, Scout

_SELDOM = 15.0
"""Seconds between two looks that cost more than one question of the table."""
_SEE = "See which of them failed, and why: kubectl alembic tenants NAME --failed"


def command(_: Any, invocation: Invocation, access: Access) -> Result:
    """Return when the tenants have it; with gate Shared, when what they share has it."""
    tenants = Tenants.from_json(invocation.tenants)
    if tenants.gate == "Shared":
        return Gate(replace(invocation, target=tenants.shared, tenants=""), access).run()
    places = Places(invocation, tenants, access.address)
    return Gate(invocation, access, TenantsInspection(places, access)).run()


class TenantsInspection:
    """Looks at the table of tenants again and again, and at three version tables before it lets a pod pass."""

    def __init__(self, places: Places, access: Access) -> None:
        """Begin without a connection.

        Raises:
            Ending: the configuration cannot be used.
        """
        self._places = places
        self._access = access
        self._scout: Scout = scout_of(places, access)
        self._own: Connected | None = None
        self._map: Map | None = None
        self._last: tuple[Counts, list[Alike]] = ({}, [])
        self._seldom: tuple[float, list[Alike]] = (0.0, [])

    def compare(self, target: str) -> Result:
        """Compare what the tenants contain with the scripts.

        Raises:
            Ending: why they cannot be compared.
        """
        del target
        try:
            return self._compared()
        except NeedsAlembic as why:
            self._close()
            self._access.around.journal.info("looking with Alembic", message=str(why))
            self._scout = imported("tenants.env_scout").EnvScout(self._places, self._access())
            return self.compare("")
        except Exception as error:
            self._close()
            raise error if isinstance(error, Ending) else Ending.of(classify(error, Scene())) from error

    def _compared(self) -> Result:
        own = self._own = self._own or self._scout.connect()
        table = question.place(own.rows, self._places)
        if table is None:
            return self._judged(self._looked(own))
        if self._map is None:
            names = question.first_names(own.rows, table)
            self._map = self._scout.learn(Found(names, frozenset(names)))
        found = self._asked(own, table, self._map)
        if not found:
            return self._judged(self._looked(own))
        result = self._judged(found)
        return result if result.error else self._checked(own, result, found)

    def _asked(self, own: Connected, table: VersionTable, known: Map) -> list[Alike]:
        """Ask for names only when something has changed, or when a pod is about to pass."""
        counts = question.count(own.rows, table, self._places, known.rule)
        before, found = self._last
        if counts != before or not self._judged(found).error:
            found = question.ask(own.rows, table, self._places, known.rule) if counts else []
            self._last = counts, found
        return found

    def _looked(self, own: Connected) -> list[Alike]:
        """Read each version table where no table of tenants tells, and seldom."""
        due, before = self._seldom
        if time.monotonic() < due and self._map:
            return before
        seen = survey(self._scout, self._places, own)
        self._map = seen.map
        waited_for = question.canary(self._places) or seen.found.names
        there = [name for name in waited_for if name in seen.tally.names and name not in seen.tally.failed]
        found = question.alike({name: seen.heads.get(name, ()) for name in there})
        self._seldom = time.monotonic() + _SELDOM, found
        return found

    def _judged(self, found: Sequence[Alike]) -> Result:
        known = self._known
        good = [one for one in found if stands(known, one.heads, self._places)]
        total, up = sum(one.count for one in found), sum(one.count for one in good)
        result = Result(str(Reason.UP_TO_DATE), (), union(one.heads or () for one in found), known.wanted)
        result = replace(result, tenants=Fleet(total, up, total - up))
        if message := self._missing(found, good, total, up):
            return replace(result, reason=str(Reason.PENDING), error=Failure(message, hint=_SEE))
        return result

    def _missing(self, found: Sequence[Alike], good: Sequence[Alike], total: int, up: int) -> str:
        wanted, tenants = ", ".join(self._known.wanted), self._places.tenants
        listed, amount = question.canary(self._places), tenants.canary_amount
        if tenants.gate == "Canary" and amount:
            needed = of_total(tenants.canary[0], total)
            return "" if up >= needed else f"{up:,} of {needed:,} tenants contain revision {wanted}"
        if (unseen := len(listed) - total) > 0:
            return (
                f"{unseen:,} of the canary were not seen by a run yet: {named(listed[: question.NAMED], len(listed))}"
            )
        behind = sorted(name for one in found if one not in good for name in one.first)[: question.NAMED]
        few = named(tuple(behind), total - up)
        return f"revision {wanted} is missing in {total - up:,} of {total:,} tenants: {few}" if total > up else ""

    def _checked(self, own: Connected, result: Result, found: Sequence[Alike]) -> Result:
        """Look whether three of those that are said to have it have it."""
        known = self._known
        good = [name for one in found if stands(known, one.heads, self._places) for name in one.some]
        if known.rule is None:
            return result
        held = heads_of(self._scout, self._places, own, known, good[: question.CHECKED])
        for name, heads in held.items():
            if not stands(known, heads, self._places):
                said = "cannot be read" if heads is None else f"holds {', '.join(heads) or 'no revision'}"
                message = f"the version table of tenant {name} {said}, unlike what the table of tenants says"
                hint = "The next run sees it: kubectl alembic retry NAME"
                return replace(result, reason=str(Reason.PENDING), error=Failure(message, hint=hint))
        return result

    @property
    def _known(self) -> Map:
        if self._map is None:
            raise ValueError("it is judged before anything is known of the scripts")
        return self._map

    def _close(self) -> None:
        if self._own:
            self._own.close()
        self._own = None
