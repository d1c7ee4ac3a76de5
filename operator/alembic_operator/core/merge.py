"""Merge a person's jobTemplate into a manifest, the way a strategic merge patch would."""

from collections.abc import Sequence
from typing import Any

from alembic_operator.core.observation import Manifest

_KEYS = ("mountPath", "topologyKey", "name")
"""What tells one item of a list from another, the first that all of them have."""


def merge(base: Manifest, patch: Manifest) -> Manifest:
    """Return `base` with `patch` over it: objects deeply, lists of named items by name, other lists appended to.

    A null in the patch removes the field, as in a JSON merge patch.
    """
    merged = {**base, **{name: _value(base.get(name), value) for name, value in patch.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def _value(base: Any, patch: Any) -> Any:
    match base, patch:
        case dict(), dict():
            return merge(base, patch)
        case list(), list():
            return _items(base, patch)
        case None, dict():
            return merge({}, patch)
        case _:
            return patch


def _items(base: Sequence[Any], patch: Sequence[Any]) -> list[Any]:
    key = next((one for one in _KEYS if all(isinstance(item, dict) and one in item for item in (*base, *patch))), None)
    if key is None:
        return [*base, *(item for item in patch if item not in base)]
    by_key = {item[key]: item for item in base}
    for item in patch:
        by_key[item[key]] = merge(by_key.get(item[key], {}), item)
    return list(by_key.values())
