"""What `kubectl get` shows of revisions."""

import pytest

from alembic_operator.api.status import RevisionsStatus, ShownRevisions
from alembic_operator.core.status.shown import shown

_MANY = tuple(f"{number:012x}" for number in range(256))

CASES = {
    "nothing is known": (None, ("?", "?", "?")),
    "a run is under way": (RevisionsStatus(current=("a1",)), ("a1", "?", "?")),
    "all is to be undone": (RevisionsStatus(current=("a1",), pending=1), ("a1", "base", "1")),
    "all is there": (RevisionsStatus(current=("a1",), target=("a1",), pending=0), ("a1", "a1", "0")),
    "several heads": (RevisionsStatus(current=("a1", "b1"), target=("a2", "b2"), pending=2), ("a1, b1", "a2, b2", "2")),
    "an empty database": (RevisionsStatus(target=("a1",), pending=1), ("base", "a1", "1")),
    "all is undone": (RevisionsStatus(pending=0), ("base", "base", "0")),
}


@pytest.mark.parametrize("case", CASES)
def test_revisions_are_shown_as_text_that_is_never_blank(case: str) -> None:
    revisions, texts = CASES[case]
    assert shown(revisions) == ShownRevisions(**dict(zip(("current", "target", "pending"), texts, strict=True)))


def test_more_heads_than_a_text_may_hold_are_cut_visibly() -> None:
    current = shown(RevisionsStatus(current=_MANY, target=_MANY, pending=0)).current
    assert len(current) == ShownRevisions.model_json_schema()["properties"]["current"]["maxLength"]
    assert current.endswith("…")
