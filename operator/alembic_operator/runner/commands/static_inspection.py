"""Look at a project and its database without importing Alembic or the application, where that is certain."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.commands import unfinished
from alembic_operator.runner.commands.compare import compare
from alembic_operator.runner.commands.unfinished import Look
from alembic_operator.runner.database import applied, versions, wire
from alembic_operator.runner.database.own import quoted
from alembic_operator.runner.database.session import Session
from alembic_operator.runner.process.failures import Ending, Scene, classify
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import layout, revision_map, source
from alembic_operator.runner.project.state import Contents

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.database.versions import Question

_OWN_LOCATIONS = re.compile(r"version_locations|script_location")
"""An env.py that says where revisions are, says it while it runs."""


class StaticInspection:
    """Looks again and again over one connection, which it keeps."""

    def __init__(self, invocation: Invocation, address: Address | None, trust: float) -> None:
        """Read the scripts; for `trust` seconds an empty version table means that nothing was migrated yet.

        Raises:
            NeedsAlembic: only the slow way can tell.
        """
        if address is None:
            raise NeedsAlembic("only env.py knows the address")
        wire.require_plain(address, os.environ)
        self._driver = wire.driver()
        found = layout.read(invocation)
        self._table = _version_table(found.env)
        self._revisions = revision_map.read(found.locations, recursive=found.recursive)
        folders = (os.path.dirname(found.env), *found.locations)  # noqa: PTH120
        said = source.unreached(folders, tuple(source.files(found.locations, recursive=found.recursive)))
        self.unreached = (said,) if said else ()
        """Of revisions that are there and not looked for."""
        self._invocation = invocation
        self._address = address
        self._name = Session.of(invocation).own_name
        self._wire: wire.Wire | None = None
        self._at: versions.VersionTable | None = None
        self._seen: tuple[versions.VersionTable, tuple[str, ...]] | None = None
        """The version table and its heads of the last look."""
        self._contested: bool | None = None
        self._doubt_after = time.monotonic() + trust
        self._once = not trust

    def compare(self, target: str) -> Result:
        """Compare the database heads with the scripts.

        Raises:
            Ending: why the database heads cannot be read.
            NeedsAlembic: only the slow way can tell.
        """
        try:
            found = self._contents()
            doubtful = self._is_doubtful(found)
        except (wire.ServerError, OSError) as error:
            self.close()
            raise Ending.of(classify(error, Scene(server=self._place))) from error
        except NeedsAlembic:
            raise
        except Exception as error:  # whatever it is, the slow way has another driver
            raise NeedsAlembic(f"{type(error).__name__}: {error}") from error
        if doubtful:
            raise NeedsAlembic("the version table is empty, or elsewhere, or another schema has one, too")
        return replace(compare(self._revisions, target, [found]), driver=self._driver)

    def told(self, result: Result, *, closely: bool) -> Result:
        """Return the Result with what is unfinished in the database that was just read.

        Raises:
            NeedsAlembic: only the slow way can tell.
        """
        if self._wire is None or self._seen is None:
            return result
        try:
            return unfinished.told(result, self._revisions.graph, [Look(self._wire.rows, *self._seen)], closely=closely)
        except (wire.ServerError, OSError) as error:
            self.close()
            raise Ending.of(classify(error, Scene(server=self._place))) from error

    def asked(self, question: Question) -> list[Any]:
        """Ask the database that was just read.

        Raises:
            Ending: why it cannot be asked.
        """
        if self._wire is None or self._seen is None:
            return []
        try:
            return [question(self._acting(self._wire), self._seen[0])]
        except (wire.ServerError, OSError) as error:
            self.close()
            raise Ending.of(classify(error, Scene(server=self._place))) from error

    def _is_doubtful(self, found: Contents) -> bool:
        """Tell whether the slow way may know more: of tables without a version table, or of another version table."""
        said = self._table[0] or self._invocation.schema
        if found.heads:
            return not said and self._is_contested()
        if time.monotonic() < self._doubt_after:
            return False
        return self._once or self._wire is None or (not said and versions.is_anywhere(self._wire.rows, self._table[1]))

    def _is_contested(self) -> bool:
        """Ask once for each version table that is found."""
        if self._contested is None and self._wire and self._at:
            self._contested = versions.is_contested(self._wire.rows, self._at)
        return bool(self._contested)

    def close(self) -> None:
        """Let the connection go."""
        if self._wire:
            self._wire.close()
        self._wire = self._at = self._contested = None

    def _contents(self) -> Contents:
        kept = self._wire is not None
        try:
            return self._read()
        except (wire.ServerError, OSError):
            if not kept:
                raise
        self.close()  # the server may end what is idle, and roles change
        return self._read()

    def _read(self) -> Contents:
        if self._wire is None:
            self._wire = wire.connect(self._address, self._name, os.environ)
        if self._at is None:
            schema, name = self._table
            self._at = versions.locate(self._wire.rows, schema or self._invocation.schema, name).table
        acting = self._acting(self._wire)
        heads = versions.read_heads(acting, self._at)
        self._seen = self._at, heads
        if self._invocation.history == "Enabled" and any(one not in self._revisions.graph for one in heads):
            return applied.contents(acting, self._at)
        table = self._at.sql
        if not heads:
            self._at = None  # it may be made in another schema of the search path
        return Contents(heads, table=table)

    def _acting(self, connection: wire.Wire) -> versions.Connected:
        role = self._invocation.role
        return connection.acting(quoted(role)) if role else connection

    @property
    def _place(self) -> str:
        return f"{self._address.host}:{self._address.port or 5432}/{self._address.database}"


def _version_table(path: str) -> tuple[str, str]:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  pathlib costs more than the whole look
            text = file.read()
    except (OSError, ValueError) as error:
        raise NeedsAlembic(f"{path}: {error}") from error
    table = source.version_table(text)
    if table is None or _OWN_LOCATIONS.search(text):
        raise NeedsAlembic(f"only running {path} tells the version table or the revisions")
    return table
