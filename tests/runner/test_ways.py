"""What a downgrade and a stamp aim at is what Alembic's own steps leave in the version table, whatever the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory

from alembic_operator.runner.commands.downgrade import Downwards
from alembic_operator.runner.commands.stamp import Stamp
from alembic_operator.runner.commands.upwards import Upwards
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import scripts, state
from tests.runner.histories import Chance

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HISTORIES = 120
QUESTIONS = 6


class Rows(HeadMaintainer):  # type: ignore[misc]  # Alembic is not followed
    """The rows of a version table, without a database."""

    def __init__(self, heads: tuple[str, ...]) -> None:
        self.heads = set(heads)

    def after(self, steps: Iterable[Any]) -> tuple[str, ...]:
        for step in steps:
            self.update_to_step(step)
        return tuple(sorted(self.heads))

    def _insert_version(self, version: str) -> None:
        assert version not in self.heads
        self.heads.add(version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)

    def _update_version(self, from_: str, to_: str) -> None:
        assert to_ not in self.heads
        self.heads = self.heads - {from_} | {to_}


def _upgraded(script: Any, chance: Chance) -> tuple[str, ...]:
    """Return the rows of a database that was upgraded to some revision, and perhaps to another one."""
    rows: tuple[str, ...] = ()
    for target in chance.random.sample(chance.names, min(len(chance.names), chance.random.randint(0, 2))):
        aimed = Upwards().aim(script, target, rows)
        rows = Rows(rows).after(Upwards().steps(script, target, aimed, rows))
    return rows


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("move", [Downwards(), Stamp()], ids=["downgrade", "stamp"])
def test_the_aim_is_what_alembics_steps_leave(tmp_path: Path, move: Downwards | Stamp) -> None:
    moved = 0
    for seed in range(HISTORIES):
        chance = Chance(seed)
        chance.wrong = ""
        chance.write(tmp_path / str(seed))
        script = ScriptDirectory(str(tmp_path / str(seed)))
        graph = scripts.graph(script)
        for _ in range(QUESTIONS):
            try:
                rows = _upgraded(script, chance)
            except (KeyError, AssertionError, Ending):  # Alembic itself cannot go there
                continue
            several = ",".join(chance.random.sample(chance.names, min(2, len(chance.names))))
            target = chance.random.choice([*chance.names, "base", "heads", several, several])
            try:
                aimed = move.aim(script, target, rows)
            except Ending:
                continue
            after = Rows(rows).after(move.steps(script, target, aimed, rows))
            assert move.left(script, aimed, after) == (), (seed, target, rows)
            assert state.contained(graph, after) == state.contained(graph, aimed), (seed, target, rows)
            if isinstance(move, Stamp) and target != "base":
                assert scripts.missing(script, scripts.targets(script, target, ()), after) == (), (seed, target, rows)
            moved += after != rows
    assert moved > HISTORIES
