"""A release that serves some namespaces gates the pods of those, and leaves the pods of all others alone."""

import pytest

from tests.api.chart import INJECTS
from tests.api.gates import Door, inits, installed, new_namespace, pod, policies_of
from tests.api.rest import Rest


@pytest.mark.parametrize("capabilities", [[INJECTS], []], ids=["injects", "only validates"])
def test_policies_of_some_namespaces_leave_the_pods_of_others_alone(rest: Rest, capabilities: list[str]) -> None:
    served, other = new_namespace(rest), new_namespace(rest)
    for _ in installed(rest, policies_of(*capabilities, "--set", f"watchNamespaces={{{served}}}"), served):
        Door(rest, other).migrate()
        assert inits(Door(rest, other).admit(pod())) == []
