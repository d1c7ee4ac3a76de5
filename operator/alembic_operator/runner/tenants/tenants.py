"""Print what the table of tenants holds; change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Result
from alembic_operator.contract.fleet import Fleet
from alembic_operator.contract.tenants import Tenants
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.process.failures import Ending, Scene, classify
from alembic_operator.runner.tenants import question
from alembic_operator.runner.tenants.places import Places
from alembic_operator.runner.tenants.upgrade import scout_of

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.commands.inspection import Access
    from alembic_operator.runner.database.versions import Query, VersionTable

SHOWN = 1000
_NONE = "there is no table of tenants: no run has ended yet, or the migration's role may make no table"
_KEYS = {
    "tenant": "tenant",
    "heads": "heads",
    "outcome": "outcome",
    "revision": "revision",
    "sqlstate": "sqlstate",
    "message": "message",
    "seconds": "seconds",
    "run": "run",
    "at": """to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}
"""How a row is told as JSON."""
_GOOD, _AHEAD, _WAITS = (literal(str(one)) for one in (Reason.UP_TO_DATE, Reason.DATABASE_AHEAD, Reason.PENDING))
_STATE = f"CASE WHEN outcome IN ({_GOOD}, {_AHEAD}) THEN 2 WHEN outcome = {_WAITS} THEN 1 ELSE 0 END"


def command(_: Any, invocation: Invocation, access: Access) -> Result:
    """Print the rows of those that failed, then of those that are behind, then of all others, a line of JSON each."""
    if not invocation.tenants:
        raise Ending(Reason.CONFIG_INVALID, "the migration has no tenants", "Give --tenants, or set spec.tenants.")
    places = Places(invocation, Tenants.from_json(invocation.tenants), access.address)
    own = scout_of(places, access).connect()
    try:
        table = question.place(own.rows, places)
        fleet = _fleet(own.rows, table) if table else Fleet()
        rows = _rows(own.rows, table) if table else []
    except Exception as error:
        raise Ending.of(classify(error, Scene())) from error
    finally:
        own.close()
    for row in rows:
        access.around.answer(access.around.secrets.mask(row))
    more = (f"{fleet.total - SHOWN:,} more are not shown",) if fleet.total > SHOWN else ()
    return Result(str(Reason.UP_TO_DATE), warnings=more if table else (_NONE,), tenants=fleet)


def _rows(query: Query, table: VersionTable) -> list[str]:
    keys = ", ".join(f"'{key}', {column}" for key, column in _KEYS.items())
    sql = f"SELECT pg_catalog.json_build_object({keys})::text FROM {table.sql} ORDER BY {_STATE}, tenant LIMIT {SHOWN}"
    return [str(text) for (text,) in query(sql)]


def _fleet(query: Query, table: VersionTable) -> Fleet:
    rows = query(f"SELECT {_STATE}, count(*)::int FROM {table.sql} GROUP BY 1")
    many = {int(state): int(count) for state, count in rows}
    failed, behind, good = (many.get(state, 0) for state in range(3))
    return Fleet(failed + behind + good, good, behind, failed)
