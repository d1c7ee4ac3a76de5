"""What a server says exists already: whether the running revision made it itself, or it was there before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.contract import Failure

_CODES = ("42P07", "42701", "42710", "42P06", "42723")
"""A table, a column, another object, a schema or a function of that name is there."""
_SAID = re.compile(
    r'^(?P<kind>[a-z ]+?) "(?P<name>.+?)"(?: (?:of|for) (?:relation|table) "(?P<of>.+?)")? already exists'
)
_NOT_THERE = re.compile(r"specified more than once$|conflicts with a system column name$")
"""These codes, for what one statement says by itself."""
_NOT_OF_TABLES = ("extension", "role")
"""An administrator makes them, and no tables come with them."""


@dataclass(frozen=True)
class Existing:
    """An object that was to be made, and exists."""

    kind: str = ""
    """The server's word; empty: it does not speak English."""
    name: str = ""
    of: str = ""
    """The table that it belongs to; empty: it belongs to none."""
    schema: str = ""
    """As the statement that failed writes it; empty: it did not."""

    @property
    def may_come_with_tables(self) -> bool:
        """Whether it says that the project's tables may be there, too."""
        return self.kind not in _NOT_OF_TABLES

    def is_made_by(self, statements: Iterable[str]) -> bool:
        """Tell whether one of these statements, each on one line, has made it."""
        return bool(self.kind) and any(map(self._maker().search, statements))

    def _maker(self) -> re.Pattern[str]:
        name = rf'(?:"?{re.escape(self.schema) or "[^ .]+"}"?\.)?"?{re.escape(self.name)}"?(?![\w$"])'
        if self.of:
            return re.compile(self._member(), re.IGNORECASE)
        kind = (
            r"[a-z]+" if self.kind in ("relation", "type") else "(?:OR REPLACE )?" + self.kind.replace("role", "[a-z]+")
        )
        made = rf"^CREATE (?:(?!ON |AS |AUTHORIZATION ){kind} )+?(?:IF NOT EXISTS )?{name}"
        named = rf"^(?:CREATE|ALTER) .*\b(?:CONSTRAINT|RENAME TO) {name}"  # an index, a table
        return re.compile(f"{made}|{named}" if self.kind == "relation" else made, re.IGNORECASE)

    def _member(self) -> str:
        member, table = (rf'"?{re.escape(one)}"?(?![\w$"])' for one in (self.name, self.of))
        of = rf"(?:[^ .]+\.)?{table}"
        if self.kind not in ("column", "constraint"):
            return rf"^CREATE (?:[a-z]+ )+{member} .*\bON (?:ONLY )?{of}"
        says = r"[(,] ?|\bADD (?:COLUMN )?(?:IF NOT EXISTS )?" if self.kind == "column" else r"\bCONSTRAINT "
        return rf"^(?:CREATE (?:[a-z]+ )*TABLE|ALTER TABLE) (?:IF (?:NOT )?EXISTS |ONLY )*{of} .*?(?:{says}){member}"


def met(failure: Failure) -> Existing | None:
    """Return the object that made a statement fail; None: that was another error."""
    if failure.sqlstate not in _CODES or _NOT_THERE.search(failure.message):
        return None
    found = _SAID.search(failure.message)
    if not found:
        return Existing()
    written = re.search(rf'(?:^|[\s(])"?([^\s"(.]+)"?\."?{re.escape(found["name"])}"?(?![\w$"])', failure.statement)
    return Existing(found["kind"], found["name"], found["of"] or "", written[1] if written and not found["of"] else "")
