"""The runner in its ConfigMap is code that runs with Secrets of databases: only the operator writes it."""

import base64
import os
from collections.abc import Iterator
from functools import partial

import pytest

from tests.api.gates import new_namespace
from tests.api.people import CONFIG_MAP, CONFIG_MAPS, RUNNER, Person, anybody, forbidden, named, operator, policy
from tests.api.rest import Manifest, Rest
from tools import build_runner

OTHER = "b3RoZXI="


@pytest.fixture(scope="module")
def home(rest: Rest) -> str:
    """Give the operator a namespace."""
    return new_namespace(rest)


@pytest.fixture(scope="module")
def policies(rest: Rest, home: str) -> Iterator[None]:
    """Have the policy of an operator that serves the whole cluster."""
    somewhere = new_namespace(rest)
    with policy(rest, "runner", lambda: rest.create(RUNNER, somewhere, dryRun="All"), "--namespace", home):
        yield


@pytest.fixture
def alice(rest: Rest, namespace: str, policies: None) -> Person:  # noqa: ARG001  they must be there
    """Let somebody write ConfigMaps."""
    return anybody(rest, namespace, CONFIG_MAPS)


@pytest.fixture
def runner(rest: Rest, namespace: str, home: str, policies: None) -> Manifest:  # noqa: ARG001  they must be there
    made: Manifest = operator(rest, home).apply(RUNNER, namespace)
    return made


def test_nobody_but_the_operator_may_be_first_to_write_it(alice: Person, rest: Rest, namespace: str) -> None:
    for who in (alice, rest):
        for attempt in (who.create, who.apply):
            said = forbidden(partial(attempt, RUNNER, namespace))
            assert "only the operator writes it (system:serviceaccount:" in said
    alice.create(named(CONFIG_MAP, "alembic-operator-runner-of-mine"), namespace)
    alice.create(CONFIG_MAP | {"metadata": {"generateName": "alembic-operator-runner"}}, namespace)


CHANGES: dict[str, Manifest] = {
    "other content": {"binaryData": {"runner.pyz": OTHER}},
    "no content": {"binaryData": None},
    "a file beside it": {"binaryData": {"sitecustomize.py": OTHER}},
    "a text beside it": {"data": {"sitecustomize.py": "import os"}},
    "a lock": {"immutable": True},
}


@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nobody_may_give_it(alice: Person, rest: Rest, namespace: str, change: Manifest) -> None:
    for who in (alice, rest):
        forbidden(partial(who.merge, RUNNER, change, namespace))
    forbidden(lambda: alice.replace(RUNNER | change, namespace))


def test_what_keeps_its_content_is_nobodys_harm(alice: Person, runner: Manifest, namespace: str) -> None:
    alice.merge(RUNNER, {"metadata": {"labels": {"team": "shop"}}}, namespace)
    alice.replace(alice.get(CONFIG_MAP, namespace, runner["metadata"]["name"]), namespace)
    alice.delete(RUNNER, namespace)


@pytest.mark.usefixtures("runner")
def test_the_operator_brings_another_one(rest: Rest, home: str, namespace: str) -> None:
    mine = operator(rest, home)
    mine.apply(RUNNER | {"binaryData": {"runner.pyz": OTHER}}, namespace)
    mine.merge(RUNNER, CHANGES["a text beside it"], namespace)


@pytest.mark.usefixtures("policies")
def test_a_config_map_holds_the_largest_runner_that_the_build_makes(rest: Rest, home: str, namespace: str) -> None:
    largest = base64.b64encode(os.urandom(build_runner.LIMIT)).decode()
    operator(rest, home).apply(RUNNER | {"binaryData": {"runner.pyz": largest}}, namespace)
