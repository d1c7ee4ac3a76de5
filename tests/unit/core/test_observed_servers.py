"""A StatefulSet as the operator reads it: where its database listens."""

from typing import Any

import pytest

from alembic_operator.core.observation.database_servers import DatabaseServer, read_database_server
from alembic_operator.core.observation.source import Missing
from tests.unit.core.workloads import a_postgres


def containers(*ports: dict[str, Any]) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "sidecar"}, {"name": "postgres", "ports": list(ports)}]}}
    return a_postgres(spec={"serviceName": "db", "template": template})


PORTS: dict[str, tuple[dict[str, Any], int]] = {
    "named postgres": (a_postgres(), 6432),
    "named postgresql": (
        containers({"name": "postgresql", "containerPort": 15432}, {"name": "x", "containerPort": 5432}),
        15432,
    ),
    "the usual one": (containers({"containerPort": 9187}, {"containerPort": 5432}), 5432),
    "the only one": (containers({"name": "db", "containerPort": 7000}), 7000),
    "one of several": (containers({"containerPort": 1}, {"containerPort": 2}), 5432),
    "none": (containers(), 5432),
}


@pytest.mark.parametrize(("raw", "port"), [pytest.param(*case, id=name) for name, case in PORTS.items()])
def test_the_port_of_a_database_is(raw: dict[str, Any], port: int) -> None:
    assert a_server(raw).port == port


def a_server(raw: dict[str, Any]) -> DatabaseServer:
    read = read_database_server(raw)
    assert isinstance(read, DatabaseServer)
    return read


def test_the_headless_service_of_a_statefulset_is_the_host() -> None:
    read = a_server(a_postgres())
    assert (read.name, read.host, read.ready) == ("postgres", "postgres-headless.shop.svc", True)


def test_a_statefulset_without_a_service_name_is_reached_by_its_own() -> None:
    raw = a_postgres()
    raw["spec"]["serviceName"] = ""
    assert a_server(raw).host == "postgres.shop.svc"


SERVERS: list[tuple[dict[str, Any], str]] = [
    ({"serviceName": "x" * 300}, "spec.serviceName makes a host of 309 characters, and DNS has 253"),
    ({"serviceName": 5}, "spec.serviceName is 5, not a text"),
    ({"template": {"spec": {"containers": 5}}}, "spec.template.spec.containers is 5, not a list"),
]


@pytest.mark.parametrize(("spec", "said"), SERVERS, ids=range(3))
def test_a_statefulset_that_cannot_be_read_is_no_server(spec: dict[str, Any], said: str) -> None:
    raw = a_postgres()
    raw["spec"] |= spec
    assert read_database_server(raw) == Missing(f"StatefulSet postgres cannot be read: {said}", "correct it")


@pytest.mark.parametrize("status", [{}, None, {"readyReplicas": 0}, {"replicas": 3}], ids=str)
def test_a_database_without_a_ready_replica_is_not_ready(status: Any) -> None:
    assert not a_server(a_postgres(status=status)).ready
