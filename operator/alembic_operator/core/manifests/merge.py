"""Merge a person's jobTemplate into a manifest, as a strategic merge patch does."""

from collections.abc import Sequence
from typing import Any

from alembic_operator.core.observation.reading import Manifest

KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "volumes": "name",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "schedulingGates": "name",
    "resourceClaims": "name",
    "evictionResponders": "name",
    "ownerReferences": "uid",
}
"""Lists of a Job whose items are merged one by one, with what tells them apart: the fields of batch/v1, core/v1 and
meta/v1 with `patchStrategy: merge`. Every other list is replaced: command, args, envFrom, tolerations, rules."""

_DIRECTIVE = "$patch"
"""In an object: `replace` takes its other fields as they are given, `delete` empties it. In an item of a list:
`replace` takes the list's other items as they are given, `delete` removes the item of that key."""

_GONE = object()

_DEEPEST = 64
"""No Job is deeper; what is, is taken as it is given, for the API server to refuse."""


def merge(base: Manifest, patch: Manifest) -> Manifest:
    """Return `base` with `patch` over it: objects deeply, the lists of a Job as its API says.

    A null in the patch removes the field. Total on anything that JSON can say.
    """
    return _object(base, patch, _DEEPEST)


def _object(base: Manifest, patch: Manifest, left: int) -> Manifest:
    directive, given = _directive(patch), {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "replace", "merge"):
        given[_DIRECTIVE] = directive  # no word of the API: the server says so
    kept = {} if directive == "replace" else base
    merged = {**kept, **{name: _value(name, kept.get(name), value, left - 1) for name, value in given.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def _value(name: str, base: Any, patch: Any, left: int) -> Any:
    if left <= 0:
        return patch
    match patch:
        case dict():
            return _object(base if isinstance(base, dict) else {}, patch, left)
        case list() if name in KEYS:
            return _items(KEYS[name], base if isinstance(base, list) else [], patch, left)
        case _:
            return patch


def _items(key: str, base: Sequence[Any], patch: Sequence[Any], left: int) -> list[Any]:
    """Return both lists as one: an item of the patch goes over the first of `base` with its key, or behind them all."""
    if any(_directive(item) == "replace" for item in patch):
        base, patch = [], [item for item in patch if _directive(item) is None]
    items, places = list(base), _places(key, base)
    for item in patch:
        identity = _identity(key, item)
        place = None if identity is None else places.get(identity)
        if not isinstance(item, dict):
            items.append(item)
        elif _directive(item) == "delete":
            if place is not None:
                items[place] = _GONE
        elif place is None:
            items.append(_object({}, item, left - 1))
        else:
            over = items[place] if isinstance(items[place], dict) else {}
            items[place] = _object(over, item, left - 1)
    return [item for item in items if item is not _GONE]


def _directive(item: Any) -> Any:
    return item.get(_DIRECTIVE) if isinstance(item, dict) else None


def _places(key: str, items: Sequence[Any]) -> dict[str | int, int]:
    """Return where the first item of each key stands."""
    found: dict[str | int, int] = {}
    for place, item in enumerate(items):
        if (identity := _identity(key, item)) is not None:
            found.setdefault(identity, place)
    return found


def _identity(key: str, item: Any) -> str | int | None:
    """Return what tells an item from others; None for one that is like no other."""
    found = item.get(key) if isinstance(item, dict) else None
    return found if isinstance(found, (str, int)) else None
