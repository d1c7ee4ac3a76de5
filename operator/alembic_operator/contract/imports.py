"""What an import's pod and the operator agree on: how a step ended, in the termination message of its container.

Standard library only, Python 3.9 or newer: one of the steps runs in the application's image.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from alembic_operator.contract.result import RESULT_BYTES

MARK_TABLE = "alembic_operator_imported"
"""In the schema of the imported tables: a row for each import that is complete."""

MOST_FINDINGS = 10
"""Findings that are told; of the others there is only the number."""

IMPORTED, FIRST = "imported", "first"
"""Outcomes that are good."""
SECOND = "second"
"""The pass that follows the one called first."""

_LONGEST = 400
_NUMBERS = ("rows", "tables", "quarantined", "total")


@dataclass(frozen=True)
class Told:
    """One finding: what stands in the way in one column or table. Never a value."""

    kind: str
    table: str
    column: str = ""
    rows: int = 0
    """How many; 0: it is not about rows."""
    row_ids: tuple[int, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class ImportAnswer:
    """How an import, or one of its steps, ended."""

    outcome: str
    """`imported`, `first` (of two passes), `findings`, `failed`, or `again`: a retry may heal it."""
    message: str = ""
    reason: str = ""
    """Of `again`, where there is one that says more than that it was interrupted."""
    tables: int = 0
    rows: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    sha256: str = ""
    """Of the file as it was copied."""
    equal: bool = False
    earlier: bool = False
    """An earlier run has left its mark in the database: nothing was done."""
    findings: tuple[Told, ...] = ()
    total: int = 0
    """How many findings there are."""

    def to_json(self) -> str:
        """Return it in as many bytes as a termination message may have: the last findings are left out first."""
        kept = self.findings[:MOST_FINDINGS]
        told = replace(self, message=_short(self.message), findings=kept)
        while len((text := json.dumps(asdict(told))).encode()) > RESULT_BYTES and told.findings:
            told = replace(told, findings=told.findings[:-1])
        return text

    @staticmethod
    def from_json(text: str) -> ImportAnswer | None:
        """Read it; None: it is none, such as what a program prints that was killed."""
        try:
            raw = json.loads(text)
            known = {one.name: raw[one.name] for one in fields(ImportAnswer) if one.name in raw}
            known["findings"] = tuple(map(_told, raw.get("findings", ())))
            answer = ImportAnswer(**known)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return answer if _is_sound(answer) else None


def _told(raw: Any) -> Told:
    return Told(**{**raw, "row_ids": tuple(raw.get("row_ids", ()))})


def _is_sound(answer: ImportAnswer) -> bool:
    """Tell whether all is of its type: the pod's image may have written anything."""
    texts = [answer.outcome, answer.message, answer.reason, answer.sha256]
    texts += [text for one in answer.findings for text in (one.kind, one.table, one.column, one.message)]
    numbers = [getattr(answer, name) for name in _NUMBERS]
    numbers += [number for one in answer.findings for number in (one.rows, *one.row_ids)]
    return (
        all(isinstance(one, str) and one == one.encode(errors="replace").decode() for one in texts)
        and all(isinstance(one, int) and 0 <= abs(one) < 1 << 63 for one in numbers)
        and isinstance(answer.seconds, (int, float))
        and 0 <= answer.seconds < 1e9  # noqa: PLR2004  thirty years
        and answer.equal in (True, False)
        and answer.earlier in (True, False)
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST * 3 else f"{text[: _LONGEST * 3]}…"
