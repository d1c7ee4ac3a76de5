"""Migrate one tenant, NAME, and make it where it is missing; under its own locks, so beside a run of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract.tenants import Tenants
from alembic_operator.runner.process.failures import Ending, first_line
from alembic_operator.runner.process.imports import imported
from alembic_operator.runner.tenants import discovery, question
from alembic_operator.runner.tenants.places import Places, Rule
from alembic_operator.runner.tenants.table import Book, Row
from alembic_operator.runner.tenants.upgrade import scout_of

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.commands.inspection import Access
    from alembic_operator.runner.database.versions import VersionTable


def command(_: Any, invocation: Invocation, access: Access) -> Result:
    """Return what `upgrade` returns of one database."""
    if not invocation.tenants:
        raise Ending(Reason.CONFIG_INVALID, "the migration has no tenants", "Give --tenants, or set spec.tenants.")
    name = invocation.tenant
    discovery.require_names([name])
    places = Places(invocation, Tenants.from_json(invocation.tenants), access.address)
    connections = access()
    session = connections.session
    connections.turn(places.session_of(name), places.address_of(name))
    witness = imported("tenants.row").TenantRow(Row(name, (), ""), None, None)
    run = imported("tenants.tenant_run").TenantRun(places.invocation_of(name), connections, witness, lambda _: None)
    result: Result = run.run()
    table = witness.table
    connections.turn(session, access.address)
    refused = _noted(places, access, result, table) if table else ""
    return replace(result, warnings=(*result.warnings, refused)) if refused else result


def _noted(places: Places, access: Access, result: Result, table: VersionTable) -> str:
    """Write the tenant's row, unless there is no table yet; return why that was not possible."""
    name, error = places.invocation.tenant, result.error
    rule = Rule(table) if places.are_databases else next(iter(Rule.possible(name, table)), None)
    row = Row(name, result.to, result.reason, seconds=access.around.journal.seconds, run=access().session.run)
    if error:
        row = replace(row, revision=error.revision, sqlstate=error.sqlstate, message=error.message)
    try:
        own = scout_of(places, access).connect()
        try:
            if at := question.place(own.rows, places):
                Book(at, rule.words if rule else "").write(own.rows, [row])
        finally:
            own.close()
    except (Exception, Ending) as refusal:  # noqa: BLE001  the drivers share no class, and the tenant is migrated
        message = f"the tenant is not in the table of tenants: {first_line(refusal)}"
        access.around.journal.warning("tenant not noted", message=message)
        return message
    return ""
