"""How a column of each type is carried over."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from alembic_operator.importing.facts.shapes import Column
from alembic_operator.importing.mapping import arrays, batches, json_values, moments, values
from alembic_operator.importing.mapping.column_field import Field

if TYPE_CHECKING:
    from collections.abc import Callable

READINGS = (*moments.UNITS, "text", "hex", "bytes")
"""What --column may say of the values that SQLite keeps."""
_BITS = {"int2": 16, "int4": 32, "int8": 64}
_IS_TEXT = "typeof({0}) = 'text'"
_NO_NUL = "instr({0}, char(0)) = 0"
_DIGIT = "[0-9]"
_DATE = f"{_DIGIT * 4}-{_DIGIT * 2}-{_DIGIT * 2}"
_BY_ITS_LENGTH = (
    "(length({0}) = 19 AND substr({0}, 17, 1) = ':'"
    " OR length({0}) = 26 AND substr({0}, 20, 1) = '.' AND substr({0}, 21) NOT GLOB '*[^0-9]*')"
)
_NO_ZEROS = "CASE length({0}) WHEN 19 THEN {0} ELSE rtrim(rtrim({0}, '0'), '.') END"
_DASHED = (
    "lower("
    + " || '-' || ".join(f"substr({{0}}, {at}, {n})" for at, n in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    + ")"
)
_SECONDS = "extract(epoch from {0})::numeric(30, 6)"
_ARRAY = "_"
"""What PostgreSQL puts before the name of a type for an array of it."""
_HEADER = 4
"""What PostgreSQL adds to a length or a precision in a type modifier."""
_DIGITS_OF_A_DOUBLE = 15
_LOW = 0xFFFF
"""The half of a type modifier with the digits of a second."""


def field(column: Column, reading: str = "") -> Field | None:
    """Return how a column is carried over; None: nobody knows for its type."""
    if column.type.startswith(_ARRAY):
        return _array(column, reading)
    makers: dict[str, Callable[[], Field]] = {
        "bool": partial(
            Field,
            column,
            values.boolean,
            batch=batches.booleans,
            usual="typeof({0}) = 'integer' AND {0} IN (0, 1)",
            fast="CASE {0} WHEN 1 THEN 't' ELSE 'f' END",
        ),
        **{name: partial(_integer, column) for name in _BITS},
        "float8": partial(Field, column, values.double, batch=batches.doubles, double=True),
        "float4": partial(Field, column, values.single, "{0}::float8"),
        "numeric": partial(_numeric, column),
        **{name: partial(_text, column, reading) for name in ("text", "varchar", "citext", "name")},
        "bpchar": partial(_padded, column),
        "enum": partial(Field, column, values.label(column.labels), batch=batches.labels(column.labels), quotes=True),
        "bytea": partial(_bytes, column, reading),
        "uuid": partial(_uuid, column),
        "json": partial(
            Field,
            column,
            json_values.as_written,
            batch=batches.texts(None),
            usual=f"{_IS_TEXT} AND {_NO_NUL} AND json_valid({{0}})",
            quotes=True,
        ),
        "jsonb": partial(Field, column, json_values.normal, quotes=True),
        "date": partial(_day, column, reading),
        "time": partial(_timed, Field(column, moments.clock, batch=batches.clocks)),
        "timestamp": partial(_moment, column, reading),
        "timestamptz": partial(_moment, column, reading),
        "interval": partial(_timed, Field(column, moments.interval(reading), _SECONDS)),
    }
    return makers[column.type]() if column.type in makers else None


def _array(column: Column, reading: str) -> Field | None:
    """Return how a JSON list becomes an array, if PostgreSQL prints its elements as they are written."""
    element = field(replace(column, type=column.type.removeprefix(_ARRAY)), reading)
    if element is None or element.back != Field.back:
        return None
    return Field(column, arrays.listed(element.convert), quotes=True)


def _length(column: Column) -> int | None:
    return column.modifier - _HEADER if column.modifier > 0 else None


def _integer(column: Column) -> Field:
    half = 1 << (_BITS[column.type] - 1)
    within = f" AND {{0}} BETWEEN {-half} AND {half - 1}" if column.type != "int8" else ""
    usual = f"typeof({{0}}) = 'integer'{within}"
    return Field(column, values.integer(-half, half - 1), batch=batches.integers(-half, half - 1), usual=usual)


def _text(column: Column, reading: str) -> Field:
    length = _length(column)
    short = f" AND length({{0}}) <= {length}" if length is not None else ""
    usual = f"{_IS_TEXT} AND {_NO_NUL}{short}"
    return Field(column, values.text(length, reading), batch=batches.texts(length), usual=usual, quotes=True)


def _padded(column: Column) -> Field:
    length = _length(column)
    return Field(column, values.padded(length), "rtrim({0}::text, ' ')", batch=batches.padded(length), quotes=True)


def _numeric(column: Column) -> Field:
    if column.modifier < 0:
        half = 1 << 63
        return Field(column, values.numeric(None, 0), "trim_scale({0})", batch=batches.integers(-half, half - 1))
    packed = column.modifier - _HEADER
    precision, scale = packed >> 16, (packed & 0x7FF ^ 1024) - 1024
    convert = values.numeric(precision, scale)
    before = min(precision, _DIGITS_OF_A_DOUBLE) - scale
    if scale < 0 or before < 0:
        return Field(column, convert)
    small = f"typeof({{0}}) IN ('integer', 'real') AND {{0}} > -1e{before} AND {{0}} < 1e{before}"
    fast = f"printf('%.{scale}f', {{0}} + 0.0)"  # -0.0 becomes 0.0
    usual = f"{small} AND round({{0}}, {scale}) = {{0}}"
    return Field(column, convert, batch=batches.decimals(before, scale), usual=usual, fast=fast)


def _bytes(column: Column, reading: str) -> Field:
    usual, fast = "typeof({0}) = 'blob'", "'\\x' || lower(hex({0}))"
    back, convert = "'\\x' || encode({0}, 'hex')", values.binary(reading)
    return Field(column, convert, back, batch=batches.binaries, usual=usual, fast=fast, raw=reading == "bytes")


def _uuid(column: Column) -> Field:
    usual = f"{_IS_TEXT} AND length({{0}}) = 32 AND {{0}} NOT GLOB '*[^0-9a-fA-F]*'"
    return Field(column, values.identifier, batch=batches.identifiers, usual=usual, fast=_DASHED)


def _day(column: Column, reading: str) -> Field:
    usual = f"{_IS_TEXT} AND {{0}} GLOB '{_DATE}' AND date({{0}}) = {{0}} AND {{0}} > '0001'"
    return Field(column, moments.day(reading), batch=batches.days, usual=usual)


def _moment(column: Column, reading: str) -> Field:
    within = "{0} > '0001' AND substr({0}, 12, 2) < '24'"
    usual = f"datetime({{0}}) = substr({{0}}, 1, 19) AND {_IS_TEXT} AND {within} AND {_BY_ITS_LENGTH}"
    if column.type == "timestamp":
        convert = moments.timestamp(reading)
        return _timed(Field(column, convert, batch=batches.moments(""), usual=usual, fast=_NO_ZEROS))
    zoned = f"({_NO_ZEROS}) || '+00'"
    return _timed(Field(column, moments.instant(reading), batch=batches.moments("+00"), usual=usual, fast=zoned))


def _timed(one: Field) -> Field:
    """Return it with as many digits of a second as its type keeps; an interval's modifier says more than that."""
    digits = one.column.modifier & _LOW if one.column.modifier >= 0 else moments.MICROSECONDS
    if digits >= moments.MICROSECONDS:
        return one
    return replace(one, convert=moments.within(digits, one.convert), usual="0")
