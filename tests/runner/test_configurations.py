"""Where the configuration is, and what of the revisions it does not reach."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project, older

if TYPE_CHECKING:
    from tests.runner.project import Run, Runner
    from tests.runner.server import Database


GIVEN = ("--database", "environment")


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


@pytest.mark.parametrize(("command", "given"), [("upgrade", GIVEN), ("check", []), ("gate", GIVEN)])
def test_revision_files_that_no_location_leads_to_are_named(
    any_project: Project, runner: Runner, database: Database, command: str, given: list[str]
) -> None:
    any_project.begin().table("one").table("two").table("three")
    versions = any_project.folder / "migrations" / "versions"
    for name, folder in (
        ("two", versions / "2025.1" / "expand"),
        ("three", any_project.folder / "migrations" / "more"),
    ):
        folder.mkdir(parents=True)
        (versions / f"{name}.py").rename(folder / f"{name}.py")
        (folder / "helper.py").write_text("revision = None\n")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    if command == "gate":
        runner.run(any_project, "upgrade", *given, **environment)
    run = runner.run(any_project, command, *given, **environment)
    assert run.code == 0, run.stderr
    (warning,) = run.result.warnings
    assert "2 revision files are in folders that the configuration does not name" in warning
    assert ("2025.1/expand (1)" in warning, "migrations/more (1)" in warning) == (True, True)
    for helper in any_project.folder.rglob("helper.py"):
        helper.unlink()
    ini = any_project.folder / "alembic.ini"
    found = f"{versions}:{any_project.folder / 'migrations' / 'more'}"
    ini.write_text(
        ini.read_text() + f"version_locations = {found}\npath_separator = :\nrecursive_version_locations = true\n"
    )
    run = runner.run(any_project, "upgrade", *given, **environment)
    if not older(run, "1.16"):
        assert (run.result.to, run.result.warnings) == (("three",), ()), run.stderr


@pytest.mark.parametrize(("command", "given"), [("check", GIVEN), ("upgrade", [])])
@pytest.mark.parametrize("place", ["environment", "pyproject", "elsewhere"])
def test_the_configuration_is_found_where_alembic_finds_it(
    any_project: Project, runner: Runner, database: Database, command: str, place: str, given: list[str]
) -> None:
    any_project.begin().table("one")
    ini, words = any_project.folder / "alembic.ini", []
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    if place == "environment":
        ini.rename(any_project.folder / "other.ini")
        environment["ALEMBIC_CONFIG"] = "other.ini"
    elif place == "pyproject":
        ini.unlink()
        any_project.write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/migrations"\n')
    else:
        ini.unlink()
        any_project.write("migrations/alembic.ini", "[alembic]\nscript_location = .\n")
        words = ["--config", "migrations/alembic.ini"]
    run = runner.run(any_project, command, *words, *given, **environment)
    if place == "pyproject" and runner.python != sys.executable:  # that of an image with an older Alembic
        assert run.result.error
        assert run.result.error.message == "a pyproject.toml needs Alembic 1.16 or newer"
        return
    assert (run.code, run.result.target) == (0, ("one",)), run.stderr


def test_a_configuration_that_is_nowhere_says_where_it_was_looked_for(any_project: Project, runner: Runner) -> None:
    any_project.write("backend/alembic.ini", "[alembic]\n")
    run = runner.run(any_project, "check")
    assert told(run) == (64, "ConfigInvalid")
    assert run.result.error
    for word in ("project/alembic.ini does not exist", "ALEMBIC_CONFIG", "pyproject.toml", "backend/alembic.ini"):
        assert word in run.result.error.message
