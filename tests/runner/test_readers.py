"""Those who only read stand behind an ALTER TABLE that waits: no longer than lock_timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.readers import HOLD, altering, measure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database


def test_readers_stand_behind_an_alter_table_for_lock_timeout_and_not_for_as_long_as_it_waits(
    tmp_path: Path, runner: Runner, database: Database
) -> None:
    bounded = measure(altering(tmp_path / "bounded"), runner, database, "500ms")
    database.rows("drop table busy, alembic_version")
    endless = measure(altering(tmp_path / "endless"), runner, database, "0s")
    assert (bounded.attempts > 1, endless.attempts) == (True, 1)
    assert endless.worst > HOLD / 2
    assert bounded.worst < endless.worst / 2, f"{bounded.worst} s of at most 0.5 s, {endless.worst} s without"
