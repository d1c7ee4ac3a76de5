"""What large public projects do in env.py, each with a small project of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import edited

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

GIVEN = ("--database", "environment")
NOWHERE = "postgresql+psycopg2://nobody:wrong@127.0.0.1:1/nowhere"


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


LOCATIONS = {
    "the script directory": """config = context.config
here = os.path.dirname(__file__)
context.script.__dict__.pop("_version_locations", None)
context.script.version_locations = [os.path.join(here, "core"), os.path.join(here, "plugin")]
""",
    "the options": """config = context.config
here = os.path.dirname(__file__)
config.set_main_option("version_locations", f"{here}/core {here}/plugin")
context.script.__dict__.pop("_version_locations", None)
context.script.version_locations = config.get_main_option("version_locations").split()
""",
}


@pytest.fixture(params=sorted(LOCATIONS))
def located(any_project: Project, request: pytest.FixtureRequest) -> Project:
    """A project whose env.py says where its revisions are."""
    edited(any_project.begin(), ("config = context.config\n", LOCATIONS[request.param]))
    for name, folder in (("core", "core"), ("extra", "plugin")):
        any_project.revision(name, f'op.execute("create table {name} (id int)")', down=None)
        path = any_project.folder / "migrations"
        (path / folder).mkdir()
        (path / "versions" / f"{name}.py").rename(path / folder / f"{name}.py")
    return any_project


def test_revisions_that_only_env_py_finds_are_run(located: Project, runner: Runner, database: Database) -> None:
    run = runner.run(located, "upgrade", *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["core", "extra"]), run.stderr
    assert run.result.target == ("core", "extra")


def test_revisions_that_only_env_py_finds_are_pending_until_they_are_there(
    located: Project, runner: Runner, database: Database
) -> None:
    words = ("check", *GIVEN)
    run = runner.run(located, *words, APP_URL=NOWHERE, **database.environment())
    assert (told(run), run.result.pending) == ((0, "Pending"), 2), run.stderr
    runner.run(located, "upgrade", *GIVEN, APP_URL=NOWHERE, **database.environment())
    run = runner.run(located, *words, APP_URL=NOWHERE, **database.environment())
    assert (told(run), run.result.to) == ((0, "UpToDate"), ("core", "extra")), run.stderr


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_a_project_without_revisions_is_never_up_to_date(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    run = runner.run(any_project.begin(), command, *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert told(run) == (65, "BrokenScripts"), run.stderr


@pytest.mark.parametrize("command", ["plan", "stamp", "downgrade"])
def test_every_command_knows_revisions_that_only_env_py_finds(
    located: Project, runner: Runner, database: Database, command: str
) -> None:
    base = ("--target", "base") if command == "downgrade" else ()
    if base:
        runner.run(located, "upgrade", *GIVEN, APP_URL=NOWHERE, **database.environment())
    run = runner.run(located, command, *base, *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert run.code == 0, run.stderr
    assert database.heads() == (["core", "extra"] if command == "stamp" else [])
    assert command != "plan" or all(f"Revision {name} (" in run.stdout for name in ("core", "extra"))


APPLICATION = """
import contextlib
from sqlalchemy import create_engine, text

active = []

