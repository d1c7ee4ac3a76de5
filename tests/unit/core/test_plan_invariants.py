"""What holds for every plan, tried on many worlds of a seeded random."""

import json
from dataclasses import replace
from functools import cache
from random import Random

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import LastRun, Status
from alembic_operator.contract import Failure, Result
from alembic_operator.core import names
from alembic_operator.core.actions import BringRunner, CreateJob, DeleteJob, Plan
from alembic_operator.core.observation.dependencies import Dependency
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.observation import Observation, Refusal
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.source import Missing
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    BROKEN,
    LOCKED,
    ON_POSTGRES,
    POSTGRES,
    UID,
    UP_TO_DATE,
    a_job,
    a_pod,
    at,
    created,
    ended,
    later,
    name_of,
    ready,
    running,
    seen,
    the_job,
    told,
    what_matters,
    with_status,
)

WORLDS = 400
OLD = "users-0123456789"
SPEC = ON_POSTGRES | {"database": ON_POSTGRES["database"] | {"passwordFrom": {"name": "users-db", "key": "password"}}}
NAME = name_of(seen(SPEC))
OTHER = names.job_name("users", [what_matters(seen(SPEC)), UID])
RESULTS = (None, UP_TO_DATE, LOCKED, BROKEN, Result("AuthenticationFailed", error=Failure("refused", "28P01")))
ENDS = ((0, UP_TO_DATE), (0, None), (70, BROKEN), (75, LOCKED), (75, None), (77, RESULTS[-1]), (137, UP_TO_DATE))


def some_job(random: Random, name: str) -> Job:
    outcome = random.choice(("", "", "Complete", "Failed"))
    return a_job(
        name,
        uid=f"{name}-{random.randrange(100)}",
        owner=random.choice((UID,) * 9 + ("a deleted one of the same name",)),
        attempt=random.randint(1, 5),
        started_at=at(-random.randint(1, 1000)),
        deleting=random.random() < 0.15,
        outcome=outcome,
        finished_at=at(-random.randint(0, 900)) if outcome else "",
        failure=random.choice(("BackoffLimitExceeded", "DeadlineExceeded")) if outcome == "Failed" else "",
    )


def some_pod(random: Random, of: str, uid: str) -> Pod:
    named = {
        "name": f"{of}-{random.randrange(1000)}",
        "created_at": at(-random.randint(1, 900)),
        "job_uid": uid if uid and random.random() < 0.95 else "a deleted one",
    }
    code, result = random.choice(ENDS)
    kinds = (
        a_pod(of, **named),
        a_pod(of, waiting_reason="ErrImagePull", waiting_message="not found", **named),
        a_pod(of, unschedulable="no node", **named),
        running(of, **named),
        ended(of, code, result, **named),
    )
    return random.choice((*kinds, kinds[-1], kinds[-1]))


def some_status(random: Random) -> Status:
    """Return what an earlier plan wrote: of these inputs, of others, or nothing."""
    if random.random() < 0.3:
        return Status()
    name = random.choice((NAME, NAME, OLD))
    code, result = random.choice(ENDS)
    job = a_job(name, outcome="Failed" if code else "Complete", finished_at=at(-1000), started_at=at(-1100))
    before = seen(SPEC, retry="" if name == NAME else "other", jobs=(job,), pods=(ended(name, code, result),))
    status = plan(later(before, -900)).status if name == NAME else Status(last_run=LastRun(job=OLD, attempt=1))
    if random.random() < 0.8 or status.last_run is None:
        return status
    return status.model_copy(update={"last_run": status.last_run.model_copy(update={"outcome": None})})


def world(seed: int) -> Observation:
    random = Random(seed)
    of = random.sample((NAME, OLD, "users-abcdefabcd"), random.randint(0, 2))
    jobs = tuple(some_job(random, name) for name in of if random.random() < 0.8)
    uids = {one.name: one.uid for one in jobs}
    pods = tuple(some_pod(random, name, uids.get(name, "")) for name in of for _ in range(random.randint(0, 2)))
    given = seen(
        SPEC | {"suspend": random.random() < 0.1},
        generation=random.randint(1, 9),
        server=random.choice((POSTGRES, POSTGRES, replace(POSTGRES, ready=False))),
        dependencies=random.choice(((), (Dependency("agents", exists=True, ready=False),))),
        jobs=jobs,
        pods=pods,
    )
    rare = random.random()
    if rare < 0.05:
        given = replace(given, server=Missing("StatefulSet postgres does not exist", "create it"))
    elif rare < 0.1:
        given = replace(given, refusal=Refusal("no", forbidden=random.random() < 0.5))
    elif rare < 0.15:
        given = replace(given, cycle=("users", "users"))
    return with_status(given, some_status(random))


@cache
def lives() -> list[tuple[Observation, Plan]]:
    return [(given, plan(given)) for given in map(world, range(WORLDS))]


def test_the_worlds_reach_most_of_what_can_happen() -> None:
    reached = [planned for _, planned in lives()]
    assert {told(planned)[0] for planned in reached} == set(Effect)
    assert {type(action) for planned in reached for action in planned.actions} == {BringRunner, CreateJob, DeleteJob}
    assert len({ready(planned).reason for planned in reached}) > 15


