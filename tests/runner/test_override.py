"""With an address given, every connection goes there, whatever env.py read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.pgbouncer import pooled
from tests.runner.project import Project
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Run, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.every_driver

ELSEWHERE = "nobody:wrong@127.0.0.1:1/nowhere"
GIVEN = ("upgrade", "--database", "environment")

ASKS_ANOTHER = """
    import os
    from sqlalchemy import create_engine, text
    with create_engine(os.environ["OTHER_URL"]).connect() as other:
        name = other.execute(text("select current_database()")).scalar()
        timeout = other.execute(text("show lock_timeout")).scalar()
    op.execute(f"create table seen as select '{name}' as name, '{timeout}' as timeout")
"""


def _edited(project: Project, *changes: tuple[str, str]) -> None:
    path = project.folder / "migrations" / "env.py"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def _refused(run: Run, code: int, reason: str) -> str:
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.hint
    return run.result.error.message


def test_every_connection_goes_to_the_given_address(
    project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    project.begin().revision("one", ASKS_ANOTHER)
    _edited(project, ("config = context.config", FIRST_ELSEWHERE))
    run = runner.run(
        project,
        *GIVEN,
        APP_URL=f"postgresql+{project.driver}://{ELSEWHERE}",
        OTHER_URL=postgresql.url("psycopg2"),
        **database.environment(),
    )
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert database.rows("select name, timeout from seen") == [(database.name, "2s")]
    assert f"registry in {database.name}" in run.stderr


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_given_address_wins_over_libpqs_variables_and_a_service_whose_other_settings_stay(
    any_project: Project, runner: Runner, database: Database, driver: str
) -> None:
    any_project.begin().revision("one", "op.execute(\"create table seen as select current_setting('work_mem') as it\")")
    file = any_project.write("services", "[shop]\nhostaddr=127.0.0.9\nport=1\ndbname=none\noptions=-c work_mem=77kB\n")
    elsewhere = {
        "PGSERVICEFILE": str(file),
        "PGHOSTADDR": "127.0.0.9",
        "APP_URL": f"postgresql+{driver}:///?service=shop",
    }
    run = runner.run(any_project, *GIVEN, **database.environment(), **elsewhere)
    assert (run.code, database.value("select it from seen")) == (0, "77kB"), run.stderr
    file.unlink()
    run = runner.run(any_project, *GIVEN, **database.environment(), **elsewhere)
    assert "service" in _refused(run, 64, "ConfigInvalid")
    assert run.result.error
    assert "PGSERVICEFILE" in run.result.error.hint


FIRST_ELSEWHERE = """
config = context.config
from sqlalchemy import create_engine
with create_engine(os.environ["OTHER_URL"]).connect() as registry:
    print("registry in", registry.execute(text("select current_database()")).scalar())
"""


def test_without_an_address_another_database_that_is_used_too_is_left_alone(
    any_project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    any_project.begin().revision("one", ASKS_ANOTHER)
    environment = {"APP_URL": database.url("psycopg2"), "OTHER_URL": postgresql.url("psycopg2")}
    run = runner.run(any_project, "upgrade", **environment)
    assert run.code == 0, run.stderr
    assert database.rows("select name, timeout from seen") == [(postgresql.name, "0")]


@pytest.mark.parametrize("way", ["arguments", "connection"])
def test_a_listener_of_env_py_cannot_turn_a_connection_elsewhere(
    project: Project, runner: Runner, database: Database, way: str
) -> None:
    name = "database" if project.driver == "asyncpg" else "dbname"
    body = {
        "arguments": f'cparams.update(host="127.0.0.1", port=1, password="token", {name}="nowhere")',
        "connection": "return None",
    }[way]
    project.begin().table("one")
    engine = "connectable.sync_engine" if project.driver == "asyncpg" else "connectable"
    listen = f"""poolclass=pool.NullPool)
    from sqlalchemy import event
    @event.listens_for({engine}, "do_connect")
    def token(dialect, record, cargs, cparams):
        {body}
"""
    _edited(project, ("poolclass=pool.NullPool)", listen))
    url = f"postgresql+{project.driver}://{ELSEWHERE}"
    run = runner.run(project, *GIVEN, APP_URL=url, **database.environment())
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_without_an_address_a_listener_of_env_py_that_knows_the_password_is_heard(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'import os\nprint("it was", "old" + "word", "and is", os.environ["TOKEN"])')
    listen = """poolclass=pool.NullPool)
    from sqlalchemy import event
    @event.listens_for(connectable, "do_connect")
    def token(dialect, record, cargs, cparams):
        print("token asked for")
        cparams["password"] = os.environ["TOKEN"]
