"""A real kube-apiserver and etcd for the tests of this folder.

Fixtures, the widest first:

- `api_server` (session): `devcluster.controlplane.ApiServer`, one per worker of xdist, with the CRD applied and
  established. `.kubeconfig` is an administrator's; `.url`, `.kubectl` and `.logs` help to look inside. No controller
  runs: a test plays those that it needs, and nothing deletes what it leaves behind.
- `rest` (session): a quick administrator's client, see `tests/api/rest.py`; it raises `RefusedError`.
- `namespace`: the name of a namespace that only this test uses.
- `bare_server`: an API server that only this test uses, without the CRD.
- `eventually`: call it with a function until that returns something true, at most 10 seconds; returns it.

The programs must be there: `make test-api` builds them, and with `KUBERNETES=1.35.4` those of another version.
What needs a kind that this does not serve is skipped.
"""

import http.client
import os
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.api.import_crd import import_crd
from alembic_operator.api.v1alpha1 import API_VERSION
from devcluster import gomodule, settings
from devcluster.controlplane import ApiServer
from devcluster.failure import FailureError
from tests.api.rest import RefusedError, Rest

DEADLINE = 10.0
PACE = 0.05

Eventually = Callable[[Callable[[], Any]], Any]


def pytest_report_header() -> str:
    chosen = settings.from_environment(os.environ).kubernetes
    try:
        version = gomodule.kubernetes(chosen).version(gomodule.KUBERNETES_MODULE)
    except FailureError as unknown:
        raise pytest.UsageError(str(unknown)) from unknown
    return f"Kubernetes API server: {version}; the variable KUBERNETES chooses another one"


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    server = ApiServer.at(tmp_path_factory.mktemp("api-server"))
    try:
        server.start()
        with closing(connect(server)) as client:
            install_crd(client)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def rest(api_server: ApiServer) -> Iterator[Rest]:
    with closing(connect(api_server)) as client:
        yield client


@pytest.fixture
def bare_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    server = ApiServer.at(tmp_path_factory.mktemp("bare"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def namespace(rest: Rest) -> str:
    name = f"test-{uuid.uuid4().hex[:10]}"
    rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def eventually() -> Eventually:
    return _eventually


def connect(server: ApiServer) -> Rest:
    """Return an administrator's client of an API server."""
    pki = server.plane.pki
    context = ssl.create_default_context(cafile=str(pki.authority))
    context.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
    return Rest(server.url, context)


def install_crd(client: Rest) -> None:
    """Make both kinds known, and wait until they are served."""
    manifests = (crd(), import_crd())
    for one in manifests:
        try:
            client.create(one)
        except RefusedError as refused:  # a test has only deleted the other kind
            if refused.code != http.client.CONFLICT:
                raise
    for one in manifests:
        _eventually(partial(_is_served, client, one["spec"]["names"]["kind"]))


def _is_served(client: Rest, kind: str) -> bool:
    """Established comes a moment before the address answers."""
    try:
        return client.items({"apiVersion": API_VERSION, "kind": kind}, "default") == []
    except RefusedError:
        return False


def _eventually(question: Callable[[], Any]) -> Any:
    end = time.monotonic() + DEADLINE
    while not (answer := question()):
        if time.monotonic() > end:
            pytest.fail(f"still {answer!r} after {DEADLINE:.0f} s")
        time.sleep(PACE)
    return answer
