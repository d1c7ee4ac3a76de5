"""What is kept of the Job of a run, read from its raw object."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.api.tenants import MOST_SERVERS, SERVER_NAME
from alembic_operator.api.v1alpha1 import GROUP, KIND
from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.containers import word
from alembic_operator.core.observation.owners import made_by
from alembic_operator.core.observation.reading import Manifest, Reading

_MOST_ATTEMPTS = 1_000_000
"""Nineteen years at the slow pace."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a decision needs of a Job."""

    name: str
    uid: str
    owner: str
    """uid of the DatabaseMigration that controls it; empty when none does."""
    attempt: int
    started_at: str
    deleting: bool
    outcome: str
    """`Complete`, `Failed`, or empty while it is not finished (all pods terminated)."""
    finished_at: str
    failure: str
    """Reason of the Failed condition, such as DeadlineExceeded."""
    is_taken_up: bool = True
    """The Job controller has begun with it: not while a queue of Jobs keeps it suspended, or the controller lags."""
    has_lost_pods: bool = False
    """A pod of it has failed, or was deleted before it could succeed."""
    looks: bool = False
    """It was made to look again for tenants, and may find nothing to do."""
    servers: tuple[str, ...] = ()
    """Names of the servers of which each has an index of this Job; empty: it has none."""
    owner_name: str = ""
    """Name of that DatabaseMigration."""
    unreadable: tuple[str, ...] = ()
    """Which of its fields cannot be read, each with its value, shortened; they count as absent."""


def read_job(raw: Manifest, kind: str = KIND) -> Job:
    """Read a Job of an object of that kind."""
    looked = Reading(raw)
    finished = end_of_job(looked.items("status", "conditions"))
    outcome = reading.text(finished, "type")
    created, started = looked.time("metadata", "creationTimestamp"), looked.time("status", "startTime")
    ended = looked.time("status", "completionTime") or reading.time(finished, "lastTransitionTime")
    owner = made_by(raw, GROUP, kind)
    return Job(
        name=looked.text("metadata", "name"),
        uid=looked.text("metadata", "uid"),
        owner=reading.text(owner, "uid"),
        owner_name=reading.text(owner, "name"),
        attempt=_attempt(looked),
        started_at=started or created,
        deleting="deletionTimestamp" in looked.fields("metadata"),
        outcome=outcome,
        finished_at=ended or (created if outcome else ""),
        failure=word(finished, "reason") if outcome == "Failed" else "",
        is_taken_up="startTime" in looked.fields("status"),
        looks=bool(looked.text("metadata", "annotations", names.LOOKS)),
        servers=servers(raw),
        has_lost_pods=bool(looked.number("status", "failed")),
        unreadable=looked.unreadable,
    )


def servers(raw: Manifest) -> tuple[str, ...]:
    """Return the names of the servers that a Job, or a pod of it, has an index for each of."""
    written = reading.text(raw, "metadata", "annotations", names.SERVERS)
    found = tuple(written.split(",")) if written else ()
    return found if len(found) <= MOST_SERVERS and all(re.fullmatch(SERVER_NAME, one) for one in found) else ()


def end_of_job(conditions: Iterable[Manifest]) -> Manifest:
    """Return the condition that says how a Job ended; empty while it has not."""
    return next((one for one in conditions if one.get("type") in ("Complete", "Failed") and _holds(one)), {})


def _holds(condition: Manifest) -> bool:
    return bool(condition.get("status") == "True")


def _attempt(looked: Reading) -> int:
    path = ("metadata", "annotations", names.ATTEMPT)
    written = looked.text(*path)
    found = reading.whole(written, least=1, most=_MOST_ATTEMPTS)
    if written and found is None:
        looked.note(path, f"is {reading.shown(written)}, not a number from 1 to {_MOST_ATTEMPTS}")
    return found or 1
