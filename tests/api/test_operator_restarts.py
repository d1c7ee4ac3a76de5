"""An operator can be killed at any moment, and two can run at once: there is one Job, and nothing is written twice."""

from typing import Any

from alembic_operator.contract import ExitCode
from tests.api.operator_process import MakeOperator
from tests.api.shop import EVENT, JOB, MIGRATION, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]


def versions(shop: Shop) -> dict[str, str]:
    """Return the version of each thing that an operator could have written."""
    kinds: list[dict[str, Any]] = [MIGRATION, JOB, EVENT]
    found = [one for kind in kinds for one in shop.rest.items(kind, shop.namespace)]
    return {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in found}


def test_an_operator_killed_while_a_job_runs_goes_on_with_the_same_job(
    empty_shop: Shop, new_operator: MakeOperator
) -> None:
    shop, operator = empty_shop, new_operator(empty_shop.namespace)
    shop.migrate()
    job = shop.job()
    shop.kubelet.starts(shop.pod())
    shop.becomes("Migrating")
    operator.kill()
    operator.start()
    assert shop.succeeds()["lastRun"]["attempt"] == 1
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]
    assert until(lambda: shop.occasions() == ["Started", "Succeeded"], shop.events)


def test_a_job_that_ends_while_no_operator_runs_is_reported_by_the_next(
    empty_shop: Shop, new_operator: MakeOperator
) -> None:
    shop, operator = empty_shop, new_operator(empty_shop.namespace)
    shop.migrate()
    job = shop.job()
    shop.kubelet.starts(shop.pod())
    shop.becomes("Migrating")
    operator.kill()
    shop.kubelet.ends(shop.pod(), ExitCode.OK, SUCCESS)
    until(lambda: shop.jobs()[0]["status"].get("completionTime"))
    assert conditions(shop.status())["Ready"] == "False"
    operator.start()
    assert shop.becomes("UpToDate")["revisions"]["current"] == ["b2"]
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]


def test_a_migration_made_and_changed_while_no_operator_runs_starts_once(
    empty_shop: Shop, new_operator: MakeOperator
) -> None:
    shop = empty_shop
    shop.migrate()
    shop.change(source={"image": "registry.test/users:2"})
    new_operator(shop.namespace)
    assert shop.succeeds()["observedGeneration"] == 2
    assert len(shop.jobs()) == 1


def test_a_restart_writes_nothing_when_all_is_settled(empty_shop: Shop, new_operator: MakeOperator) -> None:
    shop, operator = empty_shop, new_operator(empty_shop.namespace)
    names = [f"service-{number}" for number in range(5)]
    for name in names:
        shop.migrate(name)
    for name in names[:-1]:
        shop.succeeds(name)
    shop.kubelet.ends(shop.pod(names[-1]), ExitCode.REFUSED, "")
    shop.becomes("Retrying", names[-1])
    until(lambda: len(shop.events(names[-1])) == 2)
    assert operator.stop() == 0
    before, last = versions(shop), max(shop.rest.items(MIGRATION, shop.namespace), key=_version)
    operator.start()
    assert shop.changes(MIGRATION, last) == []
    assert versions(shop) == before


def test_two_operators_at_once_make_one_job_and_do_not_quarrel(empty_shop: Shop, new_operator: MakeOperator) -> None:
    shop = empty_shop
    new_operator(shop.namespace)
    new_operator(shop.namespace)
    created = shop.migrate()
    status = shop.succeeds()
    assert len(shop.jobs()) == 1
    assert status["lastRun"]["attempt"] == 1
    writes = shop.changes(MIGRATION, created)
    assert [one["type"] for one in writes] == ["MODIFIED"] * len(writes)
    assert len(writes) <= 5
    assert shop.changes(MIGRATION, shop.see()) == []


def test_two_operators_at_once_agree_on_a_failure(empty_shop: Shop, new_operator: MakeOperator) -> None:
    shop = empty_shop
    new_operator(shop.namespace)
    new_operator(shop.namespace)
    shop.migrate()
    shop.kubelet.ends(shop.pod(), ExitCode.REFUSED, "")
    assert "attempt 2 starts at" in message(shop.becomes("Retrying"))
    assert shop.changes(MIGRATION, shop.see()) == []


def test_a_namespaced_operator_needs_a_role_only_and_leaves_other_namespaces_alone(
    empty_shop: Shop, new_operator: MakeOperator, other_shop: Shop
) -> None:
    process = new_operator(empty_shop.namespace)
    other = other_shop.migrate()
    empty_shop.migrate()
    empty_shop.succeeds()
    assert other_shop.changes(MIGRATION, other) == []
    assert "orbidden" not in process.log.read_text()


def test_an_operator_can_serve_two_namespaces(empty_shop: Shop, new_operator: MakeOperator, other_shop: Shop) -> None:
    new_operator(empty_shop.namespace, other_shop.namespace)
    for shop in (empty_shop, other_shop):
        shop.migrate()
    for shop in (empty_shop, other_shop):
        shop.succeeds()


def test_a_deleted_migration_waits_for_nobody(empty_shop: Shop) -> None:
    empty_shop.migrate()
    empty_shop.rest.delete(MIGRATION | {"metadata": {"name": "users"}}, empty_shop.namespace)
    assert not empty_shop.exists(MIGRATION, "users")


def _version(found: dict[str, Any]) -> int:
    return int(found["metadata"]["resourceVersion"])
