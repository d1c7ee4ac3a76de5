"""What the steps of an import in a pod hand over: names of files, and facts as JSON.

Python 3.9 and the standard library: one of the steps runs in the application's image.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_operator.contract.result import TERMINATION_LOG

if TYPE_CHECKING:
    from alembic_operator.contract.imports import ImportAnswer

COPY = "copy.db"
HANDOVER = "handover.json"
PROGRAM = "upgrade.pyz"


@dataclass(frozen=True)
class Handover:
    """What is known of the copy."""

    earlier: bool = False
    """The database has the mark of an earlier import: there is no copy, and nothing to do."""
    first: bool = False
    """The database has the rows of the first pass, and that is what was asked for."""
    sha256: str = ""
    revision: tuple[str, ...] = ()
    """That of the file."""
    target: tuple[str, ...] = ()
    """What the copy was upgraded to."""
    version_table: str = ""
    filled: bool = False
    """PostgreSQL has rows: perhaps those that revisions insert."""
    inserted: tuple[float, ...] = ()
    """From when to when an empty file was upgraded, to find that out; empty: it was not, or could not be."""
    seen: str = ""
    """What a write to the file changes, as it was before the copy; empty: nobody looks."""

    @property
    def idle(self) -> bool:
        """Tell whether there is no copy, and nothing to do."""
        return self.earlier or self.first

    @staticmethod
    def read(file: Path) -> Handover:
        """Read what the step before has left."""
        return Handover(**json.loads(file.read_text(encoding="utf-8")))

    def write(self, file: Path) -> None:
        """Leave it for the next step, which may run as another user."""
        file.unlink(missing_ok=True)
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        file.chmod(0o644)


def tell(answer: ImportAnswer) -> None:
    """Leave the termination message; outside of a pod it goes to standard output."""
    log = Path(TERMINATION_LOG)
    if log.exists():
        log.write_text(answer.to_json(), encoding="utf-8")
    else:
        sys.stdout.write(answer.to_json() + "\n")
    sys.stderr.write(f"{answer.outcome}: {answer.message or 'see the status'}\n")
