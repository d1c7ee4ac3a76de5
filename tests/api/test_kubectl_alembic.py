"""`kubectl alembic` with a real kubectl, against a real API server: what it prints, changes and ends with."""

import json
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.contract import Result
from alembic_operator.core.names import RUNNER_PATH
from alembic_operator.kubectl.commands import changes
from alembic_operator.kubectl.main import main
from devcluster.controlplane import ApiServer
from tests.api.chart import of_kind, render
from tests.api.conftest import connect
from tests.api.gates import Door
from tests.api.rest import Rest
from tests.api.shop import until

pytest_plugins = ["tests.api.gate_fixtures"]

LABEL = "alembic-operator.dev/migration"
SINCE = "2026-11-30T03:12:07Z"

JOB = {"apiVersion": "batch/v1", "kind": "Job"}

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], api_server: ApiServer) -> Ask:
    """Run a command as a person would, and return exit code, output and errors."""
    monkeypatch.setenv("PATH", str(api_server.kubectl.parent), prepend=":")
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words: str, server: ApiServer = api_server) -> tuple[int, str, str]:
        code = main([*words, f"--kubeconfig={server.kubeconfig}"])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def migration(name: str, namespace: str) -> dict[str, Any]:
    spec = {"source": {"image": "shop:2"}}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def told(type_: str, reason: str) -> dict[str, Any]:
    common = {"reason": reason, "message": f"as {reason} says", "lastTransitionTime": SINCE, "observedGeneration": 1}
    kinds = {"Ready": "True" if type_ == "Ready" else "False", type_: "True"}
    return {
        "observedGeneration": 1,
        "conditions": [{"type": one, "status": status} | common for one, status in kinds.items()],
    }


def test_status_ends_with_how_it_stands_and_retry_suspend_and_resume_change_the_object(
    ask: Ask, rest: Rest, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PATIENCE", 0.0)  # no operator runs here
    kind = migration("users", namespace)
    kind["metadata"]["labels"] = {"app.kubernetes.io/part-of": "platform"}
    rest.create(kind, namespace)
    at, train = ("users", "-n", namespace), ("-n", namespace, "-l", "app.kubernetes.io/part-of=platform")

    code, out, _ = ask("status", *at)
    assert (code, "no operator has looked at it" in out) == (2, True)
    assert ask("status", *at, "--exit", "--timeout=1s")[0] == 2

    for type_, reason, expected in (("Ready", "UpToDate", 0), ("Stalled", "RevisionFailed", 3)):
        rest.merge(kind, {"status": told(type_, reason)}, namespace, "status")
        code, out, _ = ask("status", *train, "--watch", "--exit")
        assert (code, f"as {reason} says" in out) == (expected, True), out
        assert ask("status", *train)[0] == ask("tree", *train)[0] == expected

    (told_,) = json.loads(ask("status", "-n", namespace, "-o", "json")[1])
    assert told_ == yaml.safe_load(ask("status", *at, "-o", "yaml")[1])[0]
    assert (told_["exitCode"], told_["headline"]) == (3, f"{namespace}/users: STALLED (RevisionFailed)")
    assert "Operator" in ask("status", *at, "-o", "wide")[1]

    assert ask("retry", *at)[0] == ask("suspend", *at)[0] == 0
    found = rest.get(kind, namespace, "users")
    assert found["metadata"]["annotations"]["alembic-operator.dev/retry"]
    assert found["spec"]["suspend"] is True
    assert "its latest change was not looked at yet" in ask("status", *at)[1]
    assert ask("resume", *at)[0] == 0
    assert rest.get(kind, namespace, "users")["spec"]["suspend"] is False


def labelled(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": f"of-{name}", "labels": {LABEL: name}}
    spec = {"containers": [{"name": "app", "image": "shop:2"}]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_pods_without_a_gate_are_told_by_why_and_by_status_with_the_namespaces_that_are_served(
    ask: Ask, rest: Rest, namespace: str
) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    rest.create(account, namespace)
    rest.create(migration("users", namespace), namespace)
    for name in ("users", "nobody"):
        rest.create(labelled(name), namespace)
    at = ("-n", namespace)
    code, out, _ = ask("why", "of-users", *at)
    assert (code, "HAS NO GATE" in out, "there is no operator in this cluster" in out) == (2, True, True), out

    (deployment,) = of_kind(render("--set", "watchNamespaces={elsewhere}"), "Deployment")
    deployment["metadata"]["namespace"] = namespace
    rest.create(deployment, namespace)
    for words in (("why", "of-users"), ("why", "of-nobody"), ("status",)):
        code, out, _ = ask(*words, *at)
        said = " ".join(out.split())
        assert (code, f"no operator serves namespace {namespace}" in said) == (2, True), out
        assert "--set 'watchNamespaces={elsewhere," in said
    assert said.count("WITHOUT A GATE Next") == 2, out
    assert f"{namespace}/nobody: there is no such DatabaseMigration" in said
    rest.delete(deployment, namespace)
    (deployment,) = of_kind(render("--set", f"watchNamespaces={{{namespace}}}"), "Deployment")
    deployment["metadata"]["namespace"] = namespace
    rest.create(deployment, namespace)
    code, out, _ = ask("status", "users", *at)
    assert (code, "has no right to list DatabaseMigrations" in out) == (2, True), out
    rest.delete(deployment, namespace)


def test_pods_that_the_real_policy_refuses_are_told_by_the_name_of_their_workload(
    ask: Ask, rest: Rest, door: Door
) -> None:
    namespace, wanted = door.namespace, labelled("users")
    message = door.when_refused(wanted)
    template = {"metadata": {"labels": {LABEL: "users"}}, "spec": wanted["spec"]}
    template["metadata"]["labels"]["app"] = "users"
    spec = {"selector": {"matchLabels": {"app": "users"}}, "template": template}
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "users"}, "spec": spec}
    rest.create(owner, namespace)
    about = {"kind": "StatefulSet", "name": "users", "namespace": namespace}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "users.1"}, "involvedObject": about}
    told = {"reason": "FailedCreate", "message": f"create Pod users-0 failed: {message}", "lastTimestamp": SINCE}
    rest.create(event | told, namespace)
    for words in (("why", "users-0"), ("why", "statefulset/users"), ("status",)):
        code, out, _ = ask(*words, "-n", namespace)
        assert (code, "are REFUSED" in out, "there is no DatabaseMigration users" in out) == (2, True, True), out
    door.migrate()
    code, out, _ = ask("why", "users", "-n", namespace)
    assert (code, "users is newer than the last try" in out) == (2, True), out


