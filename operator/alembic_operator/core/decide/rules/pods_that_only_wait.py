"""Pods that were made for the other strategy."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.made_for import anew, only_waits


def pods_that_only_wait(case: Case) -> Decision | None:
    """No pod migrates, and one with this image waits for a Job: it was made for the other strategy."""
    there = [pod for pod in case.seen.gated if not pod.ended]
    waiting = [pod for pod in there if only_waits(pod) and pod.gate and pod.gate.image == case.inputs.image]
    if not waiting:
        return None
    said = f"pods of {waiting[0].workload} wait for a Job that will not come: they were created with spec.strategy Job"
    return Decision(Reason.STRATEGY_MISMATCH, f"{said}; {anew(waiting[0].workload)}")
