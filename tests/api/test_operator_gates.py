"""What the operator says of pods at their gate, and of the workloads that they belong to."""

from tests.api.kubelet import NOW
from tests.api.operator_process import MakeOperator
from tests.api.rest import Manifest
from tests.api.shop import BROKEN, MIGRATION, Shop, conditions, message, until
from tests.api.workloads import DEPLOYMENT, Workload

pytest_plugins = ["tests.api.operator_fixtures"]

HELD, AT_RISK, SKIPPED = "PodsHeld", "RolloutAtRisk", "GateSkipped"


def holds(shop: Shop, number: int) -> Manifest:
    """Wait until so many pods are held, and return the status."""
    until(lambda: shop.status().get("heldPods", 0) == number, shop.status)
    return shop.status()


def row(shop: Shop) -> dict[str, object]:
    """Return the one line that `kubectl get dbm` prints."""
    table = shop.rest.table(MIGRATION, shop.namespace)
    return dict(zip([one["name"] for one in table["columnDefinitions"]], table["rows"][0]["cells"], strict=True))


def test_pods_at_their_gate_are_told_until_they_pass_or_go(shop: Shop) -> None:
    shop.migrate()
    users = Workload(shop)
    users.create()
    new = users.replica_set("6d9f")
    first, second = users.held(new), users.held(new, 1)
    assert message(holds(shop, 2)).endswith(
        f"; 2 pods of Deployment users held since {NOW}, for what registry.test/users:1 needs"
    )
    assert row(shop)["Held"] == 2
    (note,) = until(lambda: users.notes(HELD))
    assert note.startswith(f"pods of Deployment users (ReplicaSet users-6d9f) wait at their gate since {NOW}, for what")
    users.passes(first)
    holds(shop, 1)
    users.removes(second)
    assert "held" not in message(holds(shop, 0))
    assert row(shop)["Held"] == 0
    assert users.notes(HELD) == [note]


def test_pods_of_a_failed_migration_wait_for_its_revision(shop: Shop) -> None:
    shop.migrate()
    users = Workload(shop)
    users.create()
    users.held(users.replica_set("6d9f"))
    pod = shop.pod()
    shop.kubelet.starts(pod)
    shop.kubelet.ends(pod, 70, BROKEN)
    shop.becomes("RevisionFailed")
    assert shop.says("held").endswith(f"; 1 pod of Deployment users held since {NOW}, for revision b2")


def test_each_replica_set_is_told_once_also_by_the_next_operator(empty_shop: Shop, new_operator: MakeOperator) -> None:
    shop = empty_shop
    operator = new_operator(shop.namespace)
    shop.migrate()
    users = Workload(shop)
    users.create()
    first = users.replica_set("6d9f")
    passing = users.held(first)
    until(lambda: users.notes(HELD))
    users.held(first, 1)
    holds(shop, 2)
    users.passes(passing)
    holds(shop, 1)
    before = users.notes(HELD)
    operator.kill()
    operator.start()
    users.held(users.replica_set("77aa"))
    until(lambda: len(users.notes(HELD)) > len(before))
    assert [note.partition(") ")[0] for note in users.notes(HELD)] == [
        "pods of Deployment users (ReplicaSet users-6d9f",
        "pods of Deployment users (ReplicaSet users-77aa",
    ]


def test_pods_that_find_their_revision_at_once_write_nothing(shop: Shop) -> None:
    shop.migrate()
    shop.succeeds()
    users = Workload(shop)
    users.create()
    new = users.replica_set("6d9f")
    before = shop.see()
    for number in range(5):
        pod = users.pod(new, number)
        users.comes(pod)
        users.passes(pod)
    users.held(new, 9)
    holds(shop, 1)
    assert len(shop.changes(MIGRATION, before)) == 1


def test_many_pods_at_once_are_few_writes(shop: Shop) -> None:
    shop.migrate()
    shop.succeeds()
    users = Workload(shop)
    users.create()
    new = users.replica_set("6d9f")
    before = shop.see()
    pods = [users.held(new, number) for number in range(30)]
    holds(shop, 30)
    for pod in pods:
        users.passes(pod)
    holds(shop, 0)
    assert len(shop.changes(MIGRATION, before)) < len(pods) / 2


