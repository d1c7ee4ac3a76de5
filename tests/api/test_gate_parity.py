"""The gate that the policy builds is told what the operator's Job would be told, for every shape of migration."""

from dataclasses import fields, replace
from typing import Any

import pytest

from alembic_operator.api.tenants import MOST_NAMES
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import Invocation
from alembic_operator.core.manifests import job
from alembic_operator.core.manifests.flags import OF_JOBS
from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.source import PodParts
from tests.api.chart import Manifest
from tests.api.gates import ADDRESS, BY_HOST, BY_SET, KEY, STRATEGY, Door, container, gate, inits, pod, said

pytest_plugins = ["tests.api.gate_fixtures"]

STRANGE = '- it\'s "quoted", \\ ünï 𝄞 $HOME `x` {y} %s\nnext line\ttab'
PASSWORD = {"name": "postgres", "key": "POSTGRES_PASSWORD"}
ALEMBIC: Manifest = {
    "config": "backend/alembic.ini",
    "section": "users",
    "target": "gxy@head,tsi@head",
    "python": "/venv/bin/python",
    "xArguments": ["tenant=acme", "-q", "", "=", "a=b=c", "-x", "--schema=no", STRANGE],
}
POLICY: Manifest = {
    "lockTimeout": "500ms",
    "statementTimeout": "1m30s",
    "deadline": "2h",
    "backoffLimit": 7,
    "databaseAhead": "Block",
    "downgrade": "Allow",
}
MANY = [f'{number:03} "{"x" * 57}"' for number in range(MOST_NAMES)]
"""Each of 63 characters, with some to escape."""
TENANTS: Manifest = {
    "kind": "Databases",
    "query": "SELECT name\tFROM \"t\"\nWHERE name <> E'\\\\x'",
    "exclude": ["old", "older"],
    "argument": "tenant={}",
    "isolation": "Tenant",
    "shared": {"target": "shared@head"},
    "rollout": {"canary": ["1%"], "soak": "10m", "maxParallel": 4, "maxFailures": 3, "order": "SmallestFirst"},
    "gate": "Canary",
    "create": "Missing",
    "every": "10m",
}
ON_SERVERS: Manifest = {
    "pattern": "ws%",
    "servers": [
        {"name": "us-1", "host": "us.test", "port": 6432, "userFrom": KEY, "passwordFrom": PASSWORD},
        {"name": "eu"},
        {"name": "url", "urlFrom": KEY},
        {"name": "ap", "host": "ap.test"},
    ],
}
SHAPES: dict[str, Manifest] = {
    "an image": {},
    "a workload": {"source": {"workloadRef": {"name": "users"}}},
    "all of Alembic": {"alembic": ALEMBIC},
    "strange words": {"alembic": dict.fromkeys(("config", "section", "python"), STRANGE)},
    "a step": {"alembic": {"target": "+1"}},
    "a host": {"database": BY_HOST},
    "a host, all of it": {
        "database": BY_HOST
        | {"port": 6543, "passwordFrom": PASSWORD, "sslMode": "verify-full", "role": "owner", "schema": "users"}
    },
    "strange names": {"database": BY_HOST | {"name": STRANGE, "schema": STRANGE, "role": "-x"}},
    "a URL": {"database": {"urlFrom": KEY}},
    "a URL, a schema and a role": {"database": {"urlFrom": KEY, "schema": "users", "role": "owner"}},
    "a StatefulSet": {"database": BY_SET},
    "a StatefulSet and a port": {"database": BY_SET | {"port": 7000, "passwordFrom": PASSWORD}},
    "a history": {"database": BY_HOST | {"history": "Enabled"}},
    "an import to wait for": {"database": BY_HOST, "policy": {"awaitImport": "past"}},
    "every policy": {"policy": POLICY},
    "tenants by name": {"database": BY_HOST, "tenants": {"names": ["acme", 'odd "name"', "ünï 𝄞 \\ 's"]}},
    "as many tenants as can be": {"database": BY_HOST, "tenants": {"names": MANY, "exclude": MANY}},
    "all of tenants": {"database": BY_HOST, "tenants": TENANTS},
    "tenants on several servers": {"database": BY_SET | {"passwordFrom": PASSWORD}, "tenants": ON_SERVERS},
    "a Job of its own kind": {"jobTemplate": {"spec": {"parallelism": 1}}, "ttlSecondsAfterFinished": 0},
    "everything": {"alembic": ALEMBIC, "database": BY_SET | {"history": "Enabled", "schema": "-s"}, "policy": POLICY},
}
FOR_PODS = {
    name: {key: {k: v for k, v in value.items() if k != "downgrade"} for key, value in shape.items()}
    for name, shape in SHAPES.items()
    if name not in ("a step", "a Job of its own kind", "an import to wait for") and "tenants" not in shape
}
"""What pods may do by themselves: never go down, never go on by steps, never for many tenants or before an import."""
ENV = [
    {"name": "PGHOST", "value": "pooler"},
    {"name": "URL", "value": "$(PGHOST)"},
    {"name": "PGUSER", "value": "app"},
    {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "app", "key": "url"}}},
    {"name": "PGPORT", "value": "1"},
    {"name": "PGSSLMODE", "value": "allow"},
]
APP = container(env=ENV, envFrom=[{"secretRef": {"name": "app"}}])
SERVER = DatabaseServer(ready=True, name="postgres", host="postgres-headless.shop.svc", port=6432)
NOT_FOR_A_LOOK = ("lock_timeout", "statement_timeout", "deadline", "downgrade")


