"""Read what the conditions of a status say."""

from collections.abc import Iterable

from alembic_operator.api.meta import Condition

READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"


def is_ready(given: Iterable[Condition]) -> bool:
    """Return whether Ready is True."""
    return any(one.type == READY and one.status == "True" for one in given)


def is_stalled(given: Iterable[Condition]) -> bool:
    """Return whether Stalled is True."""
    return any(one.type == STALLED and one.status == "True" for one in given)


def reason_of(given: Iterable[Condition]) -> str:
    """Return the reason of Ready, which all conditions share; empty before there is one."""
    return next((one.reason for one in given if one.type == READY), "")


def reconciling_since(given: Iterable[Condition]) -> str:
    """Return since when Reconciling is True; empty when it is not."""
    return next((one.last_transition_time for one in given if one.type == RECONCILING), "")
