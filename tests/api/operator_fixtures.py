"""A cluster whose Job controller and garbage collector are real, and an operator that serves all of its namespaces.

Loaded by the modules that need it: `pytest_plugins = ["tests.api.operator_fixtures"]`.
"""

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from devcluster.controlplane import ApiServer
from tests.api.job_controller import connect, running_cluster
from tests.api.operator_process import LEASE_SECONDS, MakeOperator, OperatorProcess, account, allow_lease, lease_flags
from tests.api.rest import Rest
from tests.api.shop import Shop


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as server:
        yield server


@pytest.fixture(scope="session")
def admin(cluster: ApiServer) -> Iterator[Rest]:
    with closing(connect(cluster)) as client:
        yield client


@pytest.fixture
def new_operator(cluster: ApiServer, admin: Rest, tmp_path: Path) -> Iterator[MakeOperator]:
    """Make operators that act in the given namespaces only, with a Role in each; they end with the test.

    Those of one Lease are replicas.
    """
    made: list[OperatorProcess] = []

    def make(
        *namespaces: str, with_rollouts: bool = False, lease: str = "", lease_seconds: int = LEASE_SECONDS
    ) -> OperatorProcess:
        made.append(_operator(cluster, admin, tmp_path, *namespaces, with_rollouts=with_rollouts))
        if lease:
            allow_lease(admin, made[-1].name, lease)
            made[-1].arguments += tuple(lease_flags(lease, lease_seconds))
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


def _operator(
    cluster: ApiServer, admin: Rest, folder: Path, *namespaces: str, with_rollouts: bool = False
) -> OperatorProcess:
    name = f"operator-{uuid.uuid4().hex[:8]}"
    kubeconfig = account(admin, cluster, name, folder, *namespaces, with_rollouts=with_rollouts)
    flags = [*(f"--namespace={one}" for one in namespaces), *(["--watch-rollouts"] if with_rollouts else [])]
    return OperatorProcess(kubeconfig, tuple(flags))


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
