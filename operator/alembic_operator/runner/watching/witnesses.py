"""The witnesses of a run, in the order in which they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.watching.adoption import Adoption
from alembic_operator.runner.watching.autocommit import Autocommit
from alembic_operator.runner.watching.commits import Commits
from alembic_operator.runner.watching.footprints import Footprints
from alembic_operator.runner.watching.halves import Halves
from alembic_operator.runner.watching.indexes import Indexes
from alembic_operator.runner.watching.pulse import Pulse

if TYPE_CHECKING:
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.watching.witness import Witness


def of_a_run(connections: Connections) -> tuple[Witness, ...]:
    """Return the witnesses of one run."""
    return (
        Footprints(),
        Adoption(connections),
        Halves(connections),  # behind it: what the revision itself made was not there before
        Commits(),
        Indexes(connections),
        Autocommit(connections.around.journal),
        Pulse(connections),  # last, for it tells what the others made of a failure
    )
