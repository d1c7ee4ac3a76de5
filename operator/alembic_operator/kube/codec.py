"""Read and write JSON: three times as fast as the standard library where that can be, as it does where not."""

import json
from typing import Any

import pydantic_core


def read(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is none.
    """
    try:
        return pydantic_core.from_json(text)
    except ValueError:  # 200 levels, half a surrogate pair: the API server takes what this parser does not
        return json.loads(text)


def write(value: Any) -> bytes:
    """Return a value as JSON without white space."""
    try:
        return pydantic_core.to_json(value)
    except ValueError:
        return json.dumps(value, separators=(",", ":")).encode()
