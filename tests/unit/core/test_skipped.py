"""What is said of pods that a person let through without a gate."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.core.actions import Notice, Plan
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.plan import plan
from tests.unit.core.builders import BROKEN, at, later
from tests.unit.core.gates import a_deployment, a_gated_pod, owned_by
from tests.unit.core.life import Life


def skipping(name: str = "users-6d9f-0", of: str = "users-6d9f", **changes: Any) -> GatedPod:
    return a_gated_pod(name, of, **{"gate_annotation": "Skip", "gate": None} | changes)


def told(planned: Plan) -> list[Notice]:
    return [one for one in planned.notices if one.occasion is Occasion.GATE_SKIPPED]


def after_a_run(*gated: GatedPod, exit_code: int = 0, **changes: Any) -> Plan:
    life = Life()
    life.run(exit_code, BROKEN) if exit_code else life.run()
    life.seen = replace(life.seen, gated=gated, **changes)
    return life.look()


def test_pods_that_needed_it_are_a_warning_that_says_why() -> None:
    (notice,) = told(after_a_run(skipping(), exit_code=70, workloads=(a_deployment(),)))
    assert notice == Notice(
        Occasion.GATE_SKIPPED,
        "pods of Deployment users (ReplicaSet users-6d9f) start without their gate; DatabaseMigration users is not"
        " Ready (RevisionFailed: revision b2: SQLSTATE 42P01: no such table)",
        warning=True,
        regarding=owned_by("users", "Deployment"),
        identity="uid-of-users-6d9f",
        set_by="alembic-operator.dev/gate",
    )


def test_pods_that_did_not_need_it_are_no_warning() -> None:
    (notice,) = told(after_a_run(skipping()))
    assert (notice.warning, notice.regarding) == (False, owned_by("users-6d9f"))
    assert notice.note.endswith("start without their gate; DatabaseMigration users is Ready all the same")


def test_each_replica_set_is_told_once_whatever_the_number_of_its_pods() -> None:
    pods = [skipping(), skipping("users-6d9f-1"), skipping("users-77aa-0", "users-77aa")]
    assert [one.identity for one in told(after_a_run(*pods))] == ["uid-of-users-6d9f", "uid-of-users-77aa"]


NOT_TOLD = {
    "a pod with a gate": a_gated_pod(),
    "a pod on the known path": a_gated_pod(gate_annotation="Satisfied", gate=None),
    "a pod that has ended": skipping(ended=True),
    "a pod of yesterday": skipping(created_at=at(-86400)),
}


@pytest.mark.parametrize("pod", NOT_TOLD.values(), ids=NOT_TOLD)
def test_other_pods_are_not_spoken_of(pod: GatedPod) -> None:
    assert told(after_a_run(pod)) == []


def test_a_pod_is_news_for_as_long_as_the_api_server_keeps_events() -> None:
    life = Life()
    life.seen = replace(life.seen, gated=(skipping(created_at=at(0)),))
    assert told(plan(later(life.seen, 3599)))
    assert told(plan(later(life.seen, 3600))) == []
