"""The label of migration pods passes nobody by the gate but the pods of a migration's own Job."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.chart import INJECTS, Manifest
from tests.api.gates import GATE, JOB, PINNED, RUN, Door, a_run, container, inits, installed, pod, policies_of
from tests.api.rest import Rest

SENTENCE = (
    "denied request: the label alembic-operator.dev/run is for pods that a Job of a DatabaseMigration makes (named like"
    " {run}-0123456789, with both labels alike); this pod has none as its controller: take the label away, and it gets"
    " the gate of users"
)


@pytest.fixture(scope="module", params=[[INJECTS], []], ids=["injects", "only validates"])
def policies(rest: Rest, request: pytest.FixtureRequest) -> Iterator[None]:
    yield from installed(rest, policies_of(*request.param))


@pytest.fixture
def door(rest: Rest, namespace: str, policies: None) -> Door:  # noqa: ARG001  they must be there
    door = Door(rest, namespace)
    door.migrate()
    return door


def labelled(owner: Manifest | None = None, run: str = "users", **more: Any) -> Manifest:
    """Return a pod with the label of a run."""
    made = pod(labels={RUN: run}, **more)
    made["metadata"] |= {"ownerReferences": [owner]} if owner else {}
    return made


def test_the_pod_of_the_migrations_job_passes(door: Door) -> None:
    assert inits(door.admit(a_run())) == []


OTHERS: dict[str, Manifest] = {
    "that nobody controls": labelled(),
    "that its Job does not control": labelled(JOB | {"controller": False}),
    "of a ReplicaSet": labelled(JOB | {"apiVersion": "apps/v1", "kind": "ReplicaSet"}),
    "of another kind of Job": labelled(JOB | {"apiVersion": "batch.example.com/v1"}),
    "of a Job with fewer digits": labelled(JOB | {"name": "users-012345678"}),
    "of a Job with more digits": labelled(JOB | {"name": "users-0123456789a"}),
    "of a Job with other letters": labelled(JOB | {"name": "users-nightly-ab"}),
    "of a Job of another migration": labelled(JOB | {"name": "agents-0123456789"}),
    "of a Job of a migration with a longer name": labelled(JOB | {"name": "users-x-0123456789"}),
    "that says to be another migration's": labelled(JOB | {"name": "agents-0123456789"}, run="agents"),
    "that says so of nobody": labelled(JOB, run=""),
}


@pytest.mark.parametrize("wanted", OTHERS.values(), ids=OTHERS)
def test_a_pod_is_refused_in_one_sentence(door: Door, wanted: Manifest) -> None:
    words = door.refuse(wanted)
    assert words.endswith(SENTENCE.format(run=wanted["metadata"]["labels"][RUN]))
    assert words.count("denied") == 1


def test_neither_a_gate_of_its_own_nor_what_it_says_of_itself_makes_it_pass(door: Door) -> None:
    written = container("alembic-gate", command=["python3", "/alembic-operator/runner.pyz", "gate"])
    door.refuse(labelled(initContainers=[written]))
    satisfied = pod({GATE: "Satisfied"}, {RUN: "users"}, containers=[container(image=PINNED)])
    door.refuse(satisfied)


def test_who_skips_the_gate_says_so(door: Door) -> None:
    skipped = pod({GATE: "Skip"}, {RUN: "users"})
    assert inits(door.admit(skipped)) == []


def test_the_name_of_a_migration_is_no_pattern(door: Door) -> None:
    door.migrate("u.ers")
    labels = {"alembic-operator.dev/migration": "u.ers", RUN: "u.ers"}
    wanted = pod(labels=labels)
    wanted["metadata"]["ownerReferences"] = [JOB]
    door.refuse(wanted)
    wanted["metadata"]["ownerReferences"] = [JOB | {"name": "u.ers-0123456789"}]
    assert inits(door.admit(wanted)) == []
