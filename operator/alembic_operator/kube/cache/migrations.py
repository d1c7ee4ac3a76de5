"""What is kept of a DatabaseMigration."""

from typing import NamedTuple

from alembic_operator.core import names
from alembic_operator.core.observation.conditions import READY
from alembic_operator.core.observation.reading import Manifest, fields, items, text
from alembic_operator.kube import codec

HEAVIEST = 64 * 1024
"""Bytes of JSON that a specification may have: it is kept for as long as the migration exists."""

SIZE = "specificationBytes"
"""Stands in what is kept instead of a specification that is too large."""

_METADATA = ("namespace", "name", "uid", "generation", "deletionTimestamp")

_CYCLE = "DependencyCycle"


class Standing(NamedTuple):
    """What those want to know that depend on a migration."""

    ready: bool
    """Ready is True, of the specification as it is now."""
    in_cycle: bool
    """It is told that it depends on itself, and so may be those that it leads through."""


def standing(raw: Manifest) -> Standing:
    """Read how a migration stands."""
    conditions = items(raw, "status", "conditions")
    ready: Manifest = next((one for one in conditions if one.get("type") == READY), {})
    is_current = fields(raw, "status").get("observedGeneration") == fields(raw, "metadata").get("generation", 1)
    return Standing(ready=is_current and ready.get("status") == "True", in_cycle=ready.get("reason") == _CYCLE)


def kept(raw: Manifest) -> str:
    """Return what is read of a migration later on, as JSON."""
    metadata = fields(raw, "metadata")
    about = {name: metadata[name] for name in _METADATA if name in metadata}
    about["annotations"] = {names.RETRY: text(metadata, "annotations", names.RETRY)}
    spec, status = _json(raw.get("spec")), _json(raw.get("status"))
    if len(spec) > HEAVIEST:
        spec = f'null,"{SIZE}":{len(spec)}'
    if len(status) > HEAVIEST:  # written by somebody else: it is only a memory
        status = "null"
    return f'{{"metadata":{_json(about)},"spec":{spec},"status":{status}}}'


def _json(value: object) -> str:
    return codec.write(value).decode()
