"""Draw verdicts, with rich. No I/O: a console prints what this returns."""

import textwrap
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from alembic_operator.api.status import HistoryEntry
from alembic_operator.core.runs import messages
from alembic_operator.kubectl.judgement import Branch, Standing, Verdict
from alembic_operator.kubectl.lines import Line

_COLOURS = {Standing.READY: "green", Standing.ERROR: "red", Standing.WAITS: "yellow", Standing.STALLED: "bold red"}

_LEVELS = {"warning": "yellow", "error": "red"}


def verdicts(told: Sequence[Verdict]) -> RenderableType:
    """Return all verdicts, with an empty line between them."""
    parts: list[RenderableType] = []
    for one in told:
        parts += [*([Text()] if parts else []), _verdict(one)]
    return Group(*parts)


def _verdict(told: Verdict) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (("Why", told.why), *told.facts, ("Next", told.next)):
        if value:
            table.add_row(Text(f"  {name}"), Text(value))
    return Group(Text(told.headline, style=_COLOURS[told.standing]), table)


def history(runs: Sequence[HistoryEntry]) -> RenderableType:
    """Return finished runs as a table, in their order."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for heading in ("FINISHED", "OUTCOME", "FROM", "TO", "IMAGE"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "FINISHED")
    for one in runs:
        came, went = messages.heads(one.from_), messages.heads(one.to)
        table.add_row(*map(Text, (one.finished_at, one.outcome, came, went, one.image or "")))
    return table


def tree(one: Branch) -> Tree:
    """Return a migration with those that it depends on below it."""
    drawn = Tree(Text(one.headline, style=_COLOURS[one.standing]))
    for below in one.below:
        drawn.add(tree(below))
    return drawn


def line(one: Line) -> RenderableType:
    """Return a line of a log, and its traceback below it."""
    below = f"\n{textwrap.indent(one.below, '    ')}" if one.below else ""
    return Text.assemble((one.text, _LEVELS.get(one.level, "")), below)
