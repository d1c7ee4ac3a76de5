"""A machine has one native node, and nobody takes it from its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devcluster import owner
from devcluster.failure import FailureError
from devcluster.processes import Processes, Program
from devcluster.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def other(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "other" / "alembic-operator" / "cluster", cache=tmp_path)


def marked(tmp_path: Path, settings: Settings) -> Path:
    mark = tmp_path / "owner"
    mark.write_text(str(settings.state))
    return mark


def test_a_second_node_is_refused_while_the_first_runs_and_allowed_when_it_has_ended(
    tmp_path: Path, other: Settings
) -> None:
    mine, mark = Settings(state=tmp_path / "mine", cache=tmp_path), marked(tmp_path, other)
    processes = Processes(other.state / "pids", other.state / "logs")
    processes.ensure(Program("sleeper", ("sleep", "60")))
    try:
        with pytest.raises(FailureError, match=f"XDG_STATE_HOME={tmp_path / 'other'} python3 -m devcluster down"):
            owner.demand(mine, mark)
        owner.demand(other, mark)
    finally:
        processes.stop("sleeper", grace=0)
    owner.demand(mine, mark)


def test_a_machine_without_a_node_is_anybodys(tmp_path: Path, other: Settings) -> None:
    owner.demand(other, tmp_path / "no mark")
