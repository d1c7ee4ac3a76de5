"""Read the version tables of all tenants: many in one statement, and no transaction around them.

One statement for all has too deep a stack, and one transaction too many locks.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Tuple

from alembic_operator.runner.database.own import literal
from alembic_operator.runner.process import threads
from alembic_operator.runner.process.failures import sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alembic_operator.runner.database.versions import Query, VersionTable

_AT_ONCE = 150
_LOST = ("08", "57", "53", "")
"""Classes of SQLSTATE that say nothing of a single table."""

Heads = Optional[Tuple[str, ...]]
"""Sorted; None: only a run can tell, which says what is wrong with the table."""


@dataclass(frozen=True)
class Pair:
    """A tenant and its version table."""

    tenant: str
    table: VersionTable


def read(query: Query, pairs: Sequence[Pair], beside: Query | None = None) -> dict[str, Heads]:
    """Return the heads of each tenant; none where there is no version table.

    `beside`: over another connection, so that the server reads with two processes.
    """
    known = _known(query, [one.table for one in pairs])
    heads: dict[str, Heads] = {one.tenant: () for one in pairs}
    readable = []
    for one in pairs:
        may_read = known.get((one.table.schema, one.table.name))
        if may_read:
            readable.append(one)
        elif may_read is not None:
            heads[one.tenant] = None
    chunks = deque(readable[at : at + _AT_ONCE] for at in range(0, len(readable), _AT_ONCE))
    thread = threads.Thread(target=_helped, args=(beside, chunks, heads), name="reading", daemon=True)
    if beside:
        thread.start()
    _read(query, chunks, heads)
    if beside:
        thread.join()
        _read(query, chunks, heads)  # what the other connection gave up
    return heads


def _read(query: Query, chunks: deque[list[Pair]], heads: dict[str, Heads]) -> None:
    """Read one after the other, as long as there is one; one that fails is left to others."""
    while chunks:
        try:
            pairs = chunks.popleft()
        except IndexError:  # the other one was quicker
            return
        try:
            heads.update(_chunk(query, pairs))
        except BaseException:
            chunks.append(pairs)
            raise


def _helped(query: Query, chunks: deque[list[Pair]], heads: dict[str, Heads]) -> None:
    with suppress(Exception):  # who asked for help reads the rest, and says what is wrong
        _read(query, chunks, heads)


def _known(query: Query, tables: Iterable[VersionTable]) -> Mapping[tuple[str, str], bool]:
    """Return of each version table that is there whether it may be read."""
    schemas, names = {one.schema for one in tables}, {one.name for one in tables}
    only = ""
    if len(names) == 1:
        only = f" AND c.relname = {literal(names.pop())}"
    elif len(schemas) == 1:
        only = f" AND n.nspname = {literal(schemas.pop())}"
    rows = query(
        "SELECT n.nspname::text, c.relname::text, pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
        " AND pg_catalog.has_table_privilege(c.oid, 'SELECT')"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm'){only}"
    )
    return {(str(schema), str(name)): bool(may_read) for schema, name, may_read in rows}


def _chunk(query: Query, pairs: Sequence[Pair]) -> dict[str, Heads]:
    """Read some; where one of them cannot be read, or is dropped just then, find out which."""
    parts = (f"SELECT {at}, version_num::text FROM {one.table.sql}" for at, one in enumerate(pairs))
    try:
        rows = query(" UNION ALL ".join(parts))
    except Exception as error:
        if (code := sqlstate(error)) == "" or code[:2] in _LOST:
            raise
        if len(pairs) == 1:
            return {pairs[0].tenant: None}
        half = len(pairs) // 2
        return {**_chunk(query, pairs[:half]), **_chunk(query, pairs[half:])}
    found: dict[int, list[object]] = {at: [] for at in range(len(pairs))}
    for at, head in rows:
        found[int(at)].append(head)
    return {one.tenant: _heads(found[at]) for at, one in enumerate(pairs)}


def _heads(rows: list[object]) -> Heads:
    texts = [one for one in rows if isinstance(one, str) and one and one == one.strip()]
    return tuple(sorted(texts)) if len(set(texts)) == len(rows) else None
