"""For how long the others wait after the canary; the table of tenants tells a retry when that was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import first_line
from alembic_operator.runner.tenants.table import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alembic_operator.runner.database.versions import Query
    from alembic_operator.runner.process.journal import Journal
    from alembic_operator.runner.tenants.table import Book


@dataclass(frozen=True)
class Soak:
    """The wait of `spec.tenants.rollout.soak`."""

    seconds: float
    book: Book | None
    """Without one nobody remembers, and no retry waits again."""
    query: Query
    run: str
    journal: Journal

    def began(self, heads: Mapping[str, tuple[str, ...]]) -> None:
        """Write down that these are done, and when: not each wrote that itself, and none how long it took to commit."""
        if self.book is None or not self.seconds:
            return
        rows = [Row(name, reached, str(Reason.UP_TO_DATE), run=self.run) for name, reached in heads.items()]
        try:
            self.book.write(self.query, rows)
        except Exception as error:  # noqa: BLE001  the drivers share no class, and the wait goes on without
            self.journal.warning("canary not noted", message=first_line(error))

    def left(self, canaries: Sequence[str]) -> float:
        """Return how much of it is left after a run that ended in it; these are up to date."""
        if self.book is None or not self.seconds or not canaries:
            return 0.0
        try:
            age = self.book.age(self.query, canaries)
        except Exception as error:  # noqa: BLE001  as above
            self.journal.warning("soak not taken up", message=first_line(error))
            return 0.0
        return 0.0 if age is None else self.seconds - age
