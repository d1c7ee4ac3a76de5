"""One column on both sides: what is sent to COPY, what PostgreSQL says back, and which values are fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_operator.importing.facts.shapes import Column, quoted
from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping.batches import Batch, escaped, never
from alembic_operator.importing.mapping.values import Convert, Stored

_QUOTE = "char(30)"
_BACK_QUOTE = "E'\\x1e'"
_NULL = "\\N"


@dataclass(frozen=True)
class Field:
    """One column; in its SQL {0} stands for the column's name, quoted.

    Most values go the fast way, many at once. What does not look as usual goes through `convert`.
    """

    column: Column
    convert: Convert
    back: str = "{0}"
    """What PostgreSQL says of a value: the very text that was copied."""
    batch: Batch = never
    """Writes many usual values at once."""
    usual: str = "0"
    """SQLite's condition for a usual value, which it can write itself."""
    fast: str = "{0}"
    quotes: bool = False
    """Whether the text may hold anything, so that it is quoted in a line."""
    double: bool = False
    """Whether a real number is fit, though SQLite cannot write it."""
    raw: bool = False
    """Whether text is taken for its bytes, which need not be UTF-8."""
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

    def unfit(self) -> str:
        """Return SQLite's expression: 1 for a value that is not fit, else 0."""
        null = int(self.column.not_null)
        fit = ("typeof({0}) = 'real'" if self.double else self.usual).format(self._name)
        return f"(CASE WHEN {self._name} IS NULL THEN {null} WHEN {fit} THEN 0 ELSE {self._slow()} IS NULL END)"

    def value(self) -> str:
        """Return SQLite's expression for the value, as PostgreSQL prints it; NULL for what is not fit."""
        condition, fast = self.usual.format(self._name), self.fast.format(self._name)
        return f"(CASE WHEN {self._name} IS NULL THEN NULL WHEN {condition} THEN {fast} ELSE {self._slow()} END)"

    def piece(self) -> tuple[str, str]:
        """Return a format for SQLite's printf, and its argument: the field of a line, where all values are fit."""
        value = self.value()
        if not self.quotes:
            return "%s", value  # nothing for NULL
        return "%s", f"{_QUOTE} || replace({value}, {_QUOTE}, {_QUOTE} || {_QUOTE}) || {_QUOTE}"

    def told(self) -> str:
        """Return PostgreSQL's expression for the value, of which COPY makes the text that was sent."""
        return self.back.format(self._name)

    def target(self) -> str:
        """Return PostgreSQL's expression for the field of a line."""
        back = self.told()
        if not self.quotes:
            return back
        inner = f"replace({back}::text, {_BACK_QUOTE}, {_BACK_QUOTE} || {_BACK_QUOTE})"
        return f"{_BACK_QUOTE} || {inner} || {_BACK_QUOTE}"

    @property
    def wide(self) -> bool:
        """Whether values can be long."""
        return self.quotes or self.column.type == "bytea"

    def written(self, values: Sequence[Any]) -> Sequence[str]:
        """Write values as COPY takes and prints them; whether NULL is fit is left to PostgreSQL.

        Raises:
            UnfitError: one is not fit.
        """
        if (said := self.batch(values)) is not None:
            return said
        some = [one for one in values if one is not None]
        fast = self.batch(some) if 0 < len(some) < len(values) else None
        rest = iter(fast or [self._one(one) for one in some])
        return [_NULL if one is None else next(rest) for one in values]

    def _one(self, value: Stored | str) -> str:
        match value:
            case str():
                written = self.convert("text", value.encode(errors="surrogateescape"))
            case bytes():
                written = self.convert("blob", value)
            case float():
                written = self.convert("real", value)
            case int():
                written = self.convert("integer", value)
        said = escaped([written])
        if said is None:
            raise UnfitError(Unfit.NUL)
        return said[0]
