"""What sets up the session of one tenant after that of another: which settings the server knows, it was asked then."""

from __future__ import annotations

import pytest

from alembic_operator.runner.database.session import Session
from alembic_operator.runner.database.sessions import leaves

SESSION = Session("alembic-operator/pod", 2000, 0, 60_000, "ws_1", "")
KNOWN = {"application_name": "before", "search_path": "before", "idle_session_timeout": "5000"}


def test_what_the_server_knows_and_bounds_is_set_as_before_and_all_else_as_this_tenant_needs_it() -> None:
    (statement,) = SESSION.statements(KNOWN)
    assert "pg_settings" not in statement
    assert "set_config('idle_session_timeout', '5000', false)" in statement
    assert """set_config('search_path', '"ws_1", public', false)""" in statement
    assert "set_config('application_name', 'alembic-operator/pod', false)" in statement
    assert "tcp_user_timeout" not in statement  # which this server did not know


def test_a_tenant_without_a_schema_has_not_that_of_the_tenant_before() -> None:
    without = Session("alembic-operator/pod", 2000, 0, 60_000, "", "")
    (statement,) = without.statements(KNOWN)
    assert "search_path" not in statement
    (statement,) = SESSION.statements({"application_name": "before"})
    assert "search_path" in statement


@pytest.mark.parametrize(
    ("statement", "is_left"),
    [
        ("create table one (id int)", False),
        ("UPDATE ws_1.alembic_version SET version_num='two' WHERE ws_1.alembic_version.version_num = 'one'", False),
        ('set search_path to "ws_1"', False),
        ("set local lock_timeout = '1s'", False),
        ("select pg_advisory_lock(1)", False),
        ("set app.tenant = 'x'", True),
        ('SET  SESSION "app"."tenant" TO x', True),
        ("select pg_catalog.set_config('app.tenant', 'x', false)", True),
        ("LOAD 'auto_explain'", True),
        ("create extension plpython3u", True),
        ("select dblink_connect('host=other')", True),
        ("do $$ begin perform set_config('app.tenant', 'x', false); end $$", True),
        ("call fill()", True),
        (f"insert into one values {', '.join(['(1)'] * 5000)}", True),
    ],
)
def test_a_session_has_no_other_tenant_where_something_may_stay_that_no_reset_undoes(
    statement: str, *, is_left: bool
) -> None:
    assert leaves(statement) is is_left
