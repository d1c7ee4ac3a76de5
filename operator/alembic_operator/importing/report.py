"""Writes the answer: a table for people, JSON for machines."""

import json
from typing import TYPE_CHECKING

from alembic_operator.importing.answer import Answer

if TYPE_CHECKING:
    from rich.console import Console


def as_json(answer: Answer) -> str:
    """Return the answer for machines."""
    return json.dumps(answer.document(), indent=2)


def show(answer: Answer, console: "Console") -> None:
    """Print the answer for people."""
    from rich import box  # noqa: PLC0415  an extra
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if answer.findings:
        table = Table("TABLE", "COLUMN", "KIND", "ROWS", "ROW IDS", "WHAT", box=box.SIMPLE_HEAD)
        for one in answer.findings:
            rows = ", ".join(map(str, one.rows)) + (", …" if one.count > len(one.rows) > 0 else "")
            count = str(one.count) if one.count else ""
            table.add_row(*map(Text, (one.table, one.column, one.kind, count, rows, one.message)))
        console.print(table)
    if answer.tables:
        table = Table("TABLE", "ROWS", "SECONDS", "EQUAL", box=box.SIMPLE_HEAD)
        for done in answer.tables:
            table.add_row(*map(Text, (done.name, str(done.rows), f"{done.seconds:.1f}", "yes")))
        console.print(table)
    console.print(Text(answer.following))
