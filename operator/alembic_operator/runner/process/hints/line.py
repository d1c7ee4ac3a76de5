"""A line of the table of hints: when it applies, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from alembic_operator.api.reasons import Reason

AGAIN = " Then give the migration's annotation alembic-operator.dev/retry a new value: that starts the next run."
"""For what a person mends outside of the image: nothing else tells the operator that it is done."""

REVISION = (Reason.REVISION_FAILED,)
ENV = (Reason.ENV_FAILED,)
LOADING = (Reason.ENV_FAILED, Reason.BROKEN_SCRIPTS)
CODE = (*LOADING, *REVISION)
IN_DATABASE = (Reason.REVISION_FAILED, Reason.PERMISSION_DENIED)

UNDOING = "in a downgrade()"
PAST = "of a connection that a revision made past SQLAlchemy"


@dataclass(frozen=True)
class Case:
    """One error, as far as a hint depends on it."""

    reason: Reason
    sqlstate: str = ""
    text: str = ""
    """`Class: words` of the error, and of each that led to it, line by line."""
    place: str = ""
    """UNDOING or PAST; empty: elsewhere."""


class Line(NamedTuple):
    """What to do about one kind of error. What is empty says nothing of when it applies."""

    hint: str
    reasons: tuple[Reason, ...]
    sqlstates: tuple[str, ...] = ()
    words: str = ""
    """A regular expression; capitals do not matter."""
    place: str = ""

    def fits(self, case: Case) -> bool:
        """Tell whether it is for this error."""
        return (
            case.reason in self.reasons
            and (not self.sqlstates or case.sqlstate in self.sqlstates)
            and (not self.place or case.place == self.place)
            and (not self.words or bool(re.search(self.words, case.text, re.IGNORECASE | re.MULTILINE)))
        )
