"""A pod cannot start its gate."""

from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.reports import as_pod
from alembic_operator.core.runs import progress

_NO_PROBLEM = ("", "PodInitializing", "ContainerCreating", "CrashLoopBackOff")
"""What the kubelet says of a gate that it will start by itself."""


def pods_kept_from_starting(case: Case) -> Decision | None:
    """The kubelet does not start a pod's gate, or the scheduler finds no node for the pod."""
    for pod in sorted(case.pods, key=lambda one: one.name):
        gate = pod.gate
        if gate and not pod.ended and (pod.unschedulable or gate.waiting_reason not in _NO_PROBLEM):
            return progress.kept_from_starting(as_pod(pod, gate))
    return None
