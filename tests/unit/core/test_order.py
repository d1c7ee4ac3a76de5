"""The order of decisions: each rule is reached, and gives the reasons that the reference page says."""

import pkgutil
from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.contract.fleet import Fleet
from alembic_operator.core import names
from alembic_operator.core.decide import order, rules
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.order import OF_THE_RUN, Rule
from alembic_operator.core.observation.dependencies import Dependency
from alembic_operator.core.observation.observation import Observation, Refusal
from alembic_operator.core.observation.source import Missing
from alembic_operator.core.plan import plan
from tests.unit.core import migrating_pods
from tests.unit.core.builders import (
    BROKEN,
    DATABASE,
    LOCKED,
    ON_POSTGRES,
    POSTGRES,
    UID,
    UP_TO_DATE,
    a_job,
    a_pod,
    at,
    ended,
    later,
    name_of,
    running,
    seen,
    what_matters,
    with_status,
)
from tests.unit.core.gates import a_gated_pod
from tests.unit.core.migrating_pods import at_work, by_pods, failed, passed
from tools import decisions

NAME = name_of(seen())
OTHER_NAME = names.job_name("users", [what_matters(seen()), UID])
MIGRATED = name_of(by_pods())
DONE = a_job(NAME, outcome="Complete")
OVER = a_job(NAME, outcome="Failed", failure="DeadlineExceeded")
SUSPENDED = {"suspend": True}
MISSING = Missing("Deployment users does not exist", "create it")
ON_CONFIG_MAP = {"source": {"configMapRef": {"name": "users"}}}


def starting(reason: str, message: str = "", **changes: str) -> Observation:
    """Return a Job whose pod waits."""
    return seen(jobs=(a_job(NAME),), pods=(a_pod(NAME, waiting_reason=reason, waiting_message=message, **changes),))


def gate_waiting(reason: str, message: str = "", unschedulable: str = "") -> Observation:
    """Return a pod that migrates by itself, and waits."""
    pod = migrating_pods.a_pod("users-abc-1", state={"waiting": {"reason": reason, "message": message}})
    return by_pods(replace(pod, unschedulable=unschedulable))


def remembering(before: Observation) -> Observation:
    """Return what is seen when the Job and its pods are gone, and the status tells of them."""
    return replace(with_status(before, plan(before).status), jobs=(), pods=())


ALL = replace(UP_TO_DATE, tenants=Fleet(3, 3))
WITH_TENANTS = seen({"database": DATABASE | {"host": "db"}, "tenants": {"names": ["a"], "every": "10m"}})
TENANTS = name_of(WITH_TENANTS)
MANAGED = replace(WITH_TENANTS, jobs=(a_job(TENANTS, outcome="Complete"),), pods=(ended(TENANTS, 0, ALL),))
LOOKED = later(remembering(MANAGED), 600)

