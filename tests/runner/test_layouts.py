"""Alembic's own templates, as `alembic init` writes them, and the options of its configuration."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import alembic
import pytest

from tests.runner.project import Project, older

if TYPE_CHECKING:
    from tests.runner.project import Run, Runner
    from tests.runner.server import Database

TEMPLATES = Path(alembic.__file__).parent / "templates"
GIVEN = ("--database", "environment")
NOWHERE = "nobody:wrong@127.0.0.1:1/nowhere"


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


def succeeded(run: Run, database: Database, *heads: str, table: str = "alembic_version") -> None:
    assert told(run) == (0, "UpToDate"), run.stderr
    assert database.heads(table) == sorted(heads)
    assert run.result.to == tuple(sorted(heads))


def _since(run: Run, version: str) -> None:
    if older(run, version):
        assert run.code in (0, 64, 65), run.stderr
        pytest.skip(f"Alembic {run.result.alembic} is older than {version}")


def _from_template(folder: Path, name: str, url: str, place: str = "alembic") -> Project:
    """Write what `alembic init -t NAME` writes."""
    project = Project(folder)
    shutil.copytree(TEMPLATES / name, folder / place, ignore=shutil.ignore_patterns("__pycache__", "alembic.ini.mako"))
    text = (TEMPLATES / name / "alembic.ini.mako").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("##")]
    ini = "\n".join(lines).replace("${script_location}", f"%(here)s/{place}")
    project.write("alembic.ini", ini.replace("driver://user:pass@localhost/dbname", url))
    (folder / place / "versions").mkdir(exist_ok=True)
    return project


def _revise(project: Project, folder: str, name: str, down: str | None = None, **facts: object) -> None:
    lines = [
        f"revision = {name!r}",
        f"down_revision = {down!r}",
        *(f"{key} = {value!r}" for key, value in facts.items()),
    ]
    body = f'def upgrade():\n    op.execute("create table {name} (id int)")\n\ndef downgrade():\n    pass\n'
    project.write(f"{folder}/{name}.py", "\n".join(["from alembic import op", *lines, "", body]))


@pytest.mark.parametrize("way", ["its own address", "a given address"])
@pytest.mark.parametrize(("template", "driver"), [("generic", "psycopg2"), ("async", "asyncpg")])
def test_a_template_of_alembics_works_as_it_is(
    runner: Runner, database: Database, tmp_path: Path, template: str, driver: str, way: str
) -> None:
    own = way == "its own address"
    url = database.url(driver).replace("%", "%%") if own else f"postgresql+{driver}://{NOWHERE}"
    project = _from_template(tmp_path / "project", template, url)
    _revise(project, "alembic/versions", "one")
    for command, reason in (("check", "Pending"), ("upgrade", "UpToDate"), ("check", "UpToDate")):
        words = () if own else GIVEN
        run = runner.run(project, command, *words, **({} if own else database.environment()))
        assert told(run) == (0, reason), run.stderr
    assert database.heads() == ["one"]


@pytest.mark.parametrize("config", ["pyproject.toml", "alembic.ini"])
def test_the_template_for_pyproject_toml_works_as_it_is(
    runner: Runner, database: Database, tmp_path: Path, config: str
) -> None:
    project = _from_template(tmp_path / "project", "pyproject", f"postgresql+psycopg2://{NOWHERE}")
    toml = (TEMPLATES / "pyproject" / "pyproject.toml.mako").read_text(encoding="utf-8")
    lines = [line for line in toml.splitlines() if not line.startswith("##")]
    project.write("pyproject.toml", "\n".join(lines).replace("${script_location}", "%(here)s/alembic"))
    _revise(project, "alembic/versions", "one")
    words = ("--config", config, *GIVEN)
    run = runner.run(project, "upgrade", *words, **database.environment())
    if older(run, "1.16"):
        assert told(run) == (64, "ConfigInvalid"), run.stderr
        assert "1.16" in run.stderr or config == "alembic.ini"
        return
    succeeded(run, database, "one")
    run = runner.run(project, "check", *words, **database.environment())
    assert told(run) == (0, "UpToDate"), run.stderr


MULTIDB = """
revision = "one"
down_revision = None

