"""How one column is carried over: what SQLite says for COPY, what PostgreSQL says back, and when both are fit.

Most values go the fast way, written by SQLite itself. What does not look as usual goes through a function of values.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alembic_operator.importing import json_values, moments, values
from alembic_operator.importing.shapes import Column, quoted
from alembic_operator.importing.unfit import UnfitError
from alembic_operator.importing.values import Convert, Stored

READINGS = (*moments.UNITS, "text", "hex", "bytes")
"""What --column may say of the values that SQLite keeps."""
QUOTE = "char(30)"
_INTEGERS = {"int2": 16, "int4": 32, "int8": 64}
_TEXTS = ("text", "varchar", "citext", "name")
_DIGIT = "[0-9]"
_DATE = f"{_DIGIT * 4}-{_DIGIT * 2}-{_DIGIT * 2}"
_TIME = f"{_DIGIT * 2}:{_DIGIT * 2}:{_DIGIT * 2}.{_DIGIT * 6}"
_HEADER = 4
"""What PostgreSQL adds to a length or a precision in a type modifier."""


@dataclass(frozen=True)
class Field:
    """One column, in SQL of both sides; {0} stands for the column, quoted."""

    column: Column
    convert: Convert
    back: str
    """What PostgreSQL says of a value: the very text that was copied."""
    usual: str = "0"
    """SQLite's condition for the fast way."""
    fast: str = "{0}"
    quotes: bool = False
    """Whether the text may hold anything, so that it is quoted for COPY."""
    function: str = ""
    """The name under which SQLite knows `convert`: NULL for what is not fit."""

    def converted(self) -> Callable[[str, Stored], str | None]:
        """Return what SQLite calls."""

        def fit(storage: str, stored: Stored) -> str | None:
            try:
                return self.convert(storage, stored)
            except UnfitError:
                return None

        return fit

    def _slow(self) -> str:
        name = quoted(self.column.name)
        bare = f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"
        return f"{self.function}(typeof({name}), {bare})"

    def _usual(self) -> str:
        return self.usual.format(quoted(self.column.name))

    def unfit(self) -> str:
        """Return SQLite's condition for a row whose value cannot be carried over."""
        name = quoted(self.column.name)
        null = f"{name} IS NULL" if self.column.not_null else "0"
        return f"(CASE WHEN {name} IS NULL THEN {null} WHEN {self._usual()} THEN 0 ELSE {self._slow()} IS NULL END)"

    def value(self) -> str:
        """Return SQLite's expression for the value, as PostgreSQL prints it."""
        name = quoted(self.column.name)
        usual, fast = self._usual(), self.fast.format(name)
        return f"(CASE WHEN {name} IS NULL THEN NULL WHEN {usual} THEN {fast} ELSE {self._slow()} END)"

    def source(self) -> str:
        """Return SQLite's expression for the field of a line."""
        if not self.quotes:
            return f"ifnull({self.value()}, '')"
        return f"ifnull({QUOTE} || replace({self.value()}, {QUOTE}, {QUOTE} || {QUOTE}) || {QUOTE}, '')"

    def target(self) -> str:
        """Return PostgreSQL's expression for the same."""
        back = self.back.format(quoted(self.column.name))
        return f"chr(30) || replace({back}, chr(30), chr(30) || chr(30)) || chr(30)" if self.quotes else back


def field(column: Column, reading: str = "") -> Field | None:
    """Return how a column is carried over; None: nobody knows for its type."""
    name = column.type
    if name in _INTEGERS:
        return _integer(column)
    if name in _TEXTS:
        return _text(column, reading)
    if name == "numeric":
        return _numeric(column)
    if name in ("date", "timestamp", "timestamptz", "interval"):
        return _moment(column, reading)
    simple: dict[str, Callable[[], Field]] = {
        "bool": lambda: Field(
            column,
            values.boolean,
            "{0}::text",
            "typeof({0}) = 'integer' AND {0} IN (0, 1)",
            "CASE {0} WHEN 1 THEN 'true' ELSE 'false' END",
        ),
        "float8": lambda: Field(column, values.double, "{0}::text"),
        "float4": lambda: Field(column, values.single, "{0}::float8::text"),
        "bytea": lambda: Field(
            column,
            values.binary(reading),
            "'\\x' || encode({0}, 'hex')",
            "typeof({0}) = 'blob'",
            "'\\x' || lower(hex({0}))",
        ),
        "bpchar": lambda: Field(column, values.padded(_length(column)), "rtrim({0}::text, ' ')", quotes=True),
        "enum": lambda: Field(column, values.label(column.labels), "{0}::text", quotes=True),
        "uuid": lambda: Field(column, values.identifier, "{0}::text"),
        "json": lambda: Field(
            column, json_values.as_written, "{0}::text", "json_valid({0}) AND typeof({0}) = 'text'", quotes=True
        ),
        "jsonb": lambda: Field(column, json_values.normal, "{0}::text", quotes=True),
        "time": lambda: Field(column, moments.clock, "to_char({0}, 'HH24:MI:SS.US')"),
    }
    return simple[name]() if name in simple else None


def _length(column: Column) -> int | None:
    return column.modifier - _HEADER if column.modifier > 0 else None


def _integer(column: Column) -> Field:
    half = 1 << (_INTEGERS[column.type] - 1)
    usual = "typeof({0}) = 'integer'" + (f" AND {{0}} BETWEEN {-half} AND {half - 1}" if column.type != "int8" else "")
    return Field(column, values.integer(-half, half - 1), "{0}::text", usual)


def _text(column: Column, reading: str) -> Field:
    length = _length(column)
    short = f" AND length({{0}}) <= {length}" if length is not None else ""
    usual = f"typeof({{0}}) = 'text' AND instr({{0}}, char(0)) = 0{short}"
    return Field(column, values.text(length, reading), "{0}::text", usual, quotes=True)


def _numeric(column: Column) -> Field:
    if column.modifier < 0:
        return Field(column, values.numeric(None, 0), "trim_scale({0})::text")
    packed = column.modifier - _HEADER
    precision, scale = packed >> 16, (packed & 0x7FF ^ 1024) - 1024
    return Field(column, values.numeric(precision, scale), "{0}::text")


def _moment(column: Column, reading: str) -> Field:
    if column.type == "interval":
        return Field(column, moments.interval(reading), "extract(epoch from {0})::numeric(30, 6)::text")
    if column.type == "date":
        usual = f"typeof({{0}}) = 'text' AND {{0}} GLOB '{_DATE}' AND date({{0}}) = {{0}} AND {{0}} > '0001'"
        return Field(column, moments.day(reading), "to_char({0}, 'YYYY-MM-DD')", usual)
    usual = f"typeof({{0}}) = 'text' AND {{0}} GLOB '{_DATE} {_TIME}' AND {{0}} > '0001'"
    usual += " AND datetime({0}) = substr({0}, 1, 19)"
    if column.type == "timestamp":
        return Field(column, moments.timestamp(reading), "to_char({0}, 'YYYY-MM-DD HH24:MI:SS.US')", usual)
    return Field(column, moments.instant(reading), "to_char({0}, 'YYYY-MM-DD HH24:MI:SS.US')", usual)