EXAMPLES: dict[str, list[Observation]] = {
    "invalid_spec": [seen(unreadable="spec.source: Field required")],
    "job_refused": [seen(refusal=Refusal("quota", forbidden=True)), seen(refusal=Refusal("no name", forbidden=False))],
    "dependency_cycle": [seen(cycle=("users", "agents", "users"))],
    "missing_source": [seen(source=MISSING), seen(ON_CONFIG_MAP, source=MISSING)],
    "missing_database": [seen(ON_POSTGRES, server=MISSING)],
    "job_of_deleted_migration": [seen(jobs=(a_job(NAME, owner="another"),))],
    "looking_for_tenants": [replace(LOOKED, jobs=(a_job(TENANTS, looks=True),))],
    "look_for_tenants": [LOOKED],
    "suspended_before_start": [seen(SUSPENDED, jobs=(a_job(NAME),))],
    "job_being_deleted": [seen(jobs=(a_job(NAME, deleting=True),))],
    "job_under_way": [
        seen(jobs=(a_job(NAME, started_at=at(-1)),)),
        seen(jobs=(a_job(NAME),), pods=(running(NAME),)),
        starting("ErrImagePull"),
        starting("CreateContainerConfigError", 'secret "users-db" not found'),
        starting("CreateContainerError"),
        seen(jobs=(a_job(NAME),), pods=(a_pod(NAME, unschedulable="no node"),)),
        seen(jobs=(a_job(NAME),)),
        seen(jobs=(a_job(NAME, has_lost_pods=True),)),
        seen(jobs=(a_job(NAME),), pods=(ended(NAME, 75, LOCKED),)),
    ],
    "previous_job": [seen(jobs=(a_job("users-0000000000"),)), by_pods(jobs=(a_job("users-0000000000"),))],
    "superseded_job": [seen(jobs=(DONE, a_job("users-0000000000", outcome="Complete", started_at=at(-5))))],
    "finished_job": [seen(jobs=(DONE,), pods=(ended(NAME, 0, UP_TO_DATE),))],
    "recorded_job": [replace(remembering(seen(jobs=(DONE,), pods=(ended(NAME, 0, UP_TO_DATE),))), jobs=(DONE,))],
    "unreported_job": [seen(jobs=(DONE,)), seen(jobs=(OVER,))],
    "remembered_run": [remembering(seen(jobs=(replace(DONE, outcome="Failed"),), pods=(ended(NAME, 70, BROKEN),)))],
    "suspended": [seen(SUSPENDED)],
    "waiting_for_dependency": [seen(dependencies=(Dependency("agents", exists=True, ready=False),))],
    "database_not_ready": [seen(ON_POSTGRES, server=replace(POSTGRES, ready=False))],
    "name_taken": [seen(taken=(NAME, OTHER_NAME))],
    "start": [seen()],
    "reported_by_job": [by_pods(jobs=(a_job(MIGRATED, outcome="Complete"),), pods=(ended(MIGRATED, 0, UP_TO_DATE),))],
    "settled_by_pods": [by_pods(passed("users-abc-1", UP_TO_DATE))],
    "pods_migrating": [by_pods(at_work("users-abc-1"))],
    "pods_trying_again": [by_pods(failed("users-abc-1", 75, "not a Result"))],
    "pods_kept_from_starting": [
        gate_waiting("ErrImagePull"),
        gate_waiting("CreateContainerConfigError", 'secret "users-db" not found'),
        gate_waiting("CreateContainerError"),
        gate_waiting("", unschedulable="no node"),
    ],
    "pods_that_only_wait": [by_pods(a_gated_pod())],
    "waiting_for_pods": [by_pods()],
}


def deciding(given: Observation) -> tuple[Rule, Reason]:
    """Return the rule that decides, and its reason."""
    case = Case(given)
    for rule in order.ANYWAY:
        if found := rule.decide(case):
            return rule, found.reason
    for rule in order.BY_JOB if case.strategy == "Job" else order.BY_PODS:
        if found := rule.decide(case):
            return rule, found.reason
    raise AssertionError(case)


RULES = {one.decide.__name__: one for one in (*order.ANYWAY, *order.BY_JOB, *order.BY_PODS)}


def test_every_module_of_a_rule_stands_in_the_order() -> None:
    assert {one.name for one in pkgutil.iter_modules(rules.__path__)} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_decides_in_its_examples_and_gives_the_reasons_that_its_row_says(name: str) -> None:
    found = [deciding(one) for one in EXAMPLES[name]]
    gives = RULES[name].gives
    assert {rule.decide.__name__ for rule, _ in found} == {name}
    given = {str(reason) for _, reason in found}
    assert given == {str(one) for one in gives} if OF_THE_RUN not in gives else given >= set(gives) - {OF_THE_RUN}


@pytest.mark.parametrize("one", [*RULES.values(), *order.AMENDMENTS_BY_JOB, *order.AMENDMENTS])
def test_a_rule_says_in_one_sentence_when_it_applies(one: Rule | order.Amendment) -> None:
    assert order.sentence(one).endswith(".")
    assert f"| {order.sentence(one)} |" in decisions.page("")
