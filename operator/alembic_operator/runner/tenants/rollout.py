"""In which order the tenants go, how many at a time, and when no other one is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.contract.tenants import of_total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alembic_operator.contract.tenants import Tenants
    from alembic_operator.runner.tenants.load import Processors

_QUIET = 20
"""After so many tenants without a word of its processes being in each other's way, there may be one more."""
_SILENT = 4
"""After so many looks without a word there may be one more, however busy this machine is: they wait for the server."""
_EACH_PROCESSOR = 2
"""Tenants: while one waits for the server, another one works."""


def canaries(tenants: Tenants, ordered: Sequence[str]) -> tuple[str, ...]:
    """Return those that go before the others, of all tenants in their order."""
    if tenants.canary_amount is None:
        return tuple(one for one in ordered if one in tenants.canary)
    return tuple(ordered[: of_total(tenants.canary[0], len(ordered))])


def tolerated(tenants: Tenants, total: int) -> int:
    """Return how many tenants may fail."""
    return of_total(tenants.max_failures, total)


@dataclass
class Width:
    """How many tenants are migrated at the same time."""

    most: int
    now: int
    processors: Processors
    _quiet: int = 0
    _is_narrow: bool = False
    """They were in each other's way."""
    _silent: int = 0

    @staticmethod
    def of(tenants: Tenants, connections_left: int, each: int, processors: Processors) -> Width:
        """Begin with as many as the server's connections allow, and as keep the processors at work."""
        most = max(1, min(tenants.max_parallel, connections_left // each))
        return Width(most, min(most, _EACH_PROCESSOR * processors.count), processors)

    def halve(self) -> None:
        """Be half as many: they are in each other's way, or the server has no room for them."""
        self.now, self._quiet, self._is_narrow = max(1, self.now // 2), 0, True

    def went_well(self) -> None:
        """Count a tenant that nothing of the kind happened to; one more is of use where the processors have room."""
        self._quiet, self._silent = self._quiet + 1, 0
        if self._quiet >= _QUIET if self._is_narrow else self.processors.have_room:
            self._widen()

    def lasts(self) -> None:
        """See that no process has said anything for a while: mostly they wait for the server."""
        self._silent += 1
        if (self._silent >= _SILENT or self.processors.have_room) and not self._is_narrow:
            self._widen()

    def _widen(self) -> None:
        self.now, self._quiet, self._silent = min(self.most, self.now + 1), 0, 0


def ordered(names: Iterable[str], sizes: Mapping[str, int]) -> tuple[str, ...]:
    """Return them the smallest first; those of one size, or without one, by name."""
    return tuple(sorted(names, key=lambda one: (sizes.get(one, 0), one)))
