"""The little SQL that the runner writes itself."""

from __future__ import annotations

import pytest

from alembic_operator.runner.database.own import literal, quoted
from alembic_operator.runner.database.versions import VersionTable


@pytest.mark.parametrize(
    ("text", "sql"), [("a", "'a'"), ("it's", "'it''s'"), ("a\\b", "E'a\\\\b'"), ("\\'", "E'\\\\'''")]
)
def test_a_text_is_quoted(text: str, sql: str) -> None:
    assert literal(text) == sql


def test_an_identifier_is_quoted() -> None:
    assert quoted('we"ird') == '"we""ird"'


def test_the_lock_of_a_version_table_is_a_signed_integer_of_its_own() -> None:
    tables = [VersionTable(f"schema_{number}", "alembic_version") for number in range(200)]
    keys = {table.lock_object for table in tables}
    assert len(keys) == len(tables)
    assert all(-(1 << 31) <= key < 1 << 31 for key in keys)
    assert min(keys) < 0


def test_the_lock_does_not_change_between_versions_of_the_runner() -> None:
    assert VersionTable("public", "alembic_version").lock_object == -1580747799
