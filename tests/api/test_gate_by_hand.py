"""The chart on a cluster before Kubernetes 1.36, which cannot put the gate into pods: templates bring it."""

from collections.abc import Iterator

import pytest

from tests.api.chart import Manifest
from tests.api.gates import (
    CONTAINER,
    GATE,
    IMAGE,
    PINNED,
    Door,
    container,
    inits,
    installed,
    pod,
    policies_of,
)
from tests.api.rest import Rest

MISSING = (
    "a pod with the label alembic-operator.dev/migration needs the init container alembic-gate: the chart was rendered"
    " for an API server that cannot add it (Kubernetes 1.36 can), so the template must have it; see docs/howto/gate.md."
)


@pytest.fixture(scope="module")
def policies(rest: Rest) -> Iterator[None]:
    """Have the policies as on a cluster before Kubernetes 1.36."""
    yield from installed(rest, policies_of())


@pytest.fixture
def door(rest: Rest, namespace: str, policies: None) -> Door:  # noqa: ARG001  they must be there
    return Door(rest, namespace)


def gated(image: str = IMAGE, annotations: dict[str, str] | None = None, app: str = IMAGE) -> Manifest:
    """Return a pod whose template has a gate."""
    written = container("alembic-gate", image, command=["python3", "/alembic-operator/runner.pyz", "gate"])
    return pod(annotations, containers=[container(image=app), container("proxy", PINNED)], initContainers=[written])


@pytest.mark.parametrize("is_there", [True, False])
def test_a_gate_that_the_template_brings_is_accepted_as_it_is(door: Door, is_there: bool) -> None:
    if is_there:
        door.migrate()
    made = door.admit(gated())
    assert inits(made) == ["alembic-gate"]
    assert "annotations" not in made["metadata"]


def test_the_gate_of_a_container_that_is_named_has_its_image(door: Door) -> None:
    assert inits(door.admit(gated(PINNED, {CONTAINER: "proxy"}))) == ["alembic-gate"]


@pytest.mark.parametrize("claim", [{}, {GATE: "Satisfied"}, {GATE: "Open"}])
def test_a_pod_without_a_gate_is_refused_whatever_it_says_of_itself(door: Door, claim: dict[str, str]) -> None:
    door.migrate()
    words = door.refuse(pod(claim))
    assert words.count(MISSING) == words.count("denied") == 1


@pytest.mark.parametrize(("image", "container_named"), [("registry.test/users:0", "app"), (IMAGE, "proxy")])
def test_a_gate_with_another_image_is_refused(door: Door, image: str, container_named: str) -> None:
    words = door.refuse(gated(image, {CONTAINER: container_named}))
    wanted = IMAGE if container_named == "app" else PINNED
    sentence = f"the init container alembic-gate must have the image of the container {container_named}, {wanted}"
    assert words.endswith(f"denied request: {sentence}, not {image}")


def test_a_container_that_the_pod_does_not_have_is_named_in_one_sentence(door: Door) -> None:
    words = door.refuse(gated(annotations={CONTAINER: "nobody"}))
    sentence = "the annotation alembic-operator.dev/container names nobody, which is not a container of this pod"
    assert words.endswith(f"denied request: {sentence} (app, proxy)")


def test_a_skipped_pod_and_one_without_the_label_need_no_gate(door: Door) -> None:
    others = pod()
    del others["metadata"]["labels"]
    for wanted in (pod({GATE: "Skip"}), others):
        assert inits(door.admit(wanted)) == []
