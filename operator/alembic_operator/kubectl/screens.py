"""Draw verdicts, with rich. No I/O: a console prints what this returns."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alembic_operator.kubectl.judgement import Standing, Verdict

_COLOURS = {Standing.READY: "green", Standing.ERROR: "red", Standing.WAITS: "yellow", Standing.STALLED: "bold red"}


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
