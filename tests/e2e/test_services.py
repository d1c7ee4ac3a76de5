"""The five services of `examples/services`, step by step as its guide has them: one of them fails, and is repaired."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from demo import setup
from demo.expectation import UnmetError
from demo.screen import Screen
from demo.setup import PROJECT
from devcluster.recipe import Recipe
from tests.e2e.database import Database
from tests.e2e.migration import PATIENCE, Migration
from tests.e2e.plugin import ask

if TYPE_CHECKING:
    from demo.access import Access

FOLDER = PROJECT / "examples" / "services"
WITH_IMAGES = ("agents", "chat", "tracing", "admin")
"""Those of users are on the stage already."""
TRAIN = ("rights", "users", "agents", "chat", "tracing")
"""In the order of dependsOn."""
LABEL = "app.kubernetes.io/part-of=platform"


@pytest.fixture(scope="module")
def platform(access: Access) -> dict[str, Migration]:
    """Apply everything but the services; return what there will be."""
    for name in WITH_IMAGES:
        project = PROJECT / "migrations" / name
        setup.build(Screen(colours=False), Recipe(project / "Dockerfile", f"localhost/{name}:v1", project))
    access.kubectl("delete", "dbm", "agents", "chat", "--ignore-not-found")  # of other examples
    access.apply_text((FOLDER / "1-roles.yaml").read_text())
    access.kubectl("wait", "--for=condition=complete", "job/roles", f"--timeout={PATIENCE:.0f}s")
    access.apply_text((FOLDER / "2-rights.yaml").read_text())
    found = {name: Migration(access, name, Database(access, "platform")) for name in (*TRAIN, "admin")}
    found["rights"].until_ready()
    return found


def test_a_service_that_fails_holds_those_after_it_alone_and_they_go_on_when_it_is_repaired(
    platform: dict[str, Migration], access: Access
) -> None:
    database = platform["chat"].database
    database.rows("CREATE VIEW chat.messages AS SELECT 1")  # somebody made it by hand
    access.apply_text((FOLDER / "3-services.yaml").read_text())
    code, said = ask(access, "status", "-l", LABEL, "--exit", "--timeout=5m")
    assert (code, "chat: STALLED (RevisionFailed)" in said, 'relation "messages" already exists' in said) == (
        3,
        True,
        True,
    ), said
    for name in ("users", "agents", "admin"):
        platform[name].until_ready()
    assert "chat (not Ready)" in platform["tracing"].until_reason("WaitingForDependency").message
    assert platform["tracing"].jobs() == []
    assert database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'tracing'") == []
    code, said = ask(access, "tree", "-l", LABEL)
    at = access.namespace
    assert (code, said.splitlines()) == (
        3,
        [
            f"{at}/admin: ready (UpToDate)",
            f"└── {at}/rights: ready (UpToDate)",
            "",
            f"{at}/tracing: not ready yet (WaitingForDependency)",
            f"└── {at}/chat: STALLED (RevisionFailed)",
            f"    └── {at}/agents: ready (UpToDate)",
            f"        └── {at}/users: ready (UpToDate)",
            f"            └── {at}/rights: ready (UpToDate)",
        ],
    )

    database.rows("DROP VIEW chat.messages")
    assert ask(access, "retry", "chat")[0] == 0
    assert ask(access, "status", "-l", LABEL, "--exit", "--timeout=5m")[0] == 0
    code, said = ask(access, "status", "-l", LABEL)
    assert (code, said.splitlines()[0]) == (0, "6 ready"), said
    runs = [platform[name].status()["lastRun"] for name in TRAIN]
    assert all(run["finishedAt"] <= after["startedAt"] for run, after in pairwise(runs)), runs


def test_each_service_reads_what_it_may_and_writes_nothing_there(platform: dict[str, Migration]) -> None:
    database = platform["users"].database
    agents = replace(database, user="agents")
    agents.rows(
        "INSERT INTO agents.agents (name, settings) SELECT email, jsonb_build_object('owner', id) FROM users.users"
    )
    joined = "SELECT count(*) FROM agents.agents a JOIN users.users u ON u.id::text = a.settings->>'owner'"
    assert agents.rows(joined) == ["4"]
    with pytest.raises(UnmetError, match="permission denied for table users"):
        agents.rows("UPDATE users.users SET email = ''")
    with pytest.raises(UnmetError, match="permission denied for schema users"):
        replace(database, user="admin").rows("TABLE users.users")
