"""The witnesses of a run, in the order in which they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.watching.autocommit import Autocommit
from alembic_operator.runner.watching.indexes import Indexes
from alembic_operator.runner.watching.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.watching.recorder import Recorder
    from alembic_operator.runner.watching.witness import Witness


class Witnesses:
    """Those who have something to do in each run; the others come with its first revision: most runs have none."""

    def __init__(self, connections: Connections, invocation: Invocation, recorder: Recorder) -> None:
        self._connections = connections
        self._early: tuple[Witness, ...] = ()
        self._always: tuple[Witness, ...] = (
            Indexes(connections),
            Autocommit(connections.around.journal),
            Pulse(connections),  # behind those who make something of a failure, for it tells that
            recorder,
        )
        if invocation.history == "Enabled":
            from alembic_operator.runner.watching.run_record import RunRecord  # noqa: PLC0415

            self._always += (RunRecord(connections, invocation),)

    def join(self, witness: Witness) -> None:
        """Let one more watch, behind all others."""
        self._always = (*self._always, witness)

    def __iter__(self) -> Iterator[Witness]:
        yield from self._early
        yield from self._always

    def summon(self, site: Site | None) -> None:
        """Let those come who watch revisions; they are asked before the others."""
        if self._early or site is None:
            return
        from alembic_operator.runner.watching.adoption import Adoption  # noqa: PLC0415
        from alembic_operator.runner.watching.commits import Commits  # noqa: PLC0415
        from alembic_operator.runner.watching.footprints import Footprints  # noqa: PLC0415
        from alembic_operator.runner.watching.halves import Halves  # noqa: PLC0415

        self._early = (
            *(() if self._connections.is_of_fleet else (Footprints(),)),
            Adoption(self._connections),
            Halves(self._connections),  # behind it: what the revision itself made was not there before
            Commits(borrows=self._connections.is_of_fleet),
        )
        for witness in self._early:
            witness.locked(site)
