"""Look the quick way as long as that is certain, then the slow way."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.compare import compare
from alembic_operator.runner.commands.glance import Glance
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.guest import imported
from alembic_operator.runner.process.unsure import Unsure

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.process.circumstances import Circumstances


class Access(Protocol):
    """What it takes to look both ways."""

    @property
    def around(self) -> Circumstances:
        """What every part of a run needs."""
        ...

    @property
    def address(self) -> Address | None:
        """Where the database is; None: only env.py knows."""
        ...

    def __call__(self) -> Connections:
        """Import SQLAlchemy, and listen to it."""
        ...


class View:
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
        self._glance: Glance | None = None
        self._look: Any = None
        try:
            self._glance = Glance(invocation, access.address, trust)
        except Unsure as why:
            self._open_look(why)

    def compare(self, target: str) -> Result:
        """Compare the database heads with the scripts.

        Raises:
            Ending: why they cannot be compared.
        """
        if self._glance:
            try:
                return self._glance.compare(target)
            except Unsure as unsure:
                why = unsure
            except Ending as ending:
                if not self._once or ending.verdict.reason is not Reason.DATABASE_UNREACHABLE:
                    raise
                why = Unsure(str(ending))
            self._glance.close()
            self._open_look(why)
            self._glance = None
        found = self._look.contents()
        result = compare(self._look.scripts, target, found)
        warnings = self._look.warnings([one.heads for one in found]) if self._once else ()
        return replace(result, driver=self._look.driver, warnings=(*result.warnings, *warnings))

    @property
    def script(self) -> Any:
        """Alembic's scripts as env.py and their source texts say; None: the quick way needed none."""
        return self._look.script if self._look else None

    def _open_look(self, why: Unsure) -> None:
        connections = self._access()
        if not self._once:
            connections.patience = 0.0
        trust = max(0.0, self._doubt_after - time.monotonic())
        self._look = imported("commands.look").Look(self._invocation, connections, trust)
        self._access.around.journal.info("looking with Alembic", message=str(why))
