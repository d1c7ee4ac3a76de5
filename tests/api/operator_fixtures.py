"""A cluster whose Job controller and garbage collector are real, and an operator that serves all of its namespaces.

Loaded by the modules that need it: `pytest_plugins = ["tests.api.operator_fixtures"]`.
"""

import ssl
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alembic_operator.api.crd import crd
from devcluster.controlplane import ApiServer
from tests.api.operator_process import OperatorProcess, account
from tests.api.rest import RefusedError, Rest
from tests.api.shop import MIGRATION, Shop, until

CONTROLLERS = ("job-controller", "garbage-collector-controller")

MakeOperator = Callable[..., OperatorProcess]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as server:
        yield server


@contextmanager
def running_cluster(folder: Path) -> Iterator[ApiServer]:
    """Start the controllers after the CRD: the garbage collector learns a new kind only every half minute."""
    server = ApiServer.at(folder, CONTROLLERS)
    try:
        replace(server, controllers=()).start()
        with closing(connect(server)) as client:
            client.create(crd())
            until(lambda: _is_served(client))
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def admin(cluster: ApiServer) -> Iterator[Rest]:
    with closing(connect(cluster)) as client:
        yield client


@pytest.fixture
def new_operator(cluster: ApiServer, admin: Rest, tmp_path: Path) -> Iterator[MakeOperator]:
    """Make operators that act in the given namespaces only, with a Role in each; they end with the test."""
    made: list[OperatorProcess] = []

    def make(*namespaces: str) -> OperatorProcess:
        made.append(_operator(cluster, admin, tmp_path, *namespaces))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="module")
def operator(cluster: ApiServer, admin: Rest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """Serve all namespaces; of a module, so that those modules are undisturbed which start operators of their own."""
    process = _operator(cluster, admin, tmp_path_factory.mktemp("operator")).start()
    yield process
    process.kill()


def _operator(cluster: ApiServer, admin: Rest, folder: Path, *namespaces: str) -> OperatorProcess:
    kubeconfig = account(admin, cluster, f"operator-{uuid.uuid4().hex[:8]}", folder, *namespaces)
    return OperatorProcess(kubeconfig, tuple(f"--namespace={one}" for one in namespaces))


@pytest.fixture
def empty_shop(admin: Rest) -> Shop:
    """Open a namespace for which the test brings an operator of its own."""
    return _open(admin)


@pytest.fixture
def other_shop(admin: Rest) -> Shop:
    return _open(admin)


@pytest.fixture
def shop(operator: OperatorProcess, empty_shop: Shop) -> Shop:
    """Open a namespace that the operator serves."""
    assert operator.is_ready()
    return empty_shop


def _open(admin: Rest) -> Shop:
    name = f"test-{uuid.uuid4().hex[:10]}"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return Shop(admin, name)


def connect(server: ApiServer) -> Rest:
    """Connect as an administrator."""
    pki = server.plane.pki
    context = ssl.create_default_context(cafile=str(pki.authority))
    context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
    return Rest(server.url, context)


def _is_served(client: Rest) -> bool:
    try:
        return client.items(MIGRATION, "default") == []
    except RefusedError:
        return False
