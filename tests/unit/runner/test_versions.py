"""What a version table may hold."""

from __future__ import annotations

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import versions
from alembic_operator.runner.process.failures import Ending

TABLE = versions.VersionTable("public", "alembic_version")


@pytest.mark.parametrize("row", [None, "", "one ", "one\n", 1])
def test_a_row_that_names_no_revision_is_damage_and_not_one_of_a_newer_image(row: object) -> None:
    with pytest.raises(Ending) as ended:
        versions.named([row, "two"], TABLE)
    assert ended.value.verdict.reason is Reason.VERSION_TABLE_DAMAGED
    assert TABLE.sql in ended.value.verdict.failure.hint
