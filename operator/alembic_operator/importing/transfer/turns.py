"""Whose turn it is of two passes, and whether both are about the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.importing.facts.failures import ImportFailed
from alembic_operator.importing.transfer import passes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alembic_operator.importing.facts.options import Options
    from alembic_operator.importing.mapping.pairs import Pair
    from alembic_operator.importing.transfer.passes import Kept

NEXT = (
    "The rows of the first pass are in PostgreSQL, and equal to the file as it was copied. Do not use them yet: stop"
    " the application, and run this again with --pass second"
)
NO_FIRST = "there is no first pass in PostgreSQL: run --pass first, while the application runs"
TOUCHED_FILE = (
    "somebody has written to the file since it was copied: stop the application, and run the second pass again;"
    " PostgreSQL is as the first pass left it"
)
USED_FILE = "another program has the file open: stop the application, and run the second pass again"
LATE = (
    "somebody has written to the file after the second pass had looked at it for the last time: those rows are in the"
    " file only"
)
_AGAIN = f"empty all tables, DROP TABLE {passes.TABLE}, and run the first pass again"


def check(options: Options, kept: Mapping[str, Kept] | None, *, complete: bool) -> None:
    """Refuse what is not the turn of a run.

    Raises:
        ImportFailed: and which is.
    """
    match options.turn, kept is not None:
        case "second", False:
            raise ImportFailed(NO_FIRST)
        case "second", True if not complete:
            raise ImportFailed("the first pass has not come to its end: run --pass first again")
        case "", True if not options.scan:
            raise ImportFailed(
                f"PostgreSQL has the rows of a first pass: stop the application, and run --pass second; or {_AGAIN}"
            )


def told(options: Options, heads: Iterable[str], pairs: Iterable[Pair]) -> dict[str, tuple[str, str]]:
    """Return what is kept of each table, beside its rows: revision and shape."""
    return {one.name: (", ".join(heads), passes.shape(options, one)) for one in pairs}


def compare(now: Mapping[str, tuple[str, str]], kept: Mapping[str, Kept]) -> None:
    """Refuse a second pass that is about something else than the first.

    Raises:
        ImportFailed: and what has changed.
    """
    for name, (heads, _) in now.items():
        if name in kept and kept[name].heads != heads:
            raise ImportFailed(f"PostgreSQL was at {kept[name].heads} at the first pass, and is at {heads}: {_AGAIN}")
    others = sorted(now.keys() ^ kept.keys())
    others += sorted(name for name in now.keys() & kept.keys() if now[name][1] != kept[name].shape)
    if others:
        raise ImportFailed(
            f"{', '.join(others)}: columns or options are not those of the first pass; give the same ones, or {_AGAIN}"
        )
