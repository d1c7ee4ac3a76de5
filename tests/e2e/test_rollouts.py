"""Real rollouts of a real service, while a client asks it on a new connection each time: no request may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.core.names import GATE_CONTAINER
from demo.expectation import until
from tests.e2e.containers import by_digest, kill
from tests.e2e.migration import PATIENCE, database
from tests.e2e.shop import REVISIONS
from tests.e2e.workloads import gate_of, gate_starts, image_of, is_held, is_ready

if TYPE_CHECKING:
    from demo.access import Access
    from tests.e2e.migration import Manifest
    from tests.e2e.shop import App, OpenShop

UID = 1000650000
PROXY = """
import asyncio
import os
import signal

async def copy(reader, writer):
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()
    writer.close()

async def join(reader, writer):
    there, back = await asyncio.open_connection("postgres", 5432)
    await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)  # process 1 ignores it otherwise
    await (await asyncio.start_server(join, "127.0.0.1", 6432)).serve_forever()

asyncio.run(main())
"""
SIDECAR = {
    "name": "proxy",
    "image": "localhost/users:v1",
    "restartPolicy": "Always",
    "command": ["python3", "-c", PROXY],
    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
"""As a cloud's own proxy to its databases is run."""


def test_a_rolling_update_waits_at_the_gate_for_a_slow_revision_and_then_goes_through_as_any_user(
    open_shop: OpenShop,
) -> None:
    shop = open_shop("rolling", pod={"spec": {"securityContext": {"runAsUser": UID, "fsGroup": UID}}})
    shop.hold()
    shop.app.ship("v2")
    shop.until_held()
    (waiting,) = shop.app.until_at_gate("v2")
    assert gate_of(waiting)["image"] == image_of(waiting)
    assert waiting["spec"]["securityContext"]["runAsUser"] == UID
    assert gate_of(waiting)["securityContext"]["readOnlyRootFilesystem"]
    told = shop.migration.until(lambda raw: raw["status"].get("heldPods") == 1, "holding a pod")
    assert "1 pod of Deployment rolling held since" in told.message
    shop.app.until_gate_says(f"waiting for revision {REVISIONS['v2']}", "v2")
    assert len([pod for pod in shop.app.pods("v1") if is_ready(pod)]) == 2
    an_old_pod_is_replaced_at_once_and_a_new_one_waits_again(shop.app, waiting)
    a_gate_that_is_killed_waits_again(shop.app)
    a_scale_up_starts_old_pods_at_once_while_new_ones_wait(shop.app)
    shop.release()
    shop.until_rolled_out("v2")
    assert shop.migration.database.heads() == [REVISIONS["v2"]]
    assert shop.migration.status()["heldPods"] == 0
    assert shop.problems() == []


def an_old_pod_is_replaced_at_once_and_a_new_one_waits_again(app: App, waiting: Manifest) -> None:
    evicted = app.pods("v1")[0]
    app.evict(evicted)
    replaced = app.until_ready("v1", 2)
    assert evicted["metadata"]["name"] not in {pod["metadata"]["name"] for pod in replaced}
    app.evict(waiting)
    (other,) = app.until_at_gate("v2")
    assert other["metadata"]["uid"] != waiting["metadata"]["uid"]


def a_gate_that_is_killed_waits_again(app: App) -> None:
    (waiting,) = app.until_at_gate("v2")
    kill(app.access, waiting["metadata"]["name"], GATE_CONTAINER)
    until(
        lambda: any(is_held(pod) and gate_starts(pod) > 1 for pod in app.pods("v2")) or None,
        PATIENCE,
        "the gate is not started again",
    )


def a_scale_up_starts_old_pods_at_once_while_new_ones_wait(app: App) -> None:
    app.scale(4)  # Kubernetes shares the two new pods, one to each ReplicaSet
    app.until_ready("v1", 3)
    app.until_at_gate("v2", 2)


def test_a_rollout_that_is_undone_in_the_middle_and_again_at_the_end_needs_nobody(open_shop: OpenShop) -> None:
    shop = open_shop("undone")
    shop.hold()
    shop.app.ship("v2")
    shop.until_held()
    shop.app.until_at_gate("v2")
    shop.app.undo()
    shop.app.until_rolled_out()
    assert {image_of(pod) for pod in shop.app.pods()} == {image_of(pod) for pod in shop.app.pods("v1")}
    shop.release()
    assert shop.migration.until_reason("DatabaseAhead").ready  # the run was under way, and was not cancelled
    shop.app.ship("v2")
    shop.until_rolled_out("v2")
    shop.app.undo()
    shop.until_rolled_out("v1")
    assert shop.migration.told().reason == "DatabaseAhead"
    assert shop.migration.database.heads() == [REVISIONS["v2"]]
    assert shop.problems() == []


