"""Writes JSON as PostgreSQL keeps it: `json` as it was written, `jsonb` with sorted keys and plain numbers."""

import json
import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping.values import DIGITS_BEFORE, DIGITS_BEHIND, Stored, double, text_of

_HALF = re.compile(r"[\ud800-\udfff]")


class _Number(str):
    """A number, as it was written."""

    __slots__ = ()


def as_written(storage: str, stored: Stored) -> str:
    """Write a value of a `json` column."""
    written = _text(storage, stored)
    with suppress(RecursionError):  # PostgreSQL goes deeper
        _parsed(written)
    return written


def normal(storage: str, stored: Stored) -> str:
    """Write a value of a `jsonb` column."""
    try:
        return _dump(_parsed(_text(storage, stored)))
    except RecursionError as error:
        raise UnfitError(Unfit.JSON) from error


def _text(storage: str, stored: Stored) -> str:
    """Return the text; SQLite keeps a lone number as one where the column's type is named JSON."""
    if storage == "blob":
        raise UnfitError(Unfit.BYTES)
    if storage == "integer":
        return str(stored)
    if storage == "real":
        return double(storage, stored)
    if stored == b"":
        raise UnfitError(Unfit.EMPTY)
    return text_of(stored)


def _refused(_: str) -> Any:
    raise UnfitError(Unfit.JSON)


def _parsed(written: str) -> Any:
    try:
        return json.loads(written, parse_float=_Number, parse_int=_Number, parse_constant=_refused)
    except ValueError as error:
        raise UnfitError(Unfit.JSON) from error


def _dump(value: Any) -> str:
    match value:
        case _Number():
            return _number(value)
        case dict():
            pairs = sorted((len(key.encode(errors="replace")), key.encode(errors="replace"), key) for key in value)
            return "{" + ", ".join(f"{_dump(key)}: {_dump(value[key])}" for *_, key in pairs) + "}"
        case list():
            return "[" + ", ".join(map(_dump, value)) + "]"
        case str() if "\0" in value or _HALF.search(value):  # only jsonb refuses these
            raise UnfitError(Unfit.JSON)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _number(written: str) -> str:
    try:
        number = Decimal(written)
    except InvalidOperation as error:
        raise UnfitError(Unfit.JSON) from error
    exponent = int(number.as_tuple().exponent)
    if (number and number.adjusted() >= DIGITS_BEFORE) or -exponent > DIGITS_BEHIND:
        raise UnfitError(Unfit.JSON)
    if not number:
        return f"{0:.{max(-exponent, 0)}f}"
    return f"{number:f}"
