"""What is kept of a DatabaseMigration, read from its raw object."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest

_TEMPLATE_LENGTH = 65_536
"""Characters of spec.jobTemplate: no whole specification is kept that has more."""

_RETRY_LENGTH = 253
"""Characters of the annotation's value that are kept as they are; of a longer one its digest, which differs as well."""


@dataclass(frozen=True)
class Migration:
    """One DatabaseMigration."""

    namespace: str
    name: str
    uid: str
    generation: int
    retry: str
    """Value of the retry annotation; empty without it."""
    spec: Spec | None
    """None when it cannot be read; then `spec_error` says why."""
    spec_error: str
    status: Status


def read_migration(raw: Manifest) -> Migration:
    """Read a DatabaseMigration; a specification that cannot be read becomes `spec_error`."""
    spec, error = _spec(raw.get("spec") or {})
    generation, retry = _asked_for(raw)
    return Migration(
        namespace=reading.text(raw, "metadata", "namespace"),
        name=reading.text(raw, "metadata", "name"),
        uid=reading.text(raw, "metadata", "uid"),
        generation=generation,
        retry=retry,
        spec=spec,
        spec_error=error,
        status=read_status(raw),
    )


def asks_for_more(raw: Manifest, migration: Migration) -> bool:
    """Return whether a person has changed the specification, or the retry annotation, since a migration was read."""
    return _asked_for(raw) != (migration.generation, migration.retry)


def _asked_for(raw: Manifest) -> tuple[int, str]:
    generation = reading.number(raw, "metadata", "generation") or 1
    return generation, _retry(reading.text(raw, "metadata", "annotations", names.RETRY))


def _retry(written: str) -> str:
    return written if len(written) <= _RETRY_LENGTH else names.digest(written)


def _spec(raw: Any) -> tuple[Spec | None, str]:
    if wrong := reading.unfit(reading.fields(raw).get("jobTemplate"), _TEMPLATE_LENGTH):
        return None, f"spec.jobTemplate {wrong}; make it smaller"
    try:
        return Spec.model_validate(raw), ""
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return None, f"{'.'.join(('spec', *map(str, first['loc'])))}: {first['msg']}"


def read_status(raw: Manifest) -> Status:
    """Read the status of a DatabaseMigration, without its specification."""
    try:
        return Status.model_validate(raw.get("status") or {})
    except ValidationError:  # written by somebody else, or by another version: it is only a memory
        return Status()
