"""What every part of a run needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from alembic_operator.runner.process.interrupt import Stop
    from alembic_operator.runner.process.journal import Journal
    from alembic_operator.runner.process.masking import Secrets


@dataclass(frozen=True)
class RunContext:
    """What every part of a run needs."""

    stop: Stop
    journal: Journal
    secrets: Secrets
    answer: Callable[[str], None]
    """Writes one line, already masked, to the real standard output."""
    answers_as: str = ""
    """The name under which it answers how far it is; empty: it listens nowhere."""
    spares_failed: bool = False
    """Tenants that have failed for good are left alone, as long as they stand as they stood then."""
