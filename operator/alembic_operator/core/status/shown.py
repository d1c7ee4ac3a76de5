"""Write revisions as text for `kubectl get`, which prints a list as JSON and an unknown number as nothing."""

from alembic_operator.api.status import RevisionsStatus, ShownRevisions
from alembic_operator.core.runs import messages

_UNKNOWN = "?"
_LONGEST = 253
"""Characters, as the schema has it."""


def shown(revisions: RevisionsStatus | None) -> ShownRevisions:
    """Return the texts of the columns; none of them is ever empty."""
    current = _heads(revisions.current) if revisions else _UNKNOWN
    if revisions is None or revisions.pending is None:
        return ShownRevisions(current=current, target=_UNKNOWN, pending=_UNKNOWN)
    return ShownRevisions(current=current, target=_heads(revisions.target), pending=str(revisions.pending))


def _heads(revisions: tuple[str, ...]) -> str:
    return messages.bounded(messages.heads(revisions), _LONGEST) if revisions else "base"
