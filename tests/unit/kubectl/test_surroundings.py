"""What the plugin makes of operators, policies and refused pods that it finds around a migration."""

from typing import Any

import pytest

from alembic_operator.kubectl.diagnosis import migration as migrations
from alembic_operator.kubectl.diagnosis import pod as of_pods
from alembic_operator.kubectl.diagnosis import refusal
from alembic_operator.kubectl.diagnosis.details import age
from alembic_operator.kubectl.diagnosis.operators import read_operators, service
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings
from tests.unit.kubectl.objects import (
    DENIED,
    NOW,
    SINCE,
    WAITING,
    event,
    held_pod,
    migration,
    operator,
    pod,
    replica_set,
    stalled,
)

BY_HOST = {"source": {"image": "shop:2"}, "database": {"name": "shop", "statefulSetRef": {"name": "postgres"}}}
QUOTA = 'Error creating: pods "users-6d9f-x" is forbidden: exceeded quota: small'


@pytest.mark.parametrize(
    ("operators", "said", "then"),
    [
        ([], "there is no operator in this cluster", "install the chart"),
        ([operator()], "", "kubectl logs deployment/alembic-operator -n migrations"),
        ([operator("till", "shop")], "", "kubectl logs"),
        ([operator("till")], "no operator serves namespace shop", "watchNamespaces={till,shop}"),
        ([operator("till"), operator("shop")], "", "kubectl logs"),
        ([operator(ready=0)], "no pod of the operator migrations/alembic-operator is ready", "kubectl describe"),
    ],
)
def test_a_namespace_is_served_or_it_is_said_why_not(operators: list[Any], said: str, then: str) -> None:
    found = service("shop", read_operators(operators))
    assert (said in found.why, bool(found.why) == bool(said), then in found.next) == (True, True, True), found


@pytest.mark.parametrize(
    ("around", "said"),
    [
        (Surroundings(NOW), "when it was created the admission policies were absent"),
        (Surroundings(NOW, operators=()), "there is no operator in this cluster"),
        (Surroundings(NOW, operators=read_operators([operator("till")])), "no operator serves namespace shop"),
        (Surroundings(NOW, operators=read_operators([operator()]), policies=()), "the admission policies are gone"),
        (
            Surroundings(NOW, policies=({"metadata": {"creationTimestamp": "2026-11-30T03:20:00Z"}},)),
            "it is older than the admission policies",
        ),
        (
            Surroundings(NOW, policies=({"metadata": {"creationTimestamp": "2026-11-01T03:20:00Z"}},)),
            "it is older than its label",
        ),
    ],
)
def test_a_pod_without_a_gate_is_told_why_it_has_none(around: Surroundings, said: str) -> None:
    assert said in of_pods.diagnose(pod(), migration(), around).why


def test_an_operator_that_may_not_look_is_told_wherever_its_namespace_is() -> None:
    around = Surroundings(NOW, operators=read_operators([operator("shop")]), blind=frozenset({"shop"}))
    unseen = migrations.diagnose(migration() | {"status": {}}, around)
    old = migrations.diagnose(stalled(), around)
    assert (old.next, "Remedy" in dict(old.facts)) == (unseen.next, False), "no run can start before that is mended"
    for said in (unseen.why, dict(old.facts)["Operator"]):
        assert said.startswith("the operator migrations/alembic-operator has no right to list DatabaseMigrations in")
    assert (unseen.next, "Operator" in dict(unseen.facts)) == ("kubectl get rolebindings -n shop", False)


def test_a_migration_that_waits_for_others_tells_how_they_stand() -> None:
    waits = migration("Reconciling", "WaitingForDependency", "waits for spec.dependsOn: users (not Ready)")
    waits["spec"]["dependsOn"] = [{"name": "users"}, {"name": "mail"}]
    other = stalled()
    other["metadata"] = other["metadata"] | {"namespace": "till"}
    ready = migration()
    ready["metadata"] = ready["metadata"] | {"name": "mail"}
    told = migrations.diagnose(waits, Surroundings(NOW, migrations=(stalled(), other, ready)))
    (fact,) = [value for name, value in told.facts if name == "Depends on"]
    assert fact.startswith("shop/users: STALLED (RevisionFailed); revision b2: SQLSTATE 42P01")
    assert told.next == "kubectl alembic status users -n shop"


