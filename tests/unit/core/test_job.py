"""The Job's manifest as golden YAML, and what makes another Job of it."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.core import names
from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts
from alembic_operator.core.plan import plan
from tests.conftest import Golden
from tests.unit.core.builders import DATABASE, ON_POSTGRES, POSTGRES, name_of, seen, the_job
from tests.unit.core.life import Life
from tests.unit.core.workloads import a_deployment

PASSWORD = {"userFrom": {"name": "users-db", "key": "user"}, "passwordFrom": {"name": "users-db", "key": "password"}}
HOST = {"host": "db.example", "port": 6432, "name": "shop", "schema": "users", "role": "owner", "sslMode": "require"}
WORKLOAD = {"source": {"workloadRef": {"name": "users"}}}


def of_workload(deployment: Manifest | None = None, **spec: Any) -> Observation:
    parts = source.containers(deployment or a_deployment())
    return seen(WORKLOAD | spec, source=parts["app"])


def with_tenants(**tenants: Any) -> Observation:
    named: Manifest = {"names": ["acme", "beta"], "rollout": {"maxFailures": 3, "canary": ["1%"]}}
    server = {key: value for key, value in (HOST | PASSWORD).items() if key != "schema"}
    return seen({"database": server, "tenants": named | tenants})


def of_config_map(**content: str) -> Observation:
    data = {"alembic.ini": "[alembic]", "env.py": "run()"} | content
    parts = source.of_config_map("users-migrations", {"data": data}, "alembic.ini", seen().runner_image)
    return seen({"source": {"configMapRef": {"name": "users-migrations"}}}, source=parts)


def manifest(given: Observation) -> Manifest:
    return the_job(plan(given))


def container_of(job: Manifest) -> Manifest:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


JOB_TEMPLATE = {
    "metadata": {
        "name": "mine",
        "namespace": "theirs",
        "labels": {"team": "users", names.RUN_LABEL: "another"},
        "annotations": {"note": "hello", names.ATTEMPT: "9"},
        "ownerReferences": [],
    },
    "spec": {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": None,
        "template": {
            "metadata": {"labels": {"team": "users", names.RUN_LABEL: None}, "annotations": {"mesh/inject": "false"}},
            "spec": {
                "containers": [{"name": "migrate", "resources": {"limits": {"memory": "1Gi"}}}],
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "dedicated", "operator": "Exists"}],
                "volumes": [{"name": "certificates", "secret": {"secretName": "ca"}}],
                "automountServiceAccountToken": True,
            },
        },
    },
}

SERVERS = [
    {"name": "us", "host": "us.example", "port": 5432, "passwordFrom": {"name": "us-db", "key": "password"}},
    {"name": "eu"},
    {"name": "ap", "urlFrom": {"name": "ap-db", "key": "url"}},
]

GOLDENS = {
    "image": seen(),
    "image-alembic": seen(
        {
            "alembic": {
                "config": "db/pyproject.toml",
                "section": "users",
                "target": "+2",
                "xArguments": ["tenant=acme", "-dry", "a b"],
                "python": "/venv/bin/python",
            },
            "policy": {
                "lockTimeout": "500ms",
                "statementTimeout": "1m",
                "deadline": "10m",
                "backoffLimit": 0,
                "databaseAhead": "Block",
                "downgrade": "Allow",
            },
            "ttlSecondsAfterFinished": 60,
        }
    ),
    "image-url": seen({"database": {"urlFrom": {"name": "users-db", "key": "url"}}}),
    "image-host-password": seen({"database": HOST | PASSWORD}),
    "image-statefulset": seen(ON_POSTGRES, server=replace(POSTGRES, port=6432)),
    "workload": of_workload(),
    "workload-url": of_workload(database={"urlFrom": {"name": "users-db", "key": "other"}}),
    "workload-host-password": of_workload(database=HOST | PASSWORD),
    "config-map": of_config_map(**{"b2_users.py": "pass", "script.py.mako": "mako"}),
    "tenants": with_tenants(shared={"target": "shared@head"}, argument="tenant={}", every="10m"),
    "tenants-on-servers": with_tenants(names=[], pattern="ws%", servers=SERVERS),
    "job-template": seen({"jobTemplate": JOB_TEMPLATE}),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_the_job_is_the_golden_one(name: str, golden: Golden) -> None:
    golden(name, manifest(GOLDENS[name]))


def test_a_later_attempt_differs_only_in_its_annotation() -> None:
    life = Life()
    life.run(75, None)
    life.pass_time(60)
    life.look()
    first, later = manifest(seen()), manifest(life.seen)
    assert later["metadata"].pop("annotations") == {names.ATTEMPT: "2"}
    assert first["metadata"].pop("annotations") == {names.ATTEMPT: "1"}
    assert later == first


ESCAPES: dict[str, dict[str, Any]] = {
    "removes all labels": {"metadata": {"labels": None}, "spec": {"template": {"metadata": {"labels": None}}}},
    "removes the metadata": {"metadata": None, "spec": {"template": {"metadata": None}}},
    "renames": {"metadata": {"name": "x", "generateName": "x-", "labels": {names.RUN_LABEL: "x"}}},
    "disowns": {"metadata": {"ownerReferences": None}},
}


@pytest.mark.parametrize("template", [pytest.param(one, id=name) for name, one in ESCAPES.items()])
def test_a_job_stays_the_migrations_own_when_its_template(template: dict[str, Any]) -> None:
    given = seen({"jobTemplate": template})
    job = manifest(given)
    labels = {names.MANAGED_BY: names.OPERATOR, names.MIGRATION_LABEL: "users", names.RUN_LABEL: "users"}
    assert job["metadata"]["name"] == name_of(given)
    assert job["metadata"]["namespace"] == "shop"
    assert [one["uid"] for one in job["metadata"]["ownerReferences"]] == [given.migration.uid]
    assert job["metadata"]["labels"] == labels
    assert job["spec"]["template"]["metadata"]["labels"] == labels


@pytest.mark.parametrize(
    "template",
    [{"spec": None}, {"spec": "all"}, {"spec": {"template": []}}, {"metadata": {"labels": "mine"}}],
    ids=str,
)
def test_a_job_template_that_is_none_is_left_for_the_api_server_to_refuse(template: dict[str, Any]) -> None:
    assert manifest(seen({"jobTemplate": template}))["metadata"]["labels"][names.RUN_LABEL] == "users"


def test_the_given_environment_sees_what_ours_says() -> None:
    env = [one["name"] for one in container_of(manifest(of_workload(database=HOST | PASSWORD)))["env"]]
    assert env.index("PGHOST") < env.index("DSN")
    assert len(env) == len(set(env))


def test_a_url_that_is_given_wins_over_the_host_of_the_source() -> None:
    job = manifest(of_workload(database={"urlFrom": {"name": "users-db", "key": "other"}}))
    env = {one["name"]: one for one in container_of(job)["env"]}
    assert env["PGHOST"]["value"] == ""
    assert env["DATABASE_URL"]["valueFrom"]["secretKeyRef"]["key"] == "other"


def test_a_port_that_is_given_wins_over_that_of_the_statefulset() -> None:
    given = seen({"database": DATABASE | {"statefulSetRef": {"name": "postgres"}, "port": 7000}})
    env = {one["name"]: one.get("value") for one in container_of(manifest(given))["env"]}
    assert (env["PGHOST"], env["PGPORT"]) == ("postgres.shop.svc", "7000")


def changed(**container: Any) -> Manifest:
    deployment = a_deployment()
    deployment["spec"]["template"]["spec"]["containers"][0] |= container
    return deployment


def relabelled() -> Manifest:
    deployment = a_deployment()
    deployment["spec"]["replicas"] = 30
    deployment["spec"]["template"]["metadata"] = {"labels": {"app": "users", "version": "1.5"}}
    deployment["spec"]["template"]["spec"]["containers"][1]["image"] = "registry/exporter:3"
    deployment["spec"]["template"]["spec"]["initContainers"] = []
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 5
    return changed(ports=[], livenessProbe=None, command=["gunicorn"]) | {"spec": deployment["spec"]}


SAME = {
    "another operator": (seen(), seen(runner_image="operator:2")),
    "another operator of a workload": (of_workload(), replace(of_workload(), runner_image="operator:2")),
    "suspend": (seen(), seen({"suspend": True})),
    "a dependency": (seen(), seen({"dependsOn": [{"name": "agents"}]})),
    "another time to live": (seen(), seen({"ttlSecondsAfterFinished": 1})),
    "another generation": (seen(), seen(generation=9)),
    "defaults that are written down": (seen(), seen({"alembic": {"target": "heads"}, "policy": {"deadline": "1h"}})),
    "a way down that is forbidden, as it is anyway": (seen(), seen({"policy": {"downgrade": "Forbid"}})),
    "labels, replicas, probes and sidecars": (of_workload(), of_workload(relabelled())),
    "another time to look for tenants": (with_tenants(), with_tenants(every="5m")),
    "another wait of gates for tenants": (with_tenants(), with_tenants(gate="Shared")),
    "a database that became ready": (seen(ON_POSTGRES), seen(ON_POSTGRES, server=replace(POSTGRES, ready=False))),
}


@pytest.mark.parametrize(("one", "other"), [pytest.param(*case, id=name) for name, case in SAME.items()])
def test_it_is_the_same_job_after(one: Observation, other: Observation) -> None:
    assert name_of(one) == name_of(other)


OTHER = {
    "another image": (seen(), seen(source=source.of_image("users:1.5"))),
    "another image of the container": (of_workload(), of_workload(changed(image="registry/users:1.5"))),
    "another environment": (of_workload(), of_workload(changed(env=[{"name": "LOG_LEVEL", "value": "debug"}]))),
    "another policy": (seen(), seen({"policy": {"lockTimeout": "3s"}})),
    "a way down that is allowed": (seen(), seen({"policy": {"downgrade": "Allow"}})),
    "another target": (seen(), seen({"alembic": {"target": "b2"}})),
    "another retry annotation": (seen(), seen(retry="1")),
    "another job template": (seen(), seen({"jobTemplate": {"spec": {"backoffLimit": 1}}})),
    "tenants": (seen({"database": HOST | PASSWORD}), with_tenants()),
    "another tenant": (with_tenants(), with_tenants(names=["acme", "beta", "corp"])),
    "another server": (with_tenants(), with_tenants(servers=[{"name": "eu"}])),
    "another rollout": (with_tenants(), with_tenants(rollout={"soak": "1m"})),
    "a database": (seen(), seen({"database": HOST | PASSWORD})),
    "another address of the database": (
        seen(ON_POSTGRES),
        seen(ON_POSTGRES, server=DatabaseServer("postgres", "other.shop.svc", 5432, ready=True)),
    ),
    "another content of the ConfigMap": (of_config_map(b2="1"), of_config_map(b2="2")),
}


@pytest.mark.parametrize(("one", "other"), [pytest.param(*case, id=name) for name, case in OTHER.items()])
def test_it_is_another_job_after(one: Observation, other: Observation) -> None:
    assert name_of(one) != name_of(other)


def test_neither_the_source_nor_the_job_template_is_changed_by_building_a_job() -> None:
    given = of_workload(jobTemplate=JOB_TEMPLATE)
    before = repr(given)
    manifest(given)
    assert repr(given) == before
    assert isinstance(given.source, PodParts)


@pytest.mark.parametrize(
    ("given", "shared"),
    [({}, True), ({"shareProcessNamespace": False}, False), ({"hostPID": False}, True), ({"hostPID": True}, None)],
)
def test_the_runner_is_not_process_1_unless_the_job_template_says_so(given: Manifest, *, shared: bool | None) -> None:
    job = manifest(seen({"jobTemplate": {"spec": {"template": {"spec": given}}}}))
    assert job["spec"]["template"]["spec"].get("shareProcessNamespace") is shared


@pytest.mark.parametrize(
    "template", [{"spec": None}, {"spec": {"template": None}}, {"spec": {"template": {"spec": 1}}}]
)
def test_a_job_template_of_any_shape_is_taken(template: Manifest) -> None:
    assert manifest(seen({"jobTemplate": template}))["kind"] == "Job"


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, 86400),
        ({"ttlSecondsAfterFinished": 0}, 60),
        ({"ttlSecondsAfterFinished": 59}, 60),
        ({"ttlSecondsAfterFinished": 61}, 61),
        ({"jobTemplate": {"spec": {"ttlSecondsAfterFinished": 0}}}, 60),
        ({"jobTemplate": {"spec": {"ttlSecondsAfterFinished": -1}}}, -1),
        ({"jobTemplate": {"spec": {"ttlSecondsAfterFinished": {}}}}, {}),
        ({"jobTemplate": {"spec": {"ttlSecondsAfterFinished": None}}}, None),
    ],
    ids=str,
)
def test_a_finished_job_is_kept_long_enough_to_be_seen(fields: Manifest, kept: object) -> None:
    assert manifest(seen(fields))["spec"].get("ttlSecondsAfterFinished") == kept
