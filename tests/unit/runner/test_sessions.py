"""What sets up the session of one tenant after that of another: which settings the server knows, it was asked then."""

from __future__ import annotations

from alembic_operator.runner.database.session import Session

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
