"""The schema that a migration lives in: made when it is missing, and seen to be usable before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import literal, quoted
from alembic_operator.runner.process.failures import Ending, sqlstate

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.sites import Site

_NOT_ALLOWED = "42501"


def prepare(own: OwnConnection, site: Site, schema: str, role: str, *, may_create: bool) -> bool:
    """Make the schema unless it is there, as the role, and return whether it was made.

    Raises:
        Ending: PermissionDenied, naming the right that is missing; TenantNotFound, where it may not be made.
    """
    own.become(role)
    if own.rows(f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {literal(schema)}"):
        made = False
        _require_rights(own, site, schema)
    elif not may_create:
        raise absent(schema)
    else:
        made = _make(own, site, schema)
    if role:
        own.rows("RESET ROLE")
    return made


def absent(tenant: str) -> Ending:
    """Return what ends the run of a tenant that is listed and not there."""
    hint = "Create it, set spec.tenants.create: Missing, or take it off the list."
    return Ending(Reason.TENANT_NOT_FOUND, f"the tenant {tenant} does not exist", hint)


def _make(own: OwnConnection, site: Site, schema: str) -> bool:
    try:
        own.rows(f"CREATE SCHEMA {quoted(schema)}")
    except Exception as error:
        if sqlstate(error) != _NOT_ALLOWED:
            raise
        who = _user(own)
        create = f"CREATE SCHEMA {quoted(schema)} AUTHORIZATION {quoted(who)}"
        grant = f"GRANT CREATE ON DATABASE {quoted(site.database)} TO {quoted(who)}"
        message = f"cannot create schema {schema}: user {who} lacks the right CREATE on database {site.database}"
        raise Ending(Reason.PERMISSION_DENIED, message, f"As an administrator: {grant}; or: {create}.") from error
    return True


def _require_rights(own: OwnConnection, site: Site, schema: str) -> None:
    """Without USAGE the search_path would pass the schema over, and tables would be made in the next one."""
    ((usage, create, has_table),) = own.rows(
        f"SELECT pg_catalog.has_schema_privilege({literal(schema)}, 'USAGE'),"
        f" pg_catalog.has_schema_privilege({literal(schema)}, 'CREATE'),"
        " EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {literal(site.table.schema)} AND c.relname = {literal(site.table.name)})"
    )
    missing = "" if usage else "USAGE"
    if not create and not has_table:
        missing = "CREATE" if usage else "USAGE, CREATE"
    if missing:
        who = _user(own)
        message = f"user {who} lacks the right {missing} on schema {schema}"
        hint = f"As its owner: GRANT {missing} ON SCHEMA {quoted(schema)} TO {quoted(who)}."
        raise Ending(Reason.PERMISSION_DENIED, message, hint)


def _user(own: OwnConnection) -> str:
    ((who,),) = own.rows("SELECT current_user::text")
    return str(who)
