"""What is kept of a StatefulSet that runs PostgreSQL, read from its raw object."""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.owners import NAME_LENGTH
from alembic_operator.core.observation.reading import Manifest, Reading
from alembic_operator.core.observation.source import Missing

_POSTGRESQL_PORT = 5432

_PORTS = 65_535


@dataclass(frozen=True)
class DatabaseServer:
    """A StatefulSet that runs PostgreSQL."""

    name: str
    host: str
    port: int
    ready: bool


def read_database_server(raw: Manifest) -> DatabaseServer | Missing:
    """Read a StatefulSet that runs PostgreSQL: its headless Service is the host."""
    looked = Reading(raw)
    name = looked.text("metadata", "name")
    host = f"{looked.text('spec', 'serviceName') or name}.{looked.text('metadata', 'namespace')}.svc"
    if len(host) > NAME_LENGTH:
        looked.note(("spec", "serviceName"), f"makes a host of {len(host)} characters, and DNS has {NAME_LENGTH}")
    port = _port(looked.items("spec", "template", "spec", "containers"))
    ready = bool(looked.number("status", "readyReplicas"))
    if looked.unreadable:
        return Missing(f"StatefulSet {name} cannot be read: {looked.unreadable[0]}", "correct it")
    return DatabaseServer(name, host, port, ready)


def _port(containers: Iterable[Manifest]) -> int:
    """Return the port that is named postgres or postgresql, else the only one there is, else PostgreSQL's own."""
    ports = [port for one in containers for port in reading.items(one, "ports")]
    by_name = [port for port in ports if reading.text(port, "name") in ("postgres", "postgresql")]
    usual = [port for port in ports if _number(port) == _POSTGRESQL_PORT]
    for port in by_name or usual or (ports if len(ports) == 1 else []):
        return _number(port)
    return _POSTGRESQL_PORT


def _number(port: Manifest) -> int:
    return reading.number(port, "containerPort", least=1, most=_PORTS) or _POSTGRESQL_PORT
