"""How far the load of an import is: what its pod answers, and the one sentence in which log and status say it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from alembic_operator.contract.durations import spoken

LOADS, COMPARES, INDEXES = "loads", "compares", "builds an index of"


@dataclass(frozen=True)
class ImportProgress:
    """What a load does at a moment; times are seconds since 1970."""

    at: float
    since: float
    """Since when it has been doing this with this table."""
    run: str = ""
    """Who says so, by the name that it was given."""
    does: str = ""
    """LOADS, COMPARES or INDEXES; empty: nothing that PostgreSQL counts, as while the copy is scanned."""
    table: str = ""
    rows: int = 0
    """Of the table, so far."""
    total: int = 0
    """That the table has; 0: unknown."""

    @property
    def pace(self) -> int:
        """Rows in a second."""
        lasted = self.at - self.since
        return round(self.rows / lasted) if lasted >= 1 else 0

    @property
    def left(self) -> int | None:
        """Seconds until it is through with the table; None: unknown."""
        return round((self.total - self.rows) / self.pace) if self.pace and self.total > self.rows else None

    def __str__(self) -> str:
        """Return the sentence's end, after who it is."""
        if not self.does:
            return "scans the copy, or looks at what it has loaded"
        if self.does == INDEXES:
            return f"{self.does} {self.table}, for {spoken(self.at - self.since)}"
        of = f"{self.rows} of {self.total}" if self.total else str(self.rows)
        pace = f", {self.pace} in a second" if self.pace else ""
        left = f", about {spoken(self.left)} left" if self.left is not None else ""
        return f"{self.does} {self.table}: {of} rows{pace}{left}"

    def to_json(self) -> str:
        """Return it as it is answered."""
        return json.dumps(asdict(self))
