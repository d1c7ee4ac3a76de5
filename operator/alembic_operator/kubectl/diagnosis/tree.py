"""Follow dependsOn all the way down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.diagnosis.imports import awaited
from alembic_operator.kubectl.diagnosis.migration import stand

_DEEPEST = 100
"""Migrations below one another; nobody reads further, and Python's stack ends at some depth."""


@dataclass(frozen=True)
class Branch:
    """A migration, and those that it depends on."""

    standing: Standing
    headline: str
    below: tuple["Branch", ...] = ()
    name: str = ""
    """Of the migration."""


def branches(
    names: Iterable[str], all_of_them: Mapping[str, Manifest], imports: Iterable[Manifest] | None = None
) -> tuple[Branch, ...]:
    """Return these migrations, each below those that depend on it; a circle ends where it closes.

    Args:
        names: The migrations: only those that no other of them leads to begin a tree.
        all_of_them: The migrations of their namespace, by name.
        imports: Those of the namespace; None: nobody may look, or needs to.
    """
    drawn: set[str] = set()
    from_the_end = _not_led_to(reversed(_not_led_to(sorted(names), all_of_them)), all_of_them)
    found = tuple(_branch(name, all_of_them, (), drawn) for name in reversed(from_the_end))
    return tuple(_with_import(one, all_of_them, imports) for one in found) if imports is not None else found


def _with_import(branch: Branch, all_of_them: Mapping[str, Manifest], imports: Iterable[Manifest]) -> Branch:
    """Return a tree in which an import stands below the migration whose pods wait for it."""
    raw = all_of_them.get(branch.name)
    past = awaited(read_migration(raw), imports) if raw else None
    waits = "" if past is None or past.standing is Standing.READY else "; pods wait for it"
    first = [Branch(past.standing, f"{past.headline}{waits}")] if past else []
    return replace(branch, below=(*first, *(_with_import(one, all_of_them, imports) for one in branch.below)))


def _not_led_to(names: Iterable[str], all_of_them: Mapping[str, Manifest]) -> list[str]:
    """Return those that no earlier one of them leads to: of a circle, the first."""
    reached: set[str] = set()
    found = []
    for name in names:
        if name in reached:
            continue
        found.append(name)
        ahead = [name]
        while ahead:
            needs = set(_needs(all_of_them.get(ahead.pop()))) - reached
            reached |= needs
            ahead += needs
    return found


def _needs(raw: Manifest | None) -> tuple[str, ...]:
    migration = read_migration(raw) if raw else None
    return tuple(one.name for one in migration.spec.depends_on) if migration and migration.spec else ()


def _branch(name: str, all_of_them: Mapping[str, Manifest], above: tuple[str, ...], drawn: set[str]) -> Branch:
    """What many depend on is followed once: the paths to it can be millions."""
    raw = all_of_them.get(name)
    if raw is None:
        return Branch(Standing.WAITS, f"{name}: there is no such DatabaseMigration")
    told = stand(read_migration(raw))
    if name in above:
        return Branch(told.standing, f"{name}: a circle; take one dependsOn out of it")
    needs = _needs(raw)
    if needs and name in drawn:
        return Branch(told.standing, f"{told.headline}; what it depends on is drawn above")
    if needs and len(above) == _DEEPEST:
        return Branch(told.standing, f"{told.headline}; see further with kubectl alembic tree {name}")
    drawn.add(name)
    below = tuple(_branch(one, all_of_them, (*above, name), drawn) for one in needs)
    return Branch(told.standing, told.headline, below, name)
