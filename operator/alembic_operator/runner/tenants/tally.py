"""Count how the tenants stand, and group those that failed alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alembic_operator.contract.exit_codes import FINAL_EXIT_CODES, ExitCode
from alembic_operator.contract.fleet import NAMES, Fleet, Group
from alembic_operator.runner.process.failures import exit_code

if TYPE_CHECKING:
    from alembic_operator.contract import Failure, Result


@dataclass
class Tally:
    """All tenants; what is neither up to date nor failed is behind."""

    names: set[str]
    up_to_date: set[str] = field(default_factory=set)
    failed: dict[str, tuple[str, Failure]] = field(default_factory=dict)
    """With the reason."""
    drifted: tuple[str, ...] = ()

    def ended(self, tenant: str, result: Result) -> None:
        """Know how the run of a tenant has ended."""
        self.up_to_date.discard(tenant)
        self.failed.pop(tenant, None)
        if result.error is None:
            self.up_to_date.add(tenant)
        else:
            self.failed[tenant] = result.reason, result.error

    def forget(self, tenant: str) -> None:
        """Know that it is no tenant any more."""
        self.names.discard(tenant)
        self.up_to_date.discard(tenant)
        self.failed.pop(tenant, None)

    @property
    def fleet(self) -> Fleet:
        """Return the sum."""
        total, up, failed = len(self.names), len(self.up_to_date), len(self.failed)
        drifted = tuple(self.drifted[:NAMES])
        return Fleet(total, up, total - up - failed, failed, "", tuple(self._groups()), len(self.drifted), drifted)

    def _groups(self) -> list[Group]:
        alike: dict[tuple[str, ...], list[str]] = {}
        for tenant, (reason, failure) in sorted(self.failed.items()):
            statement = _without(tenant, failure.statement)
            message = "" if failure.sqlstate else _without(tenant, failure.message)
            key = (reason, failure.revision, failure.sqlstate, statement, message)
            alike.setdefault(key, []).append(tenant)
        groups = [self._group(tenants) for tenants in alike.values()]
        return sorted(groups, key=lambda one: (-one.count, one.names))

    def _group(self, tenants: list[str]) -> Group:
        reason, first = self.failed[tenants[0]]
        told = Group(len(tenants), tuple(tenants[:NAMES]), reason)
        return replace(
            told,
            revision=first.revision,
            sqlstate=first.sqlstate,
            statement=first.statement,
            message=first.message,
            hint=first.hint,
        )

    @property
    def worst(self) -> Group | None:
        """Return the largest group of those that nothing heals by itself, else of the others; None: none failed."""
        return min(self._groups(), key=lambda one: (_weight(exit_code(one.reason)), -one.count), default=None)


def _weight(code: ExitCode) -> int:
    return 0 if code in FINAL_EXIT_CODES else 1 if code == ExitCode.REFUSED else 2


def _without(tenant: str, text: str) -> str:
    """Return a text that is the same for each tenant."""
    return text.replace(tenant, "{}")
