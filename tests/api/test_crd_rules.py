"""Every limit of the CRD, asked of the real API server: an example that it takes and one that it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from alembic_operator.api.crd import root
from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from tests.api.rest import RefusedError, Rest

IMAGE = {"image": "registry/users:1.4"}
KEY = {"name": "postgres", "key": "POSTGRES_USER"}
NAMED = {"name": "shop", "userFrom": KEY}
HOST = {"host": "postgres.shop.svc"} | NAMED
WORKLOAD = {"name": "users"}
PATTERN = "should match"
DURATION = "write a duration from 0s to 576h, such as 500ms, 2s, 15m or 1h30m"
DEADLINE = "write a duration from 1s to 576h, such as 500ms, 2s, 15m or 1h30m"
TARGET = "write heads, head, a revision, BRANCH@head or +N; several with commas and no spaces between them"
ONE_SOURCE = "give exactly one of image, workloadRef and configMapRef"
ROLLOUT = "apiVersion must be argoproj.io/v1alpha1 for a Rollout, and apps/v1 for anything else"
ONE_ADDRESS = "give exactly one of statefulSetRef, host and urlFrom"
WHOLE_URL = "urlFrom holds port, name, user, password and sslmode: give none of them beside it"
NAME_AND_USER = "name and userFrom are required with statefulSetRef and host"
ITSELF = "a migration cannot wait for itself: remove its own name"
LONG_NAME = "the names of Jobs are made from this one: use at most 52 characters"
WITHOUT_PROJECT = "the workload's pods do not have the project of a ConfigMap; use strategy Job"
WITHOUT_ORDER = "pods wait for no other migration; use strategy Job"
NOT_HELD = "pods that migrate by themselves cannot be held: scale the workload to zero; use strategy Job"
ONE_SERVER = "servers: one of them is that of spec.database, and has neither host nor urlFrom; give all others one of"
ONE_OF_NAMES = "give exactly one of names, pattern and query"
AMOUNT = "write a number, as 1, or a percentage, as '2%'"
PACE = "write a duration from 1m to 576h, such as 500ms, 2s, 15m or 1h30m"
NOT_ANEW = "an old pod that starts again would make a lost database anew; use strategy Job"
CREATE = {"ifMissing": True}
KEPT_SCHEMA = "the tables would stay in the old schema"


def migration(name: str = "users", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"source": IMAGE} | spec,
    }


def alembic(target: str) -> dict[str, Any]:
    return migration(alembic={"target": target})


def workload(**changes: str) -> dict[str, Any]:
    return migration(source={"workloadRef": WORKLOAD | changes})


def by_pods(**changes: Any) -> dict[str, Any]:
    return migration(strategy="InitContainer", **changes)


def tenants(**changes: Any) -> dict[str, Any]:
    return migration(database=HOST, tenants={"names": ["acme"]} | changes)


def on_servers(*servers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return migration(database=HOST, tenants={"pattern": "a%", "servers": list(servers)} | changes)


def rollout(**changes: Any) -> dict[str, Any]:
    return tenants(rollout=changes)


def policy(**changes: Any) -> dict[str, Any]:
    return migration(policy=changes)


def database(**fields: Any) -> dict[str, Any]:
    return migration(database=fields)


ACCEPTED = {
    "an image": migration(),
    "an image by digest": migration(source={"image": "registry:5000/users@sha256:" + "0" * 64}),
    "a ConfigMap": migration(source={"configMapRef": {"name": "users-migrations"}}),
    "a Deployment and its container": workload(container="app-2"),
    "a StatefulSet": workload(kind="StatefulSet"),
    "a Rollout": workload(kind="Rollout", apiVersion="argoproj.io/v1alpha1"),
    **{
        f"the target {one}": alembic(one)
        for one in (
            "heads",
            "head",
            "ab12",
            "ab_12.c-3",
            "users@head",
            "+1",
            "+12",
            "gxy@head,tsi@head",
            "ab12,cd34,+1",
        )
    },
    "a name of 52 characters": migration("u" * 52),
    "two dependencies": migration(dependsOn=[{"name": "agents"}, {"name": "chat"}]),
    "a database by host": database(**HOST),
    "a database by address": database(**NAMED, host="2001:db8::1", port=65535, passwordFrom=KEY, sslMode="verify-full"),
    "a database by StatefulSet": database(**NAMED, statefulSetRef={"name": "postgres"}, schema="users", role="owner"),
    "a database by URL": database(urlFrom=KEY, schema="users", role="owner"),
    "durations": policy(lockTimeout="500ms", statementTimeout="0s", settlingTime="0s", deadline="1h30m"),
    "the longest duration": policy(deadline="576h"),
    "no second pod": policy(backoffLimit=0, databaseAhead="Block"),
    "a way down": policy(downgrade="Allow"),
    "a migration that the pods run": migration(strategy="InitContainer"),
    "a database that is made when it is missing": database(**HOST, create=CREATE),
    "a copy of a template for an owner": database(urlFrom=KEY, create=CREATE | {"template": 'T "1"', "owner": "Team"}),
    "pods that migrate a database that nobody makes": by_pods(database=HOST | {"create": {"ifMissing": False}}),
    "a table of all revisions": database(**HOST, history="Enabled"),
    "pods that migrate": by_pods(source={"workloadRef": WORKLOAD}, dependsOn=[], suspend=False),
    "pods of an image that migrate": by_pods(alembic={"target": "ab12"}, policy={"downgrade": "Forbid"}),
    "an import to wait for": migration(database=HOST, policy={"awaitImport": "past"}),
    "tenants by name": tenants(names=["acme", 'odd "name"', "x" * 63], exclude=["acme"]),
    "tenants by pattern": migration(database=HOST, tenants={"pattern": r"ws\_%", "every": "1m"}),
    "tenants by query": migration(
        database=HOST | {"schema": "app"},
        tenants={"kind": "Databases", "query": "SELECT name\nFROM customer", "create": "Missing"},
    ),
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
    "a Job that goes at once": migration(ttlSecondsAfterFinished=0, suspend=True),
}

REFUSED = {
    "pods with a ConfigMap": (by_pods(source={"configMapRef": WORKLOAD}), "spec", WITHOUT_PROJECT),
    "pods with a dependency": (by_pods(dependsOn=[{"name": "chat"}]), "spec", WITHOUT_ORDER),
    "pods that count steps": (
        by_pods(alembic={"target": "a@head,+1"}),
        "spec",
        "each pod would go further by steps; use strategy Job",
    ),
    "pods that go down": (
        by_pods(policy={"downgrade": "Allow"}),
        "spec",
        "an old pod that starts again would go down again; use strategy Job",
    ),
    "pods that make a database": (by_pods(database=HOST | {"create": CREATE}), "spec", NOT_ANEW),
    "a template, and nothing of when": (
        database(**HOST, create={"template": "shop"}),
        "spec.database.create.ifMissing",
        "Required",
    ),
    "a template longer than PostgreSQL's names": (
        database(**HOST, create=CREATE | {"template": "t" * 64}),
        "spec.database.create.template",
        "63",
    ),
    "an empty owner": (database(**HOST, create=CREATE | {"owner": ""}), "spec.database.create.owner", "least 1"),
    "pods that are suspended": (by_pods(suspend=True), "spec", NOT_HELD),
    "no source": (migration(source={}), "spec.source", ONE_SOURCE),
    "two sources": (migration(source=IMAGE | {"configMapRef": WORKLOAD}), "spec.source", ONE_SOURCE),
    "three sources": (
        migration(source=IMAGE | {"configMapRef": WORKLOAD, "workloadRef": WORKLOAD}),
        "spec.source",
        ONE_SOURCE,
    ),
    "no spec": ({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "users"}}, "spec", "Required"),
    "an image with a space": (migration(source={"image": "users: 1"}), "spec.source.image", PATTERN),
    "an empty image": (migration(source={"image": ""}), "spec.source.image", "at least 1 chars"),
    "a ConfigMap in capitals": (
        migration(source={"configMapRef": {"name": "Users"}}),
        "spec.source.configMapRef.name",
        PATTERN,
    ),
    "a workload with a slash": (workload(name="shop/users"), "spec.source.workloadRef.name", PATTERN),
    "a container with a dot": (workload(container="app.2"), "spec.source.workloadRef.container", PATTERN),
    "an unknown kind": (workload(kind="DaemonSet"), "spec.source.workloadRef.kind", '"Deployment", "StatefulSet"'),
    "an unknown version": (workload(apiVersion="v1"), "spec.source.workloadRef.apiVersion", '"apps/v1", "argoproj.io'),
    "a Rollout of apps/v1": (workload(kind="Rollout"), "spec.source.workloadRef", ROLLOUT),
    "a Deployment of Argo": (workload(apiVersion="argoproj.io/v1alpha1"), "spec.source.workloadRef", ROLLOUT),
    **{
        f"the target {one!r}": (alembic(one), "spec.alembic.target", TARGET)
        for one in ("", "-1", "+0", "+", "a b", "@head", "a;b", "a,", ",a", "a, b", "a,,b")
    },
    "too many arguments": (migration(alembic={"xArguments": ["a=b"] * 33}), "spec.alembic.xArguments", "at most 32"),
    "a name of 53 characters": (migration("u" * 53), "metadata.name", LONG_NAME),
    "a dependency on itself": (migration(dependsOn=[{"name": "chat"}, {"name": "users"}]), "spec.dependsOn", ITSELF),
    "a dependency twice": (migration(dependsOn=[{"name": "chat"}] * 2), "spec.dependsOn[1]", "Duplicate value"),
    "a dependency elsewhere": (migration(dependsOn=[{"name": "shop/chat"}]), "spec.dependsOn[0].name", PATTERN),
    "too many dependencies": (
        migration(dependsOn=[{"name": f"chat-{number}"} for number in range(33)]),
        "spec.dependsOn",
        "at most 32",
    ),
    "a database without an address": (database(**NAMED), "spec.database", ONE_ADDRESS),
    "a database with two": (database(**HOST, statefulSetRef=WORKLOAD), "spec.database", ONE_ADDRESS),
    "a URL and a host": (database(host="postgres", urlFrom=KEY), "spec.database", ONE_ADDRESS),
    "a URL and a port": (database(urlFrom=KEY, port=5432), "spec.database", WHOLE_URL),
    "a URL and a name": (database(urlFrom=KEY, name="shop"), "spec.database", WHOLE_URL),
    "a URL and a user": (database(urlFrom=KEY, userFrom=KEY), "spec.database", WHOLE_URL),
    "a URL and a password": (database(urlFrom=KEY, passwordFrom=KEY), "spec.database", WHOLE_URL),
    "a URL and a TLS mode": (database(urlFrom=KEY, sslMode="require"), "spec.database", WHOLE_URL),
    "a host without a database": (database(host="postgres", userFrom=KEY), "spec.database", NAME_AND_USER),
    "a host without a user": (database(host="postgres", name="shop"), "spec.database", NAME_AND_USER),
    "a StatefulSet without either": (database(statefulSetRef=WORKLOAD), "spec.database", NAME_AND_USER),
    "a StatefulSet with a slash": (
        database(**NAMED, statefulSetRef={"name": "a/b"}),
        "spec.database.statefulSetRef.name",
        PATTERN,
    ),
    "a host with a slash": (database(**NAMED, host="postgres/shop"), "spec.database.host", PATTERN),
    "port zero": (database(**HOST, port=0), "spec.database.port", "greater than or equal to 1"),
    "a port that does not exist": (database(**HOST, port=65536), "spec.database.port", "less than or equal to 65535"),
    "an unknown strategy": (migration(strategy="Hook"), "spec.strategy", '"Job", "InitContainer"'),
    "an unknown history": (database(**HOST, history="On"), "spec.database.history", '"Disabled", "Enabled"'),
    "an unknown TLS mode": (database(**HOST, sslMode="on"), "spec.database.sslMode", '"verify-full"'),
    "a schema longer than PostgreSQL's names": (database(**HOST, schema="s" * 64), "spec.database.schema", "63"),
    **{
        f"a Secret in capitals for {one}": (
            database(**(HOST | {"passwordFrom": KEY} | {one: {"name": "Db", "key": "k"}})),
            f"spec.database.{one}.name",
            PATTERN,
        )
        for one in ("userFrom", "passwordFrom")
    },
    **{
        f"a key with a slash for {one}": (
            database(**(HOST | {one: {"name": "db", "key": "a/b"}})),
            f"spec.database.{one}.key",
            PATTERN,
        )
        for one in ("userFrom", "passwordFrom")
    },
    "a Secret in capitals for urlFrom": (
        database(urlFrom={"name": "Db", "key": "url"}),
        "spec.database.urlFrom.name",
        PATTERN,
    ),
    "a key with a slash for urlFrom": (
        database(urlFrom={"name": "db", "key": "a/b"}),
        "spec.database.urlFrom.key",
        PATTERN,
    ),
    **{
        f"the {field} {one!r}": (policy(**{field: one}), f"spec.policy.{field}", DURATION)
        for field in ("lockTimeout", "statementTimeout", "settlingTime")
        for one in ("", "2", "-1s", "1d", "1.5s", "2 s", "577h", "9" * 31 + "h")
    },
    **{
        f"the deadline {one!r}": (policy(deadline=one), "spec.policy.deadline", DEADLINE)
        for one in ("", "0s", "999ms", "1w", "577h")
    },
    "a negative number of retries": (policy(backoffLimit=-1), "spec.policy.backoffLimit", "greater than or equal to 0"),
    "too many retries": (policy(backoffLimit=101), "spec.policy.backoffLimit", "less than or equal to 100"),
    "an unknown way down": (policy(downgrade="Never"), "spec.policy.downgrade", '"Forbid", "Allow"'),
    "an unknown policy": (policy(databaseAhead="Maybe"), "spec.policy.databaseAhead", '"Allow", "Block"'),
    "an import in capitals": (
        migration(database=HOST, policy={"awaitImport": "Past"}),
        "spec.policy.awaitImport",
        PATTERN,
    ),
    "an import into no database": (policy(awaitImport="past"), "spec", "an import fills the database of spec.database"),
    "pods that migrate before an import": (
        by_pods(database=HOST, policy={"awaitImport": "past"}),
        "spec",
        "the first pod would migrate and start before the import; use strategy Job",
    ),
    "pods with tenants": (
        migration(strategy="InitContainer", database=HOST, tenants={"names": ["a"]}),
        "spec",
        "spec.tenants: each pod would go through all of them: use strategy Job",
    ),
    "tenants without a database": (
        migration(tenants={"names": ["a"]}),
        "spec",
        "spec.tenants: the runner looks for them itself: give spec.database",
    ),
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
    "tenants in one schema": (
        migration(database=HOST | {"schema": "app"}, tenants={"names": ["a"]}),
        "spec",
        "spec.tenants: each has its own schema: remove spec.database.schema",
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
    "a server's host beside a URL": (
        migration(
            database={"urlFrom": KEY},
            tenants={"pattern": "a%", "servers": [{"name": "eu"}, {"name": "us", "host": "us"}]},
        ),
        "spec",
        "spec.database has a URL, and a server with a host would miss its user and name: give it urlFrom, too",
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
    "a pattern with a tab": (migration(tenants={"pattern": "a\t"}), "spec.tenants.pattern", PATTERN),
    "a query with a bell": (migration(tenants={"query": "SELECT '\a'"}), "spec.tenants.query", PATTERN),
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
    "a pattern that creates": (
        migration(database=HOST, tenants={"pattern": "a%", "create": "Missing"}),
        "spec.tenants",
        "a pattern finds only what is there: give names or a query, or set create to Never",
    ),
    "a pace without pause": (tenants(every="59s"), "spec.tenants.every", PACE),
    "a negative time to live": (
        migration(ttlSecondsAfterFinished=-1),
        "spec.ttlSecondsAfterFinished",
        "greater than or equal to 0",
    ),
}


@pytest.mark.parametrize("manifest", ACCEPTED.values(), ids=ACCEPTED)
def test_the_api_server_accepts(rest: Rest, manifest: dict[str, Any]) -> None:
    rest.create(manifest, "default", dryRun="All")


@pytest.mark.parametrize(("manifest", "field", "words"), REFUSED.values(), ids=REFUSED)
def test_the_api_server_refuses_and_names_the_field_and_what_to_do(
    rest: Rest, manifest: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        rest.create(manifest, "default", dryRun="All")
    assert refusal.value.code == 422
    assert any(said == field and words in why for said, why in refusal.value.blamed)


SCHEMA = HOST | {"schema": "users"}
ALLOWED_CHANGES = {
    "a schema that was not there before": (HOST, {"schema": "users"}),
    "another host for the same schema": (SCHEMA, {"host": "other"}),
    "a database that was not there before": (None, SCHEMA),
    "no database, when it had no schema": (HOST, None),
}
REFUSED_CHANGES = {
    "another schema": (SCHEMA, {"schema": "agents"}),
    "no schema any more": (SCHEMA, {"schema": None}),
    "no database any more": (SCHEMA, None),
}


@pytest.mark.parametrize(("before", "change"), ALLOWED_CHANGES.values(), ids=ALLOWED_CHANGES)
def test_the_api_server_allows_a_change_to(rest: Rest, namespace: str, before: Any, change: Any) -> None:
    manifest = database(**before) if before else migration()
    rest.create(manifest, namespace)
    rest.merge(manifest, {"spec": {"database": change}}, namespace)


@pytest.mark.parametrize(("before", "change"), REFUSED_CHANGES.values(), ids=REFUSED_CHANGES)
def test_the_api_server_refuses_a_change_to(rest: Rest, namespace: str, before: Any, change: Any) -> None:
    manifest = database(**before)
    rest.create(manifest, namespace)
    with pytest.raises(RefusedError, match=KEPT_SCHEMA) as refusal:
        rest.merge(manifest, {"spec": {"database": change}}, namespace)
    assert "spec.database.schema" in dict(refusal.value.blamed)


def parts(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from parts(f"{path}.{name}".lstrip("."), child)
    if "items" in node:
        yield from parts(f"{path}[0]", node["items"])


def test_every_rule_has_an_example_that_is_refused() -> None:
    messages = {rule["message"] for _, node in parts("", root()) for rule in node.get("x-kubernetes-validations", ())}
    tried = {words for _, _, words in REFUSED.values()} | {KEPT_SCHEMA}
    assert {message for message in messages if not any(words in message for words in tried)} == set()


def test_every_pattern_and_choice_of_the_spec_has_an_example_that_is_refused() -> None:
    limited = {path for path, node in parts("", root()) if {"pattern", "enum"} & node.keys()}
    tried = {field for _, field, _ in REFUSED.values()}
    assert {path for path in limited if path.startswith("spec")} - tried == set()
