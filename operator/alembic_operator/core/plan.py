"""Decide what should be true now: the one pure function from an Observation to a Plan."""

from alembic_operator.core.actions import BringRunner, CreateJob, Plan
from alembic_operator.core.decide.amendments.runner_refused import of_refused_runner
from alembic_operator.core.decide.amendments.settling import runs_anew
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.order import decide
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.held_pods import held_pods
from alembic_operator.core.gates.made_for import of_another_strategy
from alembic_operator.core.gates.rollouts import at_risk
from alembic_operator.core.gates.skipped import skipped
from alembic_operator.core.observation.conditions import is_ready
from alembic_operator.core.observation.controlled import only_controlled
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.status import unreadable
from alembic_operator.core.status.notices import notices, replaced, requeue_after, without_the_dying
from alembic_operator.core.status.status import fitting, status_after, with_held_pods


def plan(seen: Observation) -> Plan:
    """Return what should be true now, and what to do for it."""
    all_seen, seen = seen, only_controlled(seen)
    decision = judge(seen)
    before, after = seen.migration.status, status_after(seen, decision)
    waiting = held_pods(seen, after)
    starting = any(isinstance(action, CreateJob) for action in decision.actions)
    bring = (BringRunner(),) if starting or not (seen.runner_is_there or seen.migration.spec is None) else ()
    told = fitting(with_held_pods(after, waiting, unreadable.sentence(all_seen)))
    return Plan(
        actions=(*bring, *decision.actions),
        status=told,
        notices=without_the_dying(
            seen,
            (
                *notices(seen, after, decision),
                *of_refused_runner(seen, decision),
                *replaced(seen.runner_news),
                *waiting.notices,
                *skipped(seen, after.conditions),
                *at_risk(seen),
                *of_another_strategy(seen),
                *unreadable.unreadable(all_seen),
            ),
        ),
        requeue_after=_soonest(decision.requeue_after, waiting.requeue_after, requeue_after(seen, after, decision)),
        report_first=starting and (is_ready(before.conditions) or told == before or runs_anew(seen)),
    )


def _soonest(*seconds: float | None) -> float | None:
    return min((one for one in seconds if one is not None), default=None)


def judge(seen: Observation) -> Decision:
    """Return what is decided about a migration, whose Jobs and pods were seen without those of others."""
    return decide(Case(seen))
