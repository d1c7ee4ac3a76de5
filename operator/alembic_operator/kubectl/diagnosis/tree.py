"""Follow dependsOn all the way down."""

from collections.abc import Mapping
from dataclasses import dataclass

from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.diagnosis.migration import stand


@dataclass(frozen=True)
class Branch:
    """A migration, and those that it depends on."""

    standing: Standing
    headline: str
    below: tuple["Branch", ...] = ()


def branch(name: str, all_of_them: Mapping[str, Manifest]) -> Branch:
    """Return a migration and what it depends on, all the way down; a circle ends where it closes.

    Args:
        name: The migration.
        all_of_them: The migrations of its namespace, by name.
    """
    return _branch(name, all_of_them, (), set())


def _branch(name: str, all_of_them: Mapping[str, Manifest], above: tuple[str, ...], drawn: set[str]) -> Branch:
    """What many depend on is followed once: the paths to it can be millions."""
    raw = all_of_them.get(name)
    if raw is None:
        return Branch(Standing.WAITS, f"{name}: there is no such DatabaseMigration")
    migration = read_migration(raw)
    told = stand(migration)
    if name in above:
        return Branch(told.standing, f"{name}: a circle; take one dependsOn out of it")
    needs = migration.spec.depends_on if migration.spec else ()
    if needs and name in drawn:
        return Branch(told.standing, f"{told.headline}; what it depends on is drawn above")
    drawn.add(name)
    below = tuple(_branch(one.name, all_of_them, (*above, name), drawn) for one in needs)
    return Branch(told.standing, told.headline, below)
