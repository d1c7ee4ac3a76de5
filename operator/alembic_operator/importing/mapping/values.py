"""Writes each value that SQLite keeps as PostgreSQL prints it: what COPY reads, and what checksums are made of.

A function takes SQLite's storage class with the value, text as its bytes; it raises UnfitError for what is not fit.
"""

import math
import re
import struct
import uuid
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation

from alembic_operator.importing.facts.unfit import Unfit, UnfitError

Stored = int | float | bytes
Convert = Callable[[str, Stored], str]
_SAFE = 2**53
_REAL_DIGITS = 15
_LONG = 1e15
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DIGITS_BEFORE, DIGITS_BEHIND = 131_072, 16_383
"""Of the point, in PostgreSQL's numeric."""
_EXACT = Context(prec=2100)
"""As many digits as numeric(1000, -1000) has."""


def text_of(stored: Stored) -> str:
    """Decode text.

    Raises:
        UnfitError: it is not UTF-8, or has a NUL byte.
    """
    if not isinstance(stored, bytes):
        raise UnfitError(Unfit.TYPE)
    try:
        text = stored.decode()
    except UnicodeDecodeError as error:
        raise UnfitError(Unfit.ENCODING) from error
    if "\0" in text:
        raise UnfitError(Unfit.NUL)
    return text


def integer(low: int, high: int) -> Convert:
    """Return the conversion to an integer type."""

    def convert(storage: str, stored: Stored) -> str:
        match storage, stored:
            case "integer", int():
                number = stored
            case "real", float() if stored.is_integer():
                number = int(stored)
            case "text", bytes():
                number = _digits(text_of(stored))
            case _:
                raise UnfitError(Unfit.TYPE)
        if not low <= number <= high:
            raise UnfitError(Unfit.RANGE)
        return str(number)

    return convert


def _digits(text: str) -> int:
    if not text:
        raise UnfitError(Unfit.EMPTY)
    if not text.removeprefix("-").isdecimal() or str(int(text)) != text:
        raise UnfitError(Unfit.TYPE)
    return int(text)


def double(storage: str, stored: Stored) -> str:
    """Write a double as PostgreSQL does: the shortest digits that are read back as the same number."""
    if storage == "integer" and isinstance(stored, int):
        if abs(stored) > _SAFE:
            raise UnfitError(Unfit.PRECISION)
        stored = float(stored)
    if not isinstance(stored, float):
        raise UnfitError(Unfit.EMPTY if stored == b"" else Unfit.TYPE)
    return spelled(stored)


def spelled(number: float) -> str:
    """Write a double as PostgreSQL does, which is nearly as Python does."""
    text = repr(number)
    if "e" in text:
        return text
    if text[-2:] == ".0":
        text = text[:-2]
    if _LONG > number > -_LONG:
        return text
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    digits = text.removeprefix("-").replace(".", "")  # Python waits for one digit more before it writes an exponent
    fraction = digits[1:].rstrip("0")
    return f"{'-' if number < 0 else ''}{digits[0]}{'.' if fraction else ''}{fraction}e+15"


def single(storage: str, stored: Stored) -> str:
    """Write a number that a float of 4 bytes keeps exactly."""
    text = double(storage, stored)
    try:
        kept = struct.unpack("<f", struct.pack("<f", float(text)))[0]
    except OverflowError as error:
        raise UnfitError(Unfit.RANGE) from error
    if kept != float(text):
        raise UnfitError(Unfit.PRECISION)
    return text


def numeric(precision: int | None, scale: int) -> Convert:
    """Return the conversion to numeric with a precision and a scale; None: without limits.

    Of a real number those 15 digits count that SQLite itself shows: that is the number which the application wrote.
    """

    def convert(storage: str, stored: Stored) -> str:
        number = _decimal(storage, stored, _REAL_DIGITS if precision else 17)
        if not number:
            return f"{0:.{max(scale, 0)}f}"
        if number.adjusted() >= (DIGITS_BEFORE if precision is None else precision - scale):
            raise UnfitError(Unfit.RANGE)
        if digits_behind(number) > (DIGITS_BEHIND if precision is None else scale):
            raise UnfitError(Unfit.PRECISION)
        if precision is not None:
            return f"{number.quantize(Decimal((0, (1,), -scale)), context=_EXACT):f}"
        plain = f"{number:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain

    return convert


