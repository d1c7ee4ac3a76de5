"""Print what the table of runs holds; change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alembic_operator.runner.commands.inspection import Access, Inspection
from alembic_operator.runner.database import runs

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result

_NONE = "there is no table of runs; it is made by the next run with database.history: Enabled"


def command(invocation: Invocation, access: Access) -> Result:
    """Print the newest runs, newest first, a line of JSON each, and return what `check` returns."""
    inspection = Inspection(invocation, access)
    result = inspection.compare(invocation.target)
    found = inspection.asked(runs.last)
    for row in (row for rows in found for row in rows or ()):
        access.around.answer(access.around.secrets.mask(row))
    return replace(result, warnings=(*result.warnings, _NONE)) if None in found else result
