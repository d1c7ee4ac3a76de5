"""Draw diagnoses, runs and logs, with rich. No I/O: a console prints what this returns."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alembic_operator.api.status import HistoryEntry
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.runs import messages
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, Standing
from alembic_operator.kubectl.diagnosis.tree import Branch
from alembic_operator.kubectl.harmless import harmless
from alembic_operator.kubectl.lines import Line

_COLOURS = {Standing.READY: "green", Standing.ERROR: "red", Standing.WAITS: "yellow", Standing.STALLED: "bold red"}

_LEVELS = {"warning": "yellow", "error": "red"}


def diagnoses(told: Sequence[Diagnosis]) -> RenderableType:
    """Return all of them, with an empty line between two."""
    parts: list[RenderableType] = []
    for one in told:
        parts += [*([Text()] if parts else []), _diagnosis(one)]
    return Group(*parts)


def _diagnosis(told: Diagnosis) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for name, value in (("Why", told.why), *told.facts, ("Next", told.next)):
        if value:
            table.add_row(Text(f"  {'' if name == before else name}"), _text(value))
            before = name
    return Group(_text(told.headline, _COLOURS[told.standing]), table)


def history(runs: Sequence[HistoryEntry]) -> RenderableType:
    """Return finished runs as a table, in their order."""
    table = _table("FINISHED", "OUTCOME", "FROM", "TO", "IMAGE")
    for one in runs:
        came, went = messages.heads(one.from_), messages.heads(one.to)
        table.add_row(*map(_text, (one.finished_at, one.outcome, came, went, one.image or "")))
    return table


def runs(rows: Sequence[Manifest]) -> RenderableType:
    """Return rows of the table of runs as a table, in their order."""
    table = _table("STARTED", "SECONDS", "COMMAND", "OUTCOME", "FROM", "TO", "IMAGE")
    for row in rows:
        came, went = (
            messages.heads(tuple(reading.texts(row, name))) if isinstance(row.get(name), list) else "?"
            for name in ("from", "to")
        )
        outcome = reading.text(row, "outcome")
        took = row.get("seconds")
        seconds = f"{took:.1f}" if isinstance(took, (int, float)) else ""
        told = (outcome or "under way or killed", came, went if outcome else "", reading.text(row, "image"))
        table.add_row(*map(_text, (reading.text(row, "startedAt"), seconds, reading.text(row, "command"), *told)))
    return table


def tenants(rows: Sequence[Manifest]) -> RenderableType:
    """Return rows of the table of tenants as a table, in their order."""
    table = _table("TENANT", "OUTCOME", "HEADS", "REVISION", "SQLSTATE", "SECONDS", "AT", "MESSAGE")
    for row in rows:
        took = row.get("seconds")
        seconds = f"{took:.1f}" if isinstance(took, (int, float)) else ""
        name, outcome, revision, code, at, message = (
            reading.text(row, key) for key in ("tenant", "outcome", "revision", "sqlstate", "at", "message")
        )
        heads = messages.heads(tuple(reading.texts(row, "heads")))
        table.add_row(*map(_text, (name, outcome, heads, revision, code, seconds, at, message)))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for at, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=at == 0)
    return table


def trees(all_of_them: Sequence[Branch]) -> Text:
    """Return migrations with those that each depends on below it. Not rich's Tree, which drops what is too deep."""
    whole = ((_text(one.headline, _COLOURS[one.standing]), *_below(one, "")) for one in all_of_them)
    return Text("\n\n").join(Text("\n").join(one) for one in whole)


def _below(one: Branch, before: str) -> Iterator[Text]:
    for at, below in enumerate(one.below, 1):
        last = at == len(one.below)
        yield Text.assemble(before, "└── " if last else "├── ", (harmless(below.headline), _COLOURS[below.standing]))
        yield from _below(below, before + ("    " if last else "│   "))


def line(one: Line) -> RenderableType:
    """Return a line of a log, and its traceback below it."""
    below = f"\n{textwrap.indent(one.below, '    ')}" if one.below else ""
    return Text.assemble((one.text, _LEVELS.get(one.level, "")), below)


def _text(value: str, style: str = "") -> Text:
    return Text(harmless(value), style=style)
