"""What people get of DatabaseMigrations with the cluster's own roles: all but the status."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.api.chart import Manifest, of_kind, render
from tests.api.people import GROUP, RBAC, Person, bind, cluster_role, forbidden, named, person
from tests.api.rest import Rest
from tests.api.shop import MIGRATION

ROLE: Manifest = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole"}
USERS = named(MIGRATION, "users") | {"spec": {"source": {"image": "registry.test/users:1"}}}
VIEW, EDIT = "release-alembic-operator-view", "release-alembic-operator-edit"
WRITES = ["create", "delete", "deletecollection", "patch", "update"]
READS = ["get", "list", "watch"]


def roles(*arguments: str) -> dict[str, Manifest]:
    """Return the ClusterRoles that people get, by their names."""
    found = of_kind(render(*arguments), "ClusterRole")
    return {one["metadata"]["name"]: one for one in found if one["metadata"]["name"].endswith(("-view", "-edit"))}


@pytest.fixture(scope="module")
def installed(rest: Rest) -> Iterator[None]:
    for one in roles().values():
        rest.create(one)
    yield
    for one in roles().values():
        rest.delete(one)


def who_has(rest: Rest, namespace: str, role: str) -> Person:
    who = person(rest)
    bind(rest, namespace, who, cluster_role(role), (GROUP, "databasemigrations", "list"))
    return who


@pytest.mark.usefixtures("installed")
def test_a_viewer_reads_and_an_editor_writes_and_neither_touches_the_status(rest: Rest, namespace: str) -> None:
    viewer, editor = (who_has(rest, namespace, role) for role in (VIEW, EDIT))
    forbidden(lambda: viewer.create(USERS, namespace))
    editor.create(USERS, namespace)
    for who in (viewer, editor):
        assert len(who.items(MIGRATION, namespace)) == 1
        forbidden(partial(who.merge, USERS, {"status": {"knownImages": []}}, namespace, "status"))
    forbidden(lambda: viewer.merge(USERS, {"spec": {"suspend": True}}, namespace))
    editor.merge(USERS, {"spec": {"suspend": True}}, namespace)
    editor.delete(USERS, namespace)


@pytest.mark.parametrize(("role", "parts"), [("view", {VIEW}), ("edit", {VIEW, EDIT}), ("admin", {VIEW, EDIT})])
def test_the_clusters_own_role_takes_up(rest: Rest, role: str, parts: set[str]) -> None:
    selectors = rest.get(ROLE, "", role)["aggregationRule"]["clusterRoleSelectors"]
    wanted = [one["matchLabels"].items() for one in selectors]
    taken = {name for name, one in roles().items() if any(each <= one["metadata"]["labels"].items() for each in wanted)}
    assert taken == parts


def test_they_say_what_they_give_and_no_subresource_is_among_it() -> None:
    given = {name: one["rules"] for name, one in roles().items()}
    rule = {"apiGroups": ["alembic-operator.dev"], "resources": ["databasemigrations", "databaseimports"]}
    assert {name: [{**one, "verbs": sorted(one["verbs"])} for one in rules] for name, rules in given.items()} == {
        VIEW: [rule | {"verbs": READS}],
        EDIT: [rule | {"verbs": sorted(READS + WRITES)}],
    }


def test_two_releases_of_some_namespaces_have_two_names_and_they_can_be_left_out() -> None:
    assert set(roles("--set", "watchNamespaces={shop}")) == {f"operators-{VIEW}", f"operators-{EDIT}"}
    assert roles("--set", "rights.clusterRoles=false") == {}
