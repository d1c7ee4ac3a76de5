"""What an import found and did."""

from dataclasses import dataclass, field

from alembic_operator.importing.facts.findings import Finding, blocking


@dataclass(frozen=True)
class Loaded:
    """One table that is in PostgreSQL now, and equal."""

    name: str
    rows: int
    seconds: float


@dataclass
class Answer:
    """Everything that is told at the end."""

    sha256: str = ""
    """Of the copy, before it was upgraded: the file as it was read."""
    revision: tuple[str, ...] = ()
    """That of the file."""
    target: tuple[str, ...] = ()
    """That of PostgreSQL."""
    findings: list[Finding] = field(default_factory=list)
    tables: list[Loaded] = field(default_factory=list)
    quarantined: int = 0
    seconds: float = 0.0
    equal: bool = False
    following: str = ""
    """What to do next."""

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        rows = sum(one.rows for one in self.tables)
        return {
            "sha256": self.sha256,
            "revision": list(self.revision),
            "target": list(self.target),
            "findings": [one.document() for one in self.findings],
            "blocked": bool(blocking(self.findings)),
            "tables": [{**vars(one), "seconds": round(one.seconds, 3)} for one in self.tables],
            "quarantined": self.quarantined,
            "rows": rows,
            "seconds": round(self.seconds, 3),
            "rowsPerSecond": round(rows / self.seconds) if self.seconds else 0,
            "equal": self.equal,
            "next": self.following,
        }
