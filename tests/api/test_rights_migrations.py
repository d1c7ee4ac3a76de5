"""An object gives nobody a right: who asks for a run or an import must be allowed to create Jobs in that namespace."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.api.crd_imports_examples import an_import
from tests.api.gates import new_namespace
from tests.api.people import (
    GROUP,
    JOBS,
    MIGRATIONS,
    Person,
    allow,
    anybody,
    bind,
    cluster_role,
    forbidden,
    is_let,
    named,
    person,
    policy,
)
from tests.api.rest import Manifest, Rest
from tests.api.shop import MIGRATION

IMPORTS = (GROUP, "databaseimports", "get create update patch delete")
RETRY = f"{GROUP}/retry"
USERS = named(MIGRATION, "users") | {"spec": {"source": {"image": "registry.test/users:1"}}}
SHAPES: dict[str, Manifest] = {
    "a Job": {},
    "a pod of any shape": {
        "jobTemplate": {"spec": {"template": {"spec": {"hostPID": True, "serviceAccountName": "other"}}}}
    },
    "that the pods of a workload migrate": {
        "strategy": "InitContainer",
        "source": {"workloadRef": {"name": "users"}},
    },
    "something later": {"suspend": True},
}


@pytest.fixture(scope="module")
def home(rest: Rest) -> str:
    """Give the operator a namespace."""
    return new_namespace(rest)


@pytest.fixture(scope="module")
def policies(rest: Rest, home: str) -> Iterator[None]:
    """Have the policy of an operator that serves the whole cluster."""
    somewhere = new_namespace(rest)
    nobody = anybody(rest, somewhere, MIGRATIONS)
    with policy(rest, "migrations", lambda: nobody.create(USERS, somewhere, dryRun="All"), "--namespace", home):
        yield


@pytest.fixture
def alice(rest: Rest, namespace: str, policies: None) -> Person:  # noqa: ARG001  they must be there
    """Let somebody write DatabaseMigrations, and nothing else."""
    return anybody(rest, namespace, MIGRATIONS)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_who_may_create_no_job_may_not_ask_for(alice: Person, namespace: str, shape: Manifest) -> None:
    wanted = USERS | {"spec": USERS["spec"] | shape}
    for attempt in (alice.create, alice.apply):
        said = forbidden(partial(attempt, wanted, namespace))
        assert f"{alice.name} may not in namespace {namespace}: grant create on jobs of the group batch" in said


CHANGES: dict[str, Manifest] = {
    "the specification": {"spec": {"alembic": {"target": "a1"}}},
    "the pod": {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"hostNetwork": True}}}}}},
    "that it waits": {"spec": {"suspend": True}},
    "the retry annotation": {"metadata": {"annotations": {RETRY: "2"}}},
    "that there is a retry annotation": {"metadata": {"annotations": {RETRY: None}}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_who_may_create_no_job_may_not_change(alice: Person, rest: Rest, namespace: str, change: Manifest) -> None:
    rest.create(USERS | {"metadata": {"name": "users", "annotations": {RETRY: "1"}}}, namespace)
    assert "must be allowed to create Jobs there" in forbidden(lambda: alice.merge(USERS, change, namespace))
    whole = alice.get(MIGRATION, namespace, "users")
    whole["spec"]["policy"]["lockTimeout"] = "3s"
    forbidden(lambda: alice.replace(whole, namespace))
    forbidden(lambda: alice.apply(USERS | {"spec": whole["spec"]}, namespace))


def test_what_starts_nothing_needs_no_right_on_jobs(alice: Person, rest: Rest, namespace: str) -> None:
    rest.create(USERS | {"metadata": {"name": "users", "annotations": {RETRY: "1"}}}, namespace)
    alice.apply(USERS, namespace)
    alice.replace(alice.get(MIGRATION, namespace, "users"), namespace)
    more = {"labels": {"team": "shop"}, "annotations": {"note": "x"}, "finalizers": ["shop.test/wait"]}
    alice.merge(USERS, {"metadata": more}, namespace)
    alice.delete(USERS, namespace)
    alice.merge(USERS, {"metadata": {"finalizers": None}}, namespace)
    assert is_let(lambda: rest.create(USERS, namespace)), "it is gone"


def test_who_may_create_jobs_may_ask_for_a_migration_in_every_way(alice: Person, rest: Rest, namespace: str) -> None:
    allow(rest, namespace, alice, JOBS)
    ask_for_everything(alice, namespace)


def test_the_right_in_another_namespace_is_none_here(alice: Person, rest: Rest, namespace: str) -> None:
    allow(rest, new_namespace(rest), alice, JOBS)
    forbidden(lambda: alice.create(USERS, namespace))


@pytest.mark.usefixtures("policies")
def test_an_editor_may_ask_for_a_migration_in_every_way(rest: Rest, namespace: str) -> None:
    editor = anybody(rest, namespace, MIGRATIONS)
    bind(rest, namespace, editor, cluster_role("system:aggregate-to-edit"), JOBS)
    ask_for_everything(editor, namespace)


@pytest.mark.usefixtures("policies")
def test_the_controller_of_a_delivery_tool_may_ask_for_a_migration_in_every_way(rest: Rest, namespace: str) -> None:
    controller = person(rest, "system:serviceaccount:argocd:argocd-application-controller")
    bind(rest, "", controller, cluster_role("cluster-admin"), JOBS, MIGRATIONS)
    ask_for_everything(controller, namespace)


def ask_for_everything(who: Person, namespace: str) -> None:
    who.apply(USERS, namespace)
    who.merge(USERS, {"spec": SHAPES["a pod of any shape"]}, namespace)
    who.merge(USERS, {"metadata": {"annotations": {RETRY: "1"}}}, namespace)
    who.delete(USERS, namespace)
    who.create(USERS, namespace)


@pytest.mark.usefixtures("policies")
def test_the_operator_writes_the_status_without_a_right_on_jobs(rest: Rest, namespace: str) -> None:
    operator = anybody(rest, namespace, (GROUP, "databasemigrations/status", "patch"))
    rest.create(USERS, namespace)
    status = {"status": {"observedGeneration": 1}}
    operator.apply(named(MIGRATION, "users") | status, namespace, "status")
    assert rest.get(MIGRATION, namespace, "users")["status"]["observedGeneration"] == 1


@pytest.mark.usefixtures("policies")
def test_not_even_an_administrator_may_put_one_into_the_operators_own_namespace(rest: Rest, home: str) -> None:
    for attempt in (rest.create, rest.apply):
        assert f"{home} is the operator's own namespace" in forbidden(partial(attempt, USERS, home))


@pytest.mark.usefixtures("policies")
def test_who_may_write_imports_but_create_no_job_may_not_ask_for_one(rest: Rest, namespace: str) -> None:
    alice, wanted = anybody(rest, namespace, IMPORTS), an_import()
    for attempt in (alice.create, alice.apply):
        assert "a DatabaseImport runs code with the Secrets" in forbidden(partial(attempt, wanted, namespace))
    rest.create(wanted, namespace)
    changes: list[Manifest] = [{"spec": {"jobTemplate": {}}}, {"metadata": {"annotations": {RETRY: "2"}}}]
    for change in changes:
        assert "must be allowed to create Jobs there" in forbidden(partial(alice.merge, wanted, change, namespace))
    alice.merge(wanted, {"metadata": {"labels": {"team": "shop"}}}, namespace)
    allow(rest, namespace, alice, JOBS)
    alice.merge(wanted, {"spec": {"deadline": "2h"}}, namespace)