from alembic import op

def upgrade(engine_name):
    op.execute(f"create table of_{engine_name} (id int)")
"""


def test_the_template_for_several_databases_works_as_it_is(
    runner: Runner, database: Database, postgresql: Database, tmp_path: Path
) -> None:
    other = postgresql.named(f"{database.name}_b")
    postgresql.rows(f"create database {other.name}")
    try:
        project = _from_template(tmp_path / "project", "multidb", "")
        path = project.folder / "alembic.ini"
        text = path.read_text(encoding="utf-8")
        for section, target in (("engine1", database), ("engine2", other)):
            text = _with_url(text, section, target.url("psycopg2"))
        path.write_text(text, encoding="utf-8")
        project.write("alembic/versions/one.py", MULTIDB)
        run = runner.run(project, "upgrade")
        assert (told(run), database.heads(), other.heads()) == ((0, "UpToDate"), ["one"], ["one"]), run.stderr
        assert database.value("select to_regclass('of_engine1')::text") == "of_engine1"
        assert other.value("select to_regclass('of_engine2')::text") == "of_engine2"
        run = runner.run(project, "check")
        assert told(run) == (0, "UpToDate"), run.stderr
    finally:
        postgresql.rows(f"drop database {other.name} with (force)")


def _with_url(ini: str, section: str, url: str) -> str:
    head, _, rest = ini.partition(f"[{section}]\n")
    _, _, tail = rest.partition("sqlalchemy.url =")
    escaped = url.replace("%", "%%")
    return f"{head}[{section}]\nsqlalchemy.url = {escaped}\n{tail.partition(chr(10))[2]}"


SEPARATORS = {
    "none": ("", " ", "1.8"),
    "os": ("version_path_separator = os", os.pathsep, "1.8"),
    "space": ("version_path_separator = space", " ", "1.8"),
    "semicolon": ("version_path_separator = ;", ";", "1.8"),
    "colon": ("version_path_separator = :", ":", "1.8"),
    "newline": ("version_path_separator = newline", "\n    ", "1.14"),
    "path_separator os": ("path_separator = os", os.pathsep, "1.16"),
    "path_separator newline": ("path_separator = newline", "\n    ", "1.16"),
}


@pytest.mark.parametrize("name", sorted(SEPARATORS))
def test_revisions_may_lie_in_several_folders(
    any_project: Project, runner: Runner, database: Database, name: str
) -> None:
    option, separator, version = SEPARATORS[name]
    any_project.begin()
    places = separator.join(f"%(here)s/{place}" for place in ("core", "plugins/billing"))
    ini = f"[alembic]\nscript_location = %(here)s/migrations\nversion_locations = {places}\n{option}\n"
    any_project.write("alembic.ini", ini)
    _revise(any_project, "core", "one")
    _revise(any_project, "plugins/billing", "two", branch_labels=("billing",), depends_on="one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    if run.code:
        _since(run, version)
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["two"]), run.stderr
    assert [one.revision for one in run.result.applied] == ["one", "two"]
    run = runner.run(any_project, "check", *GIVEN, APP_URL="sqlite://", **database.environment())
    assert told(run) == (0, "UpToDate"), run.stderr


@pytest.mark.parametrize("folders", ["%(here)s/source", "%(here)s/source:%(here)s/more", ""])
def test_prepend_sys_path_finds_what_env_py_and_revisions_import(
    any_project: Project, runner: Runner, database: Database, folders: str
) -> None:
    any_project.begin(before="import shop.names; print(shop.names.TABLE)")
    place = "source" if folders else "."  # without the option it is where the command is started
    any_project.write(f"{place}/shop/__init__.py", "")
    any_project.write(f"{place}/shop/names.py", "TABLE = 'orders'\n")
    separator = "version_path_separator = os\npath_separator = os\n"
    ini = f"[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = {folders}\n{separator}"
    any_project.write("alembic.ini", ini)
    any_project.revision("one", 'from shop.names import TABLE\nop.execute(f"create table {TABLE} (id int)")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    if run.code and ":" in folders.replace("%(here)s", ""):
        _since(run, "1.8")
    succeeded(run, database, "one")
    assert database.value("select to_regclass('orders')::text") == "orders"


def test_names_of_files_say_nothing(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin()
    ini = (any_project.folder / "alembic.ini").read_text(encoding="utf-8")
    template = "file_template = %%(year)d/%%(month).2d/%%(rev)s_%%(slug)s\nrecursive_version_locations = true\n"
    any_project.write("alembic.ini", ini + template)
    for number, name in enumerate(("one", "two")):
        down = "one" if number else None
        _revise(any_project, "migrations/versions/2026/11", name, down)
        folder = any_project.folder / "migrations" / "versions" / "2026" / "11"
        (folder / f"{name}.py").rename(folder / f"2026-11-21_{9 - number}_{name}-what a-name.py")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    _since(run, "1.10")
    succeeded(run, database, "two")


def test_a_section_of_its_own_names_other_scripts(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    shutil.copytree(any_project.folder / "migrations", any_project.folder / "reports")
    (any_project.folder / "reports" / "versions" / "one.py").unlink()
    _revise(any_project, "reports/versions", "other")
    path = any_project.folder / "alembic.ini"
    reports = "\n[reports]\nscript_location = %(here)s/reports\n"
    path.write_text(path.read_text(encoding="utf-8") + reports, encoding="utf-8")
    run = runner.run(any_project, "upgrade", "--section", "reports", APP_URL=database.url("psycopg2"))
    succeeded(run, database, "other")
    run = runner.run(any_project, "check", "--section", "reports", APP_URL=database.url("psycopg2"))
    assert told(run) == (0, "UpToDate"), run.stderr


def test_branches_merges_and_dependencies_end_at_several_heads(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("root")
    any_project.revision("left", down="root", branch_labels=("west",))
    any_project.revision("right", down="root").revision("both", down=("left", "right"))
    any_project.revision("alone", down=None, depends_on="right").revision("after", down="both")
    run = runner.run(any_project, "upgrade", "--target", "west@head", APP_URL=database.url("psycopg2"))
    succeeded(run, database, "after")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    succeeded(run, database, "after", "alone")
    run = runner.run(any_project, "check", *GIVEN, APP_URL="sqlite://", **database.environment())
    assert told(run) == (0, "UpToDate"), run.stderr


TENANTS = """context.configure(connection=connection, version_table="applied_" + context.get_x_argument(
            as_dictionary=True)["tenant"])"""


def test_arguments_may_name_the_version_table(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().revision("one")
    path = any_project.folder / "migrations" / "env.py"
    text = path.read_text(encoding="utf-8")
    old = "context.configure(connection=connection, target_metadata=None)"
    assert old in text
    path.write_text(text.replace(old, TENANTS), encoding="utf-8")
    for tenant in ("acme", "globex"):
        words = ("-x", f"tenant={tenant}")
        run = runner.run(any_project, "upgrade", *words, APP_URL=database.url("psycopg2"))
        succeeded(run, database, "one", table=f"applied_{tenant}")
        run = runner.run(
            any_project, "check", *words, *GIVEN, APP_URL=database.url("psycopg2"), **database.environment()
        )
        assert told(run) == (0, "UpToDate"), run.stderr


def test_a_revision_in_two_files_is_named_with_both_by_every_command(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    versions = any_project.folder / "migrations" / "versions"
    (versions / "two_again.py").write_text((versions / "two.py").read_text().replace("two (id", "again (id"))
    for command in ("upgrade", "check", "gate"):
        run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
        assert told(run) == (0, "UpToDate"), run.stderr
        (warning,) = run.result.warnings
        assert f"two in {versions}/two.py and {versions}/two_again.py" in warning