def test_check_asks_by_a_job_of_its_own_and_leaves_nothing_and_a_bundle_reads_all_that_it_wants(
    ask: Ask, rest: Rest, api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    runner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "alembic-operator-runner"}}
    kind = migration("users", namespace)
    rest.create(account, namespace)
    rest.create(kind, namespace)
    code, _, err = ask("check", "users", "-n", namespace)
    assert (code, "no operator serves it" in err) == (1, True), err
    rest.create(runner, namespace)
    with ThreadPoolExecutor(1) as pool, closing(connect(api_server)) as own:
        played = pool.submit(_answer, own, namespace, Result("Pending", to=("a1",), target=("b2",), pending=1))
        code, out, err = ask("check", "users", "-n", namespace, "--timeout=30s")
        job = played.result()
    assert (code, "not ready yet (Pending)" in out, "1 revision to apply" in out) == (2, True, True), out + err
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (container["command"], container["image"]) == (["python3", RUNNER_PATH, "check"], "shop:2")
    assert rest.items(JOB, namespace) == []

    bundle = tmp_path / "bundle.tar.gz"
    code, _, err = ask("support-bundle", "users", "-n", namespace, f"--file={bundle}")
    assert code == 0, err
    with tarfile.open(bundle) as archive:
        files = {one.name.partition("/")[2]: archive.extractfile(one).read().decode() for one in archive}  # type: ignore[union-attr]
    assert files["errors.txt"] == ""
    assert ("image: shop:2" in files["migration.yaml"], "Server Version" in files["versions.txt"]) == (True, True)


def _answer(rest: Rest, namespace: str, result: Result) -> Any:
    """Play Job controller and kubelet for the one Job that comes."""
    (job,) = until(lambda: rest.items(JOB, namespace))
    name = job["metadata"]["name"]
    labels = {"batch.kubernetes.io/job-name": name}
    pod = labelled("users") | {"metadata": {"name": f"{name}-x", "labels": labels}}
    rest.create(pod, namespace)
    ended = {"terminated": {"exitCode": 0, "message": result.to_json()}}
    status = {"name": "migrate", "state": ended, "image": "", "imageID": "", "ready": False, "restartCount": 0}
    rest.merge(pod, {"status": {"phase": "Succeeded", "containerStatuses": [status]}}, namespace, "status")
    return job


def test_errors_of_kubectl_say_what_to_do(ask: Ask, namespace: str, bare_server: ApiServer) -> None:
    for words, said in (
        (("status", "-n", namespace), "choose a namespace with -n"),
        (("status", "-n", namespace, "-l", "a=b", "--exit"), "no DatabaseMigration here has the labels a=b"),
        (("status", "missing", "-n", namespace), "check the name and the namespace"),
        (("why", "missing", "-n", namespace), "check the name and the namespace"),
        (("status", "--context=missing"), "with --context"),
    ):
        code, _, err = ask(*words)
        assert (code, said in err, err.count("\n")) == (1, True, 1), err
    code, _, err = ask("status", server=bare_server)
    assert (code, "install the operator's chart" in err) == (1, True), err
