"""Which settings of a workload do not suit pods that wait, and what is said of them."""

from typing import Any

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.core.actions import Notice
from alembic_operator.core.gates import rollouts
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.gated_workloads import GatedWorkload, read_gated_workload, waits_for
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.plan import plan
from tests.unit.core.builders import seen

DEPLOYMENT = Owner("apps/v1", "Deployment", "users", "d1")
ROLLOUT = Owner("argoproj.io/v1alpha1", "Rollout", "users", "d1")


def raw(**spec: Any) -> Manifest:
    template = {"metadata": {"labels": {"alembic-operator.dev/migration": "users"}}}
    return {"metadata": {"name": "users", "uid": "d1"}, "spec": {"template": template} | spec}


def deployment(replicas: int | None = None, **rolling: Any) -> GatedWorkload:
    spec: Manifest = {"strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    return read_gated_workload(
        raw(**spec, **({} if replicas is None else {"replicas": replicas})), "apps/v1", "Deployment"
    )


SHARES: list[tuple[int, Any, Any, str]] = [
    # replicas, maxUnavailable, maxSurge, what lets old pods go
    (4, "25%", "25%", "25%"),  # Kubernetes' defaults
    (3, "25%", "25%", ""),  # 0.75 pods are rounded down to none
    (1, "25%", "25%", ""),
    (8, "10%", "25%", ""),
    (10, "10%", "25%", "10%"),
    (100, "1%", 1, "1%"),
    (4, 0, 1, ""),
    (4, "0%", "25%", ""),
    (4, 1, 1, "1"),
    (1, 1, 1, "1"),
    (4, "100%", 0, "100%"),
    (1, "25%", 0, "25%"),  # both are nothing: Kubernetes takes one pod away
    (1, "25%", "0%", "25%"),
    (1, "25%", "1%", ""),  # a surge is rounded up
    (0, 1, 1, ""),  # there is no pod to go
]


@pytest.mark.parametrize(("replicas", "unavailable", "surge", "lets_go"), SHARES)
def test_shares_are_rounded_as_kubernetes_does(replicas: int, unavailable: Any, surge: Any, lets_go: str) -> None:
    assert deployment(replicas, maxUnavailable=unavailable, maxSurge=surge).max_unavailable == lets_go


def test_a_workload_is_read_with_the_defaults_of_its_kind() -> None:
    plain = GatedWorkload(DEPLOYMENT, progress_deadline=600)
    assert read_gated_workload(raw(), "apps/v1", "Deployment") == plain
    assert read_gated_workload(raw(replicas=4), "apps/v1", "Deployment").max_unavailable == "25%"


def test_a_stateful_set_has_no_settings_that_could_be_better() -> None:
    read = read_gated_workload(raw(replicas=4, updateStrategy={"type": "RollingUpdate"}), "apps/v1", "StatefulSet")
    assert read == GatedWorkload(Owner("apps/v1", "StatefulSet", "users", "d1"))


ROLLOUTS: list[tuple[Manifest, str]] = [
    ({"canary": {}}, "25%"),
    ({"canary": {"maxUnavailable": 0, "maxSurge": 1}}, ""),
    ({"blueGreen": {"activeService": "users"}}, ""),  # the old pods stay until the new ones are ready
    ({}, ""),
]


@pytest.mark.parametrize(("strategy", "lets_go"), ROLLOUTS)
def test_a_rollout_has_its_shares_elsewhere(strategy: Manifest, lets_go: str) -> None:
    read = read_gated_workload(raw(replicas=4, strategy=strategy), "argoproj.io/v1alpha1", "Rollout")
    assert read == GatedWorkload(ROLLOUT, progress_deadline=600, max_unavailable=lets_go)


def test_a_workload_without_a_template_or_label_waits_for_nothing() -> None:
    empty: list[Manifest] = [{}, {"spec": {}}, {"spec": {"template": {"metadata": {"labels": None}}}}]
    for one in empty:
        assert not waits_for(one)
    assert waits_for(raw()) == "users"


UNREADABLE: list[tuple[Any, str]] = [
    ("9" * 5000 + "%", f'is "{"9" * 40}… (5001 characters)", not a number of pods or a percentage'),
    ("one", 'is "one", not a number of pods or a percentage'),
    ("1e999999999", 'is "1e999999999", not a number of pods or a percentage'),  # as a fraction it takes for ever
    ("1/0", 'is "1/0", not a number of pods or a percentage'),
    (-1, "is -1, not a number of pods or a percentage"),
    (True, "is true, not a number of pods or a percentage"),
    ([], "is a list with 0 entries, not a number of pods or a percentage"),
]


