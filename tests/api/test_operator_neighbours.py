"""What is wrong in one namespace, or with one kind, keeps the operator from nothing else."""

from contextlib import closing
from pathlib import Path

from tests.api.job_controller import connect, running_cluster
from tests.api.operator_process import MakeOperator, OperatorProcess, account
from tests.api.rest import Manifest
from tests.api.shop import Shop, until

pytest_plugins = ["tests.api.operator_fixtures"]

BINDING: Manifest = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"}


def test_a_namespace_whose_role_binding_is_gone_keeps_no_other_waiting_and_is_served_when_it_is_back(
    empty_shop: Shop, new_operator: MakeOperator, other_shop: Shop
) -> None:
    operator = new_operator(empty_shop.namespace, other_shop.namespace)
    operator.stop()
    binding = BINDING | {"metadata": {"name": operator.name}}
    kept = other_shop.rest.get(binding, other_shop.namespace, operator.name)
    other_shop.rest.delete(binding, other_shop.namespace)
    operator.start()
    empty_shop.migrate()
    empty_shop.succeeds()
    assert f"cannot read jobs of namespace {other_shop.namespace}: 403 Forbidden" in operator.readiness()
    assert operator.said("cannot be read")
    other_shop.migrate()
    binding |= {name: kept[name] for name in ("roleRef", "subjects")}
    other_shop.rest.create(binding, other_shop.namespace)
    until(lambda: other_shop.jobs() or None, operator.log.read_text)
    other_shop.succeeds()
    until(lambda: operator.readiness() == "ok\n", operator.readiness)
    assert operator.said("can be read again")


def test_rollouts_that_are_watched_without_their_definition_keep_nothing_waiting(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as server, closing(connect(server)) as rest:
        kubeconfig = account(rest, server, "operator", tmp_path, with_rollouts=True)
        operator = OperatorProcess(kubeconfig, ("--watch-rollouts",)).start()
        shop = Shop(rest, "default")
        shop.migrate()
        shop.succeeds()
        assert "cannot read rollouts of all namespaces: 404" in operator.readiness()
        assert operator.stop() == 0
