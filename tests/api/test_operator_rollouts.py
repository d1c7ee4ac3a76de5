"""A Rollout of Argo Rollouts can be the source, when the operator is asked to watch them."""

from typing import Any

import pytest

from tests.api.operator_process import MakeOperator
from tests.api.rest import RefusedError, Rest
from tests.api.shop import Shop, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"}}


@pytest.fixture(scope="module", autouse=True)
def rollouts(admin: Rest) -> None:
    """Define the kind, with as much of its schema as matters here: none."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    names = {"kind": "Rollout", "plural": "rollouts"}
    spec = {"group": "argoproj.io", "scope": "Namespaced", "names": names, "versions": [version]}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    admin.create(kind | {"metadata": {"name": "rollouts.argoproj.io"}, "spec": spec})
    until(lambda: is_served(admin))


def is_served(admin: Rest) -> bool:
    try:
        return admin.items(ROLLOUT, "default") == []
    except RefusedError:
        return False


def roll_out(shop: Shop, image: str) -> dict[str, Any]:
    container = {"name": "app", "image": image}
    spec = {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}}
    applied: dict[str, Any] = shop.rest.apply(ROLLOUT | {"spec": spec}, shop.namespace)
    return applied


def test_a_rollout_is_waited_for_and_followed(empty_shop: Shop, new_operator: MakeOperator) -> None:
    shop = empty_shop
    new_operator(shop.namespace, with_rollouts=True)
    shop.migrate(source={"workloadRef": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}})
    assert message(shop.becomes("WaitingForWorkload")).startswith("Rollout web does not exist")
    roll_out(shop, "registry.test/users:1")
    shop.succeeds()
    first = shop.job()
    roll_out(shop, "registry.test/users:2")
    second = shop.job(besides=(first,))
    assert second["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.test/users:2"
