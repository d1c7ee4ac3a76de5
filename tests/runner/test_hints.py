"""The lines of the table of hints that are a server's answer: each error is raised by a real PostgreSQL, once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from alembic_operator.runner.process.failures import Scene, classify
from alembic_operator.runner.process.hints.table import LINES
from tests.runner import server
from tests.unit.runner.test_hints import CASES, OF_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.runner.server import Database

RUNNING = Scene("ab12", server="db:5432/shop")
UNDOING = Scene("ab12", undoing=True)
OUTSIDE = Scene(server="db:5432/shop")

BEFORE = """
create table t (id int primary key, kept int default 1, name text, j json);
insert into t values (1, null, 'one'), (2, null, 'one');
create table child (id int references t deferrable initially deferred);
create table loose (id int);
insert into loose values (9);
create view v as select id, name from t;
create type kind as enum ('a', 'b');
create table alembic_version (version_num varchar(32));
create view only_read as select distinct version_num from alembic_version;
create table guarded_version (version_num varchar(32));
create function refuse() returns trigger language plpgsql as $$ begin insert into nowhere values (1); end $$;
create trigger refuse before insert on guarded_version for each row execute function refuse();
create table other_version (version varchar(32));
create function readings() returns void language plpgsql as $$
declare i record; begin for i in select * from loose loop alter table loose add column more int; end loop; end $$;
"""

IN_A_REVISION = {
    "extension is not on the server": ["create extension nowhere"],
    "a type or function of an extension": ["create table far (place geometry)"],
    "a column named twice": ["create table far (a int, a int)"],
    "the type of an enum exists": ["create type kind as enum ('a')"],
    "a role exists": ["do $$ begin execute 'create role ' || quote_ident(current_user); end $$"],
    "an extension or a schema exists": ["create extension plpgsql"],
    "it exists": ["alter table t add column name text"],
    "a constraint or an index of another name": ["alter table t drop constraint named_otherwise"],
    "a role does not exist": ["grant select on t to nobody_here"],
    "a setting that the server does not know": ["set local no_such_setting = 1"],
    "a type that the index cannot hold": ["create index on t using gin (j)"],
    "a schema does not exist": ["create table nowhere.t (id int)"],
    "a table or a column does not exist": ["insert into nowhere values (1)"],
    "it does not exist": ["alter type nothing add value 'c'"],
    "the transaction has begun": ["select 1", "set transaction isolation level serializable"],
    "outside of a transaction": ["create index concurrently on t (id)"],
    "a new value of an enum": ["alter type kind add value 'c'", "select 'c'::kind"],
    "after an error that the script caught": ["select 1/0", "select 1"],
    "rows wait for their triggers": ["insert into child values (1)", "alter table child add column more int"],
    "a result that is still read": ["select readings()"],
    "other objects need it": ["drop table t"],
    "other objects need the column's type": ["alter table t alter column name type varchar(9)"],
    "a view changes its columns": ["create or replace view v as select id from t"],
    "a column gets NOT NULL over rows": ["alter table t alter column kept set not null"],
    "rows break the new constraint": ["create unique index on t (name)"],
    "rows have no parent": ["alter table loose add constraint fk foreign key (id) references t"],
    "rows that others refer to": [
        "insert into child values (1)",
        "set constraints all immediate",
        "delete from t where id = 1",
    ],
    "the name of the revision is too long": [f"insert into alembic_version (version_num) values ('{'x' * 33}')"],
    "the version table is a view": ["insert into only_read (version_num) values ('a')"],
    "the version table refuses": ["insert into guarded_version (version_num) values ('a')"],
    "a value that an enum lacks": ["select 'd'::kind"],
    "a type that is not cast": ["alter table t alter column j type int"],
    "a string that is executed": ["plain"],
    "a transaction that the script ended": ["ended"],
    "somebody cancelled it": ["select pg_cancel_backend(pg_backend_pid())"],
    "a server that only reads": ["set transaction read only", "create table far (id int)"],
    "a statement that takes too long": ["set local statement_timeout = 1", "select pg_sleep(9)"],
    "the server goes away": ["select pg_terminate_backend(pg_backend_pid())"],
    "several statements at once": ["several"],
}
AS_A_POOR_USER = {
    "extension needs more rights": ["create extension vector"],
    "not the owner": ["alter table t add column more int"],
    "a schema that the user may not use": ["create table far (id int)"],
    "a table of somebody else": ["select * from t"],
    "a database in which the user may not make a schema": ["create schema if not exists public"],
    "a right on the whole server": ["create role another"],
    "row-level security": ["insert into guarded values (1)"],
    "a missing right": ["select pg_read_file('postmaster.pid')"],
}
OUTSIDE_OF_REVISIONS = {"the version table is another table": ["select version_num from other_version"]}
IN_A_DOWNGRADE = {"a downgrade() that finds something else": ["drop type nothing"]}

CONNECTING: dict[str, dict[str, Any]] = {
    "a wrong password": {"password": "wrong"},
    "a missing database": {"dbname": "nowhere"},
    "no password": {"password": ""},
    "no host": {"host": "/nowhere"},
    "a server without TLS": {"sslmode": "require"},
}


@pytest.fixture
def invalid(database: Database) -> Iterator[str]:
    """A database as a DROP DATABASE leaves it that was killed."""
    name = f"{database.name}_invalid"
    database.rows(f"create database {name} strategy file_copy template template0")
    database.rows(f"update pg_database set datconnlimit = -2 where datname = '{name}'")
    yield name
    database.rows(f"drop database {name}")


@pytest.fixture
def poor(database: Database) -> Iterator[str]:
    """A user without rights, whose name is the password."""
    name = f"poor_{database.name}"
    database.rows(f"create role {name} login password '{name}'")
    yield name
    database.rows(f"drop owned by {name}; drop role {name}")


def _does(connection: sa.Connection, statement: str) -> None:
    if statement == "plain":
        connection.execute("select 1")
    elif statement == "ended":
        with connection.begin_nested() as savepoint:
            savepoint.rollback()
            connection.exec_driver_sql("select 1")
    elif statement == "several":
        connection.exec_driver_sql("select %s; select 2", (1,))
    else:
        connection.exec_driver_sql(statement)


def _raised(engine: sa.Engine, statements: list[str]) -> Exception:
    """Return what the last statement raises; those before may fail, too."""
    with engine.connect() as connection:
        for statement in statements:
            try:
                _does(connection, statement)
            except Exception as error:  # noqa: BLE001  each is what it is
                last = error
                continue
        return last


def _said(engine: sa.Engine, cases: dict[str, list[str]], scene: Scene) -> Iterator[tuple[str, str]]:
    for name, statements in cases.items():
        yield name, classify(_raised(engine, statements), scene).failure.hint


def _hints(names: Iterable[str]) -> dict[str, str]:
    return {name: LINES[name].hint for name in names}


def _engine(database: Database) -> sa.Engine:
    return sa.create_engine(database.url("psycopg"), poolclass=NullPool)


def test_what_a_server_answers_to_a_revision_has_the_hint_that_people_would_give(database: Database) -> None:
    database.rows(BEFORE)
    engine = _engine(database)
    assert dict(_said(engine, IN_A_REVISION, RUNNING)) == _hints(IN_A_REVISION)
    assert dict(_said(engine, IN_A_DOWNGRADE, UNDOING)) == _hints(IN_A_DOWNGRADE)
    assert dict(_said(engine, OUTSIDE_OF_REVISIONS, OUTSIDE)) == _hints(OUTSIDE_OF_REVISIONS)


def test_what_a_server_refuses_to_a_user_has_the_hint_that_people_would_give(database: Database, poor: str) -> None:
    database.rows(BEFORE)
    database.rows(f"create table guarded (id int); grant all on guarded to {poor}")
    database.rows("alter table guarded enable row level security")
    engine = _engine(replace(database, user=poor, password=poor))
    assert dict(_said(engine, AS_A_POOR_USER, RUNNING)) == _hints(AS_A_POOR_USER)


def test_a_connection_that_is_not_made_has_the_hint_that_people_would_give(
    database: Database, poor: str, invalid: str
) -> None:
    database.rows(f"alter role {poor} nologin")
    cases = {
        **CONNECTING,
        "localhost": {"port": server.free_port()},
        "a role that may not log in": {"user": poor, "password": poor},
        "a database that is invalid": {"dbname": invalid},
    }
    given = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
    said = {}
    for name, arguments in cases.items():
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(**{"dbname": database.name, "connect_timeout": 5, **given, **arguments})
        said[name] = classify(caught.value, OUTSIDE).failure.hint
    assert said == _hints(cases)


def test_each_line_has_the_case_that_proves_it() -> None:
    of_servers = (IN_A_REVISION, IN_A_DOWNGRADE, OUTSIDE_OF_REVISIONS, AS_A_POOR_USER, CONNECTING)
    here = {"localhost", "a role that may not log in", "a database that is invalid"}.union(*of_servers)
    assert set(LINES) == {*CASES, *OF_FILES, *here}
