"""Tell people what happened, as Events on the migration or on a workload whose pods wait for it."""

from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex

from alembic_operator.api import imports
from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core import names, times
from alembic_operator.core.actions import Notice
from alembic_operator.core.imports.observation import Import
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube import setters
from alembic_operator.kube.cluster import EVENTS, Cluster
from alembic_operator.kube.errors import AlreadyExistsError

CONTROLLER = "alembic-operator.dev/operator"

_NOTE_BYTES = 1024
"""The API server refuses a longer note."""

_REMEMBERED = 10_000


class Events:
    """Writes Events in the name of one operator process."""

    def __init__(self, cluster: Cluster, instance: str) -> None:
        self._cluster = cluster
        self._instance = instance
        self._told: dict[str, None] = {}
        """Names of Events that need not be asked for again; the API server knows the rest for an hour."""

    async def announce(self, namespace: str, notice: Notice, about: Migration | Import | None) -> bool:
        """Make an Event, and return whether it is a new one; about nothing, the notice says what it regards."""
        name = _name(notice, about)
        if name in self._told:
            return False
        if notice.set_by and notice.regarding:
            by = await setters.who(self._cluster, namespace, notice.regarding, notice.set_by)
            notice = replace(notice, note=f"{notice.note}; {notice.set_by} was set by {by}")
        event = _about(notice, about, namespace) | self._told_as(name, namespace, notice)
        event |= {"action": "Import"} if isinstance(about, Import) else {}
        try:
            await self._cluster.create(EVENTS, namespace, event)
            new = True
        except AlreadyExistsError:
            new = False
        self._remember(name)
        return new

    def _remember(self, name: str) -> None:
        self._told[name] = None
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    def _told_as(self, name: str, namespace: str, notice: Notice) -> Manifest:
        return {
            "apiVersion": EVENTS.api_version,
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "eventTime": times.exact(datetime.now(UTC)),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": "Migrate",
            "reason": str(notice.occasion),
            "note": notice.note.encode()[:_NOTE_BYTES].decode(errors="ignore"),
            "type": "Warning" if notice.warning else "Normal",
        }


def _name(notice: Notice, about: Migration | Import | None) -> str:
    """Return a name: of a notice with an identity, or about another object, always the same: it is given once."""
    prefix = about.name if about else names.OPERATOR
    # What has an identity stays the same when a person looks for it elsewhere, because the workload is gone.
    identity = notice.identity or (f"{notice.regarding.uid} {notice.note}" if notice.regarding else "")
    if not identity:
        return f"{prefix}.{token_hex(8)}"
    said = [identity, str(notice.occasion)]
    return f"{prefix}.{names.digest(said)[:16]}"


def _about(notice: Notice, about: Migration | Import | None, namespace: str) -> Manifest:
    """Return what an Event is about: the migration or import, or another object that it is related to."""
    kind = imports.KIND if isinstance(about, Import) else KIND
    own = about and Owner(API_VERSION, kind, about.name, about.uid)
    found = [_reference(one, namespace) for one in (notice.regarding, own) if one]
    return dict(zip(("regarding", "related"), found, strict=False))


def _reference(owner: Owner, namespace: str) -> Manifest:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "namespace": namespace,
        "name": owner.name,
        "uid": owner.uid,
    }