def test_exactly_one_of_ready_reconciling_and_stalled_is_true() -> None:
    effects = {str(one): one.effect for one in Reason}
    for _, planned in lives():
        effect, reason = told(planned)
        assert effect is effects[reason]


def test_a_ready_migration_has_a_success_of_these_very_inputs_and_nothing_else_going_on() -> None:
    for given, planned in lives():
        if told(planned)[0] is not Effect.READY:
            continue
        last, results = planned.status.last_run, [pod.result for pod in given.pods if pod.job == NAME and pod.result]
        assert last is not None
        assert (last.job, last.error, planned.actions) == (NAME, None, ())
        assert last.finished_at
        before = given.migration.status.last_run
        assert UP_TO_DATE in results or (before is not None and before.outcome == "UpToDate")
        assert [one for one in given.jobs if not one.outcome] == []
        assert {one.job for one in given.pods if not one.ended} <= {NAME}


def test_no_job_is_created_beside_another_or_while_something_is_in_the_way() -> None:
    for given, planned in lives():
        if not created(planned):
            continue
        assert [one.name for one in given.jobs if one.name == NAME or not one.outcome] == []
        assert [one.name for one in given.pods if not one.ended] == []
        assert given.server == POSTGRES
        assert (given.dependencies, given.refusal, given.cycle) == ((), None, ())


def test_the_runner_is_looked_at_before_a_job_that_uses_it_is_created() -> None:
    for _, planned in lives():
        order = [type(one) for one in planned.actions if isinstance(one, BringRunner | CreateJob)]
        assert order in ([], [BringRunner, CreateJob])


def test_a_busy_job_is_never_deleted() -> None:
    for given, planned in lives():
        running = {one.job_uid for one in given.pods if one.running}
        busy = {one.uid for one in given.jobs if not one.outcome and one.uid in running}
        assert not {one.uid for one in planned.actions if isinstance(one, DeleteJob)} & busy


def test_only_its_own_jobs_are_deleted() -> None:
    for given, planned in lives():
        own = {one.uid for one in given.jobs if one.owner == UID}
        assert {one.uid for one in planned.actions if isinstance(one, DeleteJob)} <= own


def strangers(seed: int, *called: str) -> tuple[tuple[Job, ...], tuple[Pod, ...]]:
    """Return Jobs and pods that carry the migration's labels, and are not its own."""
    random = Random(seed)
    owners = (("", ""), ("agents", "agents"), ("x", ""))
    drawn = [(some_job(random, name), random.choice(owners)) for name in called]
    jobs = tuple(replace(one, owner=owner, owner_name=name) for one, (owner, name) in drawn)
    pods = [replace(some_pod(random, one.name, one.uid), job_uid=one.uid) for one in jobs for _ in range(2)]
    labelled = [some_pod(random, random.choice(("", "report", "users-report")), "") for _ in range(2)]
    return jobs, (*pods, *labelled)


def test_what_only_carries_the_labels_changes_nothing() -> None:
    for seed, (given, planned) in enumerate(lives()):
        jobs, pods = strangers(seed, "nightly-report", "users-fedcba9876")
        among = replace(given, jobs=(*jobs, *given.jobs), pods=(*pods, *given.pods))
        assert plan(among) == planned


def test_a_job_of_another_that_has_the_name_is_neither_waited_for_nor_believed() -> None:
    named, tried = 0, 0
    for seed, (given, planned) in enumerate(lives()):
        if NAME in [one.name for one in given.jobs]:
            continue
        jobs, pods = strangers(seed, NAME)
        among = plan(replace(given, jobs=(*jobs, *given.jobs), pods=(*pods, *given.pods)))
        assert {one.uid for one in among.actions if isinstance(one, DeleteJob)}.isdisjoint(one.uid for one in jobs)
        if created(planned):
            assert created(among) == [OTHER]
            assert created(plan(replace(given, jobs=(*strangers(seed, NAME, OTHER)[0], *given.jobs)))) == []
            named += 1
        if told(planned)[0] is Effect.READY:
            assert among == planned
        tried += 1
    assert (named > 10, tried > 100) == (True, True)


def test_every_plan_is_the_same_again_and_its_status_settles() -> None:
    for given, planned in lives():
        assert plan(given) == planned
        again = plan(with_status(given, planned.status))
        assert again.status == planned.status
        assert [one for one in again.notices if one.occasion != "Started" and not one.identity] == []


def test_no_plan_is_late_or_in_the_past() -> None:
    for _, planned in lives():
        after = planned.requeue_after
        assert after is None or 0 < after <= 600


def test_every_secret_is_only_referred_to() -> None:
    (container,) = the_job(plan(seen(SPEC)))["spec"]["template"]["spec"]["containers"]
    secret = {one["name"]: one for one in container["env"] if one["name"] in ("PGUSER", "PGPASSWORD", "DATABASE_URL")}
    assert secret == {
        "PGUSER": {"name": "PGUSER", "valueFrom": {"secretKeyRef": {"name": "users-db", "key": "user"}}},
        "PGPASSWORD": {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "users-db", "key": "password"}}},
    }
    assert "users-db" not in json.dumps(container["command"])
