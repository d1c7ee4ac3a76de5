"""Policies that cannot work hold back no pod but those that ask for a gate, on an API server without the kind."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from devcluster.controlplane import ApiServer
from tests.api.chart import INJECTS
from tests.api.conftest import connect, install_crd
from tests.api.gates import RUN, Door, gate, new_namespace, pod, policies_of
from tests.api.rest import Rest

NO_KIND = "failed to find resource referenced by paramKind: 'alembic-operator.dev/v1alpha1, Kind=DatabaseMigration'"
LOOKS_FOR_KINDS = 60.0
"""The API server looks every 30 s for kinds that its policies miss."""


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """Have an API server of its own, without the CRD."""
    server = ApiServer.at(tmp_path_factory.mktemp("bare"))
    try:
        server.start()
        with closing(connect(server)) as client:
            yield client
    finally:
        server.stop()


def test_without_the_kind_only_pods_that_ask_for_a_gate_are_refused_and_with_it_they_are_gated(bare: Rest) -> None:
    for one in policies_of(INJECTS):
        bare.create(one)
    door = Door(bare, new_namespace(bare))
    words = door.when_refused(pod())
    unlabelled = pod()
    del unlabelled["metadata"]["labels"]
    door.admit(unlabelled)
    door.admit(pod(labels={RUN: "users"}))
    assert any(said in words for said in (NO_KIND, "there is no DatabaseMigration users"))
    install_crd(bare)
    door.migrate()
    made = door.when(pod(), lambda made: bool(gate(made)), within=LOOKS_FOR_KINDS)
    assert gate(made)["command"][-1] == "gate"
