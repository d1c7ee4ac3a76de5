"""A real kube-apiserver and etcd for the tests of this folder.

Fixtures, the widest first:

- `api_server` (session): `devcluster.controlplane.ApiServer`, one per worker of xdist, with the CRD applied and
  established. `.kubeconfig` is an administrator's; `.url`, `.kubectl` and `.logs` help to look inside. No controller
  runs: a test plays those that it needs, and nothing deletes what it leaves behind.
- `rest` (session): a quick administrator's client, see `tests/api/rest.py`; it raises `RefusedError`.
- `namespace`: the name of a namespace that only this test uses.
- `eventually`: call it with a function until that returns something true, at most 10 seconds; returns it.

The programs must be there: `make test-api` builds them.
"""

import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from devcluster.controlplane import ApiServer
from tests.api.rest import RefusedError, Rest

DEADLINE = 10.0
PACE = 0.05

Eventually = Callable[[Callable[[], Any]], Any]


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
    """Make the kind known, and wait until it is served."""
    manifest = crd()
    client.create(manifest)
    _eventually(lambda: _condition(client.get(manifest, "", manifest["metadata"]["name"]), "Established") == "True")
    _eventually(lambda: _is_served(client))


def _is_served(client: Rest) -> bool:
    """Established comes a moment before the address answers."""
    try:
        return client.items({"apiVersion": API_VERSION, "kind": KIND}, "default") == []
    except RefusedError:
        return False


def _condition(found: dict[str, Any], kind: str) -> str:
    conditions = (found.get("status") or {}).get("conditions") or []
    return next((one["status"] for one in conditions if one["type"] == kind), "")


def _eventually(question: Callable[[], Any]) -> Any:
    end = time.monotonic() + DEADLINE
    while not (answer := question()):
        if time.monotonic() > end:
            pytest.fail(f"still {answer!r} after {DEADLINE:.0f} s")
        time.sleep(PACE)
    return answer
