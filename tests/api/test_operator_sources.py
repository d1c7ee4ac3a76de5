"""Where the project comes from: a workload whose template is followed, or a ConfigMap."""

from typing import Any

from tests.api.operator_process import RUNNER_IMAGE
from tests.api.shop import JOB, MIGRATION, SUCCESS, Shop, conditions, message, reasons

pytest_plugins = ["tests.api.operator_fixtures"]

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "project"}}
FROM_WORKLOAD = {"workloadRef": {"kind": "Deployment", "name": "web"}}
FROM_CONFIG_MAP = {"configMapRef": {"name": "project"}}


def deploy(shop: Shop, kind: str = "Deployment", name: str = "web", **container: Any) -> None:
    app = {"name": "app", "image": "registry.test/users:1"} | container
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [app]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    more = {"serviceName": "web"} if kind == "StatefulSet" else {}
    shop.rest.create(
        {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec | more}, shop.namespace
    )


def redeploy(shop: Shop, name: str = "web", /, **changes: Any) -> None:
    """Change the Deployment as kubectl apply would."""
    shop.rest.apply(DEPLOYMENT | {"metadata": {"name": name}, "spec": changes}, shop.namespace)


def environment(value: str) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "app", "env": [{"name": "MODE", "value": value}]}]}}}


def version(found: dict[str, Any]) -> int:
    """Order objects of all kinds by when they were stored."""
    return int(found["metadata"]["resourceVersion"])


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["metadata"]["uid"] == other["metadata"]["uid"])


def test_the_migration_pod_has_the_environment_of_the_workload(shop: Shop) -> None:
    deploy(shop, env=[{"name": "MODE", "value": "1"}], command=["serve"], ports=[{"containerPort": 80}])
    shop.migrate(source=FROM_WORKLOAD)
    container = shop.pod()["spec"]["containers"][0]
    assert container["image"] == "registry.test/users:1"
    assert container["env"] == [{"name": "MODE", "value": "1"}]
    assert container["command"] == ["python3", "/alembic-operator/runner.pyz", "upgrade"]
    assert "ports" not in container


def test_a_changed_template_makes_it_unready_before_the_new_job_exists(shop: Shop) -> None:
    deploy(shop)
    created = shop.migrate(source=FROM_WORKLOAD)
    shop.succeeds()
    first, done = shop.job(), shop.pod()
    redeploy(shop, **environment("2"))
    second = shop.job(besides=(first,))
    made = next(one["object"] for one in shop.changes(JOB, first) if same(one["object"], second))
    before = [one["object"] for one in shop.changes(MIGRATION, created) if version(one["object"]) < version(made)]
    assert [reasons(one["status"]) for one in before[-3:]] == [{"UpToDate"}, {"Settling"}, {"Pending"}]
    assert [conditions(one["status"])["Ready"] for one in before[-3:]] == ["True", "False", "False"]
    shop.kubelet.ends(shop.pod(besides=(done,)), 0, SUCCESS)
    assert len(shop.becomes("UpToDate")["history"]) == 2


def test_what_does_not_matter_to_a_migration_starts_none(shop: Shop) -> None:
    deploy(shop)
    shop.migrate(source=FROM_WORKLOAD)
    shop.succeeds()
    settled, job = shop.see(), shop.job()
    redeploy(shop, replicas=3)
    sidecar = {"name": "sidecar", "image": "registry.test/proxy:1"}
    probe = {"name": "app", "livenessProbe": {"tcpSocket": {"port": 80}}}
    redeploy(shop, template={"metadata": {"labels": {"version": "2"}}, "spec": {"containers": [probe, sidecar]}})
    assert shop.changes(MIGRATION, settled) == []
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]


def test_a_workload_that_comes_later_starts_it(shop: Shop) -> None:
    shop.migrate(source=FROM_WORKLOAD)
    status = shop.becomes("WaitingForWorkload")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    assert message(status).startswith("Deployment web does not exist")
    deploy(shop)
    shop.succeeds()


def test_a_container_that_the_workload_lacks_is_named(shop: Shop) -> None:
    deploy(shop)
    shop.migrate(source={"workloadRef": {"name": "web", "container": "api"}})
    assert message(shop.becomes("WaitingForWorkload")).endswith("can be: app")
    shop.change(source={"workloadRef": {"name": "web", "container": "app"}})
    shop.succeeds()


def test_a_stateful_set_can_be_the_source(shop: Shop) -> None:
    deploy(shop, "StatefulSet")
    shop.migrate(source={"workloadRef": {"kind": "StatefulSet", "name": "web"}})
    shop.succeeds()


def test_a_settled_migration_stays_ready_when_its_workload_is_deleted_and_made_again(shop: Shop) -> None:
    deploy(shop)
    shop.migrate(source=FROM_WORKLOAD)
    shop.succeeds()
    job = shop.job()
    shop.rest.delete(DEPLOYMENT | {"metadata": {"name": "web"}}, shop.namespace)
    shop.becomes("WaitingForWorkload")
    deploy(shop)
    shop.becomes("UpToDate")
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]


def test_a_config_map_is_waited_for_and_then_run_by_the_operators_image(shop: Shop) -> None:
    shop.migrate(source=FROM_CONFIG_MAP)
    status = shop.becomes("WaitingForConfigMap")
    assert message(status).startswith("ConfigMap project does not exist")
    shop.rest.create(CONFIG_MAP | {"data": {"alembic.ini": "[alembic]"}}, shop.namespace)
    shop.annotate({"looked-at": "now"})
    shop.says("has no key env.py")
    shop.rest.merge(CONFIG_MAP, {"data": {"env.py": "pass", "a1_first.py": "revision = 'a1'"}}, shop.namespace)
    pod = shop.pod()["spec"]
    assert pod["containers"][0]["image"] == RUNNER_IMAGE
    volume = next(one["configMap"] for one in pod["volumes"] if one["name"] == "alembic-project")
    assert {one["key"]: one["path"] for one in volume["items"]} == {
        "a1_first.py": "versions/a1_first.py",
        "alembic.ini": "alembic.ini",
        "env.py": "env.py",
    }
    shop.succeeds()


def test_a_config_map_with_another_content_makes_another_job(shop: Shop) -> None:
    shop.rest.create(CONFIG_MAP | {"data": {"alembic.ini": "[alembic]", "env.py": "pass"}}, shop.namespace)
    shop.migrate(source=FROM_CONFIG_MAP)
    shop.succeeds()
    first = shop.job()
    shop.rest.merge(CONFIG_MAP, {"data": {"b2_second.py": "revision = 'b2'"}}, shop.namespace)
    shop.annotate({"looked-at": "now"})
    assert shop.job(besides=(first,))["metadata"]["name"] != first["metadata"]["name"]
