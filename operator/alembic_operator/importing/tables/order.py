"""In which order tables are filled: first those that others refer to."""

from collections.abc import Iterable

from alembic_operator.importing.facts.shapes import Table


def by_references(tables: Iterable[Table]) -> list[Table]:
    """Return parents before their children; of a circle, which has no such order, its tables by name."""
    waiting = {table.name: table for table in sorted(tables, key=lambda one: one.name)}
    ordered: list[Table] = []
    while waiting:
        free = [table for table in waiting.values() if not _parents(table) & waiting.keys()]
        chosen = free or [_in_a_circle(waiting)]
        ordered += chosen
        for table in chosen:
            del waiting[table.name]
    return ordered


def _parents(table: Table) -> set[str]:
    return {one.parent for one in table.references} - {table.name}


def _in_a_circle(waiting: dict[str, Table]) -> Table:
    """Return a table of a circle, not one that only leads to it."""
    path: list[str] = [next(iter(waiting))]
    while True:
        following = min(_parents(waiting[path[-1]]) & waiting.keys())
        if following in path:
            return waiting[min(path[path.index(following) :])]
        path.append(following)
