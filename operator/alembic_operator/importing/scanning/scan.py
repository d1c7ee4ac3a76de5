"""Looks at every value of the copy before anything is written, and tells all that cannot be carried over."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from alembic_operator.importing.facts.findings import SHOWN, Finding, Tally
from alembic_operator.importing.facts.shapes import Reference, quoted
from alembic_operator.importing.facts.unfit import SENTENCES, Unfit, UnfitError
from alembic_operator.importing.mapping.column_field import Field
from alembic_operator.importing.mapping.pairs import Pair, Pairing

T = TypeVar("T")
Copies = Sequence[sqlite3.Connection]
"""The copy, opened once or twice."""
_ROWS_AT_ONCE = 2000
_LARGE = 50_000
"""Rows of a table that two threads look at."""
ORPHANS = "orphans"
DUPLICATES = "duplicates"
_FOLDED = "in_lower_case"


def teach(copies: Copies, pairing: Pairing) -> None:
    """Teach SQLite the conversions."""
    for connection in copies:
        connection.create_function(_FOLDED, 1, _folded, deterministic=True)
        for pair in pairing.pairs:
            for one in pair.fields:
                connection.create_function(one.function, 2, one.converted(), deterministic=True)


def prepared(copies: Copies, pairing: Pairing) -> Pairing:
    """Find out which tables have text that must be looked at closely."""
    return replace(pairing, pairs=tuple(_as_its_text_needs(copies, pair) for pair in pairing.pairs))


def _spread(copies: Copies, pair: Pair, job: Callable[[sqlite3.Connection, str], T]) -> list[T]:
    """Do something with each half of a large table, at the same time: SQLite itself needs no lock of Python's."""
    if pair.file.rows < _LARGE or len(copies) == 1:
        return [job(copies[0], "1")]
    row_id = pair.file.row_id
    low, high = copies[0].execute(f"SELECT min({row_id}), max({row_id}) FROM {quoted(pair.name)}").fetchone()
    if low is None:  # all of them were put aside
        return [job(copies[0], "1")]
    middle = (low + high) // 2
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(job, copies, (f"{row_id} <= {middle}", f"{row_id} > {middle}")))


def _folded(said: bytes | None) -> str | None:
    return None if said is None else said.decode(errors="replace").lower()


def _as_its_text_needs(copies: Copies, pair: Pair) -> Pair:
    """Look at all of a table's text for what is no UTF-8: by the batch, which costs little."""
    names = _quoted(pair)
    if not names:
        return pair
    texts = "'' || " + " || char(10) || ".join(f"ifnull({name}, '')" for name in names)

    def seen(connection: sqlite3.Connection, where: str) -> bool:
        cursor = connection.execute(f"SELECT {texts} FROM {quoted(pair.name)} WHERE {where}")
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            try:
                b"\n".join(row[0] for row in rows).decode()
            except UnicodeDecodeError:
                return False
        return True

    return pair if all(_spread(copies, pair, seen)) else pair.wary()


def _quoted(pair: Pair) -> list[str]:
    return [quoted(one.column.name) for one in pair.fields if one.quotes]


def look(copies: Copies, pairing: Pairing) -> list[Finding]:
    """Return all that is wrong with the rows."""
    found: list[Finding] = []
    for pair in pairing.pairs:
        for one, number in zip(pair.fields, _unfit(copies, pair), strict=True):
            if number:
                found += _classified(copies[0], pair, one)
        found += _together(copies[0], pair, pairing)
    return found


def beside_values(connection: sqlite3.Connection, pairing: Pairing) -> list[Finding]:
    """Return what is wrong with the rows beside their single values."""
    return [one for pair in pairing.pairs for one in _together(connection, pair, pairing)]


def _together(connection: sqlite3.Connection, pair: Pair, pairing: Pairing) -> Iterator[Finding]:
    yield from _told_later(connection, pair)
    yield from _duplicates(connection, pair)
    yield from _orphans(connection, pair, pairing)


def _unfit(copies: Copies, pair: Pair) -> list[int]:
    """Return of each column how many values are not fit."""
    asked = ", ".join(f"ifnull(sum({one.unfit()}), 0)" for one in pair.fields)
    sql = f"SELECT {asked} FROM {quoted(pair.name)} WHERE"
    halves = _spread(copies, pair, lambda connection, where: connection.execute(f"{sql} {where}").fetchone())
    return [sum(both) for both in zip(*halves, strict=True)]


def _classified(connection: sqlite3.Connection, pair: Pair, one: Field) -> Iterator[Finding]:
    tally = Tally()
    for row, unfit in unfit_rows(connection, pair, one):
        tally.add(unfit.value, row)
    for kind, count, rows in tally:
        message = SENTENCES[Unfit(kind)].format(column=f"{pair.name}.{one.column.name}")
        yield Finding(kind, pair.name, f"{one.column.label}: {message}", one.column.name, count, rows)


def unfit_rows(connection: sqlite3.Connection, pair: Pair, one: Field) -> Iterator[tuple[int, Unfit]]:
    """Return the row ids of values that cannot be carried over, and why not."""
    name = quoted(one.column.name)
    sql = f"SELECT {pair.file.row_id}, typeof({name}), {name} FROM {quoted(pair.name)} WHERE {one.unfit()}"
    for row, storage, stored in connection.execute(sql):
        if stored is None:
            yield row, Unfit.NULL
            continue
        try:
            one.convert(storage.decode(), stored)
        except UnfitError as error:
            yield row, error.unfit


