"""Keep who depends on whom, and look for cycles only when that has changed."""

from collections import defaultdict

from alembic_operator.core.observation import dependencies
from alembic_operator.kube.cache.keys import Key


class Dependencies:
    """The names in spec.dependsOn of every migration."""

    def __init__(self) -> None:
        self._edges: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        """By namespace and name; nothing of a migration that depends on none. Names alone, no keys: what holds nothing
        but texts is nothing for the garbage collector, and 2,000 migrations may have 64,000 edges."""
        self._dependents: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._changes = 0
        self._changed: dict[str, int] = {}
        """The number of the last change in each namespace."""
        self._found: dict[Key, tuple[int, tuple[str, ...]]] = {}
        """The cycle of a migration, and after which change it was looked for."""

    def note(self, key: Key, names: tuple[str, ...]) -> None:
        """Note what a migration depends on, instead of what it depended on before."""
        before = self.of(key)
        if names == before:
            return
        self._turn_round(key, set(before), set(names))
        self._changes += 1
        self._changed[key.namespace] = self._changes
        if names:
            self._edges[key.namespace][key.name] = names
            return
        self._found.pop(key, None)
        del self._edges[key.namespace][key.name]
        if not self._edges[key.namespace]:
            del self._edges[key.namespace], self._changed[key.namespace]

    def _turn_round(self, key: Key, before: set[str], after: set[str]) -> None:
        dependents = self._dependents[key.namespace]
        for name in after - before:
            dependents[name].add(key.name)
        for name in before - after:
            dependents[name].discard(key.name)
            if not dependents[name]:
                del dependents[name]
        if not dependents:
            del self._dependents[key.namespace]

    def dependents(self, key: Key) -> set[Key]:
        """Return the migrations that depend on this one."""
        if key.namespace not in self._dependents:
            return set()
        return {Key(key.namespace, name) for name in self._dependents[key.namespace].get(key.name, ())}

    def of(self, key: Key) -> tuple[str, ...]:
        """Return the names that a migration depends on."""
        return self._edges[key.namespace].get(key.name, ()) if key.namespace in self._edges else ()

    def cycle(self, key: Key) -> tuple[str, ...]:
        """Return the names along which a migration depends on itself; none: it does not."""
        if not self.of(key):
            return ()
        looked_for, found = self._found.get(key, (0, ()))
        if looked_for != self._changed[key.namespace]:
            found = dependencies.cycle(key.name, self._edges[key.namespace])
            self._found[key] = self._changed[key.namespace], found
        return found
