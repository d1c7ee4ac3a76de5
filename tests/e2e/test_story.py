"""The demo tells its story from beginning to end, and the facts of it are true."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from demo.access import access as access_to
from demo.operators import release_of
from demo.setup import PROJECT
from tests.e2e.conftest import NAMESPACE as STAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.access import Access
    from tests.e2e.conftest import Stage

NAMESPACE = f"{STAGE}-shop"
SECONDS = 600.0
PACE = 4.0
USERS, NAMES, INDEX, UNIQUE = "4a1d8f6b02c7", "7e93c15ad48b", "b60f27d9e1a3", "d25c8a41f7e6"

Facts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def shop(stage: Stage) -> Iterator[Access]:
    assert stage
    _demo("clean").wait(SECONDS)  # what a run that was interrupted has left
    yield access_to(NAMESPACE)
    _demo("clean").wait(SECONDS)


@pytest.fixture(scope="module")
def facts(stage: Stage, shop: Access, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    path = tmp_path_factory.mktemp("story") / "facts.json"
    told = _demo("run", f"--facts={path}")
    end = time.monotonic() + SECONDS
    while not _ended(told):
        assert time.monotonic() < end
        stage.evidence.logs(shop, "--selector=app=users")  # some of them will be gone before the end
    stage.evidence.logs(shop)
    assert told.returncode == 0
    found: Facts = json.loads(path.read_text())
    return found


def test_the_pods_of_each_good_release_wait_at_their_gates_until_the_database_is_ready(facts: Facts) -> None:
    for release in ("v1", "v2", "v4"):
        assert facts[release]["started"]
        assert facts[release]["reason"] == "UpToDate"
    for release in ("v1", "v2"):
        assert facts[release]["gate"]


def test_no_request_fails_during_any_rollout(facts: Facts) -> None:
    assert [facts[release]["failed"] for release in facts] == [0, 0, 0, 0]
    assert set(facts["v4"]["answered"]) == {"v1", "v2", "v4"}
    assert min(facts["v4"]["answered"].values()) > 0


def test_a_release_whose_revision_fails_is_stalled_in_words_that_help_and_none_of_its_pods_starts(facts: Facts) -> None:
    broken = facts["v3"]
    assert broken["reason"] == "RevisionFailed"
    for part in (UNIQUE, "23505", "could not create unique index"):
        assert part in broken["message"]
    assert not broken["started"]
    assert "v3" not in broken["answered"]


def test_the_database_contains_exactly_the_revisions_of_the_last_good_release(facts: Facts) -> None:
    assert {release: seen["revisions"] for release, seen in facts.items()} == {
        "v1": [USERS],
        "v2": [INDEX],
        "v3": [INDEX],
        "v4": [UNIQUE],
    }


def test_cleaning_up_leaves_nothing_of_the_demo(facts: Facts, shop: Access) -> None:
    assert facts
    assert _demo("clean").wait(SECONDS) == 0
    namespaces = {one["metadata"]["name"] for one in shop.get("namespaces")["items"]}
    assert not {NAMESPACE, release_of(NAMESPACE)} & namespaces
    claims = [one["spec"].get("claimRef", {}).get("namespace") for one in shop.get("persistentvolumes")["items"]]
    assert NAMESPACE not in claims
    assert release_of(NAMESPACE) not in shop.helm("list", "--all-namespaces", "--short").split()


def _demo(command: str, *options: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "demo", command, f"--namespace={NAMESPACE}", *options]
    return subprocess.Popen(words, cwd=PROJECT)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(PACE)
    except subprocess.TimeoutExpired:
        return False
    return True
