"""Does in the copy what the command line says of bad rows and orphans, so that all that follows finds none."""

import base64
import sqlite3

from alembic_operator.importing.facts.options import OnBadRow, Orphans
from alembic_operator.importing.facts.shapes import Reference, quoted
from alembic_operator.importing.mapping.pairs import Pair, Pairing
from alembic_operator.importing.scanning import scan

REJECTS = "alembic_operator_rejects"
"""Rows that were not imported: in the copy, and then in PostgreSQL."""
COLUMNS = ("table_name", "row_id", "column_name", "reason", "base64")


def mend(connection: sqlite3.Connection, pairing: Pairing, on_bad_row: OnBadRow, orphans: Orphans) -> None:
    """Take out what is to be put aside, and cut references that lead nowhere."""
    connection.execute("BEGIN")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {REJECTS} ({', '.join(COLUMNS)})")
    if on_bad_row == "quarantine":
        for pair in pairing.pairs:
            _put_bad_aside(connection, pair)
    while orphans != "stop" and any(_without(connection, pair, pairing, orphans) for pair in pairing.pairs):
        pass  # whoever referred to a row that is gone by now is an orphan, too
    connection.execute("COMMIT")


def _put_bad_aside(connection: sqlite3.Connection, pair: Pair) -> None:
    if not pair.file.rows:
        return
    for one in pair.fields:
        name = quoted(one.column.name)
        for row, unfit in list(scan.unfit_rows(connection, pair, one)):
            _reject(connection, pair, row, (one.column.name, unfit.value, name))
    _remove(connection, pair)
    for columns, condition in scan.repeated(pair):
        for row in _rows(connection, pair, condition):
            _reject(connection, pair, row, (", ".join(columns), scan.DUPLICATES, quoted(columns[0])))
    _remove(connection, pair)


def _without(connection: sqlite3.Connection, pair: Pair, pairing: Pairing, orphans: Orphans) -> bool:
    """Mend what one table refers to; tell whether anything was changed."""
    changed = False
    for reference in pair.table.references:
        condition = scan.orphaned(pair, reference, pairing)
        if condition is None:
            continue
        if orphans == "set-null":
            changed |= _cut(connection, pair, reference, condition)
            continue
        rows = _rows(connection, pair, condition)
        for row in rows:
            _reject(connection, pair, row, (", ".join(reference.columns), scan.ORPHANS, quoted(reference.columns[0])))
        _remove(connection, pair)
        changed |= bool(rows)
    return changed


def _cut(connection: sqlite3.Connection, pair: Pair, reference: Reference, condition: str) -> bool:
    free = [one for name in reference.columns if (one := pair.field(name)) and not one.column.not_null]
    if not free:
        return False  # stays a finding
    nulls = ", ".join(f"{quoted(one.column.name)} = NULL" for one in free)
    return connection.execute(f"UPDATE {quoted(pair.name)} SET {nulls} WHERE {condition}").rowcount > 0


def _rows(connection: sqlite3.Connection, pair: Pair, condition: str) -> list[int]:
    sql = f"SELECT {pair.file.row_id} FROM {quoted(pair.name)} WHERE {condition}"
    return [row for (row,) in connection.execute(sql)]


def _reject(connection: sqlite3.Connection, pair: Pair, row: int, why: tuple[str, str, str]) -> None:
    column, reason, name = why
    sql = f"SELECT CAST({name} AS BLOB) FROM {quoted(pair.name)} WHERE {pair.file.row_id} = ?"
    (value,) = connection.execute(sql, (row,)).fetchone()
    kept = None if value is None else base64.b64encode(value).decode()
    connection.execute(f"INSERT INTO {REJECTS} VALUES (?, ?, ?, ?, ?)", (pair.name, row, column, reason, kept))


def _remove(connection: sqlite3.Connection, pair: Pair) -> None:
    gone = f"SELECT row_id FROM {REJECTS} WHERE table_name = ?"
    connection.execute(f"DELETE FROM {quoted(pair.name)} WHERE {pair.file.row_id} IN ({gone})", (pair.name,))


def count(connection: sqlite3.Connection) -> int:
    """Return how many rows and values were put aside."""
    return int(connection.execute(f"SELECT count(*) FROM {REJECTS}").fetchone()[0])


def rejected(connection: sqlite3.Connection, table: str) -> list[tuple[str | int | None, ...]]:
    """Return what was put aside of a table."""
    rows = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM {REJECTS} WHERE table_name = ?", (table,))
    return [tuple(one.decode() if isinstance(one, bytes) else one for one in row) for row in rows]
