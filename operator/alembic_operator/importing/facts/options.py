"""What an import is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

OnBadRow = Literal["stop", "quarantine"]
Orphans = Literal["stop", "set-null", "quarantine"]
Verify = Literal["full", "counts"]
Turn = Literal["", "first", "second"]


@dataclass(frozen=True)
class Options:
    """The command line of `import-sqlite`."""

    file: Path
    url: str = ""
    """Empty: DATABASE_URL, or PGHOST and the like."""
    schema: str = ""
    config: str = "alembic.ini"
    section: str = "alembic"
    x: tuple[str, ...] = ()
    revision: str = ""
    scan: bool = False
    exclude: tuple[str, ...] = ()
    readings: Mapping[str, str] = field(default_factory=dict)
    on_bad_row: OnBadRow = "stop"
    orphans: Orphans = "stop"
    verify: Verify = "full"
    role: str = ""
    """Whom PostgreSQL's session is to be; empty: who connects."""
    mark: str = ""
    """Under this name the database remembers that the import is complete; empty: it does not."""
    turn: Turn = ""
    """Which of two passes; empty: there is only one."""
