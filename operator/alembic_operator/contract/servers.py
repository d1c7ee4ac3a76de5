"""Several servers with tenants alike: where each one is said to be, and what all of them report, as one Result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alembic_operator.contract.fleet import NAMES, Fleet, Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alembic_operator.contract.result import Applied, Result

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
"""Kubernetes' own, in each pod of an Indexed Job: which server it migrates, from 0, in the order of the list."""

SERVER_VARIABLES = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "DATABASE_URL")
"""What can differ from server to server: of server eu, `PGHOST_eu` is taken instead of `PGHOST`."""


def variable(name: str, server: str) -> str:
    """Return the name that a variable has for one server."""
    return f"{name}_{server}"


def of_server(server: str, name: str) -> str:
    """Return how a tenant is called among those of several servers."""
    return f"{server}/{name}"


def merged(results: Mapping[str, Result | None], lead: str) -> Result:
    """Return what the servers report as one Result, which ends as that of `lead` did; None: one reports nothing.

    The servers are in the order of the list; what one says is said with its name.
    """
    told = {server: one for server, one in results.items() if one}
    first = told[lead]
    error = first.error and replace(first.error, message=f"server {lead}: {first.error.message}")
    others = [f"server {server}: {one.error.message}" for server, one in told.items() if one.error and server != lead]
    warnings = [f"server {server}: {text}" for server, one in told.items() for text in one.warnings]
    return replace(
        first,
        from_=_union(one.from_ for one in told.values()),
        to=_union(one.to for one in told.values()),
        target=_union(one.target for one in told.values()),
        pending=max(one.pending for one in told.values()),
        ahead=any(one.ahead for one in told.values()),
        applied=_applied(told.values()),
        applied_count=max(one.applied_count for one in told.values()),
        lock_ms=max(one.lock_ms for one in told.values()),
        read_back_ms=max(one.read_back_ms for one in told.values()),
        error=error,
        warnings=(*others, *warnings),
        tenants=together({server: one.tenants if one else None for server, one in results.items()}),
    )


def together(fleets: Mapping[str, Fleet | None]) -> Fleet:
    """Return how the tenants of all servers stand; None: nothing is known of those of one."""
    known = {server: one for server, one in fleets.items() if one}
    all_ = known.values()
    slowest = max(known, key=lambda server: known[server].eta_seconds or 0, default="")
    return Fleet(
        total=sum(one.total for one in all_),
        up_to_date=sum(one.up_to_date for one in all_),
        behind=sum(one.behind for one in all_),
        failed=sum(one.failed for one in all_),
        phase=next((one.phase for one in all_ if one.phase), ""),
        failures=_groups(known),
        drifted=sum(one.drifted for one in all_),
        drifted_names=_called((server, name) for server, one in known.items() for name in one.drifted_names),
        eta_seconds=max((one.eta_seconds for one in all_ if one.eta_seconds is not None), default=None),
        slowest=of_server(slowest, known[slowest].slowest) if slowest and known[slowest].slowest else "",
        silent=tuple(server for server in fleets if server not in known),
    )


def _groups(fleets: Mapping[str, Fleet]) -> tuple[Group, ...]:
    """Return the failures of all, those of the same error as one; the largest first."""
    found: dict[tuple[str, ...], Group] = {}
    for server, fleet in fleets.items():
        for one in fleet.failures:
            alike = (one.reason, one.revision, one.sqlstate, one.statement)
            named = replace(one, names=_called((server, name) for name in one.names))
            known = found.get(alike)
            if known:
                names = (*known.names, *named.names)[:NAMES]
                named = replace(known, count=known.count + one.count, names=names)
            found[alike] = named
    return tuple(sorted(found.values(), key=lambda one: -one.count))


def _called(names: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(of_server(server, name) for server, name in names)[:NAMES]


def _applied(results: Iterable[Result]) -> tuple[Applied, ...]:
    """Return each revision that was applied somewhere, with the longest time that it took."""
    found: dict[str, Applied] = {}
    for one in (applied for result in results for applied in result.applied):
        if one.revision not in found or found[one.revision].ms < one.ms:
            found[one.revision] = one
    return tuple(found.values())


def _union(many: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in many for one in some))