def gated(door: Door, strategy: str, shape: Manifest) -> tuple[Manifest, Spec, Manifest]:
    """Return a pod of a migration, the migration's spec, and the container of the Job that the operator would make."""
    made = door.migrate(**shape, strategy=strategy)
    if "statefulSetRef" in shape.get("database", {}):
        door.tell({"observedGeneration": 1, "database": ADDRESS})
    spec = Spec.model_validate(made["spec"])
    parts = source.containers({"spec": {"template": {"spec": {"containers": [APP]}}}})["app"]
    assert isinstance(parts, PodParts)
    server = SERVER if spec.database and spec.database.stateful_set_ref else None
    (migrate,) = job.pod(spec, parts, server)["containers"]
    return door.when(pod(containers=[APP]), lambda made: bool(inits(made))), spec, migrate


def parsed(command: list[str]) -> Invocation:
    return Invocation.parse(command[2:])


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_gate_looks_where_the_job_works_and_for_what_the_job_does(door: Door, shape: Manifest) -> None:
    made, spec, migrate = gated(door, "Job", shape)
    found, defaults = gate(made), Invocation("gate")
    unsaid: Any = {name: getattr(defaults, name) for name in NOT_FOR_A_LOOK}
    assert parsed(found["command"]) == replace(job.invocation(spec, "gate"), **unsaid)
    assert found["command"][:2] == migrate["command"][:2]
    assert [as_read(one) for one in found["env"]] == migrate["env"]
    assert STRATEGY not in said(made)


@pytest.mark.parametrize("shape", FOR_PODS.values(), ids=FOR_PODS)
def test_a_gate_that_runs_the_migration_is_called_as_the_job_is(door: Door, shape: Manifest) -> None:
    made, spec, migrate = gated(door, "InitContainer", shape)
    found = gate(made)
    called = parsed(migrate["command"])
    assert parsed(found["command"]) == job.invocation(spec) == replace(called, image="")
    assert called.image in ("", migrate["image"]), "only a Job can say what runs in it"
    assert found["command"][:2] == migrate["command"][:2]
    assert [as_read(one) for one in found["env"]] == migrate["env"]
    assert said(made)[STRATEGY] == "InitContainer"


def as_read(variable: Manifest) -> Manifest:
    """Write an empty value as the operator does: the API server leaves it out."""
    return variable if "valueFrom" in variable else {"value": ""} | variable


def test_only_what_differs_from_the_defaults_is_said(door: Door) -> None:
    made, _, _ = gated(door, "InitContainer", {"database": BY_HOST})
    words = gate(made)["command"][2:]
    assert words == ["upgrade", "--database=environment"]


def test_the_shapes_have_every_flag_of_the_runner() -> None:
    specs = [Spec.model_validate({"source": {"image": "users"}} | shape) for shape in SHAPES.values()]
    called = [job.invocation(spec, command) for spec in specs for command in ("upgrade", "gate")]
    without = {"command", "tenant", "result", "image"} | {one.name for one in OF_JOBS}
    flags = {one.name for one in fields(Invocation)} - without
    default = Invocation("upgrade")
    assert {name for name in flags if any(getattr(one, name) != getattr(default, name) for one in called)} == flags
