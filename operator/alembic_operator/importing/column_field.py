"""One column in SQL of both sides: what SQLite says for COPY, what PostgreSQL says back, and which values are fit."""

from collections.abc import Callable
from dataclasses import dataclass

from alembic_operator.importing.shapes import Column, quoted
from alembic_operator.importing.unfit import UnfitError
from alembic_operator.importing.values import Convert, Stored

_QUOTE = "char(30)"
RARE = 1 << 31
"""More than a table has rows."""
_BACK_QUOTE = "E'\\x1e'"


@dataclass(frozen=True)
class Field:
    """One column; in its SQL {0} stands for the column's name, quoted.

    Most values go the fast way, written by SQLite itself. What does not look as usual goes through `convert`.
    """

    column: Column
    convert: Convert
    back: str = "{0}"
    """What PostgreSQL says of a value: the very text that was copied."""
    usual: str = "0"
    """SQLite's condition for the fast way."""
    sure: str = ""
    """The same for a value that is known to be fit. Empty: the same."""
    fast: str = "{0}"
    quotes: bool = False
    """Whether the text may hold anything, so that it is quoted for COPY."""
    doubles: bool = True
    """Whether some text of the table has the quote in it."""
    double: bool = False
    """Whether a real number is fit and written outside of SQLite, which is faster."""
    nulls: bool = True
    """Whether some row has none."""
    rare: bool = True
    """Whether some value does not look as usual."""
    function: str = ""
    """The name under which SQLite knows `convert`: NULL for what is not fit."""

    def converted(self) -> Callable[[str, Stored], str | None]:
        """Return what SQLite calls."""

        def fit(storage: str, stored: Stored) -> str | None:
            try:
                return self.convert(storage, stored)
            except UnfitError:
                return None

        return fit

    @property
    def _name(self) -> str:
        return quoted(self.column.name)

    def _slow(self) -> str:
        bare = f"CASE typeof({self._name}) WHEN 'text' THEN CAST({self._name} AS BLOB) ELSE {self._name} END"
        return f"{self.function}(typeof({self._name}), {bare})"

    def judged(self) -> str:
        """Return SQLite's expression: 0 for a usual value or NULL, 1 for one that is fit, RARE for one that is not."""
        null = RARE if self.column.not_null else 0
        fit = ("typeof({0}) = 'real'" if self.double else self.usual).format(self._name)
        slow = f"CASE WHEN {self._slow()} IS NULL THEN {RARE} ELSE 1 END"
        return f"(CASE WHEN {self._name} IS NULL THEN {null} WHEN {fit} THEN 0 ELSE {slow} END)"

    def value(self) -> str:
        """Return SQLite's expression for the value, as PostgreSQL prints it; NULL for what is not fit."""
        condition, fast = self.usual.format(self._name), self.fast.format(self._name)
        return f"(CASE WHEN {self._name} IS NULL THEN NULL WHEN {condition} THEN {fast} ELSE {self._slow()} END)"

    def _known(self) -> str:
        """Return the same, where all values are known to be fit."""
        fast = self.fast.format(self._name)
        if self.rare or self.double:
            condition = (self.sure or self.usual).format(self._name)
            return f"(CASE WHEN {self._name} IS NULL THEN NULL WHEN {condition} THEN {fast} ELSE {self._slow()} END)"
        return (
            f"CASE WHEN {self._name} IS NULL THEN NULL ELSE {fast} END" if self.nulls and fast != self._name else fast
        )

    def piece(self) -> tuple[str, str]:
        """Return a format for SQLite's printf, and its argument: the field of a line, where all values are fit."""
        value = self._known()
        if not self.quotes:
            return "%s", value  # nothing for NULL
        inner = f"replace({value}, {_QUOTE}, {_QUOTE} || {_QUOTE})" if self.doubles else value
        return ("%s", f"{_QUOTE} || {inner} || {_QUOTE}") if self.nulls else ("\x1e%s\x1e", inner)

    def unwritten(self) -> str:
        """Return the same, but a real number as it is."""
        if self.rare:
            return f"CASE typeof({self._name}) WHEN 'real' THEN {self._name} ELSE ifnull({self._known()}, '') END"
        return f"ifnull({self._name}, '')" if self.nulls else self._name

    def target(self) -> str:
        """Return PostgreSQL's expression for the field of a line."""
        back = self.back.format(self._name)
        if not self.quotes:
            return back
        inner = (
            f"replace({back}::text, {_BACK_QUOTE}, {_BACK_QUOTE} || {_BACK_QUOTE})" if self.doubles else f"{back}::text"
        )
        return f"{_BACK_QUOTE} || {inner} || {_BACK_QUOTE}"