"""
    old = ('os.environ["APP_URL"]', 'os.environ["APP_URL"].replace("@", ":old" + "word@")')
    _edited(any_project, ("poolclass=pool.NullPool)", listen), old)
    url = f"postgresql+psycopg2://{database.user}@{database.host}:{database.port}/{database.name}"
    run = runner.run(any_project, "upgrade", APP_URL=url, TOKEN=database.password)
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert "it was *** and is ***" in run.stderr
    assert run.stderr.count("token asked for") >= 4, "for every connection, for a token may expire"


CREATOR = "creator=lambda: __import__('psycopg2').connect(os.environ['RAW_URL']), "


def test_a_creator_cannot_be_redirected_and_is_refused(
    any_project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    any_project.begin().table("one")
    _edited(any_project, ('os.environ["APP_URL"], ', f'os.environ["APP_URL"], {CREATOR}'))
    url = {"APP_URL": "postgresql+psycopg2://", "RAW_URL": postgresql.url()}
    run = runner.run(any_project, *GIVEN, **url, **database.environment())
    assert "creator" in _refused(run, 64, "WrongDatabase")
    assert postgresql.heads() == []


@pytest.mark.parametrize("edit", ["", "creator"])
def test_pg8000_is_redirected_and_a_creator_of_it_is_refused(
    runner: Runner, database: Database, postgresql: Database, tmp_path: Path, edit: str
) -> None:
    project = Project(tmp_path / "project", "pg8000").begin().table("one")
    if edit:
        named = ", ".join(f"{name}={getattr(postgresql, name)!r}" for name in ("host", "port", "user", "password"))
        creator = f'creator=lambda: __import__("pg8000.dbapi").dbapi.connect({named}, database="postgres"), '
        _edited(project, ('os.environ["APP_URL"], ', f'os.environ["APP_URL"], {creator}'))
    run = runner.run(project, *GIVEN, APP_URL=f"postgresql+pg8000://{ELSEWHERE}", **database.environment())
    if edit:
        assert "creator" in _refused(run, 64, "WrongDatabase")
    else:
        assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert postgresql.heads() == []


def test_an_asynchronous_creator_is_refused_too(
    runner: Runner, database: Database, postgresql: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", "asyncpg").begin().table("one")
    creator = "async_creator=lambda: __import__('asyncpg').connect(os.environ['RAW_URL']), "
    _edited(project, ('os.environ["APP_URL"], ', f'os.environ["APP_URL"], {creator}'))
    url = {"APP_URL": "postgresql+asyncpg://", "RAW_URL": postgresql.url()}
    run = runner.run(project, *GIVEN, **url, **database.environment())
    if run.result.sqlalchemy.startswith("1."):
        pytest.skip("SQLAlchemy 1.4 has no asynchronous creators")
    assert "creator" in _refused(run, 64, "WrongDatabase")
    assert postgresql.heads() == []
    run = runner.run(project, "upgrade", **{**url, "RAW_URL": database.url()})
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_creator_is_used_as_it_is_without_an_address(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    _edited(any_project, ('os.environ["APP_URL"], ', f'os.environ["APP_URL"], {CREATOR}'))
    run = runner.run(any_project, "upgrade", APP_URL="postgresql+psycopg2://", RAW_URL=database.url())
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_creator_inside_a_revision_is_refused_too(
    any_project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    any_project.begin().revision(
        "one",
        f"""
        import os
        from sqlalchemy import create_engine
        create_engine("postgresql+psycopg2://", {CREATOR}).connect()
        """,
    )
    url = {"APP_URL": f"postgresql+psycopg2://{ELSEWHERE}", "RAW_URL": postgresql.url()}
    run = runner.run(any_project, *GIVEN, **url, **database.environment())
    assert "creator" in _refused(run, 64, "WrongDatabase")
    assert database.heads() == []


def test_the_given_tls_mode_wins_over_that_of_env_py(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    argument = '{"ssl": "require"}' if project.driver == "asyncpg" else '{"sslmode": "require"}'
    _edited(project, ("poolclass=pool.NullPool", f"poolclass=pool.NullPool, connect_args={argument}"))
    url = f"postgresql+{project.driver}://{ELSEWHERE}"
    refused = runner.start(project, *GIVEN, APP_URL=url, **database.environment(), PGSSLMODE="require")
    until(lambda: refused.said("waiting for the database"))
    run = runner.run(project, *GIVEN, APP_URL=url, **database.environment(), PGSSLMODE="disable")
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_database_of_another_name_than_the_given_one_is_refused(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    with pooled(database, "session", alias="shop") as through:
        run = runner.run(any_project, *GIVEN, APP_URL=f"postgresql+psycopg2://{ELSEWHERE}", **through.environment())
    message = _refused(run, 64, "WrongDatabase")
    assert message == f"env.py is connected to the database {database.name}, not to shop"
    assert database.heads() == []