@pytest.mark.parametrize(("written", "said"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_share_that_cannot_be_read_is_the_default_and_is_told(written: Any, said: str) -> None:
    strategy = {"canary": {"maxUnavailable": written, "maxSurge": written}}
    read = read_gated_workload(raw(replicas=4, strategy=strategy), "argoproj.io/v1alpha1", "Rollout")
    assert read.max_unavailable == "25%"
    assert read.unreadable == (f"spec.strategy.canary.maxUnavailable {said}", f"spec.strategy.canary.maxSurge {said}")


@pytest.mark.parametrize("number", [None, "4", 10**5000, -1, {}], ids=range(5))
def test_numbers_that_cannot_be_read_are_those_of_kubernetes(number: Any) -> None:
    read = read_gated_workload(raw(replicas=number, progressDeadlineSeconds=number), "apps/v1", "Deployment")
    assert (read.progress_deadline, read.max_unavailable) == (600, "")
    fields = [one.split()[0] for one in read.unreadable]
    assert fields == ([] if number is None else ["spec.progressDeadlineSeconds", "spec.replicas"])


def told(workload: GatedWorkload, deadline: str = "10m") -> list[str]:
    notices = [
        one
        for one in plan(seen({"policy": {"deadline": deadline}}, workloads=(workload,))).notices
        if one.occasion is Occasion.ROLLOUT_AT_RISK
    ]
    assert all(one == Notice(one.occasion, one.note, warning=True, regarding=workload.owner) for one in notices)
    return [one.note for one in notices]


def test_settings_that_suit_a_gate_are_not_spoken_of() -> None:
    assert told(GatedWorkload(DEPLOYMENT, progress_deadline=600)) == []
    assert told(GatedWorkload(DEPLOYMENT)) == []


def test_a_deadline_before_that_of_the_migration_is_told_with_the_one_to_set() -> None:
    assert told(GatedWorkload(DEPLOYMENT, progress_deadline=600), "1h") == [
        (
            "progressDeadlineSeconds 600 is shorter than spec.policy.deadline 1h of DatabaseMigration users: a rollout"
            " can be called failed while the migration still runs; set spec.progressDeadlineSeconds to 3660 or more,"
            " or a shorter spec.policy.deadline"
        )
    ]
    assert told(GatedWorkload(DEPLOYMENT, progress_deadline=600), "600s") == []
    assert len(told(GatedWorkload(DEPLOYMENT, progress_deadline=600), "600001ms")) == 1


def test_recreate_is_an_outage() -> None:
    (note,) = told(GatedWorkload(DEPLOYMENT, recreates=True))
    assert "an outage for as long as DatabaseMigration users takes; set spec.strategy.type to RollingUpdate" in note
    raw_recreate = raw(replicas=4, strategy={"type": "Recreate"}, progressDeadlineSeconds=2147483647)
    assert read_gated_workload(raw_recreate, "apps/v1", "Deployment").recreates


@pytest.mark.parametrize(
    ("owner", "path"), [(DEPLOYMENT, "spec.strategy.rollingUpdate"), (ROLLOUT, "spec.strategy.canary")]
)
def test_old_pods_that_may_go_are_told_with_what_to_set(owner: Owner, path: str) -> None:
    assert told(GatedWorkload(owner, max_unavailable="25%")) == [
        (
            "maxUnavailable 25% lets old pods go while new ones wait at their gate; set maxUnavailable to 0 and"
            f" maxSurge to 1 or more in {path}"
        )
    ]


def test_another_number_of_pods_is_no_other_risk() -> None:
    assert told(deployment(4)) == told(deployment(40))


def test_each_cause_is_a_warning_of_its_own() -> None:
    assert len(told(GatedWorkload(DEPLOYMENT, progress_deadline=1, max_unavailable="1"))) == 2


def test_a_specification_that_cannot_be_read_asks_for_nothing() -> None:
    workloads = (GatedWorkload(DEPLOYMENT, max_unavailable="1"),)
    occasions = [one.occasion for one in plan(seen(unreadable="spec.source", workloads=workloads)).notices]
    assert Occasion.ROLLOUT_AT_RISK not in occasions


def test_a_label_that_names_no_migration_is_told_to_each_workload() -> None:
    notices = rollouts.without_migration([GatedWorkload(DEPLOYMENT), GatedWorkload(ROLLOUT)], "users")
    assert [(one.occasion, one.warning, one.regarding) for one in notices] == [
        (Occasion.ROLLOUT_AT_RISK, True, DEPLOYMENT),
        (Occasion.ROLLOUT_AT_RISK, True, ROLLOUT),
    ]
    assert "names DatabaseMigration users, which does not exist in this namespace" in notices[0].note


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Rollout"])
def test_nothing_is_told_of_a_workload_that_is_being_deleted(kind: str) -> None:
    going = raw(strategy={"type": "Recreate"}, progressDeadlineSeconds=1)
    going["metadata"] |= {"deletionTimestamp": "2026-03-01T12:00:00Z"}
    found = read_gated_workload(going, "apps/v1", kind)
    assert told(found) == []
    assert rollouts.without_migration([found], "users") == ()