def test_pods_are_told_by_workload_and_only_those_of_this_migration() -> None:
    others = [held_pod("x", namespace="till"), held_pod("y", label="chat"), pod(label="chat")]
    pods = (held_pod(owner="users-6d9f"), held_pod("b", owner="users-7aaa"), pod(), *others)
    facts = migrations.diagnose(stalled(), Surroundings(NOW, pods=pods)).facts
    assert [value for name, value in facts if name == "Held pods"] == [
        f"1 pod of Deployment users held since {SINCE}, for revision b2",
        f"1 pod of Deployment users held since {SINCE}, for revision b2",
    ]
    assert [value for name, value in facts if name == "No gate"] == ["1 pod of Pod users-1 WITHOUT A GATE"]


def test_a_ready_migration_with_a_pod_that_has_no_gate_says_what_to_type_about_it() -> None:
    told = migrations.diagnose(migration(), Surroundings(NOW, pods=(held_pod(), pod())))
    assert (told.standing, told.next) == (0, "kubectl alembic why users-1 -n shop")
    assert migrations.diagnose(migration(), Surroundings(NOW, pods=(held_pod(),))).next == ""


def test_held_pods_that_stand_below_it_are_not_told_in_the_message_again() -> None:
    sentence = f"1 pod of Deployment users held since {SINCE}, for what shop:2 needs"
    raw = migration("Reconciling", "Migrating", f"pod x is migrating; {sentence}")
    told = migrations.diagnose(raw, Surroundings(NOW, pods=(held_pod(owner="users-6d9f"),)))
    assert (told.why, dict(told.facts)["Held pods"]) == ("pod x is migrating", sentence)


def test_who_held_the_lock_is_told_with_what_ends_his_session() -> None:
    message = "canceling statement due to lock timeout; blocked by pid 428 (reporting, idle in transaction for 47 s)"
    told = migrations.diagnose(migration("Reconciling", "LockTimeout", message), Surroundings(NOW))
    assert dict(told.facts)["Remedy"].startswith("SELECT pg_terminate_backend(428) in the database")


def test_who_was_refused_at_the_server_is_told_which_secrets_have_the_login() -> None:
    raw = migration("Reconciling", "AuthenticationFailed", "password authentication failed")
    user, password = {"name": "login", "key": "user"}, {"name": "login", "key": "password"}
    raw["spec"] |= {"database": {"host": "db", "name": "shop", "userFrom": user, "passwordFrom": password}}
    told = [value for name, value in migrations.diagnose(raw, Surroundings(NOW)).facts if name == "Secret"]
    assert told == ["login, key user", "login, key password"]


@pytest.mark.parametrize("name", ["pod rival-1-x", "alembic-operator/rival-1-x/6f0c2a"])
def test_another_migration_at_work_is_not_to_be_ended(name: str) -> None:
    """It holds the lock of the version table, or that of a table, for as long as it needs it."""
    waits = {"at": SINCE, "since": SINCE, "movedAt": SINCE, "waitingFor": {"pid": 420, "application": name}}
    raw = migration("Reconciling", "Migrating", "waits", progress=waits)
    facts = dict(migrations.diagnose(raw, Surroundings(NOW)).facts)
    assert facts["Waits for"] == f"pid 420 ({name}); it is a migration at work: look at its log first"
    assert facts["Progress"].startswith("no revision yet, for ")
    raw = migration("Reconciling", "LockTimeout", f"lock timeout; blocked by pid 420 ({name}, active)")
    assert "Remedy" not in dict(migrations.diagnose(raw, Surroundings(NOW)).facts)


def test_a_pod_of_the_migrations_own_job_is_not_told_as_one_without_a_gate() -> None:
    raw = pod()
    raw["metadata"]["labels"]["alembic-operator.dev/run"] = "users"
    assert "runs the migration itself" in of_pods.diagnose(raw, stalled(), Surroundings(NOW)).headline
    facts = migrations.diagnose(stalled(), Surroundings(NOW, pods=(raw,))).facts
    assert not [one for one in facts if one[0] == "No gate"]


