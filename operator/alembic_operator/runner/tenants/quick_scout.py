"""Learn from texts alone, and ask with the runner's own driver: nothing of the image's is imported for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alembic_operator.runner.database import versions, wire
from alembic_operator.runner.database.own import quoted
from alembic_operator.runner.database.session import Session
from alembic_operator.runner.process.failures import Ending, Scene, classify
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import layout, revision_map, source
from alembic_operator.runner.tenants.places import HERE, Rule
from alembic_operator.runner.tenants.scout import Map, require_own

if TYPE_CHECKING:
    from alembic_operator.runner.tenants.discovery import Found
    from alembic_operator.runner.tenants.places import Places
    from alembic_operator.runner.tenants.scout import Connected

_TABLE = "alembic_version"


class QuickScout:
    """Knows how everything is where the address is given and env.py knows of no tenants."""

    def __init__(self, places: Places) -> None:
        """Read the scripts.

        Raises:
            NeedsAlembic: only env.py, or Alembic, can tell.
        """
        invocation = places.invocation
        if places.address is None or places.tenants.argument:
            raise NeedsAlembic("only env.py knows where a tenant is")
        wire.require_plain(places.address, os.environ)
        wire.driver()
        found = layout.read(invocation)
        self._places = places
        self._schema, self._name = _said(found.env)
        self._revisions = revision_map.read(found.locations, recursive=found.recursive)
        self._wanted = self._revisions.targets(invocation.target)
        self._own_name = Session.of(invocation).own_name

    def connect(self, database: str = "", *, patient: bool = True) -> Connected:
        """Connect with the runner's own driver, once."""
        del patient
        role = self._places.invocation.role
        where = self._places.address_of(database or None) if database else self._places.address
        if where is None:
            raise NeedsAlembic("only env.py knows the address")
        try:
            connection = wire.connect(where, self._own_name, os.environ)
        except (wire.ServerError, OSError) as error:
            place = f"{where.host}:{where.port or 5432}/{where.database}"
            raise Ending.of(classify(error, Scene(server=place))) from error
        return connection.acting(quoted(role)) if role else connection

    def learn(self, found: Found) -> Map:
        """Return what the texts say."""
        del found
        name, schema = self._name or _TABLE, self._schema
        if self._places.are_databases:
            schema = schema or self._places.invocation.schema
            rule = Rule(versions.VersionTable(schema, name)) if schema else None
        elif schema:
            raise require_own(versions.VersionTable(schema, name).sql)
        else:
            rule = Rule(versions.VersionTable(HERE, name))
        return Map(self._revisions.graph, self._revisions.lineage, self._wanted, rule)


def _said(path: str) -> tuple[str, str]:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  pathlib costs more than reading it
            said = source.version_table(file.read())
    except (OSError, ValueError) as error:
        raise NeedsAlembic(f"{path}: {error}") from error
    if said is None:
        raise NeedsAlembic(f"only running {path} tells the version table")
    return said
