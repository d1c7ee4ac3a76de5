"""A Rollout of Argo Rollouts can be the source, when the operator is asked to watch them."""

from typing import Any

import pytest

from tests.api.operator_process import MakeOperator
from tests.api.rest import Rest
from tests.api.shop import Shop, message
from tests.api.workloads import ROLLOUT, define_rollouts

pytest_plugins = ["tests.api.operator_fixtures"]

WEB = ROLLOUT | {"metadata": {"name": "web"}}


@pytest.fixture(scope="module", autouse=True)
def rollouts(admin: Rest) -> None:
    define_rollouts(admin)


def roll_out(shop: Shop, image: str) -> dict[str, Any]:
    container = {"name": "app", "image": image}
    spec = {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}}
    applied: dict[str, Any] = shop.rest.apply(WEB | {"spec": spec}, shop.namespace)
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
