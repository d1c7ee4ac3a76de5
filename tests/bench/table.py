"""Write measurements as a markdown table, each beside its aim."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line: some numbers of one unit, each with the most that it may be; an aim of None is told for interest."""

    what: str
    numbers: tuple[float, ...]
    aims: tuple[float | None, ...]
    unit: str
    conditions: str

    @property
    def met(self) -> bool:
        """Tell whether every number is within its aim."""
        return all(aim is None or number <= aim for number, aim in zip(self.numbers, self.aims, strict=True))

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the line."""
        aimed = [_text(aim) for aim in self.aims if aim is not None]
        aim = f"≤ {' / '.join(aimed)}" if aimed else ""
        measured = f"{' / '.join(map(_text, self.numbers))} {self.unit}".strip()
        verdict = "" if not aimed else "yes" if self.met else "**no**"
        return self.what, aim, measured, verdict, self.conditions


def markdown(rows: Iterable[Row]) -> str:
    """Return the table."""
    lines = [("Measured", "Aim", "Result", "Met", "Conditions"), ("---",) * 5, *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") if number < 10 else f"{number:.0f}"
