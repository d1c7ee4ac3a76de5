"""Compare a database with its scripts: from their texts as long as that is certain, then with Alembic."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.compare import compare
from alembic_operator.runner.commands.static_inspection import StaticInspection
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.imports import imported
from alembic_operator.runner.process.needs_alembic import NeedsAlembic

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.versions import Question
    from alembic_operator.runner.process.run_context import RunContext


class Access(Protocol):
    """What both ways need."""

    @property
    def around(self) -> RunContext:
        """What every part of a run needs."""
        ...

    @property
    def address(self) -> Address | None:
        """Where the database is; None: only env.py knows."""
        ...

    def __call__(self) -> Connections:
        """Import SQLAlchemy, and listen to it."""
        ...


class Side(Protocol):
    """A way to look."""

    def told(self, result: Result, *, closely: bool) -> Result:
        """Return a Result with what is unfinished in the database that was just read."""
        ...

    def asked(self, question: Question) -> list[Any]:
        """Ask the database that was just read beside each of its version tables; return the answers."""
        ...


class Inspection:
    """One project and its database."""

    def __init__(self, invocation: Invocation, access: Access, trust: float = 0.0) -> None:
        """Begin to look; for `trust` seconds an absent version table means that nothing was migrated yet.

        Without them it is the only look, and worth waiting a moment for the server.

        Raises:
            Ending: the configuration cannot be used.
        """
        self._invocation = invocation
        self._access = access
        self._doubt_after = time.monotonic() + trust
        self._once = not trust
        self._static: StaticInspection | None = None
        self._with_alembic: Any = None
        try:
            self._static = StaticInspection(invocation, access.address, trust)
        except NeedsAlembic as why:
            self._ask_alembic(why)

    def compare(self, target: str) -> Result:
        """Compare the database heads with the scripts.

        Raises:
            Ending: why they cannot be compared.
        """
        if self._static:
            try:
                result = self._told(self._static.compare(target), self._static)
                return replace(result, warnings=(*result.warnings, *self._static.unreached))
            except NeedsAlembic as needed:
                why = needed
            except Ending as ending:
                if not self._once or ending.verdict.reason is not Reason.DATABASE_UNREACHABLE:
                    raise
                why = NeedsAlembic(str(ending))
            self._static.close()
            self._ask_alembic(why)
            self._static = None
        found = self._with_alembic.contents()
        result = compare(self._with_alembic.scripts, target, found)
        if not self._with_alembic.heard_out(pending=result.reason == Reason.PENDING):
            found = self._with_alembic.contents()
            result = compare(self._with_alembic.scripts, target, found)
            self._with_alembic.require_heard_out(pending=result.reason == Reason.PENDING)
        result = self._told(result, self._with_alembic)
        warnings = self._with_alembic.warnings([one.heads for one in found]) if self._once else ()
        warnings += imported("project.scripts").left_out(self._with_alembic.script)
        return replace(result, driver=self._with_alembic.driver, warnings=(*result.warnings, *warnings))

    def asked(self, question: Question) -> list[Any]:
        """Ask beside each version table that was just compared, in the role of the migration; return the answers.

        Raises:
            Ending: why it cannot be asked.
        """
        side: Side = self._static or self._with_alembic
        return side.asked(question)

    def _told(self, result: Result, side: Side) -> Result:
        """Add what is unfinished; a gate, which looks for ever, only while it waits for what is missing."""
        if not self._once and result.reason != Reason.PENDING:
            return result
        return side.told(result, closely=self._once)

    @property
    def script(self) -> Any:
        """Alembic's scripts as env.py and their source texts say; None: the quick way needed none."""
        return self._with_alembic.script if self._with_alembic else None

    def _ask_alembic(self, why: NeedsAlembic) -> None:
        connections = self._access()
        if not self._once:
            connections.patience = 0.0
        trust = max(0.0, self._doubt_after - time.monotonic())
        with_alembic = imported("commands.alembic_inspection").AlembicInspection
        self._with_alembic = with_alembic(self._invocation, connections, trust)
        self._access.around.journal.info("looking with Alembic", message=str(why))
