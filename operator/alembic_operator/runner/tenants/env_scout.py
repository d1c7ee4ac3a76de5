"""Learn by running env.py without the right to write, for one tenant, or for two where one leaves a doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands import env_asked
from alembic_operator.runner.commands.env_asked import EnvAsked
from alembic_operator.runner.database import direct, pooler
from alembic_operator.runner.database.reader import Reader
from alembic_operator.runner.database.session import Session
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import environment, scripts
from alembic_operator.runner.tenants.places import Rule
from alembic_operator.runner.tenants.scout import Map, require_own

if TYPE_CHECKING:
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.tenants.discovery import Found
    from alembic_operator.runner.tenants.places import Places


_ALWAYS = {"Schemas": "public", "Databases": "postgres"}


class EnvScout:
    """Runs env.py in this process, which migrates nothing."""

    def __init__(self, places: Places, connections: Connections) -> None:
        """Begin without having looked."""
        self._places = places
        self._connections = connections
        self._origin: Origin | None = None
        self._sites: dict[str, Site] = {}
        self._script: Any = None

    def connect(self, database: str = "", *, patient: bool = True) -> OwnConnection:
        """Connect as env.py does."""
        origin = self._origin or self._reached()
        if database and (where := self._places.address_of(database)):
            origin = origin.turned(where)
        own, role = self._connections.reach(origin, None if patient else 0.0), self._places.invocation.role
        if role and own.is_pooled():  # whose session may be the application's next
            pooler.require_session(own, origin, self._connections.around.journal)
        return own.become(role)

    def _reached(self) -> Origin:
        """Return how env.py connects, before any tenant is known, or with the first that is named."""
        address = self._places.address
        self._origin = direct.origin(address, self._connections.session.own()) if address else None
        if self._origin:
            return self._origin
        names = [one for one in self._places.tenants.names if one not in self._places.tenants.exclude]
        if names and not self._places.are_databases:
            self._origin = self._look(names[0]).origin
            return self._origin
        self._origin = self._without_tenant()
        return self._origin

    def _without_tenant(self) -> Origin:
        """Return how env.py connects: one that wants a tenant may say that before it fails, or of what is always there.

        Raises:
            Ending: why it does not.
        """
        failed: Ending | None = None
        for name in (None, *([_ALWAYS[self._places.tenants.kind]] if self._places.tenants.argument else ())):
            try:
                return self._look(name).origin
            except Ending as ending:
                if self._connections.origin is not None:
                    return self._connections.origin
                failed = failed or ending
        raise failed or Ending(Reason.ENV_FAILED, "env.py does not connect")

    def learn(self, found: Found) -> Map:
        """Return what env.py and Alembic say."""
        known = [one for one in found.names if one in found.there] or list(found.names)
        if not known:
            script = environment.open_scripts(environment.open_config(self._places.invocation), self._places.invocation)
            return self._map(script, None)
        first = self._look(known[0])
        if self._places.are_databases:
            return self._map(self._script, Rule(first.table))
        rules = Rule.possible(known[0], first.table)
        if rules and rules[0].is_plain:
            return self._map(self._script, rules[0])
        if len(known) == 1:
            return self._map(self._script, None)
        second = self._look(known[1])
        if second.table == first.table and second.place == first.place:
            raise require_own(first.table.sql)
        rule = next((one for one in rules if one.of(known[1]) == second.table), None)
        return self._map(self._script, rule)

    def _map(self, script: Any, rule: Rule | None) -> Map:
        graph, lineage = scripts.graph(script), scripts.lineage(script)
        return Map(graph, lineage, scripts.targets(script, self._places.invocation.target, ()), rule)

    def _look(self, tenant: str | None) -> Site:
        if (known := self._sites.get(tenant or "")) and tenant:
            return known
        invocation = self._places.invocation_of(tenant)
        self._connections.turn(Session.of(invocation), self._places.address_of(tenant))
        try:
            asked = EnvAsked(invocation, self._connections, Reader())
            sites = asked.ask()
        except BaseException as error:
            raise env_asked.ending(self._connections, error) from error
        if len(sites) != 1:
            raise require_own(", ".join(one.table.sql for one in sites))
        self._script = asked.script
        self._sites[tenant or ""] = sites[0]
        return sites[0]
