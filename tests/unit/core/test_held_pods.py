"""Who is held, since when, for what: in the status, in every condition's message and once for each ReplicaSet."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.contract import Failure, Result
from alembic_operator.core.actions import Notice, Plan
from alembic_operator.core.gates.held_pods import held_pods
from alembic_operator.core.observation.gated_pods import GatedPod, Owner
from alembic_operator.core.plan import plan
from tests.unit.core.builders import BROKEN, a_spec, at, later, ready, seen
from tests.unit.core.gates import GATE, a_deployment, a_gated_pod, crashing, owned_by, through, waiting
from tests.unit.core.life import Life


def planned(*pods: GatedPod, **changes: Any) -> Plan:
    return plan(seen(gated=pods, **changes))


def events(told: Plan) -> list[Notice]:
    return [one for one in told.notices if one.occasion is Occasion.PODS_HELD]


NOT_AT_A_GATE = {
    "has passed": through(),
    "ended while it waited": replace(waiting(), ended=True),
    "has no gate": a_gated_pod(gate=None),
    "is behind a sidecar": a_gated_pod(gate=replace(GATE, waiting_reason="PodInitializing")),
    "has no image yet": a_gated_pod(gate=replace(GATE, waiting_reason="ImagePullBackOff")),
    "has no status yet": a_gated_pod(),
}


@pytest.mark.parametrize("pod", NOT_AT_A_GATE.values(), ids=NOT_AT_A_GATE)
def test_a_pod_that_does_not_wait_at_its_gate_is_not_held(pod: GatedPod) -> None:
    told = planned(pod)
    assert told.status == planned().status
    assert (events(told), told.requeue_after) == ([], planned().requeue_after)


def test_a_pod_is_held_after_three_seconds_and_looked_at_again_then() -> None:
    life = Life()
    life.run()
    life.seen = replace(life.seen, gated=(waiting(1), waiting(2, "users-6d9f-1")), now=seen().now)
    life.pass_time(0.5)
    told = life.look()
    assert (told.status.held_pods, told.requeue_after) == (0, 0.5)
    assert "held" not in ready(told).message
    told = plan(later(life.seen, 0.5))
    assert (told.status.held_pods, told.requeue_after) == (1, 1.0)
    assert plan(later(life.seen, 1.5)).status.held_pods == 2


def test_who_comes_and_goes_within_three_seconds_writes_nothing() -> None:
    life = Life()
    life.run()
    before = life.status
    for gated in [(waiting(0),), (waiting(2),), (through(),), ()]:
        assert plan(replace(life.seen, gated=gated, now=seen().now)).status == before


def test_every_condition_says_who_waits_for_what_since_when() -> None:
    life = Life()
    life.run(70, BROKEN)
    life.seen = replace(life.seen, gated=(waiting(10), waiting(30, "users-6d9f-1")))
    told = life.look()
    assert told.status.held_pods == 2
    for one in told.status.conditions:
        assert one.message.endswith(f"; 2 pods of Deployment users held since {at(-30)}, for revision b2")
    life.seen = replace(life.seen, gated=())
    assert "held" not in ready(life.look()).message


def test_who_waits_for_the_rows_of_an_import_is_told_so() -> None:
    life = Life()
    life.run()
    spec = a_spec(database={"host": "db", "name": "shop", "userFrom": {"name": "db", "key": "user"}})
    awaiting = spec.model_copy(update={"policy": spec.policy.model_copy(update={"await_import": "past"})})
    migration = replace(life.seen.migration, spec=awaiting)
    held = held_pods(replace(life.seen, migration=migration, gated=(waiting(10),)), life.status)
    assert held.sentence.endswith(", for the rows of DatabaseImport past")


def test_a_revision_is_not_told_before_a_run_has_found_it() -> None:
    life = Life()
    life.run(70, BROKEN)
    life.change(suspend=True, alembic={"target": "b3"})
    life.seen = replace(life.seen, gated=(waiting(),))
    assert ready(life.look()).message.endswith("for what users:1.4 needs")
    life.change(alembic={"target": "b3"})
    life.look()
    life.pod_runs()
    assert ready(life.look()).message.endswith("for what users:1.4 needs")


def test_another_image_than_the_migrations_is_named_beside_it() -> None:
    told = planned(waiting(image="users:hotfix"))
    assert ready(told).message.endswith("for what users:hotfix needs (the migration runs users:1.4)")


FAILURES = {
    "a gate that ends badly": (crashing(), "because its gate ends with exit code 64"),
    "a gate that ends badly, running": (
        crashing(waiting_reason="", running_since=at(-1)),
        "because its gate ends with exit code 64",
    ),
    "a gate that says why": (
        crashing(65, result=Result("BrokenScripts", error=Failure("no head"))),
        "because its gate ends with exit code 65: no head",
    ),
    "a gate that cannot start": (
        a_gated_pod(gate=replace(GATE, waiting_reason="CreateContainerConfigError")),
        "because its gate cannot start",
    ),
}


@pytest.mark.parametrize(("pod", "why"), FAILURES.values(), ids=FAILURES)
def test_a_gate_that_does_not_work_is_told_with_a_time_that_stays(pod: GatedPod, why: str) -> None:
    told = planned(pod)
    assert told.status.held_pods == 1
    assert ready(told).message.endswith(f"1 pod of Deployment users held since {at(-60)}, {why}")


def test_a_gate_that_runs_anew_after_its_node_began_anew_waits_since_then() -> None:
    pod = a_gated_pod(gate=replace(GATE, exit_code=0, finished_at=at(-50), running_since=at(-5)))
    assert f"held since {at(-5)}" in ready(planned(pod)).message


def test_each_replica_set_is_one_sentence_and_one_event() -> None:
    told = planned(
        waiting(10, "users-6d9f-0"),
        waiting(20, "users-6d9f-1"),
        waiting(40, "jobs-77aa-0", "jobs-77aa"),
        waiting(30, "users-11bb-0", "users-11bb", "users:1.3"),
    )
    assert told.status.held_pods == 4
    assert ready(told).message.split("; ")[2:] == [
        f"1 pod of Deployment jobs held since {at(-40)}, for what users:1.4 needs",
        f"1 pod of Deployment users held since {at(-30)}, for what users:1.3 needs (the migration runs users:1.4)",
        f"2 pods of Deployment users held since {at(-20)}, for what users:1.4 needs",
    ]
    assert [one.identity for one in events(told)] == [
        f"uid-of-{name}" for name in ("jobs-77aa", "users-11bb", "users-6d9f")
    ]


def test_of_many_workloads_three_are_named_and_the_pods_of_the_others_counted() -> None:
    pods = [waiting(90 - number, f"w{number}-1-{pod}", f"w{number}-1") for number in range(5) for pod in range(2)]
    told = planned(*pods)
    assert told.status.held_pods == 10
    assert ready(told).message.split("; ")[-2:] == [
        f"2 pods of Deployment w2 held since {at(-88)}, for what users:1.4 needs",
        "and 4 more",
    ]
    assert len(events(told)) == 5


def test_the_order_in_which_pods_are_seen_changes_no_word() -> None:
    pods = [waiting(30, "a-1-0", "a-1"), waiting(30, "a-1-1", "a-1"), waiting(30, "b-1-0", "b-1")]
    assert planned(*pods).status == planned(*reversed(pods)).status
    assert planned(*pods).notices == planned(*reversed(pods)).notices


REGARDED: dict[str, tuple[Any, Owner]] = {
    "the Deployment, where it is known": ((a_deployment(),), owned_by("users", "Deployment")),
    "the ReplicaSet, where the Deployment is not known": ((a_deployment("other"),), owned_by("users-6d9f")),
}


@pytest.mark.parametrize(("workloads", "regarded"), REGARDED.values(), ids=REGARDED)
def test_the_event_is_where_a_person_looks(workloads: Any, regarded: Owner) -> None:
    (event,) = events(planned(waiting(), workloads=workloads))
    assert event == Notice(
        Occasion.PODS_HELD,
        f"pods of Deployment users (ReplicaSet users-6d9f) wait at their gate since {at(-60)},"
        " for what users:1.4 needs; kubectl logs users-6d9f-0 -c alembic-gate says more",
        regarding=regarded,
        identity="uid-of-users-6d9f",
    )
