"""Objects with tenants that the CRD takes, and that it refuses, with the field and the words."""

from typing import Any

from tests.api.crd_examples import DURATION, HOST, KEY, PATTERN, TARGET, migration

ONE_SERVER = "servers: one of them is that of spec.database, and has neither host nor urlFrom; give all others one of"
ONE_OF_NAMES = "give exactly one of names, pattern and query"
AMOUNT = "write a number, as 1, or a percentage, as '2%'"
PACE = "write a duration from 1m to 576h, such as 500ms, 2s, 15m or 1h30m"


def tenants(**changes: Any) -> dict[str, Any]:
    return migration(database=HOST, tenants={"names": ["acme"]} | changes)


def on_servers(*servers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return migration(database=HOST, tenants={"pattern": "a%", "servers": list(servers)} | changes)


def rollout(**changes: Any) -> dict[str, Any]:
    return tenants(rollout=changes)


ACCEPTED = {
    "tenants by name": tenants(names=["acme", 'odd "name"', "x" * 63], exclude=["acme"]),
    "all of a rollout": tenants(
        shared={"target": "shared@head"},
        argument="tenant={}",
        isolation="Tenant",
        gate="Canary",
        rollout={"canary": ["1%"], "soak": "10m", "maxParallel": 64, "maxFailures": "2%", "order": "SmallestFirst"},
    ),
    "tenants on several servers": on_servers({"name": "eu"}, {"name": "us-1", "host": "us.test", "port": 6432}),
    "a server that is given by a URL": on_servers({"name": "eu"}, {"name": "us", "urlFrom": KEY}),
    "a gate that waits for what is shared": tenants(shared={"target": "ab12"}, gate="Shared"),
    **{f"{one} failures": rollout(maxFailures=one) for one in (0, 3, "0%", "100%")},
}
REFUSED = {
    "tenants that count steps": (
        tenants() | {"spec": tenants()["spec"] | {"alembic": {"target": "+1"}}},
        "spec",
        "spec.tenants: each would count steps from where it is: name a revision or heads",
    ),
    "tenants that go down": (
        tenants() | {"spec": tenants()["spec"] | {"policy": {"downgrade": "Allow"}}},
        "spec",
        "spec.tenants: they only go up: set policy.downgrade to Forbid",
    ),
    "servers without that of spec.database": (on_servers({"name": "us", "host": "us"}), "spec.tenants", ONE_SERVER),
    "two servers without an address": (on_servers({"name": "eu"}, {"name": "us"}), "spec.tenants", ONE_SERVER),
    "a server with two addresses": (
        on_servers({"name": "eu"}, {"name": "us", "host": "us", "urlFrom": KEY}),
        "spec.tenants.servers[1]",
        "give host or urlFrom, not both",
    ),
    "a server with a port alone": (
        on_servers({"name": "eu", "port": 1}),
        "spec.tenants.servers[0]",
        "port, userFrom and passwordFrom are for a host: give it, or say them in spec.database",
    ),
    "a server twice": (
        on_servers({"name": "eu"}, {"name": "eu", "host": "us"}),
        "spec.tenants.servers[1]",
        "Duplicate value",
    ),
    "a server with a capital": (on_servers({"name": "EU"}), "spec.tenants.servers[0].name", PATTERN),
    "names on several servers": (
        tenants(servers=[{"name": "eu"}]),
        "spec.tenants",
        "servers: names would be looked for on each of them: give a pattern or a query",
    ),
    "a canary by name on several servers": (
        on_servers({"name": "eu"}, rollout={"canary": ["acme"]}),
        "spec.tenants",
        "servers: a canary by name would be looked for on each of them: give an amount, as 1%",
    ),
    "a server with an address of two words": (
        on_servers({"name": "us", "host": "a b"}, {"name": "eu"}),
        "spec.tenants.servers[0].host",
        PATTERN,
    ),
    **{
        f"a server's {field} with a slash in its {part}": (
            on_servers({"name": "us", field: KEY | {part: "a/b"}} | more, {"name": "eu"}),
            f"spec.tenants.servers[0].{field}.{part}",
            PATTERN,
        )
        for field, more in (("urlFrom", {}), ("userFrom", {"host": "us"}), ("passwordFrom", {"host": "us"}))
        for part in ("name", "key")
    },
    "no tenants": (tenants(names=[]), "spec.tenants", ONE_OF_NAMES),
    "two ways to name tenants": (tenants(pattern="a%"), "spec.tenants", ONE_OF_NAMES),
    "an unknown kind of tenants": (tenants(kind="Tables"), "spec.tenants.kind", '"Schemas", "Databases"'),
    "a tenant with a newline": (tenants(names=["a\nb"]), "spec.tenants.names[0]", PATTERN),
    "too many tenants": (tenants(names=[f"t{n}" for n in range(257)]), "spec.tenants.names", "at most 256"),
    "a name longer than PostgreSQL's": (tenants(names=["x" * 64]), "spec.tenants.names[0]", "63"),
    "an exception with a newline": (tenants(exclude=["a\nb"]), "spec.tenants.exclude[0]", PATTERN),
    "an argument with a newline": (tenants(argument="a={}\n"), "spec.tenants.argument", PATTERN),
    "an argument without a place": (
        tenants(argument="tenant="),
        "spec.tenants.argument",
        "write {} where the name of the tenant goes, as tenant={}",
    ),
    "an unknown isolation": (tenants(isolation="Thread"), "spec.tenants.isolation", '"Worker", "Tenant"'),
    "a shared step back": (tenants(shared={"target": "-1"}), "spec.tenants.shared.target", TARGET),
    "a canary with a newline": (rollout(canary=["a\nb"]), "spec.tenants.rollout.canary[0]", PATTERN),
    "no duration to soak": (rollout(soak="soon"), "spec.tenants.rollout.soak", DURATION),
    "no worker": (rollout(maxParallel=0), "spec.tenants.rollout.maxParallel", "greater than or equal to 1"),
    **{
        f"{one!r} failures": (rollout(maxFailures=one), "spec.tenants.rollout.maxFailures", AMOUNT)
        for one in (-1, "1", "few", "101%", "")
    },
    "an unknown order": (rollout(order="Random"), "spec.tenants.rollout.order", '"Name", "SmallestFirst"'),
    "an unknown gate": (tenants(gate="Some"), "spec.tenants.gate", '"All", "Shared", "Canary"'),
    "a gate for nothing shared": (
        tenants(gate="Shared"),
        "spec.tenants",
        "gate Shared waits for shared.target: give it, or use gate All",
    ),
    "a gate for no canary": (
        tenants(gate="Canary"),
        "spec.tenants",
        "gate Canary waits for rollout.canary: give it, or use gate All",
    ),
    "an unknown creation": (tenants(create="Always"), "spec.tenants.create", '"Never", "Missing"'),
    "a pace without pause": (tenants(every="59s"), "spec.tenants.every", PACE),
}
