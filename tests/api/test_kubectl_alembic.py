"""`kubectl alembic` with a real kubectl, against a real API server: what it prints, changes and ends with."""

from collections.abc import Callable
from typing import Any

import pytest

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.kubectl.main import main
from devcluster.controlplane import ApiServer
from tests.api.rest import Rest

LABEL = "alembic-operator.dev/migration"
SINCE = "2026-11-30T03:12:07Z"

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
    ask: Ask, rest: Rest, namespace: str
) -> None:
    kind = migration("users", namespace)
    rest.create(kind, namespace)
    at = ("users", "-n", namespace)

    code, out, _ = ask("status", *at)
    assert (code, "no operator has looked at it" in out) == (2, True)

    for type_, reason, expected in (("Ready", "UpToDate", 0), ("Stalled", "RevisionFailed", 3)):
        rest.merge(kind, {"status": told(type_, reason)}, namespace, "status")
        code, out, _ = ask("status", "-n", namespace, "--watch", "--exit")
        assert (code, f"as {reason} says" in out) == (expected, True), out

    assert ask("retry", *at)[0] == ask("suspend", *at)[0] == 0
    found = rest.get(kind, namespace, "users")
    assert found["metadata"]["annotations"]["alembic-operator.dev/retry"]
    assert found["spec"]["suspend"] is True
    assert "its latest change was not looked at yet" in ask("status", *at)[1]
    assert ask("resume", *at)[0] == 0
    assert rest.get(kind, namespace, "users")["spec"]["suspend"] is False


def test_why_tells_a_pod_without_a_gate_and_one_without_a_migration(ask: Ask, rest: Rest, namespace: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    rest.create(account, namespace)
    rest.create(migration("users", namespace), namespace)
    for name in ("users", "nobody"):
        rest.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"of-{name}", "namespace": namespace, "labels": {LABEL: name}},
                "spec": {"containers": [{"name": "app", "image": "shop:2"}]},
            },
            namespace,
        )
    code, out, _ = ask("why", "of-users", "-n", namespace)
    assert (code, "HAS NO GATE" in out, "kubectl get mutatingadmissionpolicies" in out) == (2, True, True)
    code, out, _ = ask("why", "of-nobody", "-n", namespace)
    assert (code, "there is no DatabaseMigration nobody" in out) == (2, True)


def test_errors_of_kubectl_say_what_to_do(ask: Ask, namespace: str, bare_server: ApiServer) -> None:
    for words, said in (
        (("status", "-n", namespace), "choose a namespace with -n"),
        (("status", "missing", "-n", namespace), "check the name and the namespace"),
        (("why", "missing", "-n", namespace), "check the name and the namespace"),
        (("status", "--context=missing"), "with --context"),
    ):
        code, _, err = ask(*words)
        assert (code, said in err, err.count("\n")) == (1, True, 1), err
    code, _, err = ask("status", server=bare_server)
    assert (code, "install the operator's chart" in err) == (1, True), err
