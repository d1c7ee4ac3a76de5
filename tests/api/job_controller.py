"""A cluster with the real Job controller and garbage collector: only the kubelet is left for a test to play."""

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from alembic_operator.api.crd import crd
from alembic_operator.api.import_crd import import_crd
from devcluster.controlplane import ApiServer
from tests.api.rest import RefusedError, Rest
from tests.api.shop import MIGRATION, until

CONTROLLERS = ("job-controller", "garbage-collector-controller")


@contextmanager
def running_cluster(folder: Path) -> Iterator[ApiServer]:
    """Run a cluster in an empty folder."""
    with started(ApiServer.at(folder, CONTROLLERS)) as server:
        yield server


@contextmanager
def started(server: ApiServer) -> Iterator[ApiServer]:
    """Start the controllers after the CRD: the garbage collector learns a new kind only every half minute."""
    try:
        replace(server, controllers=()).start()
        with closing(connect(server)) as client:
            client.create(crd())
            client.create(import_crd())
            until(lambda: _is_served(client))
        server.start()
        yield server
    finally:
        server.stop()


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