def test_a_rollout_that_is_undone_waits_and_says_why_when_the_database_may_not_be_ahead(open_shop: OpenShop) -> None:
    shop = open_shop("blocked", policy={"databaseAhead": "Block"})
    shop.app.ship("v2")
    shop.until_rolled_out("v2")
    shop.app.undo()
    shop.app.until_at_gate("v1")
    assert shop.migration.until_stalled().reason == "DatabaseAheadBlocked"
    shop.app.until_gate_says(f"{REVISIONS['v2']}, which this image does not know", "v1")
    assert len([pod for pod in shop.app.pods("v2") if is_ready(pod)]) == 2
    shop.app.undo()
    shop.until_rolled_out("v2")
    assert shop.problems() == []


def test_a_stateful_set_goes_on_serving_with_the_pods_that_it_has_not_replaced_yet(open_shop: OpenShop) -> None:
    shop = open_shop("ordered", kind="statefulset")
    shop.hold()
    shop.app.ship("v2")
    shop.until_held()
    (waiting,) = shop.app.until_at_gate("v2")
    assert waiting["metadata"]["name"] == "ordered-1"
    shop.app.until_answered("v1")
    shop.release()
    shop.until_rolled_out("v2")
    assert shop.problems() == []


def test_two_deployments_on_one_migration_both_wait_and_both_pass_after_one_run(open_shop: OpenShop) -> None:
    shop = open_shop("front", "back")
    runs = len(shop.migration.jobs())
    shop.hold()
    for app in reversed(shop.apps):  # the one that the migration does not look at is the first
        app.ship("v2")
    shop.until_held()
    for app in shop.apps:
        app.until_at_gate("v2")
    told = shop.migration.until(lambda raw: raw["status"].get("heldPods") == 2, "holding two pods")
    for app in shop.apps:
        assert f"1 pod of Deployment {app.name} held since" in told.message
    shop.release()
    shop.until_rolled_out("v2")
    assert len(shop.migration.jobs()) == runs + 1
    assert shop.problems() == []


def test_a_gate_stands_behind_a_native_sidecar_and_reaches_the_database_only_through_it(open_shop: OpenShop) -> None:
    sidecar = {"spec": {"initContainers": [SIDECAR]}}
    here = [{"name": "POSTGRES_HOST", "value": "127.0.0.1"}, {"name": "POSTGRES_PORT", "value": "6432"}]
    where = {name: value for name, value in database("proxied").items() if name != "statefulSetRef"}
    shop = open_shop(
        "proxied",
        pod=sidecar | {"spec": sidecar["spec"] | {"containers": [{"name": "users", "env": here}]}},
        database=where | {"host": "127.0.0.1", "port": 6432},
        jobTemplate={"spec": {"template": sidecar}},
    )
    shop.hold()
    shop.app.ship("v2")
    shop.until_held()
    (waiting,) = shop.app.until_at_gate("v2")
    assert [one["name"] for one in waiting["spec"]["initContainers"]] == ["proxy", "alembic-gate"]
    said = {one["name"]: one.get("value") for one in gate_of(waiting)["env"]}
    assert said["PGHOST"] == "127.0.0.1"
    shop.app.until_gate_says(f"waiting for revision {REVISIONS['v2']}", "v2")
    shop.release()
    shop.until_rolled_out("v2")
    assert shop.problems() == []


def test_an_image_by_digest_whose_revision_was_seen_in_the_database_gets_no_gate_at_all(
    open_shop: OpenShop, access: Access
) -> None:
    first, second = (by_digest(access, f"localhost/users:{release}") for release in ("v1", "v2"))
    shop = open_shop("known", image=first)
    shop.until_known(first)
    shop.hold()
    shop.app.ship(second)
    shop.until_held()
    (waiting,) = shop.app.until_at_gate(second)
    shop.app.evict(shop.app.pods(first)[0])
    replaced = shop.app.until_ready(first, 2)
    assert [bool(gate_of(pod)) for pod in replaced] == [True, False]  # that of the first rollout, and the new one
    assert gate_of(waiting)
    shop.release()
    shop.until_rolled_out("v2")
    shop.until_known(second)
    shop.app.undo()
    shop.until_rolled_out("v1")
    assert not any(gate_of(pod) for pod in shop.app.pods(first))
    shop.app.ship(second)
    shop.until_rolled_out("v2")
    assert not any(gate_of(pod) for pod in shop.app.pods(second))
    assert shop.problems() == []
