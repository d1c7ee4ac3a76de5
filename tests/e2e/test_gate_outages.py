"""Whatever is down, running pods live on; what new pods do is what docs/explanation/outages.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alembic_operator.core import names
from demo.expectation import until
from tests.e2e.containers import kill_sandbox
from tests.e2e.migration import PATIENCE
from tests.e2e.shop import REVISIONS
from tests.e2e.workloads import gate_of, gate_starts, is_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from demo.access import Access
    from tests.e2e.migration import Manifest
    from tests.e2e.operation import Operator
    from tests.e2e.shop import App, OpenShop

BACK_OFF = 300.0
"""Seconds: a ReplicaSet whose pods were refused asks again after twice the time of before, as the kubelet does."""


@pytest.fixture
def no_database(access: Access) -> Iterator[Callable[[], None]]:
    """Stop PostgreSQL when called; it runs again afterwards."""

    def scale(replicas: int) -> None:
        access.kubectl("scale", "statefulset/postgres", f"--replicas={replicas}")
        access.kubectl("rollout", "status", "statefulset/postgres", f"--timeout={PATIENCE:.0f}s")

    yield lambda: scale(0)
    scale(1)


def names_of(pods: list[Manifest]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods}


def restarts(pod: Manifest) -> int:
    return sum(one["restartCount"] for one in pod["status"]["containerStatuses"])


def until_event(access: Access, words: str, about: str = "") -> None:
    """Wait until Kubernetes says the words in an Event, about an object when that is named."""

    def said() -> bool | None:
        lines = access.kubectl("events", "--no-headers").splitlines()
        return any(words in line and about in line for line in lines) or None

    until(said, PATIENCE, f"no Event says {words!r}")


def until_refused(app: App, words: str) -> None:
    """Wait until the Deployment tells in its conditions why it has no new pod."""

    def told() -> bool | None:
        conditions = app.access.get("deployment", app.name)["status"].get("conditions") or ()
        return any(words in one.get("message", "") for one in conditions) or None

    until(told, PATIENCE, f"the Deployment does not say {words!r}")


def test_without_the_operator_known_revisions_let_pods_in_and_new_ones_wait_until_it_is_back(
    open_shop: OpenShop, operator: Operator
) -> None:
    shop = open_shop("unattended")
    operator.stop()
    shop.app.scale(3)
    shop.app.until_ready("v1", 3)
    shop.app.ship("v2")
    shop.app.until_at_gate("v2")
    shop.app.until_gate_says(f"waiting for revision {REVISIONS['v2']}", "v2")
    operator.start()
    shop.until_rolled_out("v2")
    assert shop.problems() == []


def test_without_the_operator_pods_of_a_new_migration_are_refused_in_words_and_come_when_it_is_back(
    open_shop: OpenShop, operator: Operator
) -> None:
    shop = open_shop.prepare("newcomer")
    operator.stop()
    shop.deploy()
    until_refused(shop.app, "the address of its StatefulSet is not known yet")
    assert shop.app.pods() == []
    operator.start()
    shop.app.until_rolled_out(BACK_OFF)


def test_the_operator_brings_the_runner_back_as_soon_as_a_pod_needs_it_and_until_then_pods_wait_in_the_kubelets_words(
    open_shop: OpenShop, operator: Operator, access: Access
) -> None:
    shop = open_shop("robbed")
    access.kubectl("delete", "configmap", names.RUNNER_CONFIG_MAP)
    shop.app.scale(3)
    until(
        lambda: names.RUNNER_CONFIG_MAP in access.kubectl("get", "configmaps", "--output=name") or None,
        PATIENCE,
        "the runner does not come back",
    )
    shop.app.until_ready("v1", 3)
    operator.stop()
    access.kubectl("delete", "configmap", names.RUNNER_CONFIG_MAP)
    shop.app.scale(4)
    until_event(access, f'configmap "{names.RUNNER_CONFIG_MAP}" not found', new_pod_of(shop.app))
    assert len([pod for pod in shop.app.pods() if is_ready(pod)]) == 3
    operator.start()
    shop.app.until_ready("v1", 4)
    assert shop.problems() == []


def new_pod_of(app: App) -> str:
    """Wait for the pod that is not ready, and name it."""
    pod = until(lambda: next((pod for pod in app.pods() if not is_ready(pod)), None), PATIENCE, "there is no new pod")
    return str(pod["metadata"]["name"])


def test_without_the_database_new_pods_and_those_that_their_node_starts_again_wait_and_the_others_are_not_touched(
    open_shop: OpenShop, no_database: Callable[[], None], access: Access
) -> None:
    shop = open_shop("bereft")
    first, second = shop.app.pods()
    kill_sandbox(access, first["metadata"]["name"])
    until(lambda: starts_again(shop.app, first) or None, PATIENCE, "the pod is not started again")
    before = {pod["metadata"]["name"]: restarts(pod) for pod in shop.app.until_ready("v1", 2)}
    no_database()
    shop.app.scale(3)
    shop.app.until_gate_says("waiting: ", "v1")
    kill_sandbox(access, second["metadata"]["name"])
    shop.app.until_at_gate("v1", 2)
    access.kubectl("scale", "statefulset/postgres", "--replicas=1")
    ready = {pod["metadata"]["name"]: restarts(pod) for pod in shop.app.until_ready("v1", 3)}
    assert set(before) < set(ready)
    del before[second["metadata"]["name"]]
    assert ready.items() > before.items()


def test_pods_of_a_migration_that_was_deleted_are_refused_and_come_when_it_is_applied_again(
    open_shop: OpenShop,
) -> None:
    shop = open_shop("orphaned")
    shop.migration.delete()
    running = shop.app.pods()
    shop.app.scale(3)
    until_refused(shop.app, "there is no DatabaseMigration orphaned in namespace")
    assert names_of(shop.app.pods()) == names_of(running)
    assert all(map(is_ready, shop.app.pods()))
    shop.deploy()
    shop.app.until_rolled_out(BACK_OFF)
    assert shop.problems() == []


def test_a_pod_with_the_annotation_starts_without_a_gate_although_its_revision_is_missing(
    open_shop: OpenShop, access: Access
) -> None:
    shop = open_shop("hurried")
    shop.hold()
    shop.app.ship("v2")
    shop.until_held()
    shop.app.until_at_gate("v2")
    shop.app.annotate_pods({names.GATE_ANNOTATION: names.SKIP})
    let_in = shop.app.until_ready("v2", 2)
    assert not any(map(gate_of, let_in))
    until_event(access, "start without their gate")
    shop.release()


def starts_again(app: App, before: Manifest) -> bool:
    pods = {pod["metadata"]["uid"]: pod for pod in app.pods()}
    return gate_starts(pods[before["metadata"]["uid"]]) > 1