@contextlib.contextmanager
def context(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table if not exists made_by_the_application (id int)"))
    active.append(engine)
    yield engine
    active.pop()

def current():
    if not active:
        raise RuntimeError("working outside of application context")
    return active[-1]
"""


@pytest.fixture
def application(any_project: Project) -> Project:
    """A project whose revisions can only be loaded in the context that env.py makes."""
    any_project.begin()
    any_project.write("application.py", APPLICATION)
    text = (any_project.folder / "migrations" / "env.py").read_text(encoding="utf-8")
    text = text.replace("\nrun_migrations_online()", INSIDE)
    any_project.write("migrations/env.py", text)
    any_project.table("one")
    path = any_project.folder / "migrations" / "versions" / "one.py"
    lines = "import application\nNAME = application.current().dialect.name\nrevision = 'o' + 'ne'\n"
    path.write_text(lines + path.read_text(encoding="utf-8").replace("revision = 'one'\n", ""), encoding="utf-8")
    return any_project


INSIDE = """
import application
with application.context(os.environ["APP_URL"]):
    run_migrations_online()
"""


def test_revisions_are_loaded_only_where_env_py_has_the_application(
    application: Project, runner: Runner, database: Database
) -> None:
    for command, reason in (("check", "Pending"), ("upgrade", "UpToDate"), ("check", "UpToDate")):
        run = runner.run(application, command, *GIVEN, APP_URL=NOWHERE, **database.environment())
        assert told(run) == (0, reason), run.stderr
    assert database.heads() == ["one"]


@pytest.mark.parametrize("migrated", [True, False])
def test_a_look_does_not_make_the_application_that_env_py_makes(
    application: Project, runner: Runner, database: Database, *, migrated: bool
) -> None:
    path = application.folder / "migrations" / "versions" / "one.py"
    path.write_text(path.read_text(encoding="utf-8").replace("'o' + 'ne'", "'one'"), encoding="utf-8")
    if migrated:
        database.rows("create table alembic_version (version_num text); insert into alembic_version values ('one')")
    for schema, pending in (("", not migrated), ("shop", True)):
        words = ("check", *GIVEN, *(("--schema", schema) if schema else ()))
        run = runner.run(application, *words, APP_URL=NOWHERE, **database.environment())
        assert told(run) == (0, "Pending" if pending else "UpToDate"), run.stderr
    assert database.value("select to_regclass('made_by_the_application')") is None


def test_a_version_table_that_is_elsewhere_is_looked_for_with_env_py(
    application: Project, runner: Runner, database: Database
) -> None:
    path = application.folder / "migrations" / "versions" / "one.py"
    path.write_text(path.read_text(encoding="utf-8").replace("'o' + 'ne'", "'one'"), encoding="utf-8")
    listen = """engine = create_engine(url)
    from sqlalchemy import event
    @event.listens_for(engine.__class__, "connect")
    def hide(raw, _):
        cursor = raw.cursor()
        cursor.execute("set search" + "_path to hidden")
        raw.commit()"""
    application.write("application.py", APPLICATION.replace("engine = create_engine(url)", listen))
    database.rows("create schema hidden; create table hidden.alembic_version (version_num text)")
    database.rows("insert into hidden.alembic_version values ('one')")
    run = runner.run(application, "check", *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert told(run) == (0, "UpToDate"), run.stderr


def test_a_revision_that_cannot_be_loaded_says_why(application: Project, runner: Runner, database: Database) -> None:
    edited(application, (INSIDE, "\nrun_migrations_online()\n"))
    run = runner.run(application, "upgrade", *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert told(run) == (65, "BrokenScripts"), run.stderr
    assert run.result.error
    assert "working outside of application context" in run.result.error.message


def test_a_connection_that_env_py_requires_is_given(any_project: Project, runner: Runner, database: Database) -> None:
    edited(any_project.begin().table("one"), ("connectable.connect()", 'config.attributes["connection"]'))
    run = runner.run(any_project, "upgrade", *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr
    order = [one["event"] for one in run.events]
    assert order.index("connection made for env.py") < order.index("revision started"), "said before anything ran"
    run = runner.run(any_project, "upgrade", APP_URL=NOWHERE)
    assert run.result.error
    assert "spec.database" in run.result.error.message + run.result.error.hint


def test_a_connection_that_env_py_requires_is_like_the_one_of_the_program_that_calls_alembic(
    any_project: Project, runner: Runner, database: Database
) -> None:
    given = {"APP_URL": NOWHERE, **database.environment()}
    edited(any_project.begin().table("one"), ("connectable.connect()", 'config.attributes["connection"]'))
    any_project.revision("two", 'op.create_index("ix_two", "one", ["id"], postgresql_concurrently=True)')
    ini = "[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.isolation_level = {}\n"
    any_project.write("alembic.ini", ini.format("SOMETIMES"))
    run = runner.run(any_project, "upgrade", *GIVEN, **given)
    assert (told(run), database.heads()) == ((64, "ConfigInvalid"), []), run.stderr
    any_project.write("alembic.ini", ini.format("REPEATABLE READ"))
    run = runner.run(any_project, "upgrade", *GIVEN, **given)
    assert (told(run), database.heads()) == ((70, "RevisionFailed"), ["one"]), run.stderr
    any_project.write("alembic.ini", ini.format(""))
    run = runner.run(any_project, "upgrade", *GIVEN, **given)
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["two"]), run.stderr
    (said,) = run.said("connection made for env.py")
    assert "is in AUTOCOMMIT, because two.py runs only outside of a transaction" in said["message"]


def test_a_connection_that_env_py_would_take_is_not_forced_on_it(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin(before="print('given', config.attributes.get('connection'), 'connection' in config.attributes)")
    run = runner.run(project.table("one"), "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr
    assert "given None False" in run.stderr


def test_the_options_of_the_command_line_are_there(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin(before="print('asked', config.cmd_opts.cmd[0].__name__, config.cmd_opts.x)").table("one")
    run = runner.run(any_project, "upgrade", "-x", "a=b", APP_URL=database.url("psycopg2"))
    assert (told(run), "asked upgrade ['a=b']" in run.stderr) == ((0, "UpToDate"), True), run.stderr
