"""The API server does not take the ConfigMap with the runner."""

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Reason
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob, Notice
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.observation import Observation, Refusal

_NEEDS_RUNNER = (Reason.PENDING, Reason.WAITING_FOR_PODS)
"""Waits for pods that mount it."""


def runner_refused(case: Case, decision: Decision) -> Decision:
    """When the API server does not take the runner, what needs it waits; nothing else becomes untrue by that."""
    seen = case.seen
    needs_it = decision.reason in _NEEDS_RUNNER or any(isinstance(one, CreateJob) for one in decision.actions)
    if seen.refusal is None or not seen.refusal.of_runner or not needs_it:
        return decision
    return Decision(Reason.RUNNER_FORBIDDEN, _runner(seen.refusal), requeue_after=case.as_long_again)


def of_refused_runner(seen: Observation, decision: Decision) -> tuple[Notice, ...]:
    """Tell once of a runner that is refused while the conditions are about something else: gates need it, too."""
    if seen.refusal is None or not seen.refusal.of_runner or decision.reason is Reason.RUNNER_FORBIDDEN:
        return ()
    runner = Owner("v1", "ConfigMap", names.RUNNER_CONFIG_MAP, "")
    identity = f"{seen.migration.uid} runner"
    return (Notice(Occasion.HELD, _runner(seen.refusal), warning=True, regarding=runner, identity=identity),)


def _runner(refusal: Refusal) -> str:
    return f"ConfigMap {names.RUNNER_CONFIG_MAP} is not admitted: {refusal.message}"
