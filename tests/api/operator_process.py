"""Run the program `alembic-operator` itself, as a service account with the rights of the chart's role and none more."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from alembic_operator.kube.cluster import ROLLOUTS, Resource
from alembic_operator.kube.permissions import NAMED_VERBS, OWN_VERBS, POLICY_VERBS, VERBS
from devcluster.controlplane import ApiServer
from tests.api.rest import Rest

RUNNER_IMAGE = "registry.test/alembic-operator:1"
HOME = "default"
"""Where the operator's service account lives."""

LEASE_SECONDS = 3
"""Instead of twelve: tests wait for it."""

_RBAC = "rbac.authorization.k8s.io"
_PATIENCE = 30.0


def rules(*, with_rollouts: bool = False) -> list[dict[str, Any]]:
    """Return the rules of the operator's role, from the table that its client keeps to."""
    return [
        {
            "apiGroups": [resource.group],
            "resources": ["/".join(filter(None, (resource.plural, subresource)))],
            "verbs": sorted(verbs),
        }
        for (resource, subresource), verbs in VERBS.items()
        if with_rollouts or resource != ROLLOUTS
    ] + [_named(resource, name, verbs) for (resource, name), verbs in NAMED_VERBS.items()]


def own_rules(lease: str) -> list[dict[str, Any]]:
    """Return the rules of the operator's role in its own namespace."""
    return [_named(resource, lease, verbs) for resource, verbs in OWN_VERBS.items()]


def account(
    rest: Rest, server: ApiServer, name: str, folder: Path, *namespaces: str, with_rollouts: bool = False
) -> Path:
    """Make a service account that may act in these namespaces, or in all; return its kubeconfig."""
    rest.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}, HOME)
    for namespace in namespaces or ("",):
        _grant(rest, name, name, namespace, rules(with_rollouts=with_rollouts))
    return access(rest, server, name, folder)


def allow_lease(rest: Rest, account: str, lease: str) -> None:
    """Let a service account of `account` compete for a Lease."""
    _grant(rest, account, f"{account}-{lease}", HOME, own_rules(lease))


def allow_policies(rest: Rest, account: str, name: str) -> None:
    """Let a service account look whether the gate's policies of that name are there."""
    granted = [_named(resource, name, verbs) for resource, verbs in POLICY_VERBS.items()]
    _grant(rest, account, f"{account}-policies", "", granted)


def _named(resource: Resource, name: str, verbs: frozenset[str]) -> dict[str, Any]:
    return {
        "apiGroups": [resource.group],
        "resources": [resource.plural],
        "resourceNames": [name],
        "verbs": sorted(verbs),
    }


def lease_flags(lease: str, seconds: int = LEASE_SECONDS) -> list[str]:
    """Return the flags of replicas that compete for a Lease; quick ones."""
    return [f"--lease-namespace={HOME}", f"--lease-name={lease}", f"--lease-seconds={seconds}"]


def _grant(rest: Rest, account: str, name: str, namespace: str, granted: list[dict[str, Any]]) -> None:
    scope = "" if namespace else "Cluster"
    role = {"apiVersion": f"{_RBAC}/v1", "kind": f"{scope}Role", "metadata": {"name": name}, "rules": granted}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": f"{scope}Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": HOME}],
    }
    rest.create(role, namespace)
    rest.create(binding, namespace)


def access(rest: Rest, server: ApiServer, name: str, folder: Path, namespace: str = HOME) -> Path:
    """Return a kubeconfig of a service account."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = rest.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", request)
    token = answer["status"]["token"]
    cluster = {"server": server.url, "certificate-authority": str(server.plane.pki.authority)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "operator"}}],
        "current-context": "test",
    }
    path = folder / f"{name}.kubeconfig"
    path.write_text(json.dumps(config))
    return path


@dataclass
class OperatorProcess:
    """One operator; the kernel ends it when the tests end, however they end."""

    kubeconfig: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    """Besides what every operator gets."""
    runner: Path = field(init=False)
    """Not a real one: no kubelet runs it here."""
    log: Path = field(init=False)
    port: int = field(init=False)
    _process: subprocess.Popen[bytes] | None = None
    _output: IO[bytes] | None = None

    def __post_init__(self) -> None:
        self.log = self.kubeconfig.with_suffix(".log")
        self.runner = self.kubeconfig.with_suffix(".pyz")
        self.runner.write_bytes(b"runner")

    def start(self) -> "OperatorProcess":
        """Start it and return when it is ready."""
        self.launch()
        self._until_ready()
        return self

    def launch(self) -> None:
        """Start it."""
        self.port = free_port()
        program = Path(sys.executable).with_name("alembic-operator")
        fixed = ("run", f"--runner-image={RUNNER_IMAGE}", f"--health-port={self.port}", f"--runner={self.runner}")
        self._output = self.log.open("ab")
        self._process = subprocess.Popen(
            ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", program, *fixed, *self.arguments],
            stdout=self._output,
            stderr=self._output,
            env=_inherited() | self.environment | {"KUBECONFIG": str(self.kubeconfig), "POD_ID": self.name},
        )

    @property
    def name(self) -> str:
        """Name it as its pod would be."""
        return self.kubeconfig.stem

    @property
    def pid(self) -> int:
        """Give its process id, to look at it."""
        return self._running().pid

    def kill(self) -> None:
        """End it as a power failure would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as the kubelet does, and return its exit code."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Stop it as a frozen machine would; it does not notice."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        self._running().send_signal(signal.SIGCONT)

    def exit_code(self) -> int | None:
        """Return its exit code, once it has ended by itself."""
        return self._running().poll()

    def said(self, event: str) -> bool:
        """Tell whether its log has an event."""
        return f'"event": "{event}"' in self.log.read_text()

    def is_ready(self) -> bool:
        """Ask /readyz."""
        try:
            return bool(self.readiness())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def readiness(self) -> str:
        """Return what /readyz says when it says yes."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def _end(self, number: signal.Signals) -> int:
        process = self._running()
        process.send_signal(number)
        code = process.wait(timeout=_PATIENCE)
        if self._output:
            self._output.close()
        return code

    def _until_ready(self) -> None:
        end = time.monotonic() + _PATIENCE
        while not self.is_ready():
            assert self._running().poll() is None, f"it ended:\n{self.log.read_text()}"
            assert time.monotonic() < end, f"it was not ready in time:\n{self.log.read_text()}"
            time.sleep(0.05)


MakeOperator = Callable[..., OperatorProcess]
"""Makes operators that act in the given namespaces only; the fixture `new_operator`."""


def _inherited() -> dict[str, str]:
    """Pass on where programs and modules are; a proxy of the caller is none of the operator's business."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
