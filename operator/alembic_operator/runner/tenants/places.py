"""Where a tenant is: with which command line it is migrated, and which version table is its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic_operator.contract.tenants import PLACE, Tenants
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.database.session import Session
from alembic_operator.runner.database.versions import VersionTable

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation

HERE = "\0"
"""Where a rule has the name of the tenant; PostgreSQL allows it in no name."""


@dataclass(frozen=True)
class Rule:
    """How the version table of a tenant follows from its name."""

    table: VersionTable

    def of(self, tenant: str) -> VersionTable:
        """Return the version table of a tenant."""
        return VersionTable(self.table.schema.replace(HERE, tenant), self.table.name.replace(HERE, tenant))

    @property
    def is_plain(self) -> bool:
        """Whether each tenant has a schema of its own name."""
        return self.table.schema == HERE

    @property
    def words(self) -> str:
        """Return it as people write it: `{}.alembic_version`."""
        return ".".join(filter(None, (self.table.schema, self.table.name))).replace(HERE, PLACE)

    @staticmethod
    def possible(tenant: str, table: VersionTable) -> list[Rule]:
        """Return the rules that the version table of one tenant allows, the likeliest first; empty: it has no name."""
        found = [VersionTable(schema, table.name) for schema in _marked(table.schema, tenant)]
        found += [VersionTable(table.schema, name) for name in _marked(table.name, tenant)]
        return [Rule(one) for one in found]


def _marked(text: str, tenant: str) -> list[str]:
    """Return a text with the marker in the place of each occurrence of a name."""
    places = [at for at in range(len(text)) if text.startswith(tenant, at)]
    marked = [text[:at] + HERE + text[at + len(tenant) :] for at in places]
    return sorted(marked, key=lambda one: one != HERE)


@dataclass(frozen=True)
class Places:
    """The command line of a fleet, and how it becomes that of one tenant."""

    invocation: Invocation
    tenants: Tenants
    address: Address | None

    @property
    def are_databases(self) -> bool:
        """Whether each tenant is a database."""
        return self.tenants.kind == "Databases"

    @property
    def may_create(self) -> bool:
        """Whether a tenant that is missing is made: who names one as NAME asks for that."""
        return self.tenants.create == "Missing" or bool(self.invocation.tenant)

    def session_of(self, tenant: str | None) -> Session:
        """Return the settings of a tenant's connections."""
        return replace(Session.of(self.invocation_of(tenant)), may_create=tenant is None or self.may_create)

    def invocation_of(self, tenant: str | None) -> Invocation:
        """Return the command line of a tenant; None: of what all share."""
        alone = replace(self.invocation, command="upgrade", tenant="", tenants="")
        if tenant is None:
            return replace(alone, target=self.tenants.shared)
        alone = replace(alone, create_database="IfMissing" if self.are_databases and self.may_create else "Never")
        if self.tenants.argument:
            return replace(alone, x=(*alone.x, self.tenants.argument.replace(PLACE, tenant)))
        return alone if self.are_databases else replace(alone, schema=tenant)

    def address_of(self, tenant: str | None) -> Address | None:
        """Return where a tenant is; None: where env.py connects to."""
        if tenant is None or not self.are_databases or (self.tenants.argument and self.address is None):
            return self.address
        return replace(self.address or Address(), database=tenant)
