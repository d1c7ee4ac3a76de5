"""People with few rights, as the API server sees them, and the policies of the chart that look at what they do."""

import http.client
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.api.chart import render
from tests.api.rest import Manifest, RefusedError, Rest
from tests.api.shop import until

RBAC = "rbac.authorization.k8s.io"
GROUP = "alembic-operator.dev"
MIGRATIONS = (GROUP, "databasemigrations", "get create update patch delete")
JOBS = ("batch", "jobs", "create")
CONFIG_MAPS = ("", "configmaps", "get create update patch delete")
CONFIG_MAP: Manifest = {"apiVersion": "v1", "kind": "ConfigMap"}
RUNNER: Manifest = CONFIG_MAP | {
    "metadata": {"name": "alembic-operator-runner"},
    "binaryData": {"runner.pyz": "cnVubmVy"},
}

Rule = tuple[str, str, str]
"""Group, resource and verbs."""

Attempt = Callable[[], Any]


@dataclass
class Person(Rest):
    """Somebody who is no administrator; an administrator's connection asks in his name."""

    name: str = ""
    through: Rest | None = None

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, **query: str) -> Any:
        """Send one request."""
        assert self.through is not None
        return self.through.request(method, path, body, {"Impersonate-User": self.name} | (headers or {}), **query)


def person(rest: Rest, name: str = "") -> Person:
    """Return a person, a new one unless he has a name."""
    return Person(rest.url, rest.context, name=name or f"alice-{uuid.uuid4().hex[:8]}", through=rest)


def anybody(rest: Rest, namespace: str, *rules: Rule) -> Person:
    """Return a new person, who may do in a namespace what the rules say."""
    who = person(rest)
    allow(rest, namespace, who, *rules)
    return who


def allow(rest: Rest, namespace: str, who: Person, *rules: Rule) -> None:
    """Let a person do more in a namespace."""
    granted = [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()} for group, resource, verbs in rules
    ]
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"generateName": "may-"}, "rules": granted}
    bind(rest, namespace, who, {"kind": "Role", "name": rest.create(role, namespace)["metadata"]["name"]}, *rules)


def bind(rest: Rest, namespace: str, who: Person, role: Manifest, *rules: Rule) -> None:
    """Give a person a role in a namespace, until the API server knows that it gives him what the rules say.

    No namespace: in all of them.
    """
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"generateName": "may-"},
        "roleRef": {"apiGroup": RBAC} | role,
        "subjects": [{"kind": "User", "name": who.name, "apiGroup": RBAC}],
    }
    rest.create(binding, namespace)
    for group, resource, verbs in rules:
        plural, _, part = resource.partition("/")
        asked = {"group": group, "resource": plural, "subresource": part, "namespace": namespace or "default"}
        for verb in verbs.split():
            until(partial(_may, rest, who, asked | {"verb": verb}))


def cluster_role(name: str) -> Manifest:
    """Return a reference to a ClusterRole."""
    return {"kind": "ClusterRole", "name": name}


def _may(rest: Rest, who: Person, asked: Manifest) -> bool:
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    answer = rest.create(review | {"spec": {"user": who.name, "resourceAttributes": asked}})
    return bool(answer["status"]["allowed"])


def operator(rest: Rest, home: str, account: str = "release-alembic-operator") -> Person:
    """Return the operator of a release that is called `release`, who may do everything."""
    who = person(rest, f"system:serviceaccount:{home}:{account}")
    bind(rest, "", who, cluster_role("cluster-admin"), CONFIG_MAPS)
    return who


def forbidden(attempt: Attempt) -> str:
    """Return with which words the API server forbids something."""
    with pytest.raises(RefusedError) as refused:
        attempt()
    assert refused.value.code == http.client.FORBIDDEN, refused.value
    return refused.value.message


def is_let(attempt: Attempt) -> bool:
    """Tell whether the API server lets something be done, be it that there is one of that name already."""
    try:
        attempt()
    except RefusedError as refused:
        assert refused.code in (http.client.FORBIDDEN, http.client.CONFLICT), refused  # noqa: PT017
        return refused.code == http.client.CONFLICT
    return True


@contextmanager
def policy(rest: Rest, suffix: str, refused: Attempt, *arguments: str) -> Iterator[None]:
    """Have one policy of the chart, from when it refuses something until it does so no longer."""
    mine = [one for one in render(*arguments) if one["metadata"]["name"].endswith(f"-{suffix}")]
    for one in mine:
        rest.create(one)
    until(lambda: not is_let(refused))
    yield
    for one in reversed(mine):
        rest.delete(one)
    until(lambda: is_let(refused))


def named(kind: Manifest, name: str) -> Manifest:
    """Return the address of an object."""
    return kind | {"metadata": {"name": name}}
