"""Who needs no gate: images whose revisions the database is known to contain, and pods that a person lets through."""

import pytest

from tests.api.chart import Manifest
from tests.api.gates import (
    ADDRESS,
    BY_SET,
    CONTAINER,
    DIGEST,
    GATE,
    IMAGE,
    LABEL,
    PINNED,
    STRATEGY,
    Door,
    container,
    gate,
    inits,
    new_namespace,
    pod,
    said,
)

pytest_plugins = ["tests.api.gate_fixtures"]

KNOWN = {"observedGeneration": 1, "knownImages": ["sha256:" + "b" * 64, DIGEST]}
SATISFIED = {GATE: "Satisfied"}


def pinned(annotations: dict[str, str] | None = None, image: str = PINNED) -> Manifest:
    return pod(annotations, containers=[container(image=image)])


def passes(door: Door, wanted: Manifest) -> Manifest:
    """Return a pod as soon as its migration is known to know its image."""
    return door.when(wanted, lambda made: said(made).get(GATE) == "Satisfied")


def waits(door: Door, wanted: Manifest) -> Manifest:
    """Return a pod as soon as it gets a gate, and see that it says nothing else of itself."""
    made = door.when(wanted, lambda made: inits(made) == ["alembic-gate"])
    assert GATE not in said(made)
    return made


@pytest.mark.parametrize("image", [PINNED, f"registry.test:5000/users@{DIGEST}", f"users@{DIGEST}"])
@pytest.mark.parametrize("strategy", ["Job", "InitContainer"])
def test_an_image_whose_digest_is_known_needs_no_gate(door: Door, image: str, strategy: str) -> None:
    door.migrate(strategy=strategy)
    door.tell(KNOWN)
    made = passes(door, pinned(image=image))
    assert inits(made) == []
    assert "volumes" not in made["spec"]
    assert said(made) == {CONTAINER: "app", GATE: "Satisfied"}


def test_a_gate_of_before_is_taken_out_when_the_image_is_known(door: Door) -> None:
    door.migrate()
    before = waits(door, pinned())
    door.tell(KNOWN)
    metadata = {"name": "again", "labels": {LABEL: "users"}, "annotations": said(before)}
    made = passes(door, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": before["spec"]})
    assert inits(made) == []


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"observedGeneration": 1},
        {"observedGeneration": 1, "knownImages": []},
        {"observedGeneration": 1, "knownImages": ["sha256:" + "b" * 64]},
        {"observedGeneration": 1, "knownImages": [DIGEST[:-1]]},
        {"observedGeneration": 0, "knownImages": [DIGEST]},
    ],
)
def test_an_image_that_is_not_known_gets_a_gate(door: Door, status: Manifest) -> None:
    door.migrate()
    door.tell(status)
    waits(door, pinned())


@pytest.mark.parametrize("image", [IMAGE, "registry.test/users", f"registry.test/users:{DIGEST[7:]}"])
def test_an_image_without_a_digest_is_never_known(door: Door, image: str) -> None:
    door.migrate()
    door.tell(KNOWN | {"knownImages": [DIGEST, image, DIGEST[7:]]})
    passes(door, pinned())
    waits(door, pinned(image=image))


def test_a_specification_that_the_operator_has_not_seen_yet_knows_no_image(door: Door) -> None:
    made = door.migrate()
    door.tell(KNOWN)
    passes(door, pinned())
    door.rest.merge(made, {"spec": {"policy": {"databaseAhead": "Block"}}}, door.namespace)
    found = gate(waits(door, pinned()))
    assert found["command"][-1] == "--database-ahead=Block"
    door.tell({"observedGeneration": 2, "knownImages": [DIGEST]})
    passes(door, pinned())


def test_images_that_are_no_longer_known_get_a_gate_again(door: Door) -> None:
    door.migrate()
    door.tell(KNOWN)
    passes(door, pinned())
    door.tell({"knownImages": None})
    waits(door, pinned())


def test_only_the_container_that_is_named_counts(door: Door) -> None:
    door.migrate()
    door.tell(KNOWN)
    passes(door, pinned())
    both = [container("proxy", PINNED), container()]
    assert inits(passes(door, pod(containers=both))) == []
    waits(door, pod({CONTAINER: "app"}, containers=both))


@pytest.mark.parametrize("claim", ["Satisfied", "Open", ""])
def test_what_a_template_says_of_itself_is_corrected(door: Door, claim: str) -> None:
    door.migrate()
    door.gated()
    assert said(door.admit(pod({GATE: claim, STRATEGY: "InitContainer", "team": "shop"}))) == {
        CONTAINER: "app",
        "team": "shop",
    }


