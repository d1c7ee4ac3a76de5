"""Who made the object that a server says exists already."""

from __future__ import annotations

import pytest

from alembic_operator.contract import Failure
from alembic_operator.runner.watching import existing

TABLE = 'relation "t" already exists'
COLUMN = 'column "a" of relation "t" already exists'


@pytest.mark.parametrize(
    ("code", "message", "failed", "executed"),
    [
        ("42P07", TABLE, "create table t (id int)", "CREATE TABLE t ( id INTEGER )"),
        ("42P07", TABLE, "create table public.t (id int)", "create table t (id int)"),
        ("42P07", TABLE, "create table t (id int)", "ALTER TABLE old RENAME TO t"),
        ("42P07", 'relation "ix_t_a" already exists', "", "CREATE UNIQUE INDEX CONCURRENTLY ix_t_a ON t (a)"),
        ("42P07", 'relation "one" already exists', "", 'ALTER TABLE t ADD CONSTRAINT "one" UNIQUE (a)'),
        ("42710", 'type "kind" already exists', "", "CREATE TYPE kind AS ENUM (?, ?)"),
        ("42701", COLUMN, "", "CREATE TABLE t ( id INTEGER NOT NULL, a INTEGER )"),
        ("42701", COLUMN, "", "ALTER TABLE t ADD COLUMN a INTEGER"),
        ("42701", COLUMN, "", "ALTER TABLE public.t ADD COLUMN b INTEGER, ADD a INTEGER"),
        (
            "42710",
            'constraint "one" for relation "t" already exists',
            "",
            "ALTER TABLE t ADD CONSTRAINT one CHECK (a > ?)",
        ),
        (
            "42710",
            'trigger "seen" for relation "t" already exists',
            "",
            "CREATE TRIGGER seen BEFORE UPDATE ON t EXECUTE",
        ),
        ("42P06", 'schema "app" already exists', "", "CREATE SCHEMA app"),
        ("42723", 'function "f" already exists with same argument types', "", "CREATE FUNCTION f() RETURNS int"),
        ("42710", 'role "app" already exists', "", "CREATE USER app"),
    ],
)
def test_a_revision_has_made_it_itself(code: str, message: str, failed: str, executed: str) -> None:
    found = existing.met(Failure(sqlstate=code, message=message, statement=failed))
    assert found is not None
    assert found.is_made_by(["select 1", executed])


@pytest.mark.parametrize(
    ("code", "message", "failed", "executed"),
    [
        ("42701", 'column "id" of relation "t" already exists', "", "CREATE TABLE other ( id INTEGER NOT NULL )"),
        ("42701", 'column "a" of relation "t" already exists', "", "CREATE INDEX ix ON t (a)"),
        ("42701", 'column "a" of relation "t" already exists', "", "ALTER TABLE t DROP COLUMN a"),
        ("42P07", TABLE, "", "CREATE TABLE other ( t_id INTEGER REFERENCES t )"),
        ("42P07", TABLE, "", "CREATE INDEX ix ON t (id)"),
        ("42P07", TABLE, "", "CREATE VIEW v AS t"),
        ("42P07", TABLE, "create table b.t (id int)", "create table a.t (id int)"),
        ("42P07", TABLE, "", "CREATE TABLE t2 (id int)"),
        ("42P06", 'schema "app" already exists', "", "CREATE TABLE app (id int)"),
        ("42710", 'trigger "seen" for relation "t" already exists', "", "CREATE TRIGGER seen BEFORE UPDATE ON other"),
        ("42P07", "Relation »t« existiert bereits", "", "CREATE TABLE t (id int)"),
    ],
)
def test_it_was_there_before_or_nobody_can_tell(code: str, message: str, failed: str, executed: str) -> None:
    found = existing.met(Failure(sqlstate=code, message=message, statement=failed))
    assert found is not None
    assert not found.is_made_by([executed])
    assert found.may_come_with_tables


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("42701", 'column "a" specified more than once'),
        ("42701", 'column name "xmin" conflicts with a system column name'),
        ("42P01", 'relation "t" does not exist'),
        ("", "ValueError: t already exists"),
    ],
)
def test_an_error_of_another_kind_is_of_nothing_that_exists(code: str, message: str) -> None:
    assert existing.met(Failure(sqlstate=code, message=message)) is None


@pytest.mark.parametrize("kind", ["role", "extension"])
def test_what_an_administrator_makes_is_no_sign_of_tables(kind: str) -> None:
    found = existing.met(Failure(sqlstate="42710", message=f'{kind} "app" already exists'))
    assert found is not None
    assert not found.may_come_with_tables
