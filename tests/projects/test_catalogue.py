"""Public projects as their wheels bring them: the runner leaves the database that their own command leaves."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from alembic_operator.contract import RESULT_BYTES
from tests.projects.catalogue import Entry, entries
from tests.projects.trial import SECONDS, Trial, contents
from tests.runner import server
from tests.runner.conftest import pyz  # noqa: F401  # a fixture
from tests.runner.project import Runner
from tests.runner.server import Database, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Servers = Callable[[str], Database]

pytestmark = pytest.mark.timeout(3600)
"""A project is installed and started a dozen times."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Start each version of PostgreSQL that a project wants, once."""
    with ExitStack() as stack:
        running: dict[str, Database] = {}

        def started(version: str) -> Database:
            if version not in running:
                running[version] = stack.enter_context(server.own(version=version)).database
                running[version].rows("create role plain login superuser password 'plain'")
            return running[version]

        yield started


@pytest.fixture(params=entries(), ids=lambda entry: entry.name)
def trial(request: pytest.FixtureRequest, pyz: Path, tmp_path: Path) -> Iterator[Trial]:  # noqa: F811
    entry: Entry = request.param
    version = server.debian() if entry.server == "debian" else entry.server
    entry = replace(entry, server=version)
    folder, scratch = tmp_path / "elsewhere", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    python = entry.installed.python
    with closing(Runner(pyz, scratch, python)) as runner:
        yield Trial(entry, python, runner, folder, server.programs(version))


@pytest.fixture
def make(trial: Trial, servers: Servers) -> Iterator[Callable[[], Database]]:
    """Make databases, for a user whose password any settings file can hold."""
    main = servers(trial.entry.server)
    names: list[str] = []

    def made() -> Database:
        names.append(f"test_{uuid.uuid4().hex[:12]}")
        main.rows(f"create database {names[-1]} template template0")
        return replace(main, name=names[-1], user="plain", password="plain")

    yield made
    for name in names:
        main.rows(f"drop database {name} with (force)")


def test_a_project_gets_the_database_that_its_own_command_makes(
    trial: Trial, make: Callable[[], Database], servers: Servers
) -> None:
    plain = make()
    trial.plain(plain)
    expected = trial.schema(plain), contents(plain)

    whole = _led(trial, make(), servers)
    _goes_to_its_head(trial, whole)
    assert (trial.schema(whole), contents(whole)) == expected

    killed = _led(trial, make(), servers)
    _is_killed_in_the_middle(trial, killed)
    assert (trial.schema(killed), contents(killed)) == expected


def _led(trial: Trial, database: Database, servers: Servers) -> Database:
    """Take the user whose password no settings file could hold: only the runner is given it."""
    main = servers(trial.entry.server)
    return replace(database, user=main.user, password=main.password)


def _goes_to_its_head(trial: Trial, database: Database) -> None:
    revisions = trial.entry.revisions
    before = trial.run("check", database)
    assert (before.code, before.result.reason, before.result.pending) == (0, "Pending", revisions), before.stderr
    planned = trial.run("plan", database)
    assert planned.code == 0, planned.stderr
    done = trial.run("upgrade", database)
    assert (done.code, done.result.reason, done.result.pending) == (0, "UpToDate", 0), done.stderr
    assert (done.result.applied_count, len(done.said("revision applied"))) == (revisions, revisions)
    again = trial.run("upgrade", database)
    assert (again.code, again.result.reason, again.result.applied_count) == (0, "UpToDate", 0), again.stderr
    looks = [trial.run(command, database) for command in ("check", "gate")]
    assert [(one.code, one.result.reason) for one in looks] == [(0, "UpToDate")] * 2, [one.stderr for one in looks]
    for one in (before, planned, done, again, *looks):
        assert database.password not in one.everything
        assert len(one.result.to_json().encode()) <= RESULT_BYTES


def _is_killed_in_the_middle(trial: Trial, database: Database) -> None:
    first = trial.start("upgrade", database)
    half = trial.entry.revisions // 2
    until(lambda: len(first.said("revision applied")) >= half or first.popen.poll() is not None, SECONDS, "the half")
    first.popen.kill()
    first.popen.wait()
    then = trial.run("upgrade", database)
    assert (then.code, then.result.reason) == (0, "UpToDate"), then.stderr
