"""What a fleet must know before anybody is migrated: the scripts, the way to the database, where version tables are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from alembic_operator.runner.project.state import Graph
    from alembic_operator.runner.tenants.discovery import Found
    from alembic_operator.runner.tenants.places import Rule


class Connected(Protocol):
    """A connection of the fleet's own, in autocommit."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement without parameters and return its rows."""
        ...

    def is_pooled(self) -> bool:
        """Tell whether a pooler answers in the server's place."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True)
class Map:
    """What the scripts lead to, and where."""

    graph: Graph
    lineage: Graph
    wanted: tuple[str, ...]
    """The revisions that the target names."""
    rule: Rule | None
    """None: each tenant's version table is where only a run of it can tell."""


class Scout(Protocol):
    """A way to learn it."""

    def connect(self, database: str = "", *, patient: bool = True) -> Connected:
        """Connect to the migration's own database or to another one, in the migration's role; once, or for a while.

        Raises:
            Ending: why that cannot be.
        """
        ...

    def learn(self, found: Found) -> Map:
        """Return what was learnt, once it is known which tenants there are.

        Raises:
            Ending: what is wrong with the scripts, or that all tenants would share one version table.
        """
        ...


def require_own(where: str) -> Ending:
    """Return what ends a run of tenants that would share one version table."""
    message = f"all tenants would share the version table {where}"
    hint = (
        "Let the schema or the name of the version table follow the tenant: set spec.tenants.argument where env.py"
        " takes the tenant with -x, or take version_table_schema out of env.py, which the runner then sets."
    )
    return Ending(Reason.CONFIG_INVALID, message, hint)
