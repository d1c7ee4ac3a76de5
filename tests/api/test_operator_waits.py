"""What a migration waits for before it starts, and what starts it anew."""

from typing import Any

import pytest

from alembic_operator.contract import ExitCode
from alembic_operator.core.names import RETRY
from tests.api.rest import RefusedError
from tests.api.shop import BROKEN, JOB, MIGRATION, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

STATEFUL_SET = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "postgres"}}
DATABASE = {
    "statefulSetRef": {"name": "postgres"},
    "name": "shop",
    "userFrom": {"name": "postgres", "key": "user"},
    "passwordFrom": {"name": "postgres", "key": "password"},
}


def run_postgresql(shop: Shop) -> None:
    container = {"name": "db", "image": "postgres:18", "ports": [{"name": "postgres", "containerPort": 5433}]}
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "db"}}, "serviceName": "db", "template": template}
    shop.rest.create(STATEFUL_SET | {"spec": spec}, shop.namespace)


def make_postgresql_ready(shop: Shop) -> None:
    shop.rest.merge(STATEFUL_SET, {"status": {"replicas": 1, "readyReplicas": 1}}, shop.namespace, "status")


def depend_on(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def environment_of(shop: Shop) -> dict[str, Any]:
    given = shop.pod()["spec"]["containers"][0]["env"]
    return {one["name"]: one.get("value") or one["valueFrom"]["secretKeyRef"] for one in given}


def test_a_database_that_comes_later_is_waited_for(shop: Shop) -> None:
    shop.migrate(database=DATABASE)
    assert message(shop.becomes("WaitingForDatabase")).startswith("StatefulSet postgres does not exist")
    run_postgresql(shop)
    shop.says("StatefulSet postgres has no ready replica")
    assert shop.jobs() == []
    make_postgresql_ready(shop)
    assert environment_of(shop) == {
        "PGHOST": f"db.{shop.namespace}.svc",
        "PGPORT": "5433",
        "PGDATABASE": "shop",
        "PGUSER": {"name": "postgres", "key": "user"},
        "PGPASSWORD": {"name": "postgres", "key": "password"},
    }
    shop.succeeds()


def test_a_settled_migration_stays_ready_while_its_database_restarts(shop: Shop) -> None:
    run_postgresql(shop)
    make_postgresql_ready(shop)
    shop.migrate(database=DATABASE)
    shop.succeeds()
    settled = shop.see()
    shop.rest.merge(STATEFUL_SET, {"status": {"replicas": 1, "readyReplicas": 0}}, shop.namespace, "status")
    assert shop.changes(MIGRATION, settled) == []


def test_a_dependency_is_waited_for_until_it_is_ready(shop: Shop) -> None:
    shop.migrate("tracing", dependsOn=depend_on("users"))
    assert (
        message(shop.becomes("WaitingForDependency", "tracing"))
        == "waits for spec.dependsOn: users (does not exist in this namespace)"
    )
    shop.migrate("users")
    shop.says("users (not Ready)", "tracing")
    shop.succeeds("users")
    shop.succeeds("tracing")


def test_a_cycle_stalls_all_who_are_in_it_and_heals_when_it_is_cut(shop: Shop) -> None:
    shop.migrate("users", dependsOn=depend_on("agents"))
    shop.migrate("agents", dependsOn=depend_on("users"))
    for name, path in (("users", "users -> agents -> users"), ("agents", "agents -> users -> agents")):
        status = shop.becomes("DependencyCycle", name)
        assert conditions(status) == {"Ready": "False", "Stalled": "True"}
        assert path in message(status)
    shop.change("users", dependsOn=None)
    shop.succeeds("users")
    shop.succeeds("agents")


def test_who_depends_on_a_cycle_without_being_in_it_waits(shop: Shop) -> None:
    shop.migrate("users", dependsOn=depend_on("agents"))
    shop.migrate("agents", dependsOn=depend_on("users"))
    shop.migrate("chat", dependsOn=depend_on("users"))
    shop.becomes("DependencyCycle", "users")
    shop.becomes("WaitingForDependency", "chat")


def test_a_migration_cannot_depend_on_itself(shop: Shop) -> None:
    with pytest.raises(RefusedError) as refused:
        shop.migrate("users", dependsOn=depend_on("users"))
    assert refused.value.code == 422


def test_a_suspended_migration_starts_nothing_until_it_is_resumed(shop: Shop) -> None:
    shop.migrate(suspend=True)
    assert conditions(shop.becomes("Suspended")) == {"Ready": "False", "Reconciling": "True"}
    assert shop.jobs() == []
    shop.change(suspend=False)
    shop.succeeds()


def test_a_run_that_is_suspended_half_way_is_left_to_finish(shop: Shop) -> None:
    shop.migrate()
    shop.kubelet.starts(shop.pod())
    shop.becomes("Migrating")
    shop.change(suspend=True)
    shop.succeeds()


@pytest.mark.parametrize("has_node", [False, True])
def test_a_job_is_taken_back_when_its_migration_is_suspended_before_the_pod_starts(
    shop: Shop, *, has_node: bool
) -> None:
    shop.migrate()
    first, pod = shop.job(), shop.pod()
    if has_node:
        shop.kubelet.binds(pod)
    shop.becomes("Pending")
    shop.change(suspend=True)
    shop.becomes("Suspended")
    if has_node:
        until(lambda: "deletionTimestamp" in shop.pod()["metadata"])
        shop.kubelet.removes(pod)
    until(lambda: shop.jobs() == [], shop.jobs)
    assert conditions(shop.becomes("Suspended")) == {"Ready": "False", "Reconciling": "True"}
    shop.change(suspend=False)
    second = shop.job(besides=(first,))
    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert second["metadata"]["annotations"] == first["metadata"]["annotations"]
    shop.succeeds()
    assert until(lambda: shop.occasions() == ["Started", "Held", "Started", "Succeeded"], shop.events)


def test_the_retry_annotation_starts_a_run_of_its_own(shop: Shop) -> None:
    shop.migrate()
    first, failed = shop.job(), shop.pod()
    shop.kubelet.ends(failed, ExitCode.FAILED, BROKEN)
    shop.becomes("RevisionFailed")
    shop.annotate({RETRY: "2026-01-01"})
    second = shop.job(besides=(first,))
    assert second["metadata"]["name"] != first["metadata"]["name"]
    shop.kubelet.ends(shop.pod(besides=(failed,)), ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")


def test_a_new_specification_waits_until_the_running_pod_of_the_old_one_is_gone(shop: Shop) -> None:
    shop.migrate()
    first, pod = shop.job(), shop.pod()
    shop.kubelet.binds(pod)
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    shop.change(source={"image": "registry.test/users:2"})
    status = shop.becomes("WaitingForPreviousJob")
    assert first["metadata"]["name"] in message(status)
    assert status["observedGeneration"] == 2
    assert [one["type"] for one in shop.changes(JOB, shop.jobs()[0])] == []
    shop.kubelet.ends(pod, ExitCode.OK, SUCCESS)
    second = shop.job(besides=(first,))
    assert second["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.test/users:2"


def test_a_job_that_has_started_nothing_makes_way_for_the_new_specification(shop: Shop) -> None:
    shop.migrate()
    first, pod = shop.job(), shop.pod()
    shop.kubelet.binds(pod)
    shop.kubelet.cannot_start(pod, "ImagePullBackOff", "no such tag")
    shop.becomes("ImagePullFailed")
    shop.change(source={"image": "registry.test/users:2"})
    shop.becomes("WaitingForPreviousJob")
    until(lambda: "deletionTimestamp" in shop.pods()[0]["metadata"])
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [first["metadata"]["uid"]]
    shop.kubelet.ends(pod, ExitCode.TERMINATED)
    shop.kubelet.removes(pod)
    shop.job(besides=(first,))
    until(lambda: len(shop.jobs()) == 1)
    shop.kubelet.ends(shop.pod(besides=(pod,)), ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")


def test_a_specification_that_goes_back_runs_again_because_the_database_may_have_changed(shop: Shop) -> None:
    shop.migrate()
    shop.succeeds()
    first, done = shop.job(), shop.pod()
    shop.change(alembic={"target": "b2"})
    second, also_done = shop.job(besides=(first,)), shop.pod(besides=(done,))
    shop.kubelet.ends(also_done, ExitCode.OK, SUCCESS)
    until(lambda: len(shop.becomes("UpToDate")["history"]) == 2)
    shop.change(alembic=None)
    again = shop.job(besides=(first, second))
    assert again["metadata"]["name"] == first["metadata"]["name"]
    assert conditions(shop.status())["Ready"] == "False"
    shop.kubelet.ends(shop.pod(besides=(done, also_done)), ExitCode.OK, SUCCESS)
    assert len(shop.becomes("UpToDate")["history"]) == 3
