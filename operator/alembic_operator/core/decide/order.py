"""In which order the operator decides: the first rule that applies does."""

from collections.abc import Callable, Iterable
from inspect import getdoc
from typing import Literal, NamedTuple

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.amendments.every import every
from alembic_operator.core.decide.amendments.polling import polling
from alembic_operator.core.decide.amendments.runner_refused import runner_refused
from alembic_operator.core.decide.amendments.settling import settling
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.rules.database_not_ready import database_not_ready
from alembic_operator.core.decide.rules.dependency_cycle import dependency_cycle
from alembic_operator.core.decide.rules.finished_job import finished_job
from alembic_operator.core.decide.rules.invalid_spec import invalid_spec
from alembic_operator.core.decide.rules.job_being_deleted import job_being_deleted
from alembic_operator.core.decide.rules.job_of_deleted_migration import job_of_deleted_migration
from alembic_operator.core.decide.rules.job_refused import job_refused
from alembic_operator.core.decide.rules.job_under_way import job_under_way
from alembic_operator.core.decide.rules.look_for_tenants import look_for_tenants
from alembic_operator.core.decide.rules.looking_for_tenants import looking_for_tenants
from alembic_operator.core.decide.rules.missing_database import missing_database
from alembic_operator.core.decide.rules.missing_source import missing_source
from alembic_operator.core.decide.rules.name_taken import name_taken
from alembic_operator.core.decide.rules.pods_kept_from_starting import pods_kept_from_starting
from alembic_operator.core.decide.rules.pods_migrating import pods_migrating
from alembic_operator.core.decide.rules.pods_that_only_wait import pods_that_only_wait
from alembic_operator.core.decide.rules.pods_trying_again import pods_trying_again
from alembic_operator.core.decide.rules.previous_job import previous_job
from alembic_operator.core.decide.rules.recorded_job import recorded_job
from alembic_operator.core.decide.rules.remembered_run import remembered_run
from alembic_operator.core.decide.rules.reported_by_job import reported_by_job
from alembic_operator.core.decide.rules.settled_by_pods import settled_by_pods
from alembic_operator.core.decide.rules.start import start
from alembic_operator.core.decide.rules.superseded_job import superseded_job
from alembic_operator.core.decide.rules.suspended import suspended
from alembic_operator.core.decide.rules.suspended_before_start import suspended_before_start
from alembic_operator.core.decide.rules.unreported_job import unreported_job
from alembic_operator.core.decide.rules.waiting_for_dependency import waiting_for_dependency
from alembic_operator.core.decide.rules.waiting_for_pods import waiting_for_pods
from alembic_operator.core.decision import Decision

OF_THE_RUN: Literal["that of the run"] = "that of the run"
"""Whatever the runner has reported, or is known of its end without a report."""

_NOT_ENDED = (Reason.PENDING, Reason.MIGRATING, Reason.POD_NOT_CREATED, Reason.RETRYING)
_NOT_STARTED = (Reason.IMAGE_PULL_FAILED, Reason.SECRET_NOT_FOUND, Reason.CONTAINER_REFUSED, Reason.UNSCHEDULABLE)


class Rule(NamedTuple):
    """One thing that a decision depends on; the first paragraph of its docstring says when it applies."""

    decide: Callable[[Case], Decision | None]
    gives: tuple[Reason | Literal["that of the run"], ...]
    """The reasons of its decisions."""


class Amendment(NamedTuple):
    """What may change a decision; its docstring says when."""

    amend: Callable[[Case, Decision], Decision]
    gives: tuple[Reason, ...] = ()
    """Reasons that it puts in the place of the decision's own."""


ANYWAY = (
    Rule(invalid_spec, (Reason.INVALID_SPEC,)),
    Rule(job_refused, (Reason.JOB_FORBIDDEN, Reason.JOB_INVALID)),
    Rule(dependency_cycle, (Reason.DEPENDENCY_CYCLE,)),
    Rule(missing_source, (Reason.WAITING_FOR_WORKLOAD, Reason.WAITING_FOR_CONFIG_MAP)),
    Rule(missing_database, (Reason.WAITING_FOR_DATABASE,)),
)
"""Before anything else, whatever spec.strategy says."""

