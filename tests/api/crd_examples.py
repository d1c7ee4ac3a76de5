"""Objects that the CRD takes, and objects that it refuses, with the field and the words."""

from typing import Any

from alembic_operator.api.v1alpha1 import API_VERSION, KIND

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
    "tenants by pattern": migration(database=HOST, tenants={"pattern": r"ws\_%", "every": "1m"}),
    "tenants by query": migration(
        database=HOST | {"schema": "app"},
        tenants={"kind": "Databases", "query": "SELECT name\nFROM customer", "create": "Missing"},
    ),
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
    "tenants in one schema": (
        migration(database=HOST | {"schema": "app"}, tenants={"names": ["a"]}),
        "spec",
        "spec.tenants: each has its own schema: remove spec.database.schema",
    ),
    "a server's host beside a URL": (
        migration(
            database={"urlFrom": KEY},
            tenants={"pattern": "a%", "servers": [{"name": "eu"}, {"name": "us", "host": "us"}]},
        ),
        "spec",
        "spec.database has a URL, and a server with a host would miss its user and name: give it urlFrom, too",
    ),
    "a pattern with a tab": (migration(tenants={"pattern": "a\t"}), "spec.tenants.pattern", PATTERN),
    "a query with a bell": (migration(tenants={"query": "SELECT '\a'"}), "spec.tenants.query", PATTERN),
    "a pattern that creates": (
        migration(database=HOST, tenants={"pattern": "a%", "create": "Missing"}),
        "spec.tenants",
        "a pattern finds only what is there: give names or a query, or set create to Never",
    ),
    "a negative time to live": (
        migration(ttlSecondsAfterFinished=-1),
        "spec.ttlSecondsAfterFinished",
        "greater than or equal to 0",
    ),
}
