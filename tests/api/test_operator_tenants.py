"""A migration of many tenants on the real API server: how they stand, in status and column, and the look for more."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alembic_operator.contract import SPARES_VARIABLE, ExitCode, Failure
from alembic_operator.contract.fleet import Fleet, Group
from alembic_operator.contract.progress import Progress
from alembic_operator.contract.servers import INDEX_VARIABLE
from alembic_operator.core.names import INDEX_LABEL, LOOKS, RETRY
from devcluster.controlplane import ApiServer
from tests.api.listener import listening
from tests.api.operator_process import OperatorProcess, account
from tests.api.rest import Manifest, Rest
from tests.api.shop import BROKEN, JOB, MIGRATION, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]
pytestmark = pytest.mark.xdist_group("progress")  # who says how far it is listens at the same ports

DATABASE = {"urlFrom": {"name": "db", "key": "url"}}
GROUP = Group(2, ("ws_17", "ws_203"), "RevisionFailed", "b2", "42P01", "ALTER TABLE user ...", "no such table")
FAILED = replace(
    BROKEN, error=Failure("no such table", "42P01", "b2"), tenants=Fleet(128, 120, 6, 2, "Tenants", (GROUP,))
)
DONE = replace(SUCCESS, tenants=Fleet(128, 128))
LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture
def asking(cluster: ApiServer, admin: Rest, empty_shop: Shop, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Start an operator that asks migration pods."""
    kubeconfig = account(admin, cluster, empty_shop.namespace, tmp_path, empty_shop.namespace)
    process = OperatorProcess(kubeconfig, (f"--namespace={empty_shop.namespace}", "--progress")).start()
    yield process
    process.kill()


def test_tenants_from_the_first_run_over_a_failure_to_the_look_for_more(
    asking: OperatorProcess, empty_shop: Shop
) -> None:
    del asking
    shop = empty_shop
    shop.migrate(database=DATABASE, tenants={"pattern": r"ws\_%", "every": "10m"})
    pod, now = shop.pod(), time.time()
    assert "--tenants" in pod["spec"]["containers"][0]["command"]
    run = f"{shop.namespace}/{shop.job()['metadata']['name']}"
    under_way = Fleet(128, 100, 27, 1, "Tenants", eta_seconds=90, slowest="ws_7")
    with listening(Progress(now, now, now, run=run, tenants=under_way)):
        shop.kubelet.starts(pod, address="127.0.0.1")
        until(lambda: "tenants" in shop.status(), shop.status)
    assert message(shop.status()) == "Tenants: 101 of 128 done, 1 failed, 90 s left, slowest ws_7"
    shop.kubelet.ends(pod, ExitCode.FAILED, FAILED)
    status = shop.becomes("RevisionFailed")
    said = (
        "120 of 128 tenants are up to date; 2 failed in b2 with 42P01: ws_17, ws_203; 6 were not begun; no such table"
    )
    assert message(status) == said
    assert (status["tenants"]["shown"], status["tenants"]["failures"][0]["count"]) == ("120/128", 2)
    shop.annotate({RETRY: "1"})
    again = shop.pod(besides=(pod,))
    shop.kubelet.ends(again, 0, DONE)
    status = shop.becomes("UpToDate")
    assert (message(status), status["tenants"]["shown"]) == ("128 of 128 tenants are up to date", "128/128")
    _ready_while_it_looks(shop, (pod, again))


def _ready_while_it_looks(shop: Shop, before: tuple[Manifest, ...]) -> None:
    """Let the last run have ended long ago, and see what the look for more does."""
    since, name = shop.see(), shop.see()["status"]["lastRun"]["job"]
    pod = _looks(shop, before)
    (made,) = [one for one in shop.jobs() if one["metadata"]["name"] == name]
    assert made["metadata"]["annotations"][LOOKS] == "true"
    shop.kubelet.ends(pod, 0, DONE)
    until(lambda: shop.status()["lastRun"]["finishedAt"] != LONG_AGO, shop.status)
    states = {conditions(one["object"]["status"])["Ready"] for one in shop.changes(MIGRATION, since)}
    assert states == {"True"}


def _ended_long_ago(shop: Shop) -> dict[str, object]:
    return {"lastRun": shop.status()["lastRun"] | {"finishedAt": LONG_AGO}}


