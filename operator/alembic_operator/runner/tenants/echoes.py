"""Tell one traceback where many tenants fail alike, and how many did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic_operator.runner.process.journal import Journal

_VARIES = re.compile("0x[0-9a-f]+|[0-9]+")
"""An address in memory, a process id, a time."""


class Echoes:
    """The tracebacks that were told, with the tenants of each."""

    def __init__(self, journal: Journal) -> None:
        """Begin with none."""
        self._journal = journal
        self._told: dict[str, tuple[str, set[str]]] = {}

    def hear(self, tenant: str, facts: dict[str, Any]) -> None:
        """Tell what a tenant failed with, unless another one failed alike."""
        bare = re.sub(rf"(?<!\w){re.escape(tenant)}(?!\w)", "{}", str(facts.get("traceback", ""))) if tenant else ""
        _, tenants = self._told.setdefault(_VARIES.sub("0", bare), (str(facts.get("error", "")), set()))
        if not tenants:
            self._journal.error("failed", tenant=tenant, **facts)
        tenants.add(tenant)

    def over(self) -> None:
        """Tell how many there were of each, where it is more than one."""
        for error, tenants in self._told.values():
            if len(tenants) > 1:
                self._journal.error("failed alike", tenants=len(tenants), error=error)
