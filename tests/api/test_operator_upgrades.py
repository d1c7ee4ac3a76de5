"""An operator meets what another version of it has left: its definition, its Jobs, its runner."""

import base64
import copy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.contract import ExitCode
from alembic_operator.core import names
from devcluster.controlplane import ApiServer
from tests.api.job_controller import connect, running_cluster
from tests.api.operator_process import MakeOperator, OperatorProcess, account
from tests.api.rest import Manifest, Rest
from tests.api.shop import IMAGE, JOB, MIGRATION, SUCCESS, Shop, until

pytest_plugins = ["tests.api.operator_fixtures"]

DEFINITION = "databasemigrations.alembic-operator.dev"
CONFIG_MAP: Manifest = {"apiVersion": "v1", "kind": "ConfigMap"}


def of_version(*without: str, newer: bool = False) -> Manifest:
    """Return the definition of an older operator, which lacks fields of the status, or of a newer one."""
    definition = copy.deepcopy(crd())
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for field in without:
        del schema["status"]["properties"][field]
    if newer:
        schema["spec"]["properties"]["ofTomorrow"] = {"type": "string", "default": "yes"}
        schema["status"]["properties"]["ofTomorrow"] = {"type": "string"}
    return definition


def install(rest: Rest, definition: Manifest) -> None:
    """Replace the definition, as Helm does."""
    found = rest.get(definition, "", DEFINITION)
    definition["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
    rest.replace(definition)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run a cluster whose definition may be changed."""
    with running_cluster(tmp_path_factory.mktemp("upgrades")) as server:
        yield server


@pytest.fixture(scope="module")
def rest(server: ApiServer) -> Iterator[Rest]:
    with closing(connect(server)) as client:
        yield client


def test_an_operator_that_is_newer_than_its_definition_says_what_that_lacks_and_begins_when_it_is_there(
    server: ApiServer, rest: Rest, tmp_path: Path
) -> None:
    install(rest, of_version("heldPods", "knownImages"))
    operator = OperatorProcess(account(rest, server, "newer", tmp_path))
    shop = Shop(rest, "default")
    shop.migrate()
    operator.launch()
    lacks = "is older than this operator: it lacks status.knownImages, status.heldPods; apply"
    until(lambda: lacks in operator.log.read_text(), operator.log.read_text)
    assert not operator.is_ready()
    assert not shop.jobs()
    install(rest, crd())
    shop.succeeds()
    assert operator.is_ready()
    assert operator.stop() == 0


def test_an_operator_that_is_older_than_its_definition_works_as_before(
    server: ApiServer, rest: Rest, tmp_path: Path
) -> None:
    install(rest, of_version(newer=True))
    operator = OperatorProcess(account(rest, server, "older", tmp_path)).start()
    shop = Shop(rest, "default")
    wanted = MIGRATION | {"metadata": {"name": "tomorrow"}, "spec": {"source": IMAGE}}
    until(lambda: rest.create(wanted, shop.namespace, dryRun="All")["spec"].get("ofTomorrow"))
    shop.migrate("tomorrow")
    rest.merge(wanted, {"status": {"ofTomorrow": "written by a newer one"}}, shop.namespace, "status")
    assert shop.succeeds("tomorrow")["ofTomorrow"] == "written by a newer one"
    assert operator.stop() == 0


def test_a_job_of_an_older_operator_is_waited_for_and_not_run_again(
    empty_shop: Shop, other_shop: Shop, new_operator: MakeOperator
) -> None:
    as_now = new_operator(other_shop.namespace)
    other_shop.migrate()
    manifest = older(other_shop.job(), owner=empty_shop.migrate(), namespace=empty_shop.namespace)
    job = empty_shop.rest.create(manifest, empty_shop.namespace)
    assert as_now.stop() == 0
    new_operator(empty_shop.namespace)
    status = empty_shop.succeeds()
    assert status["lastRun"]["job"] == job["metadata"]["name"]
    assert [one["metadata"]["uid"] for one in empty_shop.jobs()] == [job["metadata"]["uid"]]
    assert len(status["history"]) == 1


def older(job: Manifest, owner: Manifest, namespace: str) -> Manifest:
    """Return a Job as a release could have made it whose pods brought the runner in an init container."""
    template = copy.deepcopy(job["spec"]["template"])
    template["metadata"] = {
        "labels": dict.fromkeys((names.MIGRATION_LABEL, names.RUN_LABEL), owner["metadata"]["name"])
    }
    volume = {"name": names.RUNNER_VOLUME, "mountPath": "/alembic-operator"}
    spec = template["spec"] | {"volumes": [{"name": names.RUNNER_VOLUME, "emptyDir": {}}]}
    spec["containers"][0]["volumeMounts"] = [volume]
    spec["initContainers"] = [{"name": "install-runner", "image": "registry.test/old:0", "volumeMounts": [volume]}]
    reference = {name: owner["metadata"][name] for name in ("name", "uid")}
    return JOB | {
        "metadata": {
            "name": job["metadata"]["name"],
            "namespace": namespace,
            "labels": template["metadata"]["labels"] | {names.MANAGED_BY: names.OPERATOR, "of-yesterday": "yes"},
            "annotations": {"of-yesterday": "yes"},
            "ownerReferences": [
                {"apiVersion": owner["apiVersion"], "kind": owner["kind"], **reference, "controller": True}
            ],
        },
        "spec": {"backoffLimit": 1, "template": template | {"spec": spec}},
    }


def test_a_newer_operator_brings_its_runner_while_a_job_runs_and_lets_the_job_go_on(
    empty_shop: Shop, new_operator: MakeOperator
) -> None:
    shop, before = empty_shop, new_operator(empty_shop.namespace)
    shop.migrate()
    job, pod = shop.job(), shop.pod()
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    assert before.stop() == 0
    before.runner.write_bytes(b"newer runner")
    before.start()
    until(lambda: runner_in(shop) == b"newer runner")
    shop.kubelet.ends(pod, ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]


def runner_in(shop: Shop) -> bytes:
    found = shop.rest.get(CONFIG_MAP, shop.namespace, names.RUNNER_CONFIG_MAP)
    return base64.b64decode(found["binaryData"][names.RUNNER_KEY])