def test_an_image_by_tag_that_calls_itself_satisfied_is_refused_also_where_nobody_can_correct_it(door: Door) -> None:
    door.migrate()
    door.gated()
    nobodys = pod(SATISFIED, {LABEL: "nobody"})
    assert "there is no DatabaseMigration nobody" in door.refuse(nobodys)


def test_a_template_does_not_say_who_runs_the_migration(door: Door) -> None:
    door.migrate(strategy="InitContainer")
    door.gated()
    made = door.admit(pod({STRATEGY: "Job"}))
    assert said(made)[STRATEGY] == "InitContainer"
    door.tell(KNOWN)
    assert STRATEGY not in said(passes(door, pinned({STRATEGY: "InitContainer"})))


def test_a_template_that_calls_itself_satisfied_is_refused_while_the_address_is_unknown(door: Door) -> None:
    door.migrate(database=BY_SET)
    door.when_refused(pod(SATISFIED))
    door.tell({"observedGeneration": 1, "database": ADDRESS})
    waits(door, pod(SATISFIED))


def test_a_skipped_pod_is_left_as_it_is_with_and_without_a_migration(door: Door) -> None:
    skipped = {GATE: "Skip"}
    assert said(door.admit(pod(skipped))) == skipped
    door.migrate()
    door.gated()
    made = door.admit(pod(skipped))
    assert (inits(made), said(made)) == ([], skipped)


def test_a_skipped_pod_is_let_through_whatever_else_is_wrong(door: Door) -> None:
    door.migrate(database=BY_SET)
    door.refuse(pod({CONTAINER: "nobody"}))
    door.admit(pod({GATE: "Skip", CONTAINER: "nobody"}))


MISSING = (
    "there is no DatabaseMigration {name} in namespace {namespace} yet, or the address of its StatefulSet is not known"
    " yet (kubectl get dbm {name}), or the MutatingAdmissionPolicy release-alembic-operator-gate is gone"
)


def only_sentence(door: Door, refusal: str, name: str = "users") -> bool:
    """Tell whether a refusal says what is missing, once."""
    wanted = MISSING.format(name=name, namespace=door.namespace)
    return wanted in refusal and refusal.count("ValidatingAdmissionPolicy") == 1 and refusal.count("denied") == 1


def test_a_pod_is_refused_in_words_while_its_migration_is_not_there(door: Door) -> None:
    assert only_sentence(door, door.refuse(pod()))
    door.migrate("agents")
    door.when(pod(labels={LABEL: "agents"}), lambda made: bool(inits(made)))
    assert only_sentence(door, door.refuse(pod()))
    assert only_sentence(door, door.refuse(pod(labels={LABEL: ""})), "")
    made = door.migrate()
    door.gated()
    door.rest.delete(made, door.namespace)
    assert only_sentence(door, door.when_refused(pod()))


def test_a_migration_of_another_namespace_is_another_one(door: Door) -> None:
    other = Door(door.rest, new_namespace(door.rest))
    other.migrate()
    other.gated()
    assert only_sentence(door, door.refuse(pod()))


def test_a_pod_is_refused_in_words_until_the_address_of_the_stateful_set_is_known(door: Door) -> None:
    door.migrate("agents")
    made = door.migrate(database=BY_SET)
    door.when(pod(labels={LABEL: "agents"}), lambda made: bool(inits(made)))
    assert only_sentence(door, door.refuse(pod()))
    door.tell({"observedGeneration": 1, "database": ADDRESS})
    env = {one["name"]: one.get("value") for one in gate(waits(door, pod()))["env"]}
    assert (env["PGHOST"], env["PGPORT"]) == (ADDRESS["host"], "6432")
    door.rest.merge(made, {"spec": {"database": {"statefulSetRef": {"name": "other"}}}}, door.namespace)
    assert only_sentence(door, door.when_refused(pod()))


def test_a_container_that_the_pod_does_not_have_is_named_in_one_sentence(door: Door) -> None:
    door.migrate()
    door.gated()
    words = door.refuse(pod({CONTAINER: "nobody"}, containers=[container(), container("proxy")]))
    sentence = (
        "the annotation alembic-operator.dev/container names nobody, which is not a container of this pod (app, proxy)"
    )
    assert words.endswith(f"denied request: {sentence}")


def test_of_many_migrations_only_the_one_that_is_named_counts(door: Door) -> None:
    for number in range(20):
        door.migrate(f"m{number}", alembic={"target": f"r{number}"})
    for number in (0, 7, 19):
        made = waits(door, pod(labels={LABEL: f"m{number}"}))
        assert gate(made)["command"][-1] == f"--target=r{number}"
