"""Which tenants one migration has, and in which order they are migrated: `spec.tenants`."""

from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema

from alembic_operator.api.meta import Duration, Model, SecretKey, Target, duration_rule, rule
from alembic_operator.contract import DURATION_PATTERN, tenants

MOST_NAMES = 256
"""Of names that a specification lists: they stand in the command line of the Job and of each gate."""

MOST_SERVERS = 16
"""Each has its variables in every pod with a gate, and a pod of its own in the Job, at once."""

SERVER_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

_WORDS = r"^[^\x00-\x1f\x7f]+$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"

Tenant = Annotated[str, Field(min_length=1, max_length=63, pattern=_WORDS)]
"""The name of a schema or database."""

Tenants_ = Annotated[
    tuple[Annotated[Tenant, Field(description="Name of a schema or database.")], ...],
    Field(max_length=MOST_NAMES, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]
"""Some tenants by name."""

Amount = Annotated[
    int | str,
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": 8,
            "x-kubernetes-validations": [
                rule(
                    "type(self) == int ? self >= 0 && self <= 1000000 : self.matches('^([0-9]{1,2}|100)%$')",
                    "write a number, as 1, or a percentage, as '2%'",
                )
            ],
        }
    ),
]
"""A number, or a percentage as text."""

Pace = Annotated[str, Field(max_length=32, pattern=DURATION_PATTERN, json_schema_extra=duration_rule("1m"))]
"""A duration that is not short."""


class Server(Model):
    """One of several servers with tenants. What it does not say is as in spec.database."""

    name: Annotated[str, Field(min_length=1, max_length=32, pattern=SERVER_NAME)]
    """What it is called in the status: a tenant of it is `eu/acme`, its variables in the Job `PGHOST_eu`."""
    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9:.%_-]+$")] | None = None
    """Host name or address."""
    url_from: SecretKey | None = None
    """A Secret key that holds a whole URL."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port. Default: that of spec.database."""
    user_from: SecretKey | None = None
    """A Secret key that holds the user. Default: that of spec.database."""
    password_from: SecretKey | None = None
    """A Secret key that holds the password. Default: that of spec.database."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule("!(has(self.host) && has(self.urlFrom))", "give host or urlFrom, not both"),
                rule(
                    "has(self.host) || !(has(self.port) || has(self.userFrom) || has(self.passwordFrom))",
                    "port, userFrom and passwordFrom are for a host: give it, or say them in spec.database",
                ),
            ]
        }
    )


class Shared(Model):
    """What all tenants share, such as extensions, types, and tables in `public`."""

    target: Target
    """Its target, as `shared@head`: reached first and alone, without a tenant. If that fails, no tenant is migrated."""


class Rollout(Model):
    """In which order the tenants are migrated, and when to stop."""

    canary: Annotated[
        tuple[Annotated[Tenant, Field(description="Name of a tenant, or an amount as `1` or `1%`.")], ...],
        Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Tenants that go before all others: their names, or one number or percentage of them, as `[1%]`. If one of them
    fails, no other is started."""
    soak: Duration = tenants.Tenants.soak
    """How long to wait between the canary and the others; a part of policy.deadline."""
    max_parallel: Annotated[int, Field(ge=1, le=64)] = tenants.Tenants.max_parallel
    """How many tenants are migrated at once, at most; fewer where the server has fewer connections left."""
    max_failures: Amount = tenants.Tenants.max_failures
    """How many tenants may fail, as a number or a percentage: with the next one no other is started, and those under
    way finish."""
    order: tenants.Order = tenants.Tenants.order
    """Name, or SmallestFirst, by size in the database."""


