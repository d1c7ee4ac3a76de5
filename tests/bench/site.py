"""Set up what is measured: an API server with an audit log, the real Job controller, a fake node and the operator."""

import dataclasses
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devcluster.controlplane import ApiServer
from devcluster.processes import Program
from tests.api.job_controller import CONTROLLERS, connect, started
from tests.api.operator_process import HOME, OperatorProcess, account, allow_lease, lease_flags
from tests.api.rest import Rest

OPERATOR = "operator"
NAMESPACE = "bench"
LEASE_SECONDS = 12
"""The chart's."""

_WRITES = ("create", "update", "patch", "delete", "deletecollection")
_READS = ("get", "list")


@dataclass(frozen=True)
class AuditedServer(ApiServer):
    """An API server that writes down each request of the operator."""

    @property
    def audit_log(self) -> Path:
        """Hold one JSON object a request."""
        return self.plane.folder / "audit.jsonl"

    def _apiserver(self) -> Program:
        user = f"system:serviceaccount:{HOME}:{OPERATOR}"
        rules = [{"level": "Metadata", "users": [user], "omitStages": ["RequestReceived"]}, {"level": "None"}]
        policy = self.plane.folder / "audit-policy.json"
        policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
        audit = (f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}", "--audit-log-mode=batch")
        plain = super()._apiserver()
        return dataclasses.replace(plain, argv=(*plain.argv, *audit))


@dataclass(frozen=True)
class Site:
    """Everything that runs during a measurement."""

    server: AuditedServer
    rest: Rest
    operator: OperatorProcess

    def requests(self) -> list[dict[str, str]]:
        """Return all requests of the operator so far, but for watches."""
        lines = self.server.audit_log.read_text().splitlines() if self.server.audit_log.exists() else []
        told = [json.loads(line) for line in lines]
        return [one for one in told if one["verb"] != "watch" and one.get("objectRef")]


def writes(requests: list[dict[str, str]]) -> Counter[str]:
    """Count the writes by verb and resource."""
    return Counter(_name(one) for one in requests if one["verb"] in _WRITES)


def reads(requests: list[dict[str, str]]) -> Counter[str]:
    """Count the reads that no watch answers, by verb and resource."""
    return Counter(_name(one) for one in requests if one["verb"] in _READS)


def _name(request: dict[str, Any]) -> str:
    where = request["objectRef"]
    return " ".join((request["verb"], "/".join(filter(None, (where["resource"], where.get("subresource"))))))


@contextmanager
def site(folder: Path, lease: str = "", environment: dict[str, str] | None = None) -> Iterator[Site]:
    """Run it all; stop it all. With the name of a Lease the operator competes for that."""
    server = AuditedServer(ApiServer.at(folder, CONTROLLERS).plane, CONTROLLERS)
    with started(server), closing(connect(server)) as rest, _node(server):
        rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        access = account(rest, server, OPERATOR, folder)
        if lease:
            allow_lease(rest, OPERATOR, lease)
        flags = tuple(lease_flags(lease, LEASE_SECONDS) if lease else ())
        operator = OperatorProcess(access, flags, environment or {}).start()
        yield Site(server, rest, operator)
        operator.kill()


@contextmanager
def _node(server: ApiServer) -> Iterator[None]:
    """Play all kubelets in a process of their own."""
    pki = server.plane.pki
    files = (pki.authority, pki.certificate("admin"), pki.key("admin"))
    argv = [sys.executable, "-m", "tests.bench.node", server.url, *map(str, files)]
    process = subprocess.Popen(["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *argv])
    try:
        yield
    finally:
        process.kill()
        process.wait()
