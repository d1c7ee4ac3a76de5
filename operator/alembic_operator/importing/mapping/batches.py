"""Writes many values of one column at once, as PostgreSQL prints them in COPY's text; None: some are not as usual.

What PostgreSQL itself refuses or prints in another way, such as 30 February, need not be looked at here.
"""

from collections.abc import Callable, Sequence
from typing import Any

from alembic_operator.importing.mapping.values import spelled

Batch = Callable[[Sequence[Any]], Sequence[str] | None]
"""Takes at least one value; NULL is not usual."""
_ESCAPES = (
    ("\\", "\\\\"),
    ("\b", "\\b"),
    ("\t", "\\t"),
    ("\n", "\\n"),
    ("\v", "\\v"),
    ("\f", "\\f"),
    ("\r", "\\r"),
)
_ALL_DIGITS = str.maketrans("123456789", "000000000")
_DAY = {"0000-00-00"}
_CLOCK = {"00:00:00", "00:00:00.000000"}
_MOMENT = {"0000-00-00 00:00:00", "0000-00-00 00:00:00.000000"}
_EXPONENT = 1e15
"""From here on PostgreSQL writes a double with an exponent, and Python not yet."""
_HEX, _DASHED = 32, 36


def never(_: Sequence[Any]) -> None:
    """Leave each value to the conversion of its type."""
    return


def _all(values: Sequence[Any], *kinds: type) -> bool:
    return set(map(type, values)).issubset(kinds)


def integers(low: int, high: int) -> Batch:
    """Return what writes integers."""

    def write(values: Sequence[Any]) -> Sequence[str] | None:
        if not _all(values, int) or min(values) < low or max(values) > high:
            return None
        return list(map(str, values))

    return write


def booleans(values: Sequence[Any]) -> Sequence[str] | None:
    """Write 0 and 1."""
    return ["t" if one else "f" for one in values] if _all(values, int) and set(values) <= {0, 1} else None


def doubles(values: Sequence[Any]) -> Sequence[str] | None:
    """Write real numbers."""
    if not _all(values, float):
        return None
    if min(values) <= -_EXPONENT or max(values) >= _EXPONENT:
        return list(map(spelled, values))
    return ("\t".join(map(repr, values)) + "\t").replace(".0\t", "\t")[:-1].split("\t")


def decimals(before: int, scale: int) -> Batch:
    """Return what writes numbers that have some digits before the point and not more than some behind it."""
    form, limit, zero = f"%.{scale}f\t", 10**before, f"{0:.{scale}f}"

    def write(values: Sequence[Any]) -> Sequence[str] | None:
        if not _all(values, int, float) or min(values) <= -limit or max(values) >= limit:
            return None
        written = (form * len(values) % tuple(values))[:-1].split("\t")
        if list(map(float, written)) != list(values):
            return None
        return [zero if one == f"-{zero}" else one for one in written]

    return write


def texts(length: int | None) -> Batch:
    """Return what writes text that is not too long."""

    def write(values: Sequence[Any]) -> Sequence[str] | None:
        if not _all(values, str) or (length is not None and max(map(len, values)) > length):
            return None
        return escaped(values)

    return write


def padded(length: int | None) -> Batch:
    """Return what writes text whose trailing spaces count for nothing."""
    plain = texts(length)
    return lambda values: plain([one.rstrip(" ") for one in values]) if _all(values, str) else None


def labels(known: Sequence[str]) -> Batch:
    """Return what writes labels of an enumeration."""
    return lambda values: escaped(values) if set(values).issubset(known) else None


def binaries(values: Sequence[Any]) -> Sequence[str] | None:
    """Write bytes."""
    return ["\\\\x" + one.hex() for one in values] if _all(values, bytes) else None


def identifiers(values: Sequence[Any]) -> Sequence[str] | None:
    """Write UUIDs that are kept as text, all with dashes or all without."""
    if not _all(values, str) or not "".join(values).replace("-", "").isalnum():
        return None
    lengths = set(map(len, values))
    if lengths == {_HEX}:
        return [f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}".lower() for one in values]
    return [one.lower() for one in values] if lengths == {_DASHED} else None


def days(values: Sequence[Any]) -> Sequence[str] | None:
    """Write dates."""
    return values if _shaped(values, _DAY) else None


def clocks(values: Sequence[Any]) -> Sequence[str] | None:
    """Write times of the day; PostgreSQL knows 24:00, and Python does not."""
    return list(map(_short, values)) if _shaped(values, _CLOCK) and max(values) < "24" else None


def moments(zone: str) -> Batch:
    """Return what writes a date with a time, and behind it the time zone that all have."""

    def write(values: Sequence[Any]) -> Sequence[str] | None:
        if not _shaped(values, _MOMENT):
            return None
        return [_short(one) + zone for one in values] if zone else list(map(_short, values))

    return write


def _shaped(values: Sequence[Any], shapes: set[str]) -> bool:
    """Tell whether all are digits with the same things between them."""
    if not _all(values, str):
        return False
    joined = "\t".join(values)
    if " 24:" in joined:  # PostgreSQL prints the next day
        return False
    found = joined.translate(_ALL_DIGITS).split("\t")
    return len(found) == len(values) and shapes.issuperset(found)


def _short(written: str) -> str:
    return written.rstrip("0").rstrip(".") if written[-1] == "0" and "." in written else written


def escaped(values: Sequence[str]) -> Sequence[str] | None:
    """Write text as COPY takes and prints it; None: some has a NUL byte."""
    joined = "\0".join(values)
    if joined.count("\0") != len(values) - 1:
        return None
    found = [one for one in _ESCAPES if one[0] in joined]
    if not found:
        return values
    for raw, written in found:
        joined = joined.replace(raw, written)
    return joined.split("\0")
