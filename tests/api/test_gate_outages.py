"""What becomes of new pods when the kind or the policies are gone: docs/explanation/outages.md tells it to people."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from alembic_operator.api.crd import crd
from devcluster.controlplane import ApiServer
from tests.api.chart import INJECTS, Manifest, of_kind
from tests.api.conftest import PACE, Eventually, connect, install_crd
from tests.api.gates import Door, a_run, demand_injection, gate, inits, new_namespace, pod, policies_of
from tests.api.rest import RefusedError, Rest

NO_KIND = "failed to find resource referenced by paramKind: 'alembic-operator.dev/v1alpha1, Kind=DatabaseMigration'"
NOT_SYNCED = "Kind:DatabaseMigration,}` not yet synced to use for admission"
NOT_YET = "there is no DatabaseMigration users"
WHILE_IT_STARTS = (NO_KIND, NOT_SYNCED, NOT_YET)
LOOKS_FOR_KINDS = 60.0
"""The API server looks every 30 s for kinds that its policies miss."""


@pytest.fixture
def bare(bare_server: ApiServer) -> Iterator[Rest]:
    """Have an API server of its own, without the CRD."""
    with closing(connect(bare_server)) as client:
        demand_injection(client)
        yield client


def test_without_the_kind_only_pods_that_ask_for_a_gate_are_refused_and_with_it_they_are_gated(bare: Rest) -> None:
    for one in policies_of(INJECTS):
        bare.create(one)
    door = Door(bare, new_namespace(bare))
    words = door.when_refused(pod())
    unlabelled = pod()
    del unlabelled["metadata"]["labels"]
    door.admit(unlabelled)
    door.admit(a_run())
    assert any(said in words for said in WHILE_IT_STARTS)
    install_crd(bare)
    door.migrate()
    made = door.when(pod(), lambda made: bool(gate(made)), within=LOOKS_FOR_KINDS)
    assert gate(made)["command"][-1] == "gate"


@pytest.fixture
def door(bare: Rest) -> Door:
    """Have everything, and a migration."""
    install_crd(bare)
    for one in policies_of(INJECTS):
        bare.create(one)
    opened = Door(bare, new_namespace(bare))
    opened.migrate()
    opened.gated()
    return opened


def test_without_the_policy_that_injects_pods_are_refused_and_told_which_one_is_gone(door: Door) -> None:
    (policy,) = of_kind(policies_of(INJECTS), "MutatingAdmissionPolicy")
    door.rest.delete(policy)
    words = door.when_refused(pod())
    assert "or the MutatingAdmissionPolicy release-alembic-operator-gate is gone" in words
    door.rest.create(policy)
    door.gated()


def test_without_both_policies_pods_start_without_a_gate(door: Door) -> None:
    for one in policies_of(INJECTS):
        door.rest.delete(one)
    made = door.when(pod(), lambda made: not inits(made))
    assert "volumes" not in made["spec"]


def is_gone(rest: Rest, kind: Manifest) -> bool:
    try:
        rest.get(kind, "", kind["metadata"]["name"])
    except RefusedError:
        return True
    return False


def test_when_the_kind_is_deleted_pods_are_refused_until_it_is_back_with_the_migration(
    door: Door, eventually: Eventually
) -> None:
    door.rest.delete(crd())
    words = door.when_refused(pod())
    assert any(said in words for said in WHILE_IT_STARTS)
    eventually(lambda: is_gone(door.rest, crd()))
    install_crd(door.rest)
    door.migrate()
    door.when(pod(), lambda made: bool(inits(made)), within=LOOKS_FOR_KINDS)


def test_an_api_server_that_was_started_again_refuses_labelled_pods_for_half_a_minute_at_most_and_gates_them_then(
    door: Door, bare_server: ApiServer
) -> None:
    bare_server._processes.stop("kube-apiserver", grace=0)
    bare_server.start()
    unlabelled = pod()
    del unlabelled["metadata"]["labels"]
    end, refusals = time.monotonic() + LOOKS_FOR_KINDS, set()
    with closing(connect(bare_server)) as client:
        again = Door(client, door.namespace)
        again.when(unlabelled, lambda made: not inits(made))
        while time.monotonic() < end:
            try:
                gate(again.admit(pod(), dryRun="All"))
                break
            except RefusedError as refused:
                refusals.add(refused.message)
            time.sleep(PACE)
        gate(again.admit(pod()))
    assert not [words for words in refusals if not any(said in words for said in WHILE_IT_STARTS)]
