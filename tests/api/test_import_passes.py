"""A DatabaseImport in two passes, on a real API server: the second follows when the application is stopped."""

from typing import Any

from alembic_operator.contract.imports import ImportAnswer
from tests.api.rest import Manifest
from tests.api.shop import JOB, POD, Shop, conditions, message, until
from tests.api.test_imports import DATABASE, DONE, Importer

pytest_plugins = ["tests.api.operator_fixtures"]

FIRST = ImportAnswer("first", tables=2, rows=6990, seconds=3.0, equal=True)
DEPLOYMENT: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment"}
NAMED = {"metadata": {"name": "on-sqlite"}}
CONTAINERS = [{"name": "app", "image": "registry.test/users:0"}]
VOLUMES = [{"name": "data", "persistentVolumeClaim": {"claimName": "users-data"}}]


def application(shop: Shop) -> Manifest:
    """Make a Deployment, and a pod of it that has the claim on a node."""
    labels = {"app": "on-sqlite", "pod-template-hash": "5c9"}
    pod: dict[str, Any] = {"containers": CONTAINERS, "volumes": VOLUMES}
    template = {"metadata": {"labels": {"app": "on-sqlite"}}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "on-sqlite"}}, "template": template}
    made: Manifest = shop.rest.create(DEPLOYMENT | NAMED | {"spec": spec}, shop.namespace)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "on-sqlite-5c9", "uid": made["metadata"]["uid"]}
    metadata = {"name": "on-sqlite-5c9-x", "labels": labels, "ownerReferences": [owner | {"controller": True}]}
    running: Manifest = shop.rest.create(
        POD | {"metadata": metadata, "spec": pod | {"nodeName": "node-a"}}, shop.namespace
    )
    return running


def test_two_passes_wait_for_the_stop_in_between_and_name_who_must_stop(shop: Shop) -> None:
    past, app = Importer(shop), application(shop)
    shop.migrate(database=DATABASE)
    shop.succeeds()
    past.begin(passes="Two", cutover={"workload": {"name": "on-sqlite"}})
    first = past.pod()
    (there,) = first["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert there["preference"]["matchFields"][0]["values"] == ["node-a"]
    assert first["spec"]["containers"][0]["command"][-1] == "--pass=first"
    past.ends(first, FIRST)
    status = past.becomes("WaitingForStop")
    stop = "stop Deployment on-sqlite for the second: kubectl scale deployment on-sqlite --replicas=0"
    until(lambda: stop in message(past.see()["status"]), lambda: past.see()["status"])
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    shop.rest.merge(DEPLOYMENT | NAMED, {"spec": {"replicas": 0}}, shop.namespace)
    left = "has PersistentVolumeClaim users-data: pod on-sqlite-5c9-x on node node-a has it"
    until(lambda: left in message(past.see()["status"]), lambda: past.see()["status"])
    assert len(past.all(JOB)) == 1
    shop.rest.delete(POD | app, shop.namespace, gracePeriodSeconds="0")
    second = past.pod(first)
    assert second["spec"]["containers"][0]["command"][-1] == "--pass=second"
    past.ends(second, DONE)
    status = past.becomes("Imported")
    assert (status["rows"], conditions(status)) == (7000, {"Ready": "True"})
    assert status["firstPassAt"] <= status["startedAt"]
    assert "downtimeSeconds" in status