def _orphans(connection: sqlite3.Connection, pair: Pair, pairing: Pairing) -> Iterator[Finding]:
    """Return rows that refer to none."""
    for reference in pair.table.references:
        condition = orphaned(pair, reference, pairing)
        if condition is None:
            continue
        count, rows = _some(connection, pair, condition)
        if count:
            empty = _empty(connection, pair, reference, condition)
            said = f", of them {empty} with an empty string" if empty else ""
            message = f"refer to no row of {reference.parent}{said}; --orphans set-null or quarantine, or correct them"
            yield Finding(ORPHANS, pair.name, message, ", ".join(reference.columns), count, rows)


def orphaned(pair: Pair, reference: Reference, pairing: Pairing) -> str | None:
    """Return SQLite's condition for a row that refers to none; None: the columns are not carried over on both sides."""
    parent = pairing.pair(reference.parent)
    if parent is None or any(pair.field(one) is None for one in reference.columns):
        return None
    if any(parent.field(one) is None for one in reference.parent_columns):
        return None
    own = [f"{quoted(pair.name)}.{quoted(one)}" for one in reference.columns]
    given = " AND ".join(f"{one} IS NOT NULL" for one in own)
    both = zip(own, reference.parent_columns, strict=True)
    same = " AND ".join(f"parent.{quoted(other)} = {one} COLLATE BINARY" for one, other in both)
    return f"{given} AND NOT EXISTS (SELECT 1 FROM {quoted(reference.parent)} AS parent WHERE {same})"


def _told_later(connection: sqlite3.Connection, pair: Pair) -> Iterator[Finding]:
    """Return what PostgreSQL keeps, and complains of when it is used: `json` is text until somebody looks into it."""
    for one in pair.fields:
        if one.column.type == "json":
            count, rows = _some(connection, pair, f"instr({quoted(one.column.name)}, '\\u0000')")
            if count:
                message = "\\u0000 in JSON is kept, but PostgreSQL cannot turn it into text: ->> fails on these rows"
                yield Finding("json-nul", pair.name, message, one.column.name, count, rows, blocks=False)


def _some(connection: sqlite3.Connection, pair: Pair, condition: str) -> tuple[int, tuple[int, ...]]:
    """Return how many rows meet a condition, and the first of their row ids."""
    name, row_id = quoted(pair.name), pair.file.row_id
    count = connection.execute(f"SELECT count(*) FROM {name} WHERE {condition}").fetchone()[0]
    if not count:
        return 0, ()
    rows = connection.execute(f"SELECT {row_id} FROM {name} WHERE {condition} ORDER BY 1 LIMIT {SHOWN}")
    return count, tuple(row for (row,) in rows)


def _empty(connection: sqlite3.Connection, pair: Pair, reference: Reference, condition: str) -> int:
    blank = " OR ".join(f"{quoted(one)} = ''" for one in reference.columns)
    return int(_some(connection, pair, f"({blank}) AND {condition}")[0])


def _duplicates(connection: sqlite3.Connection, pair: Pair) -> Iterator[Finding]:
    """Return rows that are equal to an earlier one where PostgreSQL wants each once."""
    for columns, condition in repeated(pair):
        count, rows = _some(connection, pair, condition)
        if count:
            message = "are there before, in an earlier row, as PostgreSQL compares them; correct them"
            yield Finding(DUPLICATES, pair.name, message, ", ".join(columns), count, rows)


def repeated(pair: Pair) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return the columns that PostgreSQL keeps unique, and SQLite's condition for a row that is there before."""
    for columns, folds in [
        *((one, False) for one in pair.table.uniques),
        *(((one,), True) for one in pair.table.folded),
    ]:
        if condition := _repeated(pair, columns, folds=folds):
            yield columns, condition


def _repeated(pair: Pair, columns: tuple[str, ...], *, folds: bool) -> str | None:
    """Return SQLite's condition for a row that PostgreSQL takes for an earlier one; None: SQLite keeps them apart."""
    fields = [pair.field(name) for name in columns]
    if not columns or any(one is None for one in fields) or (not folds and _kept_apart(pair, columns)):
        return None
    told = [_compared(one, folds=folds) for one in fields if one]
    some = "1" if columns in pair.table.strict else " AND ".join(f"{one} IS NOT NULL" for one in told)
    name, row_id = quoted(pair.name), pair.file.row_id
    first = f"SELECT min({row_id}) FROM {name} WHERE {some} GROUP BY {', '.join(told)}"
    return f"{some} AND {row_id} NOT IN ({first})"


def _compared(one: Field, *, folds: bool) -> str:
    return f"{_FOLDED}(CAST({one.value()} AS BLOB))" if folds or not one.column.plain else one.value()


def _kept_apart(pair: Pair, columns: tuple[str, ...]) -> bool:
    if columns == (pair.file.key,):
        return True
    if columns in pair.table.strict:
        return False
    known = any(set(one) <= set(columns) for one in pair.file.unique)
    return known and all(_is_one_to_one(pair.field(name)) for name in columns)


def _is_one_to_one(one: Field | None) -> bool:
    """Tell whether values that differ in SQLite differ in PostgreSQL, too."""
    return (
        one is not None and one.column.plain and one.column.type in ("int2", "int4", "int8", "text", "varchar", "enum")
    )