class Tenants(Model):
    """Which tenants there are, and how they are migrated: exactly one of names, pattern and query says which."""

    kind: tenants.Kind = tenants.Tenants.kind
    """Schemas: each tenant is a schema of the database that spec.database names. Databases: each is a database of its
    server."""
    names: Tenants_ = ()
    """The tenants themselves. Of more than some hundred let a pattern or a query tell."""
    pattern: Annotated[str, Field(min_length=1, max_length=253, pattern=_WORDS)] | None = None
    r"""For the names of schemas or databases, in the words of SQL's LIKE, as `ws\_%`."""
    query: Annotated[str, Field(min_length=1, max_length=4096, pattern=_LINES)] | None = None
    """SQL whose first column has the names, as `SELECT name FROM public.workspace WHERE active`. It runs read-only, in
    the database that spec.database names, for at most 5 s."""
    exclude: Tenants_ = ()
    """Tenants that are left out."""
    argument: (
        Annotated[
            str,
            Field(
                max_length=1024,
                pattern=_WORDS,
                json_schema_extra={
                    "x-kubernetes-validations": [
                        rule("self.contains('{}')", "write {} where the name of the tenant goes, as tenant={}")
                    ]
                },
            ),
        ]
        | None
    ) = None
    """An argument for an env.py that takes the tenant by `-x`, as `tenant={}`. Without it, env.py need not know of
    tenants: the runner sets search_path and the schema of the version table."""
    isolation: tenants.Isolation = tenants.Tenants.isolation
    """Worker: a process migrates many tenants, one after the other. Tenant: each tenant has a process of its own, for
    an application that keeps the tenant in its memory."""
    servers: Annotated[
        tuple[Server, ...],
        Field(
            max_length=MOST_SERVERS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    """All servers, where there are several with tenants alike, each with a database of the name that spec.database
    gives. Exactly one has neither host nor urlFrom: it is that of spec.database. One Indexed Job migrates them, each by
    a pod of its own; a rollout is that of each server for itself. Default: there is only that of spec.database."""
    shared: Shared | None = None
    """What is migrated before any tenant."""
    rollout: Rollout = Rollout()
    """In which order, how many at once, and when to stop."""
    gate: tenants.WaitsFor = tenants.Tenants.gate
    """What a pod waits for. All: every tenant has what its image needs. Shared: only shared.target. Canary: the tenants
    of rollout.canary."""
    create: tenants.Create = tenants.Tenants.create
    """Missing: a schema or database that is named, by names or query, and is not there is made."""
    every: Pace | None = None
    """How long after a run to look again for tenants, as `10m`: those that a query or pattern finds since, and those
    that were restored. While it only looks, the migration stays Ready. Tenants that have failed for good are left
    alone. Default: never."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "[has(self.names) && self.names.size() > 0, has(self.pattern), has(self.query)]"
                    ".filter(given, given).size() == 1",
                    "give exactly one of names, pattern and query",
                ),
                rule(
                    "self.create == 'Never' || !has(self.pattern)",
                    "a pattern finds only what is there: give names or a query, or set create to Never",
                ),
                rule(
                    "!has(self.servers) || self.servers.size() == 0"
                    " || self.servers.filter(one, !has(one.host) && !has(one.urlFrom)).size() == 1",
                    "servers: one of them is that of spec.database, and has neither host nor urlFrom; give all others"
                    " one of the two",
                ),
                rule(
                    "!has(self.servers) || self.servers.size() == 0 || !has(self.names) || self.names.size() == 0",
                    "servers: names would be looked for on each of them: give a pattern or a query",
                ),
                rule(
                    "!has(self.servers) || self.servers.size() == 0 || !has(self.rollout.canary)"
                    " || self.rollout.canary.all(one, one.matches('^[0-9]+%?$'))",
                    "servers: a canary by name would be looked for on each of them: give an amount, as 1%",
                ),
                rule(
                    "self.gate != 'Shared' || has(self.shared)",
                    "gate Shared waits for shared.target: give it, or use gate All",
                ),
                rule(
                    "self.gate != 'Canary' || (has(self.rollout.canary) && self.rollout.canary.size() > 0)",
                    "gate Canary waits for rollout.canary: give it, or use gate All",
                ),
            ]
        }
    )


NOT_TOGETHER = (
    (
        (
            "!has(self.database) || !has(self.database.urlFrom) || !has(self.tenants.servers)"
            " || self.tenants.servers.all(one, !has(one.host))"
        ),
        "spec.database has a URL, and a server with a host would miss its user and name: give it urlFrom, too",
    ),
    ("self.strategy == 'Job'", "each pod would go through all of them: use strategy Job"),
    ("has(self.database)", "the runner looks for them itself: give spec.database"),
    ("!self.alembic.target.contains('+')", "each would count steps from where it is: name a revision or heads"),
    ("self.policy.downgrade == 'Forbid'", "they only go up: set policy.downgrade to Forbid"),
    (
        "!has(self.database) || !has(self.database.schema) || self.tenants.kind != 'Schemas'",
        "each has its own schema: remove spec.database.schema",
    ),
)
"""What the rest of a specification must be beside spec.tenants, and why."""

RULES = [rule(f"!has(self.tenants) || {given}", f"spec.tenants: {why}") for given, why in NOT_TOGETHER]
