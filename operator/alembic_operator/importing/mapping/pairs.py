"""Which table of the file goes into which of PostgreSQL, column by column, and what is on one side only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from alembic_operator.importing.facts.findings import Finding
from alembic_operator.importing.facts.shapes import Column, FileTable, Table
from alembic_operator.importing.mapping import fields
from alembic_operator.importing.mapping.column_field import Field


@dataclass(frozen=True)
class Pair:
    """A table on both sides, and how its columns are carried over."""

    table: Table
    file: FileTable
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """Its name, which is the same on both sides."""
        return self.table.name

    def field(self, column: str) -> Field | None:
        """Return how a column is carried over; None: it is not."""
        return next((one for one in self.fields if one.column.name == column), None)

    def wary(self) -> "Pair":
        """Return it with each text looked at in Python: SQLite does not notice what is no UTF-8."""
        return replace(self, fields=tuple(replace(one, usual="0") if one.quotes else one for one in self.fields))


@dataclass(frozen=True)
class Pairing:
    """All tables that are carried over, and what the shapes alone say against it."""

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]
    seeded: Mapping[str, bytes] = field(default_factory=dict)
    """Tables of PostgreSQL whose rows make way, and what it says of them."""

    def pair(self, name: str) -> Pair | None:
        """Return the pair of a table; None: it is not carried over."""
        return next((one for one in self.pairs if one.name == name), None)


def match(
    files: Sequence[FileTable], tables: Sequence[Table], exclude: Sequence[str], readings: Mapping[str, str]
) -> Pairing:
    """Pair the tables that are not excluded; a pattern is for a table, or for table.column."""
    kept = {one.name: one for one in tables if not _excluded(one.name, exclude)}
    pairs, findings = [], []
    for file in files:
        if _excluded(file.name, exclude):
            continue
        if file.module or file.name not in kept:
            findings.append(_only_in_file(file))
            continue
        table = kept.pop(file.name)
        if carried := tuple(_fields(table, file, exclude, readings)):
            pairs.append(Pair(table, file, carried))
        findings += _of_columns(table, file, exclude, readings)
        findings += _of_table(table)
    findings += [
        Finding("table-only-in-target", name, "is not in the file; it is left as it is", blocks=False) for name in kept
    ]
    unknown = readings.keys() - {f"{one.name}.{each.column.name}" for one in pairs for each in one.fields}
    findings += [Finding("option", name, "--column names no column that is carried over") for name in sorted(unknown)]
    return Pairing(tuple(pairs), tuple(findings))


def _excluded(name: str, exclude: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in exclude)


def _carried(table: Table, file: FileTable, exclude: Sequence[str]) -> list[Column]:
    return [
        column
        for column in table.columns
        if column.name in file.columns
        and not column.generated
        and not _excluded(f"{table.name}.{column.name}", exclude)
    ]


def _fields(table: Table, file: FileTable, exclude: Sequence[str], readings: Mapping[str, str]) -> Iterator[Field]:
    for number, column in enumerate(_carried(table, file, exclude)):
        if found := fields.field(column, readings.get(f"{table.name}.{column.name}", "")):
            yield replace(found, function=f"fit_{number}_{table.name.encode().hex()}")


def _only_in_file(file: FileTable) -> Finding:
    if file.module:
        message = f"needs {file.module}, which this SQLite does not have; exclude it with --exclude {file.name}"
        return Finding("table-only-in-file", file.name, message)
    message = f"PostgreSQL has no such table; exclude it with --exclude {file.name}, or create it in a revision"
    return Finding("table-only-in-file", file.name, message, count=file.rows)


def _of_columns(
    table: Table, file: FileTable, exclude: Sequence[str], readings: Mapping[str, str]
) -> Iterator[Finding]:
    known = {column.name for column in table.columns}
    for name in file.columns:
        if name not in known and not _excluded(f"{table.name}.{name}", exclude):
            message = f"PostgreSQL has no such column; leave it out with --exclude {table.name}.{name}"
            yield Finding("column-only-in-file", table.name, message, name)
    for column in _carried(table, file, exclude):
        if fields.field(column, readings.get(f"{table.name}.{column.name}", "")) is None:
            message = (
                f"the type {column.label} is not supported; leave it out with --exclude {table.name}.{column.name}"
            )
            yield Finding("type-unsupported", table.name, message, column.name, blocks=file.rows > 0)
    for column in table.columns:
        if column.generated:
            yield Finding("generated", table.name, "PostgreSQL computes it itself", column.name, blocks=False)
        elif column.name not in file.columns:
            yield _only_in_target(table, file, column)


def _only_in_target(table: Table, file: FileTable, column: Column) -> Finding:
    if column.not_null and not column.filled and file.rows:
        message = "is NOT NULL without a default, and the file has no such column; give it a default in a revision"
        return Finding("column-only-in-target", table.name, message, column.name)
    message = "is not in the file; it gets its default"
    return Finding("column-only-in-target", table.name, message, column.name, blocks=False)


def _of_table(table: Table) -> Iterator[Finding]:
    if not table.owned:
        yield Finding(
            "rights", table.name, "connect as the owner of the table: indexes and keys are built after the rows"
        )
    if table.refusal:
        yield Finding("rights", table.name, f"rows cannot be copied into it: {table.refusal}")
    if table.triggers:
        message = f"triggers that do not run for imported rows: {', '.join(name for name, _ in table.triggers)}"
        yield Finding("triggers", table.name, message, blocks=False)
