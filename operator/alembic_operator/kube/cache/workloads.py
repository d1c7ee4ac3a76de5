"""What is kept of a workload that some migration refers to."""

from typing import NamedTuple

from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer, read_database_server
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.kube import codec
from alembic_operator.kube.cluster import STATEFUL_SETS, Resource


class CachedWorkload(NamedTuple):
    """What a decision needs of a workload."""

    containers: source.Containers
    server: DatabaseServer | Missing | None


class Packed(NamedTuple):
    """The same, as it is kept."""

    containers: str
    """As JSON, which takes a third of the memory."""
    server: DatabaseServer | Missing | None


def pack(resource: Resource, raw: Manifest) -> Packed:
    """Return what is kept of an object."""
    found = source.containers(raw)
    parts = {name: [one.container, one.pod] if isinstance(one, PodParts) else one for name, one in found.items()}
    server = read_database_server(raw) if resource == STATEFUL_SETS else None
    return Packed(codec.write(parts).decode(), server)


def unpack(kept: Packed) -> CachedWorkload:
    """Return what was kept."""
    found = codec.read(kept.containers)
    parts: source.Containers = {name: PodParts(*one) if isinstance(one, list) else one for name, one in found.items()}
    return CachedWorkload(parts, kept.server)