def test_a_gate_that_the_kubelet_cannot_start_is_told_in_its_words() -> None:
    raw = pod(gate={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image shop:3"}})
    told = of_pods.diagnose(raw, migration(), Surroundings(NOW))
    assert (told.headline, told.next) == (
        "pod users-1 cannot start its gate",
        "kubectl describe pod users-1 -n shop",
    )
    assert "Back-off pulling image shop:3; correct the image" in told.why


@pytest.mark.parametrize(
    ("message", "of", "said", "then"),
    [
        (
            DENIED,
            None,
            "there is no DatabaseMigration users in namespace shop: create it",
            "get dbm",
        ),
        (DENIED, migration() | {"spec": BY_HOST}, "the address of the StatefulSet of users is not known yet", ""),
        (
            DENIED,
            migration(),
            "the MutatingAdmissionPolicy that puts gates",
            "mutatingadmissionpolicies",
        ),
        (QUOTA, migration(), "exceeded quota: small", "kubectl describe replicaset users-6d9f -n shop"),
    ],
)
def test_refused_pods_are_told_with_the_one_cause_that_it_is(
    message: str, of: dict[str, Any] | None, said: str, then: str
) -> None:
    (found,) = refusal.refusals([event(message)])
    told = refusal.diagnose(found, replica_set(), of)
    assert told.headline == "pods of Deployment users, ReplicaSet users-6d9f in namespace shop, are REFUSED"
    assert (said in told.why, then in told.next) == (True, True), told


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ([], "is gone, or does not serve this namespace"),
        ([{"spec": {"matchConstraints": {}}}], "is gone, or does not serve this namespace"),
        ([{"spec": {"paramKind": {"kind": "DatabaseMigration"}}}], "users is newer than the last try"),
    ],
)
def test_which_policy_is_gone_is_told_where_they_can_be_looked_at(policies: list[Any], said: str) -> None:
    (found,) = refusal.refusals([event()])
    assert said in refusal.diagnose(found, replica_set(), migration(), policies).why


def test_of_many_refusals_the_newest_of_each_owner_counts() -> None:
    other = event(QUOTA, kind="Job", name="x", last="2026-11-30T03:12:09Z")
    found = refusal.refusals([event(), event(QUOTA, last="2026-11-30T03:12:08Z"), other])
    assert [(one.name, one.message) for one in found] == [("users-6d9f", QUOTA), ("x", QUOTA)]


@pytest.mark.parametrize(
    ("owner", "lacks"),
    [
        (replica_set(), True),
        (replica_set(has=2), False),
        (replica_set(wanted=0), False),
        ({"kind": "StatefulSet"}, True),
        ({"kind": "Job"}, True),
        ({"kind": "Job", "status": {"active": 1}}, False),
        ({"kind": "Job", "status": {"conditions": [{"type": "Failed", "status": "True"}]}}, False),
    ],
)
def test_a_refusal_counts_while_the_owner_still_lacks_pods(owner: dict[str, Any], *, lacks: bool) -> None:
    assert refusal.lacks_pods(owner) is lacks


@pytest.mark.parametrize(
    ("name", "is_it"),
    [("users", True), ("users-6d9f", True), ("users-6d9f-x7k2p", True), ("user", False), ("chat", False), ("", True)],
)
def test_a_refused_pod_is_found_by_the_names_that_a_person_knows(name: str, *, is_it: bool) -> None:
    assert refusal.is_called(replica_set(), name) is is_it


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (3_725, "1h2m"), (90_000, "1d1h"), (86_401, "1d"), (-5, "0s")],
)
def test_a_span_is_told_in_its_two_greatest_units(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_a_gate_that_waits_is_said_by_a_held_pod_although_its_migration_is_ready() -> None:
    told = of_pods.diagnose(pod(gate=WAITING), migration(), Surroundings(NOW))
    assert (told.standing, told.next) == (2, "kubectl logs users-1 -n shop -c alembic-gate")
