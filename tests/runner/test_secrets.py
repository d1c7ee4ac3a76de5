"""A password never appears, wherever it came from and whoever prints it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tests.runner.project import Project
from tests.runner.server import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Run, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.every_driver

PRINTED = """
import os, subprocess, sys, logging, time
for text in (url := os.environ["APP_URL"], repr(url), os.environ.get("PGPASSWORD", "")):
    print(text)
    print(text, file=sys.stderr)
for part in (url[:30], url[30:] + "\\n"):
    os.write(2, part.encode())
    time.sleep(0.1)
subprocess.run([sys.executable, "-c", "import os; print(os.environ['APP_URL'])"])
logging.error("connecting to %r", os.environ["APP_URL"])
"""


def _clean(run: Run) -> None:
    forms = (PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), quote_plus(PASSWORD), repr(PASSWORD)[1:-1])
    for form in (*forms, json.dumps(PASSWORD)[1:-1], PASSWORD.replace("%", "%%")):
        assert form not in run.everything


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_the_password_of_the_environment_is_masked_whoever_prints_it(
    project: Project, runner: Runner, database: Database, command: str
) -> None:
    project.begin().table("one")
    path = project.folder / "migrations" / "env.py"
    path.write_text(PRINTED + path.read_text())
    environment = {**database.environment(), "APP_URL": database.url(project.driver)}
    run = runner.run(project, command, **environment)
    assert run.code == 0, run.stderr
    assert run.stderr.count("***") >= 7
    _clean(run)


def test_a_password_that_only_env_py_knows_is_masked_in_errors(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision(
        "one", "raise ValueError(f'cannot use {op.get_bind().engine.url.render_as_string(False)}')"
    )
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason) == (70, "RevisionFailed")
    assert run.result.error
    assert "***" in run.result.error.message
    _clean(run)


def test_a_password_of_database_url_is_masked_when_connecting_fails(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    url = database.named("missing").url()
    run = runner.run(
        project, "upgrade", "--database", "environment", APP_URL=database.url(project.driver), DATABASE_URL=url
    )
    assert run.result.reason == "DatabaseNotFound"
    _clean(run)


def test_literals_of_a_failing_statement_are_masked(any_project: Project, runner: Runner, database: Database) -> None:
    sql = "insert into missing values ('alice@example.org', 1234567, $tag$ private $tag$)"
    any_project.begin().revision("one", f'op.execute("{sql}")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert run.result.error
    assert run.result.error.statement == "insert into missing values (?, ?, ?)"


def test_passwords_of_an_endless_line_and_of_a_connection_string_are_masked(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    role, hidden = f"hidden_{database.name}", "h1dden-w0rd"
    database.rows(f"create role {role} login superuser password '{hidden}'")
    project = Project(tmp_path / "project", "psycopg2").begin()
    project.revision("one", f"print('{hidden}' * 200_000, flush=True, end='')")
    env = project.folder / "migrations" / "env.py"
    found = f"'user={role} password={hidden}'"
    env.write_text(env.read_text().replace("poolclass", f"connect_args={{'dsn': {found}}}, poolclass"))
    try:
        run = runner.run(
            project, "upgrade", APP_URL=f"postgresql+psycopg2://{database.host}:{database.port}/{database.name}"
        )
        assert (run.code, database.heads()) == (0, ["one"]), run.stderr[-2000:]
        assert ("***" in run.stderr, hidden in run.everything) == (True, False)
    finally:
        database.rows(f"drop owned by {role} cascade; drop role {role}")


ENV = """
from alembic import context
from sqlalchemy import create_engine
{line}
with create_engine(url).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.mark.parametrize(
    ("command", "url", "line"),
    [
        ("check", "app:vErY%40hush%2Fhush", 'url = context.config.get_main_option("sqlalchemy.url")'),
        ("upgrade", "app:vErY%%40hush%%(hush", 'url = context.config.get_main_option("sqlalchemy.url") % {}'),
        (
            "check",
            "app:hush/vErYhush",
            'url = "x"; int(context.config.get_main_option("sqlalchemy.url").split(":")[2])',
        ),
        (
            "upgrade",
            "app:vErY#hush",
            'url = context.config.get_main_option("sqlalchemy.url"); raise ValueError(f"bad: {url[24:]}")',
        ),
        ("check", "app:other", 'url = "x"; raise ValueError("cannot read " + open(".env").read().split("=")[1][:-3])'),
    ],
)
def test_an_error_that_quotes_a_part_of_a_url_shows_nothing_of_its_password(
    any_project: Project, runner: Runner, url: str, line: str, command: str
) -> None:
    any_project.begin().table("one").write("migrations/env.py", ENV.format(line=line))
    ini = f"[alembic]\nscript_location = migrations\nsqlalchemy.url = postgresql+psycopg2://{url}@localhost/shop\n"
    any_project.write("alembic.ini", ini)
    any_project.write(".env", "SHOP_PASSWORD=hush-hush-hush\n")
    run = runner.run(any_project, command)
    assert (run.code, run.result.reason) == (70, "EnvFailed"), run.stderr
    assert "hush" not in run.everything


def test_a_password_that_is_a_common_word_hides_nothing_that_a_person_needs(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    role = f"alembic_{database.name}"
    database.rows(f"create role {role} login superuser password 'alembic'")
    try:
        project = Project(tmp_path / "project", "psycopg2").begin()
        project.revision("one", 'op.execute("create extension an_extension_that_the_server_lacks")')
        url = f"postgresql+psycopg2://{role}:alembic@{database.host}:{database.port}/{database.name}"
        run = runner.run(project, "upgrade", APP_URL=url, PGPASSWORD="alembic")
        assert run.result.error
        assert "***" not in run.everything
        assert "alembic-operator.dev/retry" in run.result.error.hint
    finally:
        database.rows(f"drop owned by {role} cascade; drop role {role}")
