"""A pod migrates now."""

from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import LastRun
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.runs import run


def pods_migrating(case: Case) -> Decision | None:
    """A pod's gate is migrating, and has not failed before; or none has reported yet."""
    running = [pod for pod in case.pods if _runs(pod)]
    at_first = [pod for pod in running if not _failed(pod)] or ([] if case.reports else running)
    return _migrating(case, at_first, alone=len(running) == 1) if at_first else None


def _migrating(case: Case, running: list[GatedPod], *, alone: bool) -> Decision:
    """Name the pod that came first, as long as it runs; only the database knows which one holds the lock."""
    last = case.last_run_of(case.name)
    before = last.pod if last and not last.finished_at else None
    since = {pod.name: pod.gate.running_since for pod in running if pod.gate}
    first = before if before in since else min(since, key=lambda pod: (since[pod], pod))
    said = "is migrating" if alone else "is migrating, or waits for the one that is"
    under_way = LastRun(pod=first, inputs=case.name, attempt=run.attempt(last, case.name), started_at=since[first])
    return Decision(Reason.MIGRATING, f"pod {first} {said}", under_way=under_way)


def _runs(pod: GatedPod) -> bool:
    return pod.gate is not None and bool(pod.gate.running_since)


def _failed(pod: GatedPod) -> bool:
    """Return whether a pod failed before, and only tries again: the status changes when it has ended."""
    return pod.gate is not None and pod.gate.has_failed
