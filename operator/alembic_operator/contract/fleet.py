"""How the tenants of a migration stand: in a Result, in what a run answers, and in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from alembic_operator.contract.durations import spoken

NAMES = 10
"""So many tenants are named in each group of failures; the others are counted."""
_NUMBERS = ("total", "up_to_date", "behind", "failed", "drifted")
_TEXTS = ("reason", "revision", "sqlstate", "statement", "message", "hint")


@dataclass(frozen=True)
class Group:
    """Tenants that failed alike: in the same revision, with the same SQLSTATE, at the same statement."""

    count: int
    names: tuple[str, ...]
    """The first ones by name, at most NAMES."""
    reason: str = ""
    """One of `api.reasons.Reason`."""
    revision: str = ""
    sqlstate: str = ""
    statement: str = ""
    """Cut, its literals masked."""
    message: str = ""
    """The first one's."""
    hint: str = ""

    def __str__(self) -> str:
        """Return it as a part of a sentence: `12 failed in d25c8a41f7e6 with 23505: ws_17, ws_203 and 10 more`."""
        where = f" in {self.revision}" if self.revision else ""
        how = self.sqlstate or self.reason
        return f"{self.count:,} failed{where}{f' with {how}' if how else ''}: {named(self.names, self.count)}"


@dataclass(frozen=True)
class Fleet:
    """How all tenants stand; each is counted in one of up_to_date, behind and failed."""

    total: int = 0
    up_to_date: int = 0
    """They contain the target."""
    behind: int = 0
    """They do not contain it, and have not failed in this run."""
    failed: int = 0
    phase: str = ""
    """Shared, Canary, Soaking or Tenants: what was under way; empty: the run came to its end."""
    failures: tuple[Group, ...] = ()
    """Largest first."""
    drifted: int = 0
    drifted_names: tuple[str, ...] = ()
    """Tenants whose tables differ from most others', at most NAMES."""
    eta_seconds: int | None = None
    """Only while it runs: when the last tenant will be done, as fast as it went until now."""
    slowest: str = ""
    """Only while it runs: the tenant that has been under way for longest."""
    silent: tuple[str, ...] = ()
    """Servers of whose tenants nothing is known; they are not counted."""

    def __str__(self) -> str:
        """Return the sentence."""
        stands = f"{self.up_to_date:,} of {self.total:,} tenants are up to date"
        missed = self.behind and (self.failures or not self.phase) and f"{self.behind:,} were not begun"
        groups = "; ".join(str(one) for one in self.failures)
        drifted = self.drifted and f"{self.drifted:,} drifted: {named(self.drifted_names, self.drifted)}"
        silent = self.silent and f"nothing is known of those of server {', '.join(self.silent)}"
        return "; ".join(one for one in (stands, groups, missed, silent, drifted) if one)

    @property
    def doing(self) -> str:
        """A sentence on how far it is: `Tenants: 126 of 128 done, 2 min left, slowest ws_7`."""
        done = f"{self.up_to_date + self.failed:,} of {self.total:,} done"
        left = "" if self.eta_seconds is None else f"{spoken(self.eta_seconds)} left"
        failed = f"{self.failed:,} failed" if self.failed else ""
        slowest = f"slowest {self.slowest}" if self.slowest else ""
        return f"{self.phase or 'Tenants'}: " + ", ".join(one for one in (done, failed, left, slowest) if one)

    def shrunk(self) -> Fleet | None:
        """Return it with less that is in the table of tenants anyway; None: there is nothing more to leave out."""
        longest = max(self.failures, key=lambda one: len(one.names), default=None)
        if longest and len(longest.names) > 1:
            shorter = replace(longest, names=longest.names[: len(longest.names) // 2])
            return replace(self, failures=tuple(shorter if one is longest else one for one in self.failures))
        if len(self.failures) > 1:
            return replace(self, failures=self.failures[: len(self.failures) // 2])
        if len(self.drifted_names) > 1:
            return replace(self, drifted_names=self.drifted_names[: len(self.drifted_names) // 2])
        if longest and (longest.statement or longest.message or longest.hint):
            return replace(self, failures=(replace(longest, statement="", message="", hint=""),))
        return None

    @staticmethod
    def read(raw: Any) -> Fleet:
        """Read it from JSON.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it cannot be understood.
        """
        numbers: Any = {name: int(raw.get(name) or 0) for name in _NUMBERS}
        eta = raw.get("eta_seconds")
        return Fleet(
            phase=str(raw.get("phase") or ""),
            failures=tuple(_group(one) for one in raw.get("failures") or ()),
            drifted_names=_strings(raw.get("drifted_names")),
            eta_seconds=None if eta is None else int(eta),
            slowest=str(raw.get("slowest") or ""),
            silent=_strings(raw.get("silent")),
            **numbers,
        )


def _group(raw: Any) -> Group:
    texts = {name: str(raw.get(name) or "") for name in _TEXTS}
    return Group(int(raw["count"]), _strings(raw.get("names")), **texts)


def _strings(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        raise TypeError("names are a list")
    return tuple(str(one) for one in raw or ())


def named(names: tuple[str, ...], count: int) -> str:
    """Return names and how many more there are: `ws_17, ws_203 and 10 more`."""
    more = count - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")
