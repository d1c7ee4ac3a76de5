"""Turn what a run says of its tenants into what a status can hold: foreign text, whoever wrote it."""

from dataclasses import replace
from typing import Any

from alembic_operator.api.fleet import MOST_GROUPS, FailedTenants, TenantsStatus
from alembic_operator.api.meta import SENTENCE_LENGTH
from alembic_operator.contract.fleet import NAMES, Fleet, Group

MOST_BYTES = 4096
"""Of status.tenants as JSON; whoever wants to know more asks the table."""

_MOST = 2**31 - 1
_NAME = 253
_LONGEST = {"reason": 64, "revision": 255, "sqlstate": 5}
_NUMBERS = ("total", "up_to_date", "behind", "failed", "drifted")
_TEXTS = ("reason", "revision", "sqlstate", "statement", "message", "hint")


def clean(fleet: Fleet) -> Fleet:
    """Return it with numbers that can be, and texts of one line and of a length that a status can hold."""
    numbers: dict[str, Any] = {name: _number(getattr(fleet, name)) for name in _NUMBERS}
    return Fleet(
        phase=_text(fleet.phase, 32),
        failures=tuple(map(_clean_group, fleet.failures[:MOST_GROUPS])),
        drifted_names=_names(fleet.drifted_names),
        eta_seconds=None if fleet.eta_seconds is None else _number(fleet.eta_seconds),
        slowest=_text(fleet.slowest),
        silent=_names(fleet.silent),
        **numbers,
    )


def told(fleet: Fleet | None) -> TenantsStatus | None:
    """Return it as the status has it, without what does not fit."""
    if fleet is None:
        return None
    found = _status(clean(fleet))
    while size(found) > MOST_BYTES and (shorter := shrunk(found)):
        found = shorter
    return found


def shrunk(tenants: TenantsStatus) -> TenantsStatus | None:
    """Return it without what is missed least; None: there is nothing more to leave out."""
    shorter = fleet_of(tenants).shrunk()
    return _status(shorter) if shorter else None


def size(tenants: TenantsStatus) -> int:
    """Return how many bytes of JSON it is."""
    return len(tenants.model_dump_json(by_alias=True, exclude_none=True).encode())


def fleet_of(tenants: TenantsStatus) -> Fleet:
    """Return what a status says, as the run said it."""
    numbers: dict[str, Any] = {name: getattr(tenants, name) for name in _NUMBERS}
    return Fleet(
        phase=tenants.phase or "",
        failures=tuple(
            Group(one.count, one.names, **{name: getattr(one, name) or "" for name in _TEXTS})
            for one in tenants.failures
        ),
        drifted_names=tenants.drifted_names,
        eta_seconds=tenants.eta_seconds,
        slowest=tenants.slowest or "",
        silent=tenants.silent,
        **numbers,
    )


def at_rest(tenants: TenantsStatus | None) -> TenantsStatus | None:
    """Return what stays true when no run is under way that says more."""
    return tenants and tenants.model_copy(update={"phase": None, "eta_seconds": None, "slowest": None})


def recalled(now: TenantsStatus, before: TenantsStatus | None) -> TenantsStatus:
    """Return it with what was known of failures that a run has only read from its table, which has no statements."""
    known = {_what(one): one for one in before.failures if one.statement} if before else {}
    failures = tuple(one if one.statement else known.get(_what(one), one) for one in now.failures)
    return now.model_copy(update={"failures": failures})


def _what(failed: FailedTenants) -> tuple[object, ...]:
    return failed.names, failed.count, failed.reason, failed.revision, failed.sqlstate


def unknown(tenants: TenantsStatus | None) -> TenantsStatus | None:
    """Return what is known of them while a run begins that asks for something else: how many there were."""
    return tenants and TenantsStatus(shown=f"?/{tenants.total}", total=tenants.total)


def _status(fleet: Fleet) -> TenantsStatus:
    numbers: dict[str, Any] = {name: getattr(fleet, name) for name in _NUMBERS}
    return TenantsStatus(
        shown=f"{fleet.up_to_date}/{fleet.total}{'+?' if fleet.silent else ''}",
        phase=fleet.phase or None,
        eta_seconds=fleet.eta_seconds,
        slowest=fleet.slowest or None,
        failures=tuple(
            FailedTenants(count=one.count, names=one.names, **{name: getattr(one, name) or None for name in _TEXTS})
            for one in fleet.failures
        ),
        drifted_names=fleet.drifted_names,
        silent=fleet.silent,
        **numbers,
    )


def _clean_group(group: Group) -> Group:
    texts: dict[str, Any] = {name: _text(getattr(group, name), _LONGEST.get(name, SENTENCE_LENGTH)) for name in _TEXTS}
    return replace(group, count=_number(group.count), names=_names(group.names), **texts)


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, names[:NAMES])))


def _text(text: str, longest: int = _NAME) -> str:
    found = "".join(one if one.isprintable() else " " for one in text[: longest + 1])
    return found if len(found) <= longest else f"{found[: longest - 1]}…"


def _number(number: int) -> int:
    return max(0, min(number, _MOST))
