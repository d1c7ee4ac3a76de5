"""Writes the answer: a table for people, JSON for machines."""

import json

from alembic_operator.importing.facts.answer import Answer
from alembic_operator.importing.facts.findings import Finding


def as_json(answer: Answer) -> str:
    """Return the answer for machines."""
    return json.dumps(answer.document(), indent=2)


def as_text(answer: Answer) -> str:
    """Return the answer for people."""
    from rich import box  # noqa: PLC0415  an extra, and not in the operator's image
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    with console.capture() as captured:
        if answer.findings:
            table = Table("TABLE", "COLUMN", "KIND", "ROWS", "ROW IDS", "WHAT", box=box.SIMPLE_HEAD)
            for one in answer.findings:
                table.add_row(*map(Text, _row(one)))
            console.print(table)
        if answer.tables:
            table = Table("TABLE", "ROWS", "SECONDS", "EQUAL", box=box.SIMPLE_HEAD)
            for done in answer.tables:
                table.add_row(*map(Text, (done.name, str(done.rows), f"{done.seconds:.1f}", "yes")))
            console.print(table)
        console.print(Text(answer.following))
    return captured.get()


def _row(one: Finding) -> tuple[str, ...]:
    ids = ", ".join(map(str, one.rows)) + (", …" if one.count > len(one.rows) > 0 else "")
    return one.table, one.column, one.kind, str(one.count) if one.count else "", ids, one.message