def digits_behind(number: Decimal) -> int:
    """Return how many digits behind the point count; below zero: so many before it are zeros."""
    _, digits, exponent = number.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(int(exponent) + zeros)


def _decimal(storage: str, stored: Stored, digits: int) -> Decimal:
    try:
        match storage, stored:
            case "integer", int():
                return Decimal(stored)
            case "real", float():
                number = Decimal(f"{stored:.15g}" if digits == _REAL_DIGITS else repr(stored))
            case "text", b"":
                raise UnfitError(Unfit.EMPTY)
            case "text", bytes() if _NUMBER.fullmatch(stored):
                number = Decimal(stored.decode())
            case _:
                raise UnfitError(Unfit.TYPE)
    except InvalidOperation as error:
        raise UnfitError(Unfit.TYPE) from error
    if not number.is_finite():
        raise UnfitError(Unfit.RANGE)
    return number


_BOOLEANS = {"1": "t", "t": "t", "true": "t", "0": "f", "f": "f", "false": "f"}


def boolean(storage: str, stored: Stored) -> str:
    """Write 0, 1 and the words for them."""
    if stored == b"":
        raise UnfitError(Unfit.EMPTY)
    said = text_of(stored).lower() if storage == "text" else str(stored)
    if storage == "blob" or said not in _BOOLEANS:
        raise UnfitError(Unfit.TYPE)
    return _BOOLEANS[said]


def text(length: int | None, reading: str = "") -> Convert:
    """Return the conversion to a text type; a reading says what bytes are in it: `text` or `hex`."""

    def convert(storage: str, stored: Stored) -> str:
        if storage == "integer":
            written = str(stored)
        elif storage == "blob" and reading == "hex" and isinstance(stored, bytes):
            written = stored.hex()
        elif storage == "text" or (storage == "blob" and reading == "text"):
            written = text_of(stored)
        else:
            raise UnfitError(Unfit.BYTES if storage == "blob" else Unfit.TYPE)
        if length is not None and len(written) > length:
            raise UnfitError(Unfit.LENGTH)
        return written

    return convert


def padded(length: int | None) -> Convert:
    """Return the conversion to character(n), whose trailing spaces count for nothing."""
    plain = text(None)

    def convert(storage: str, stored: Stored) -> str:
        written = plain(storage, stored).rstrip(" ")
        if length is not None and len(written) > length:
            raise UnfitError(Unfit.LENGTH)
        return written

    return convert


def label(labels: tuple[str, ...]) -> Convert:
    """Return the conversion to an enumeration."""

    def convert(storage: str, stored: Stored) -> str:
        if storage != "text" or (written := text_of(stored)) not in labels:
            raise UnfitError(Unfit.EMPTY if stored == b"" else Unfit.LABEL)
        return written

    return convert


def binary(reading: str = "") -> Convert:
    """Return the conversion to bytes; the reading `bytes` takes text for its bytes."""

    def convert(storage: str, stored: Stored) -> str:
        if isinstance(stored, bytes) and (storage == "blob" or reading == "bytes"):
            return f"\\x{stored.hex()}"
        raise UnfitError(Unfit.TYPE)

    return convert


def identifier(storage: str, stored: Stored) -> str:
    """Write a UUID, kept as text with or without dashes, or as 16 bytes."""
    try:
        if storage == "blob" and isinstance(stored, bytes):
            return str(uuid.UUID(bytes=stored))
        if storage == "text":
            written = text_of(stored)
            if len(written) in (32, 36):
                return str(uuid.UUID(written))
    except (ValueError, UnfitError) as error:
        raise UnfitError(Unfit.UUID) from error
    raise UnfitError(Unfit.EMPTY if stored == b"" else Unfit.UUID)
