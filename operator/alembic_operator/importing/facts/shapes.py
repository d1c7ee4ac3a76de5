"""What both databases have: tables, columns and keys, as Alembic built them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a PostgreSQL table."""

    name: str
    type: str
    """Name of the base type in the catalogue, such as int4; of an enumeration: enum."""
    label: str
    """The type as people write it, such as numeric(10,2)."""
    modifier: int = -1
    """PostgreSQL's type modifier: length, precision and scale."""
    not_null: bool = False
    filled: bool = False
    """Whether PostgreSQL fills it in where no value is given."""
    generated: bool = False
    sequence: str = ""
    """The sequence that counts it, quoted and with its schema."""
    labels: tuple[str, ...] = ()
    """Of an enumeration."""
    plain: bool = True
    """Whether two texts are equal only if their bytes are; not so with citext or a nondeterministic collation."""


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class Index:
    """An index that is no constraint: it can be built after the rows."""

    name: str
    definition: str


@dataclass(frozen=True)
class Table:
    """One table of PostgreSQL."""

    name: str
    columns: tuple[Column, ...]
    primary: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    """Columns of each primary key, unique constraint and plain unique index."""
    strict: tuple[tuple[str, ...], ...] = ()
    """Those of them in which NULL is there only once, too."""
    references: tuple[Reference, ...] = ()
    indexes: tuple[Index, ...] = ()
    folded: tuple[str, ...] = ()
    """Columns that are unique in lower case."""
    triggers: tuple[tuple[str, str], ...] = ()
    """Names, and the words that enable each as it was."""
    owned: bool = True
    """Whether who imports may alter it."""
    filled: bool = False
    """Whether it has rows."""
    refusal: str = ""
    """Why rows cannot be copied into it, in words."""


@dataclass(frozen=True)
class FileTable:
    """One table of the SQLite file."""

    name: str
    columns: tuple[str, ...]
    rows: int
    row_id: str
    """The name by which SQLite gives its row ids."""
    key: str = ""
    """The column that is the row id itself."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Columns that SQLite keeps unique, compared by their bytes."""
    counted: int = 0
    """The highest number that AUTOINCREMENT has given, also to rows that have gone."""
    module: str = ""
    """What SQLite lacks to read it."""


def quoted(name: str) -> str:
    """Quote a name, as SQLite and PostgreSQL both do."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text, as both do; PostgreSQL with standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"
