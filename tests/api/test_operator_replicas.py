"""Of several replicas one acts, the one that holds the Lease; when it goes, in whatever way, another one goes on."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from alembic_operator.contract import ExitCode
from alembic_operator.core.lease import Terms
from alembic_operator.core.names import RUN_LABEL
from alembic_operator.kube.client import connected
from alembic_operator.kube.cluster import JOBS, Scope
from alembic_operator.kube.errors import LeaseLostError
from alembic_operator.shell.leadership import leading
from devcluster.controlplane import ApiServer
from tests.api.job_controller import connect, running_cluster
from tests.api.operator_process import (
    HOME,
    LEASE_SECONDS,
    MakeOperator,
    OperatorProcess,
    account,
    allow_lease,
    lease_flags,
)
from tests.api.rest import Manifest
from tests.api.shop import JOB, SUCCESS, Shop, until

pytest_plugins = ["tests.api.operator_fixtures"]

POD_SPEC = {"restartPolicy": "Never", "containers": [{"name": "migrate", "image": "registry.test/users:1"}]}
LEASE: Manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


@dataclass(frozen=True)
class Replicas:
    """Two operators of one Lease; `until` gives up after 20 s, and so does each takeover here."""

    shop: Shop
    leader: OperatorProcess
    standby: OperatorProcess

    def lease(self) -> Manifest:
        spec: Manifest = self.shop.rest.get(LEASE, HOME, self.shop.namespace)["spec"]
        return spec

    def holder(self) -> str:
        return str(self.lease().get("holderIdentity", ""))

    def standby_leads(self) -> None:
        until(lambda: self.holder() == self.standby.name, self.holder)


@pytest.fixture
def replicas(empty_shop: Shop, new_operator: MakeOperator) -> Replicas:
    return start(empty_shop, new_operator)


def start(shop: Shop, new_operator: MakeOperator, seconds: int = LEASE_SECONDS) -> Replicas:
    """Start a leader, and then another one."""
    leader = new_operator(shop.namespace, lease=shop.namespace, lease_seconds=seconds)
    until(lambda: leader.said("leading"))
    standby = new_operator(shop.namespace, lease=shop.namespace, lease_seconds=seconds)
    return Replicas(shop, leader, standby)


def ran_once(shop: Shop, created: Manifest, name: str = "users") -> bool:
    """Tell whether there was one Job, ever, with one entry in the history and one Event of each kind."""
    until(lambda: len(shop.events(name)) == 2, lambda: shop.events(name))
    made = [one["object"]["metadata"] for one in shop.changes(JOB, created) if one["type"] == "ADDED"]
    mine = [one for one in made if one["labels"][RUN_LABEL] == name]
    status = shop.status(name)
    return (len(mine), len(status["history"]), status["lastRun"]["attempt"], shop.occasions(name)) == (
        1,
        1,
        1,
        ["Started", "Succeeded"],
    )


def test_of_two_replicas_one_acts_and_both_are_ready(replicas: Replicas) -> None:
    shop = replicas.shop
    created = shop.migrate()
    shop.succeeds()
    assert ran_once(shop, created)
    assert replicas.holder() == replicas.leader.name
    assert {one["reportingInstance"] for one in shop.events()} == {replicas.leader.name}
    assert replicas.standby.said("standing by")
    assert not replicas.standby.said("started")
    assert replicas.leader.is_ready()
    assert replicas.standby.is_ready()


def test_a_leader_killed_while_a_job_runs_is_followed_by_the_other_and_nothing_runs_twice(replicas: Replicas) -> None:
    shop = replicas.shop
    created = shop.migrate()
    pod = shop.pod()
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    replicas.leader.kill()
    shop.kubelet.ends(pod, ExitCode.OK, SUCCESS)
    replicas.standby_leads()
    shop.becomes("UpToDate")
    assert ran_once(shop, created)


def test_a_leader_killed_while_it_makes_jobs_leaves_one_for_each_migration(replicas: Replicas) -> None:
    shop, names = replicas.shop, [f"service-{number}" for number in range(8)]
    created = shop.migrate(names[0])
    for name in names[1:4]:
        shop.migrate(name)
    replicas.leader.kill()  # whatever it was at
    for name in names[4:]:
        shop.migrate(name)
    replicas.standby_leads()
    for name in names:
        shop.succeeds(name)
    jobs = [one["object"] for one in shop.changes(JOB, created) if one["type"] == "ADDED"]
    assert sorted(one["metadata"]["labels"][RUN_LABEL] for one in jobs) == sorted(names)
    for name in names:
        assert len(shop.status(name)["history"]) == 1
        assert shop.occasions(name).count("Started") <= 1


def test_a_leader_that_is_asked_to_stop_hands_over_at_once(empty_shop: Shop, new_operator: MakeOperator) -> None:
    replicas = start(empty_shop, new_operator, seconds=40)
    assert replicas.leader.stop() == 0
    replicas.standby_leads()
    empty_shop.migrate()
    empty_shop.succeeds()


def test_a_standby_that_is_asked_to_stop_ends_well_and_leaves_the_leader_alone(replicas: Replicas) -> None:
    assert replicas.standby.stop() == 0
    assert replicas.holder() == replicas.leader.name
    replicas.shop.migrate()
    replicas.shop.succeeds()


def test_a_leader_that_was_frozen_for_longer_than_its_lease_ends_and_writes_nothing(replicas: Replicas) -> None:
    shop = replicas.shop
    replicas.leader.pause()
    created = shop.migrate()
    replicas.standby_leads()
    shop.succeeds()
    replicas.leader.resume()
    assert until(replicas.leader.exit_code) == 1
    assert replicas.leader.said("lease lost")
    assert ran_once(shop, created)
    assert {one["reportingInstance"] for one in shop.events()} == {replicas.standby.name}
    assert replicas.holder() == replicas.standby.name


async def test_who_has_lost_the_lease_can_write_nothing_even_in_the_middle_of_its_work(
    empty_shop: Shop, cluster: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = account(empty_shop.rest, cluster, empty_shop.namespace, tmp_path, empty_shop.namespace)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    job = {"metadata": {"name": "late"}, "spec": {"template": {"spec": POD_SPEC}}}
    leads = True

    def check() -> None:
        if not leads:
            raise LeaseLostError

    async with connected() as server:
        leader = server.only_while(check)
        assert [page.items async for page in leader.pages(Scope(JOBS, empty_shop.namespace))] == [[]]
        leads = False
        with pytest.raises(LeaseLostError):
            await leader.create(JOBS, empty_shop.namespace, job)
        assert not empty_shop.rest.items(JOB, empty_shop.namespace)
        await server.create(JOBS, empty_shop.namespace, job)  # there was nothing wrong with it
    assert empty_shop.rest.items(JOB, empty_shop.namespace)


async def test_a_leader_that_is_busy_for_longer_than_its_lease_leads_on(
    empty_shop: Shop, cluster: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = account(empty_shop.rest, cluster, empty_shop.namespace, tmp_path)
    allow_lease(empty_shop.rest, empty_shop.namespace, empty_shop.namespace)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    terms = Terms(HOME, empty_shop.namespace, "busy", LEASE_SECONDS)
    async with leading(terms, lambda: None) as (leadership, lost):
        began = time.monotonic()
        while time.monotonic() - began < 2 * LEASE_SECONDS:
            sum(range(1000))  # the event loop stands still
        leadership.check()
        assert not lost.done()
    assert empty_shop.rest.get(LEASE, HOME, empty_shop.namespace)["spec"]["holderIdentity"] == ""


def test_a_container_that_is_started_again_leads_on_without_waiting(
    empty_shop: Shop, new_operator: MakeOperator
) -> None:
    leader = new_operator(empty_shop.namespace, lease=empty_shop.namespace, lease_seconds=40)
    until(lambda: leader.said("leading"))
    leader.kill()
    leader.start()
    empty_shop.migrate()
    empty_shop.succeeds()


def test_a_lease_that_somebody_writes_on_is_renewed_all_the_same(replicas: Replicas) -> None:
    lease = LEASE | {"metadata": {"name": replicas.shop.namespace}}
    replicas.shop.rest.merge(lease, {"metadata": {"annotations": {"note": "hello"}}}, HOME)
    noted = replicas.shop.rest.get(LEASE, HOME, replicas.shop.namespace)
    until(lambda: replicas.shop.rest.get(LEASE, HOME, replicas.shop.namespace)["spec"] != noted["spec"])
    assert replicas.holder() == replicas.leader.name


def test_a_leader_that_cannot_reach_the_api_server_ends_and_who_comes_back_first_goes_on(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as server, closing(connect(server)) as rest:
        operators = []
        for name in ("one", "two"):
            kubeconfig = account(rest, server, name, tmp_path)
            allow_lease(rest, name, HOME)
            operators.append(OperatorProcess(kubeconfig, tuple(lease_flags(HOME))).start())
            until(lambda: operators[0].said("leading"))
        replicas = Replicas(Shop(rest, HOME), *operators)
        replicas.shop.migrate()
        pod = replicas.shop.pod()
        until(replicas.shop.occasions)
        server._processes.stop("kube-apiserver", grace=0)
        assert until(replicas.leader.exit_code) == 1
        rest.close()
        server.start()
        replicas.standby_leads()
        replicas.shop.kubelet.starts(pod)
        replicas.shop.kubelet.ends(pod, ExitCode.OK, SUCCESS)
        replicas.shop.becomes("UpToDate")
        until(lambda: replicas.shop.occasions() == ["Started", "Succeeded"], replicas.shop.events)
        assert len(replicas.shop.jobs()) == len(replicas.shop.status()["history"]) == 1
        for one in operators:
            one.stop()