def test_beside_a_broken_tenant_it_looks_for_others_and_without_it_all_is_ready(
    asking: OperatorProcess, empty_shop: Shop
) -> None:
    del asking
    shop = empty_shop
    tenants: Manifest = {"pattern": r"ws\_%", "every": "10m"}
    shop.migrate(database=DATABASE, tenants=tenants)
    first = shop.pod()
    fleet = Fleet(128, 127, 0, 1, failures=(replace(GROUP, count=1, names=("ws_17",)),))
    one = replace(FAILED, tenants=fleet)
    shop.kubelet.ends(first, ExitCode.FAILED, one)
    told = message(shop.becomes("RevisionFailed"))
    look = _looks(shop, (first,))
    assert SPARES_VARIABLE in [one["name"] for one in look["spec"]["containers"][0]["env"]]
    shop.kubelet.ends(look, ExitCode.FAILED, replace(one, tenants=replace(fleet, total=129, up_to_date=128)))
    said = shop.says("128 of 129 tenants")
    assert (conditions(shop.status())["Stalled"], said) == ("True", told.replace("127 of 128", "128 of 129"))
    shop.change(tenants=tenants | {"exclude": ["ws_17"]})
    healed = shop.pod(besides=(first, look))
    assert "ws_17" in " ".join(healed["spec"]["containers"][0]["command"])
    assert SPARES_VARIABLE not in [one["name"] for one in healed["spec"]["containers"][0]["env"]]
    shop.kubelet.ends(healed, 0, DONE)
    assert message(shop.becomes("UpToDate")) == "128 of 128 tenants are up to date"
    shop.change(tenants=tenants | {"exclude": None})
    mended = shop.pod(besides=(first, look, healed))
    shop.kubelet.ends(mended, 0, replace(DONE, tenants=Fleet(129, 129)))
    shop.says("129 of 129 tenants are up to date")


def _looks(shop: Shop, before: tuple[Manifest, ...]) -> Manifest:
    """Let the last run have ended long ago, and return the pod that looks then."""
    name = shop.see()["status"]["lastRun"]["job"]
    shop.rest.delete(JOB | {"metadata": {"name": name}}, shop.namespace, propagationPolicy="Background")
    until(lambda: not shop.exists(JOB, name))
    shop.rest.merge(
        MIGRATION | {"metadata": {"name": "users"}}, {"status": _ended_long_ago(shop)}, shop.namespace, "status"
    )
    pod: Manifest = shop.pod(besides=before)
    return pod


def test_tenants_on_two_servers_are_one_job_with_an_index_for_each(asking: OperatorProcess, empty_shop: Shop) -> None:
    del asking
    shop = empty_shop
    servers = [{"name": "eu"}, {"name": "us", "urlFrom": {"name": "us", "key": "url"}}]
    shop.migrate(database=DATABASE, tenants={"pattern": r"ws\_%", "servers": servers})
    eu, us = of_indexes(shop)
    assert INDEX_VARIABLE in [one["name"] for one in us["spec"]["containers"][0]["env"]]
    shop.kubelet.ends(eu, 0, DONE)
    now, run = time.time(), f"{shop.namespace}/{shop.job()['metadata']['name']}"
    under_way = Fleet(128, 100, 27, 1, "Tenants", eta_seconds=90, slowest="ws_7")
    with listening(Progress(now, now, now, run=run, tenants=under_way)):
        shop.kubelet.starts(us, address="127.0.0.1")
        until(lambda: shop.status().get("tenants", {}).get("shown") == "228/256", shop.status)
    assert message(shop.status()) == "Tenants: 229 of 256 done, 1 failed, 90 s left, slowest us/ws_7"
    shop.kubelet.ends(us, ExitCode.FAILED, FAILED)
    status = shop.becomes("RevisionFailed")
    assert message(status).startswith(
        "248 of 256 tenants are up to date; 2 failed in b2 with 42P01: us/ws_17, us/ws_203"
    )
    (failed,) = [one for one in shop.job()["status"]["conditions"] if one["type"] == "Failed"]
    assert (failed["reason"], shop.job()["status"]["failedIndexes"]) == ("FailedIndexes", "1")
    shop.annotate({RETRY: "1"})
    for pod in of_indexes(shop, eu, us):
        shop.kubelet.ends(pod, 0, DONE)
    status = shop.becomes("UpToDate")
    assert (message(status), status["tenants"]["shown"]) == ("256 of 256 tenants are up to date", "256/256")


def test_a_job_template_lets_servers_go_one_after_the_other_and_none_after_one_that_failed(
    asking: OperatorProcess, empty_shop: Shop
) -> None:
    del asking
    shop = empty_shop
    servers = [{"name": "eu"}, {"name": "us", "urlFrom": {"name": "us", "key": "url"}}]
    template = {"spec": {"parallelism": 1, "maxFailedIndexes": 0}}
    shop.migrate(database=DATABASE, tenants={"pattern": r"ws\_%", "servers": servers}, jobTemplate=template)
    shop.kubelet.ends(shop.pod(), ExitCode.FAILED, FAILED)
    status = shop.becomes("RevisionFailed")
    assert (status["tenants"]["shown"], status["tenants"]["silent"]) == ("120/128+?", ["us"])
    assert "nothing is known of those of server us" in message(status)
    assert len(shop.pods("users")) == 1


def of_indexes(shop: Shop, *before: Manifest) -> list[Manifest]:
    """Return the two pods of a Job, in the order of its indexes."""
    known = [one["metadata"]["name"] for one in before]

    def fresh() -> list[Manifest]:
        found = [one for one in shop.pods("users") if one["metadata"]["name"] not in known]
        return found if len(found) == 2 else []

    return sorted(until(fresh), key=lambda one: one["metadata"]["labels"][INDEX_LABEL])
