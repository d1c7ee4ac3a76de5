"""What the scan tells: everything that stands in the way, with counts and row ids, and never a value."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SHOWN = 3
"""Row ids of each finding."""


@dataclass(frozen=True)
class Finding:
    """One thing in one column or table."""

    kind: str
    table: str
    message: str
    column: str = ""
    count: int = 0
    """How many rows; 0: it is not about rows."""
    rows: tuple[int, ...] = ()
    """The first of their row ids in SQLite."""
    blocks: bool = True
    """Whether the import stops for it; else it is only told."""

    @property
    def place(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.kind, self.table, self.column

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {**vars(self), "rows": list(self.rows)}


@dataclass
class Tally:
    """Counts rows by kind and keeps the first row ids of each."""

    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, row: int) -> None:
        """Count a row."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= SHOWN:
            self.rows.setdefault(kind, []).append(row)

    def __iter__(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """Iterate over kind, count and row ids."""
        return iter([(kind, count, tuple(self.rows[kind])) for kind, count in sorted(self.counts.items())])


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that the import stops for."""
    return [one for one in findings if one.blocks]
