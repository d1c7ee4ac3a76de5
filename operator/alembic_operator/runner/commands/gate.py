"""Hold a pod until the database contains the revisions of its own image."""

from __future__ import annotations

import random
import re
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.inspection import Access, Inspection
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.pace import Pace
from alembic_operator.runner.project.targets import is_relative

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result

_PAUSE_SECONDS = (1.0, 2.0)
_BEHIND = "See why the migration has not applied it (its status, its pod's log), or give --deadline more."
_TRUST_SECONDS = 10.0
"""Before a fresh database's first migration, hundreds of pods need not run env.py to be told that nothing is there."""


def command(invocation: Invocation, access: Access) -> Result:
    """Return when the database contains the script heads, or is ahead and may be."""
    return Gate(invocation, access).run()


class Comparing(Protocol):
    """A way to compare."""

    def compare(self, target: str) -> Result:
        """Compare what the database contains with the scripts; raises Ending."""
        ...


class Gate:
    """One run of `gate`: it never ends with an error while it waits, for a restart's back-off would delay the pod."""

    def __init__(self, invocation: Invocation, access: Access, inspection: Comparing | None = None) -> None:
        """Begin; `inspection` compares otherwise than with the version tables of one env.py."""
        self._invocation = invocation
        self._around = access.around
        self._inspection = inspection or Inspection(invocation, access, _TRUST_SECONDS)
        self._target = "heads" if is_relative(invocation.target) else invocation.target
        self._said = self._since = ""
        self._pace = Pace()

    def run(self) -> Result:
        """Return when the database contains the script heads, or is ahead and may be."""
        while True:
            try:
                result = self._inspection.compare(self._target)
                message, hint = self._missing(result), result.error.hint if result.error else _BEHIND
            except Ending as ending:
                self._around.stop.check()
                message, hint = f"waiting: {ending}", ending.verdict.failure.hint
            else:
                if not message:
                    return self._passed(result)
            self._say(message, hint)
            where = re.sub(r"^waiting(?:: | for )", "", message)
            message = f"the deadline was reached while waiting for {where}"
            self._around.stop.overdue = Ending(Reason.DEADLINE_EXCEEDED, message, hint)
            self._around.stop.pause(random.uniform(*_PAUSE_SECONDS))  # noqa: S311  jitter, not a secret

    def _missing(self, result: Result) -> str:
        if result.error:
            return f"waiting: {result.error.message}"
        contains = ", ".join(result.to) or "no revision"
        if result.ahead and self._invocation.database_ahead == "Block":
            return f"waiting: the database contains {contains}, which this image does not know"
        if result.reason != Reason.PENDING:
            return self._not_imported()
        wanted = ", ".join(result.target)
        return f"waiting for revision {wanted}: the database contains {contains} ({result.pending} pending)"

    def _not_imported(self) -> str:
        """Return that the rows are still missing, once the tables are there."""
        name = self._invocation.await_import
        if not name:
            return ""
        from alembic_operator.runner.database import imports  # noqa: PLC0415  few gates wait for one

        if not isinstance(self._inspection, Inspection):
            return f"waiting for import {name}: none fills the databases of tenants; remove --await-import"
        if all(found := self._inspection.asked(imports.is_marked(name))) and found:
            return ""
        return f"waiting for import {name}: the database has all revisions, and not yet its rows"

    def _passed(self, result: Result) -> Result:
        for warning in result.warnings:
            self._around.journal.warning("passed", message=warning)
        return result

    def _say(self, message: str, hint: str) -> None:
        """Say each change at once, and now and then what has not changed: a log is read from its end."""
        now = time.monotonic()
        if message != self._said:
            self._around.journal.info("waiting", message=message, **({} if hint == _BEHIND else {"hint": hint}))
            self._said, self._since = message, datetime.now(timezone.utc).isoformat(timespec="seconds")[:19] + "Z"
            self._pace.begin(now)
        elif self._pace.is_due(now):
            facts = {"message": message, "since": self._since, "minutes": self._pace.minutes(now)}
            self._around.journal.info("still waiting", **facts)
