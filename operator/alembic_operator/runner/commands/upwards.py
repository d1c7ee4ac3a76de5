"""Upwards: run the revisions that lead from the database heads to the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.runner.project import scripts

if TYPE_CHECKING:
    from collections.abc import Iterator


class Upwards:
    """The direction of `alembic upgrade`."""

    def runs(self, target: str) -> list[str]:
        """Return each of several targets: some env.py understand only one of them at a time."""
        return scripts.parts(target)

    def aim(self, script: Any, target: str, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that a target names, seen from the database heads."""
        if scripts.is_relative(target) and scripts.unknown(script, heads):
            return ()  # nothing can be counted from an unknown head
        return scripts.targets(script, target, heads)

    def left(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that are still to run."""
        return scripts.missing(script, aimed, heads)

    def steps(self, script: Any, target: str, aimed: tuple[str, ...], heads: tuple[str, ...]) -> Iterator[Any]:
        """Return Alembic's steps to the target, in their order."""
        from alembic_operator.runner.project import ways  # noqa: PLC0415  most runs find nothing to do

        ways.require_upgrades(script, self.left(script, aimed, heads))
        destination: Any = aimed if scripts.is_relative(target) else target
        found: Iterator[Any] = script._upgrade_revs(destination, heads)  # noqa: SLF001  as `alembic upgrade` itself does
        return found