def test_settings_that_do_not_suit_a_gate_are_told_once_each(empty_shop: Shop, new_operator: MakeOperator) -> None:
    shop = empty_shop
    operator = new_operator(shop.namespace)
    shop.migrate()
    users = Workload(shop)
    users.create(strategy={}, progressDeadlineSeconds=600)
    until(lambda: len(users.notes(AT_RISK)) == 2, lambda: users.notes(AT_RISK))
    told = sorted(users.notes(AT_RISK))
    assert [note.partition(" ")[0] for note in told] == ["maxUnavailable", "progressDeadlineSeconds"]
    assert {one["type"] for one in users.events(AT_RISK)} == {"Warning"}
    users.change("kubectl-edit", replicas=40)
    operator.kill()
    operator.start()
    users.change("kubectl-edit", strategy={"type": "Recreate", "rollingUpdate": None})
    until(lambda: len(users.notes(AT_RISK)) > len(told))
    assert [note for note in users.notes(AT_RISK) if note not in told] == [users.notes(AT_RISK)[-1]]
    assert users.notes(AT_RISK)[-1].startswith("strategy Recreate stops all old pods")


def test_a_label_that_names_no_migration_is_told(shop: Shop) -> None:
    users, others = Workload(shop), Workload(shop, "others")
    users.create()
    others.create(labels={"app": "others"})
    (note,) = until(lambda: users.notes(AT_RISK))
    assert "names DatabaseMigration users, which does not exist in this namespace" in note
    assert others.notes(AT_RISK) == []


def let_through(users: Workload) -> None:
    """Set the annotation in the template, as a person in need does, and have pods made of it."""
    skip = {"alembic-operator.dev/gate": "Skip"}
    users.change("kubectl-patch", template={"metadata": {"annotations": skip}})
    new = users.replica_set("6d9f")
    for number in range(2):
        users.pod(new, number, annotations=skip)


def test_a_gate_that_was_skipped_is_told_with_who_asked_for_it_and_why(shop: Shop) -> None:
    shop.migrate()
    pod = shop.pod()
    shop.kubelet.starts(pod)
    shop.kubelet.ends(pod, 70, BROKEN)
    shop.becomes("RevisionFailed")
    users = Workload(shop)
    users.create()
    let_through(users)
    (event,) = until(lambda: users.events(SKIPPED))
    assert event["type"] == "Warning"
    assert event["note"].startswith(
        "pods of Deployment users (ReplicaSet users-6d9f) start without their gate; DatabaseMigration users is not"
        " Ready (RevisionFailed: revision b2: SQLSTATE 42P01"
    )
    assert "; alembic-operator.dev/gate was set by kubectl-patch (Update, 20" in event["note"]
    assert shop.status().get("heldPods", 0) == 0


def test_a_gate_that_was_skipped_without_need_is_no_warning(shop: Shop) -> None:
    shop.migrate()
    shop.succeeds()
    users = Workload(shop)
    users.create()
    let_through(users)
    (event,) = until(lambda: users.events(SKIPPED))
    assert event["type"] == "Normal"
    assert (
        "DatabaseMigration users is Ready all the same; alembic-operator.dev/gate was set by kubectl-patch"
        in event["note"]
    )


def test_a_workload_that_is_being_deleted_is_not_warned_of(shop: Shop) -> None:
    there, going = Workload(shop), Workload(shop, "going")
    for one in (there, going):
        one.create(strategy={"type": "Recreate", "rollingUpdate": None}, progressDeadlineSeconds=30)
    going.held(going.replica_set("77aa"))
    named = DEPLOYMENT | {"metadata": {"name": "going"}}
    shop.rest.merge(named, {"metadata": {"finalizers": ["registry.test/slow"]}}, shop.namespace)
    shop.rest.delete(named, shop.namespace)
    shop.migrate()
    until(lambda: len(there.notes(AT_RISK)) > 1)
    holds(shop, 1)
    assert (going.notes(AT_RISK), going.notes(HELD)) == ([], [])
    shop.rest.merge(named, {"metadata": {"finalizers": None}}, shop.namespace)


def test_an_application_that_is_installed_in_any_order_is_told_of_no_missing_part(shop: Shop) -> None:
    following = {"workloadRef": {"kind": "Deployment", "name": "users"}}
    server = {"statefulSetRef": {"name": "postgres"}, "name": "shop", "userFrom": {"name": "users-db", "key": "user"}}
    shop.migrate(source=following, database=server, dependsOn=[{"name": "agents"}])
    assert conditions(shop.becomes("WaitingForWorkload"))["Ready"] == "False"
    Workload(shop).create()
    shop.becomes("WaitingForDatabase")
    shop.change(database={"statefulSetRef": None, "host": "postgres"})
    shop.becomes("WaitingForDependency")
    shop.migrate("agents")
    shop.succeeds("agents")
    shop.succeeds()
    assert until(lambda: shop.occasions() == ["Started", "Succeeded"], shop.events)