BY_JOB = (
    Rule(job_of_deleted_migration, (Reason.WAITING_FOR_PREVIOUS_JOB,)),
    Rule(looking_for_tenants, (OF_THE_RUN,)),
    Rule(suspended_before_start, (Reason.SUSPENDED,)),
    Rule(job_being_deleted, (Reason.WAITING_FOR_PREVIOUS_JOB,)),
    Rule(
        job_under_way,
        (Reason.PENDING, Reason.MIGRATING, *_NOT_STARTED, Reason.POD_NOT_CREATED, Reason.RETRYING, OF_THE_RUN),
    ),
    Rule(previous_job, (Reason.WAITING_FOR_PREVIOUS_JOB,)),
    Rule(superseded_job, (Reason.WAITING_FOR_PREVIOUS_JOB,)),
    Rule(look_for_tenants, (OF_THE_RUN,)),
    Rule(finished_job, (OF_THE_RUN,)),
    Rule(recorded_job, (OF_THE_RUN,)),
    Rule(unreported_job, (Reason.RETRYING, Reason.DEADLINE_EXCEEDED)),
    Rule(remembered_run, (OF_THE_RUN,)),
    Rule(suspended, (Reason.SUSPENDED,)),
    Rule(waiting_for_dependency, (Reason.WAITING_FOR_DEPENDENCY,)),
    Rule(database_not_ready, (Reason.WAITING_FOR_DATABASE,)),
    Rule(name_taken, (Reason.WAITING_FOR_PREVIOUS_JOB,)),
    Rule(start, (Reason.PENDING,)),
)
"""With strategy Job, when none of those applies."""

BY_PODS = (
    Rule(previous_job, (Reason.WAITING_FOR_PREVIOUS_JOB,)),
    Rule(reported_by_job, (OF_THE_RUN,)),
    Rule(settled_by_pods, (OF_THE_RUN,)),
    Rule(pods_migrating, (Reason.MIGRATING,)),
    Rule(pods_trying_again, (OF_THE_RUN,)),
    Rule(pods_kept_from_starting, (*_NOT_STARTED,)),
    Rule(pods_that_only_wait, (Reason.STRATEGY_MISMATCH,)),
    Rule(waiting_for_pods, (Reason.WAITING_FOR_PODS,)),
)
"""With strategy InitContainer, when none of those applies."""

AMENDMENTS_BY_JOB = (Amendment(settling, (Reason.SETTLING,)), Amendment(every), Amendment(polling))
"""Of what the rules of strategy Job decide."""

AMENDMENTS = (Amendment(runner_refused, (Reason.RUNNER_FORBIDDEN,)),)
"""Of every decision, at last."""


def decide(case: Case) -> Decision:
    """Return what the first rule decides that applies, with its amendments."""
    if found := _first(ANYWAY, case):
        return _amended(AMENDMENTS, case, found)
    if case.strategy == "InitContainer":
        return _amended(AMENDMENTS, case, _last(_first(BY_PODS, case)))
    return _amended((*AMENDMENTS_BY_JOB, *AMENDMENTS), case, _last(_first(BY_JOB, case)))


def _first(rules: Iterable[Rule], case: Case) -> Decision | None:
    return next(filter(None, (rule.decide(case) for rule in rules)), None)


def _last(found: Decision | None) -> Decision:
    if found is None:
        raise ValueError("no rule applies, but the last of an order always does")
    return found


def _amended(amendments: Iterable[Amendment], case: Case, found: Decision) -> Decision:
    for one in amendments:
        found = one.amend(case, found)
    return found


def sentence(given: Rule | Amendment) -> str:
    """Return when it applies, as its docstring says."""
    return (getdoc(given[0]) or "").partition("\n\n")[0].replace("\n", " ")
