"""Which tenants one project migrates, and in which order: `spec.tenants`, and the flag `--tenants` as its JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from alembic_operator.contract.durations import seconds

Kind = Literal["Schemas", "Databases"]
Isolation = Literal["Worker", "Tenant"]
Order = Literal["Name", "SmallestFirst"]
WaitsFor = Literal["All", "Shared", "Canary"]
Create = Literal["Never", "Missing"]

NO_TABLE = "there is no table of tenants"
"""How the warning begins of a run that cannot note how each tenant ended."""

PLACE = "{}"
"""Where an argument has the name of the tenant."""
_LISTS = ("names", "exclude", "canary", "servers")
_CHOICES = {
    "kind": get_args(Kind),
    "isolation": get_args(Isolation),
    "order": get_args(Order),
    "gate": get_args(WaitsFor),
    "create": get_args(Create),
}


@dataclass(frozen=True)
class Tenants:
    """Which tenants there are: exactly one of names, pattern and query says it. The one place of the defaults."""

    kind: Kind = "Schemas"
    """Schemas: each tenant is a schema of the migration's own database; Databases: a database of its server."""
    names: tuple[str, ...] = ()
    pattern: str = ""
    """Of SQL's LIKE, for the names of the schemas or databases."""
    query: str = ""
    """Its first column has the names; run read-only on the migration's own database, for at most 5 s."""
    exclude: tuple[str, ...] = ()
    argument: str = ""
    """An argument for env.py, as `tenant={}`. Empty: env.py knows of no tenants; the runner sets search_path and the
    schema of the version table."""
    isolation: Isolation = "Worker"
    """Worker: a process does many tenants, one after the other; Tenant: each has a process of its own."""
    shared: str = ""
    """The target of what all share, reached first and without a tenant. Empty: there is nothing."""
    canary: tuple[str, ...] = ()
    """Tenants that go before the others: names, or one number or percentage of them, as `1` or `1%`."""
    soak: str = "0s"
    """How long to wait between the canary and the others."""
    max_parallel: int = 8
    """Of processes; fewer where max_connections leaves no more."""
    max_failures: str = "100%"
    """A number or percentage: so many tenants may fail, and with the next one no other is started."""
    order: Order = "Name"
    gate: WaitsFor = "All"
    """What a pod of the new image waits for."""
    create: Create = "Never"
    """Missing: create a schema or database that is named and not there."""
    servers: tuple[str, ...] = ()
    """Names of the servers that have such tenants, in the order of the Job's indexes; empty: there is one, unnamed."""

    def to_json(self) -> str:
        """Return compact JSON with only what differs from the defaults, in the words of spec.tenants."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        return json.dumps({_word(name): value for name, value in said.items()}, separators=(",", ":"), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Tenants:
        """Read what `to_json` wrote, or a person.

        Raises:
            ValueError: what is wrong with it, for a person.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from None
        if not isinstance(raw, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004  whoever wrote it sees one kind of error
        known = {_word(one.name): one for one in fields(Tenants)}
        if unknown := sorted(set(raw) - set(known)):
            raise ValueError(f"{', '.join(unknown)}: unknown; there are {', '.join(known)}")
        given = {known[word].name: _read(known[word].name, word, value) for word, value in raw.items()}
        tenants = Tenants(**given)
        tenants.require_good()
        return tenants

    def require_good(self) -> None:
        """Raise ValueError when the fields do not fit together."""
        if sum(map(bool, (self.names, self.pattern, self.query))) != 1:
            raise ValueError("give exactly one of names, pattern and query")
        if self.servers and (self.names or (self.canary and not self.canary_amount)):
            raise ValueError("servers: names and a canary by name would be looked for on each: give a pattern or query")
        if len(set(self.servers)) != len(self.servers):
            raise ValueError("servers: one is there twice")
        if self.argument and PLACE not in self.argument:
            raise ValueError(f"argument: {self.argument!r} has no {PLACE} for the name of the tenant")
        if amount(self.max_failures) is None:
            raise ValueError(f"maxFailures: {self.max_failures!r} is neither a number nor a percentage")
        if self.max_parallel < 1:
            raise ValueError("maxParallel: at least 1")
        try:
            seconds(self.soak)
        except ValueError as error:
            raise ValueError(f"soak: {error}") from None

    @property
    def canary_amount(self) -> tuple[int, bool] | None:
        """The canary as a number, and whether it is a percentage; None: it is named, or there is none."""
        return amount(self.canary[0]) if len(self.canary) == 1 else None


def amount(text: str) -> tuple[int, bool] | None:
    """Return a number and whether it is a percentage; None: it is neither."""
    number = text.removesuffix("%")
    return (int(number), number != text) if number.isascii() and number.isdigit() else None


def of_total(text: str, total: int) -> int:
    """Return how many a number or percentage is of so many, rounded up."""
    number, is_percentage = amount(text) or (0, False)
    return -(-number * total // 100) if is_percentage else number


def _word(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.title() for one in others)


def _read(name: str, word: str, value: Any) -> Any:
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError(f"{word}: not a list of strings")
        return tuple(value)
    wanted = int if name == "max_parallel" else str
    if type(value) is not wanted:
        raise ValueError(f"{word}: not {'a number' if wanted is int else 'a string'}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{word}: {value!r} is none of {', '.join(_CHOICES[name])}")
    return value
