"""Tenants that failed for good and have not changed since: a look for new ones leaves them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.contract import Failure
from alembic_operator.contract.exit_codes import FINAL_EXIT_CODES
from alembic_operator.runner.process.failures import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.tenants.survey import Survey
    from alembic_operator.runner.tenants.table import Row

HINT = (
    "It is left alone until it is run again: mend it, then kubectl alembic retry, or put it into spec.tenants.exclude"
)
_FOR_GOOD = {str(reason): code in FINAL_EXIT_CODES for reason, code in EXIT_CODES.items()}


def of(seen: Survey, rows: Iterable[Row]) -> dict[str, tuple[str, Failure]]:
    """Return why each of those failed that are behind, and whose version tables are as their rows say."""
    behind = set(seen.behind)
    return {
        one.tenant: (one.outcome, Failure(one.message, one.sqlstate, one.revision, hint=HINT))
        for one in rows
        if one.tenant in behind
        and _FOR_GOOD.get(one.outcome)
        and set(seen.heads.get(one.tenant) or ()) == set(one.heads)
    }
