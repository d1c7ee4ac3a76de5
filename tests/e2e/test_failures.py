"""What goes wrong in practice: each has its reason, a message that helps, and a way back.

All of it is started at once, and then looked at one by one.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.migration import Migration, database, reconciling
from tests.e2e.project import chain, revision, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.access import Access
    from tests.e2e.conftest import Start
    from tests.e2e.migration import Manifest

WRONG_PASSWORD = "n0t/th3:r1ght@one%"
SECONDS = 40.0
"""For what the kubelet says at once."""


def secret(name: str, password: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"POSTGRES_PASSWORD": password},
    }


@pytest.fixture(scope="module")
def password(access: Access) -> str:
    return base64.b64decode(access.get("secret", "postgres")["data"]["POSTGRES_PASSWORD"]).decode()


@pytest.fixture(scope="module")
def failing(start: Start, apply: Callable[[Manifest], None]) -> dict[str, Migration]:
    apply(secret("wrong", WRONG_PASSWORD))
    one = chain("r1")
    nowhere = {name: value for name, value in database("unknown_host").items() if name != "statefulSetRef"}
    failed = chain("r1") | revision("r2", "r1", step("r2"), "SELECT 1 / 0 AS nothing")
    heads = one | revision("r2", "r1", step("r2")) | revision("r3", "r1", step("r3"))
    made = [
        start("unknown-host", one, database=nowhere | {"host": "nowhere"}),
        start("wrong-password", one, database=database("wrong_password", password="wrong")),
        start("missing-secret", one, database=database("missing_secret", password="absent")),
        start("missing-image", one, source={"image": "localhost/nowhere:1"}),
        start("missing-ini", one, source={"image": "localhost/users:v1"}, alembic={"config": "nowhere.ini"}),
        start("missing-key", one, alembic={"config": "other.ini"}),
        start("two-heads", heads, alembic={"target": "head"}),
        start("failing-revision", failed),
    ]
    return {migration.name: migration for migration in made}


def test_a_missing_secret_is_named_within_seconds(
    failing: dict[str, Migration], apply: Callable[[Manifest], None], password: str
) -> None:
    migration = failing["missing-secret"]
    told = migration.until_reason("SecretNotFound", SECONDS)
    assert '"absent" not found' in told.message
    assert reconciling(migration.raw())
    apply(secret("absent", password))  # the kubelet takes its time to look again: see below


def test_an_image_that_cannot_be_pulled_is_named_and_a_corrected_source_runs_at_once(
    failing: dict[str, Migration],
) -> None:
    migration = failing["missing-image"]
    told = migration.until_reason("ImagePullFailed", SECONDS)
    assert "nowhere:1" in told.message
    assert reconciling(migration.raw())
    migration.patch(source={"image": None, "configMapRef": {"name": migration.name}})
    migration.until_ready()
    assert len(migration.jobs()) == 1


def test_an_image_without_alembics_configuration_is_stalled_and_the_message_names_the_file(
    failing: dict[str, Migration],
) -> None:
    told = failing["missing-ini"].until_stalled()
    assert told.reason == "ConfigInvalid"
    assert "/app/nowhere.ini does not exist" in told.message
    assert "spec.alembic.config" in told.message


def test_a_config_map_without_alembics_configuration_is_waited_for(failing: dict[str, Migration]) -> None:
    migration = failing["missing-key"]
    told = migration.until_reason("WaitingForConfigMap", SECONDS)
    assert "ConfigMap missing-key has no key other.ini" in told.message
    migration.patch(alembic={"config": "alembic.ini"})
    migration.until_ready()


def test_two_heads_are_stalled_when_the_target_is_head_and_go_through_when_it_is_heads(
    failing: dict[str, Migration],
) -> None:
    migration = failing["two-heads"]
    told = migration.until_stalled()
    assert told.reason == "MultipleHeads"
    assert "r2" in told.message
    assert "r3" in told.message
    assert migration.database.applied() == []
    migration.patch(alembic={"target": "heads"})
    migration.until_ready()
    assert migration.database.heads() == ["r2", "r3"]


def test_a_failing_revision_is_stalled_with_everything_that_a_person_needs_and_nothing_of_it_stays(
    failing: dict[str, Migration], access: Access
) -> None:
    migration = failing["failing-revision"]
    told = migration.until_stalled()
    assert told.reason == "RevisionFailed"
    for part in ("r2", "22012", "division by zero"):
        assert part in told.message
        assert part in "".join(told.error.values())
    assert told.current == ("r1",)
    assert migration.database.applied() == migration.database.heads() == ["r1"]
    assert len(migration.pods()) == 1  # no retry would heal it
    assert "Warning" in access.kubectl("events", f"--for=dbm/{migration.name}", "--types=Warning")


def test_a_corrected_revision_goes_through_where_the_failed_one_stopped(
    failing: dict[str, Migration], start: Start
) -> None:
    migration = failing["failing-revision"]
    migration.until_stalled()
    start(migration.name, chain("r1", "r2"), where=migration.database)
    migration.retry()
    migration.until_ready()
    assert migration.database.applied() == ["r1", "r2"]
    assert migration.database.heads() == ["r2"]


def test_a_wrong_password_is_told_and_tried_again_and_a_corrected_secret_heals_it(
    failing: dict[str, Migration], apply: Callable[[Manifest], None], password: str
) -> None:
    migration = failing["wrong-password"]
    told = migration.until_reason("AuthenticationFailed")
    assert "password authentication failed" in told.message
    assert re.search(r"attempt \d starts at \d{4}-", told.message)
    assert reconciling(migration.raw())
    apply(secret("wrong", password))
    migration.retry()  # the next attempt would come by itself, in a minute
    migration.until_ready()


def test_an_unknown_host_is_told_and_tried_again_and_a_corrected_one_runs_at_once(
    failing: dict[str, Migration],
) -> None:
    migration = failing["unknown-host"]
    told = migration.until_reason("DatabaseUnreachable")
    assert "nowhere:5432" in told.message
    assert reconciling(migration.raw())
    migration.patch(database={"host": "postgres"})
    migration.until_ready()
    assert migration.database.began("r1") == 1


def test_a_secret_that_is_created_lets_the_migration_go_on(
    failing: dict[str, Migration], apply: Callable[[Manifest], None], password: str
) -> None:
    apply(secret("absent", password))
    failing["missing-secret"].until_ready()
    assert len(failing["missing-secret"].pods()) == 1


def test_a_server_that_restarts_in_the_middle_of_a_revision_is_healed_by_the_retry(
    start: Start, access: Access
) -> None:
    migration = start("restarted-server", chain("r1", "r2", held=("r2",)))
    migration.until_begun("r2")
    access.kubectl("delete", "pod", "postgres-0")
    access.kubectl("rollout", "status", "statefulset/postgres", "--timeout=120s")
    migration.until_ready()
    assert migration.database.applied() == ["r1", "r2"]
    assert [migration.database.began(name) for name in ("r1", "r2")] == [1, 2]
