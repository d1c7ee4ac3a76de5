"""Find the object that made another one: its controller."""

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest

NAME_LENGTH = 253
"""Of a name in DNS, and so of an object."""


def controller(raw: Manifest) -> Manifest:
    """Return the reference to the object that made this one; empty when nobody did."""
    owners = reading.items(raw, "metadata", "ownerReferences")
    return next((one for one in owners if one.get("controller") is True and _can_exist(one)), {})


def _can_exist(owner: Manifest) -> bool:
    """Return whether there can be an object of that name: the API server takes references of any length."""
    return all(len(reading.text(owner, name)) <= NAME_LENGTH for name in ("apiVersion", "kind", "name", "uid"))


def made_by(raw: Manifest, group: str, kind: str) -> Manifest:
    """Return the reference to the object that made this one, if it is of a kind."""
    found = controller(raw)
    same = found.get("kind") == kind and reading.text(found, "apiVersion").partition("/")[0] == group
    return found if same else {}
