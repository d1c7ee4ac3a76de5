"""How all tenants stand at one moment: found, read, and compared with what the scripts lead to."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import schema, versions
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import state
from alembic_operator.runner.project.targets import is_relative, parts, union
from alembic_operator.runner.tenants import abreast, discovery, standing
from alembic_operator.runner.tenants.standing import Pair
from alembic_operator.runner.tenants.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.runner.database.versions import Query
    from alembic_operator.runner.tenants.discovery import Found
    from alembic_operator.runner.tenants.places import Places, Rule
    from alembic_operator.runner.tenants.scout import Connected, Map, Scout
    from alembic_operator.runner.tenants.standing import Heads


_MANY = 1000
"""So many version tables are read over one connection sooner than a second one is made."""


@dataclass(frozen=True)
class Survey:
    """What was seen."""

    found: Found
    map: Map
    heads: dict[str, Heads]
    """Of each tenant that is there; None: only a run can tell."""
    tally: Tally
    behind: tuple[str, ...]
    """Those that are to be migrated, by name; with those that only a run can tell of."""
    ahead: bool
    """One of them holds a revision that these scripts do not know."""

    @property
    def current(self) -> tuple[str, ...]:
        """Return every database head."""
        return union(one or () for one in self.heads.values())

    @property
    def pending(self) -> int:
        """Return how many revisions are missing in at least one tenant."""
        different = {self.heads.get(one) or () for one in self.behind}
        return len({one for heads in different for one in state.missing(self.map.graph, self.map.wanted, heads)})


def survey(scout: Scout, places: Places, own: Connected) -> Survey:
    """Look at all tenants.

    Raises:
        Ending: why that is not possible.
    """
    target = places.invocation.target
    if any(is_relative(one) for one in parts(target)):
        message = f"the target {target} counts from where each tenant is"
        raise Ending(Reason.UNKNOWN_TARGET, message, "Name a revision, or heads.")
    found = discovery.find(places.tenants, own.rows)
    known = scout.learn(found)
    tally = Tally(set(found.names))
    absent = _absent(places, found, known, tally)
    present = [one for one in found.names if one not in absent]
    heads = heads_of(scout, places, own, known, [one for one in present if one in found.there])
    judged = {one: stands(known, one, places) for one in {heads.get(name, ()) for name in present}}
    tally.up_to_date = {name for name in present if judged[heads.get(name, ())]}
    behind = tuple(name for name in present if name not in tally.up_to_date)
    ahead = any(one not in known.graph for some in heads.values() for one in some or ())
    return Survey(found, known, heads, tally, behind, ahead)


def _absent(places: Places, found: Found, known: Map, tally: Tally) -> set[str]:
    """Return those that are not there and shall not be made; whether they are there, a schema or a database tells."""
    has_place = places.are_databases or (known.rule is not None and known.rule.is_plain)
    if places.tenants.create == "Missing" or not has_place:
        return set()
    for name in found.missing:
        verdict = schema.absent(name).verdict
        tally.failed[name] = str(verdict.reason), verdict.failure
    return set(found.missing)


def heads_of(scout: Scout, places: Places, own: Connected, known: Map, names: list[str]) -> dict[str, Heads]:
    """Return what the version table of each of these tenants holds."""
    if places.are_databases:
        return abreast.each(names, lambda name: _in_database(scout, name, known.rule), places.tenants.max_parallel)
    if known.rule is None:
        return dict.fromkeys(names)
    pairs = [Pair(name, known.rule.of(name)) for name in names]
    with _second(scout, len(pairs)) as beside:
        return standing.read(own.rows, pairs, beside)


@contextmanager
def _second(scout: Scout, tenants: int) -> Iterator[Query | None]:
    """Lend another connection where there are many tenants; None: there are few, or the server has no room."""
    own = None
    if tenants > _MANY:
        with suppress(Exception):
            own = scout.connect(patient=False)
    try:
        yield own.rows if own else None
    finally:
        if own:
            own.close()


def _in_database(scout: Scout, name: str, rule: Rule | None) -> Heads:
    """Read the version table of one database; where that is not possible a run of it says why."""
    try:
        own = scout.connect(name)
    except Ending:
        return None
    try:
        table = rule.table if rule else versions.VersionTable("", "alembic_version")
        located = table if table.schema else versions.locate(own.rows, "", table.name).table
        return standing.read(own.rows, [Pair(name, located)])[name]
    finally:
        own.close()


def stands(known: Map, heads: Heads, places: Places) -> bool:
    """Tell whether nothing is to be done for a tenant with these heads."""
    invocation = places.invocation
    if heads is None or state.damage(known.lineage, heads, ""):
        return False
    found = state.standing(known.graph, known.wanted, heads)
    if found.unknown:
        judged_by_history = invocation.history == "Enabled"
        return not judged_by_history and found.refusal(invocation.database_ahead) is None
    if invocation.downgrade == "Allow" and set(heads) != set(known.wanted):
        return False
    return not found.missing
