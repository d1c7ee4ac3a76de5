"""Tell in JSON lines what the runner does.

Not with the logging module: env.py's fileConfig() disables other people's loggers.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from alembic_operator.runner.process.masking import Secrets


_LONGEST = 10_000
"""Characters of one text: a line must stay one that people and collectors of logs can read."""


class Journal:
    """Writes one JSON line for each event."""

    def __init__(
        self, write: Callable[[str], None], secrets: Secrets, show: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._write = write
        self._show = show
        self._begun = time.monotonic()
        self.secrets = secrets

    @property
    def seconds(self) -> float:
        """Seconds since the first line could be written."""
        return round(time.monotonic() - self._begun, 3)

    def info(self, event: str, **facts: Any) -> None:
        """Tell what happened."""
        self._line("info", event, facts)

    def show(self, text: str) -> bool:
        """Show a text at the foot of the terminal, instead of a line; return False where there is none."""
        return self._show(self.masked(text))

    def warning(self, event: str, **facts: Any) -> None:
        """Tell what somebody should look at."""
        self._line("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        """Tell what ended the run."""
        self._line("error", event, facts)

    def _line(self, level: str, event: str, facts: dict[str, Any]) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, "event": event, **self.masked(facts)}
        self._write(json.dumps(line, ensure_ascii=False, default=str))

    def masked(self, fact: Any) -> Any:
        """Return the fact with every secret in its texts masked; masking the JSON itself could break it."""
        if isinstance(fact, str):
            return _cut(self.secrets.mask_error(_cut(fact, 4 * _LONGEST)))
        if isinstance(fact, dict):
            return {key: self.masked(value) for key, value in fact.items()}
        if isinstance(fact, (list, tuple)):
            return [self.masked(value) for value in fact]
        return fact


def _cut(text: str, longest: int = _LONGEST) -> str:
    """Return a text without its middle when it is too long; a traceback says most at both ends."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"
