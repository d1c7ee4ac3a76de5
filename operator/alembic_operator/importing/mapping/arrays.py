"""Writes a JSON list, as which SQLite keeps an array, as PostgreSQL prints the array."""

import json
import re
from typing import Any

from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping.values import Convert, Stored, text_of

_QUOTED = re.compile(r'[{},"\\ \t\n\r\v\f]|^$|^null$', re.IGNORECASE)


def listed(convert: Convert) -> Convert:
    """Return the conversion to an array of one dimension, from that of its elements."""

    def written(storage: str, stored: Stored) -> str:
        if storage != "text" or stored == b"":
            raise UnfitError(Unfit.EMPTY if stored == b"" else Unfit.TYPE)
        try:
            found = json.loads(text_of(stored))
        except (ValueError, RecursionError) as error:
            raise error if isinstance(error, UnfitError) else UnfitError(Unfit.JSON) from error
        if not isinstance(found, list):
            raise UnfitError(Unfit.JSON)
        return "{" + ",".join("NULL" if one is None else _quoted(_element(convert, one)) for one in found) + "}"

    return written


def _element(convert: Convert, value: Any) -> str:
    match value:
        case bool() | int():
            return convert("integer", int(value))
        case float():
            return convert("real", value)
        case str():
            try:
                return convert("text", value.encode())
            except UnicodeEncodeError as error:
                raise UnfitError(Unfit.JSON) from error
    raise UnfitError(Unfit.JSON)


def _quoted(said: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", said) + '"' if _QUOTED.search(said) else said
