"""Be a hostile neighbour: many migrations that wait for each other, a slow webhook on their Jobs, pods that flap."""

import asyncio
import base64
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from alembic_operator.api.v1alpha1 import API_VERSION, PLURAL
from alembic_operator.core.names import GATE_CONTAINER, MIGRATION_LABEL, RETRY

ANSWERS_AFTER = 10.0
EAGER = 64
"""Migrations besides, which wait for nothing and want their Job."""

_AT_ONCE = 8
_PATCH = {"Content-Type": "application/merge-patch+json"}
_SPEC = {"source": {"image": "registry.bench/users:1"}}


async def main(url: str, files: str, namespace: str, size: str) -> None:
    """Take the folder of a PKI, and how many migrations, with how many dependencies, how often a second; for ever."""
    migrations, dependencies, pace = map(int, size.split(","))
    authority = Path(files) / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority))
    context.load_cert_chain(Path(files) / "admin.crt", Path(files) / "admin.key")
    async with (
        aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(ssl=context)) as session,
        _webhook(Path(files)) as port,
    ):
        neighbour = Neighbour(session, namespace, migrations)
        await neighbour.send("POST", _WEBHOOKS, _configuration(namespace, port, authority.read_bytes()))
        await neighbour.settle(dependencies)
        sys.stdout.write("here\n")
        sys.stdout.flush()
        await asyncio.gather(neighbour.touch(pace), neighbour.flap(pace), neighbour.retry(pace))


class Neighbour:
    """One namespace and who writes into it."""

    def __init__(self, session: aiohttp.ClientSession, namespace: str, migrations: int) -> None:
        self._session = session
        self._number = migrations
        self._migrations = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._random = Random(1)

    async def send(self, method: str, path: str, body: Any = None) -> None:
        """Send one request; whatever the answer, one goes on."""
        headers = _PATCH if method == "PATCH" else None
        async with self._session.request(method, path, json=body, headers=headers) as response:
            if response.status not in (200, 201, 404):
                sys.stderr.write(f"{method} {path}: {response.status} {await response.text()}\n")

    async def settle(self, dependencies: int) -> None:
        """Create all migrations."""
        eager: list[tuple[str, Any]] = [(f"eager{one}", {}) for one in range(EAGER)]
        waiting = [(f"m{one}", {"dependsOn": self._before(one, dependencies)}) for one in range(self._number)]
        work = iter([*eager, *waiting])

        async def hand() -> None:
            for name, more in work:
                manifest = {"apiVersion": API_VERSION, "kind": "DatabaseMigration", "metadata": {"name": name}}
                await self.send("POST", self._migrations, manifest | {"spec": _SPEC | more})

        await asyncio.gather(*(hand() for _ in range(_AT_ONCE)))

    def _before(self, one: int, dependencies: int) -> list[dict[str, str]]:
        """Depend on those just before; the first ones on eager migrations, whose Jobs never come."""
        names = [f"m{other}" if other >= 0 else f"eager{-other}" for other in range(one - dependencies, one)]
        return [{"name": name} for name in names]

    async def touch(self, pace: float) -> None:
        """Change an annotation of some migration, again and again."""
        async for turn in _turns(pace):
            await self._annotate(f"m{self._random.randrange(self._number)}", {"touched": str(turn)})

    async def retry(self, pace: float) -> None:
        """Ask for a new run of a migration whose Job the webhook refuses, again and again."""
        async for turn in _turns(pace / 2):
            await self._annotate(f"eager{turn % EAGER}", {RETRY: str(turn)})

    async def flap(self, pace: float) -> None:
        """Let a pod with a gate come, start, and go, again and again."""
        async for turn in _turns(pace / 2):
            name = f"pod{turn}"
            labels = {MIGRATION_LABEL: f"m{turn % self._number}"}
            containers = [{"name": "app", "image": "registry.bench/users:1"}]
            gate = {"name": GATE_CONTAINER, "image": "registry.bench/users:1", "command": ["gate"]}
            spec = {"automountServiceAccountToken": False, "containers": containers, "initContainers": [gate]}
            metadata = {"name": name, "labels": labels}
            await self.send("POST", self._pods, {"metadata": metadata, "spec": spec})
            running = {"name": GATE_CONTAINER, "image": "bench:1", "imageID": "", "ready": False, "restartCount": 0}
            state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
            status = {"phase": "Pending", "initContainerStatuses": [running | {"state": state}]}
            await self.send("PATCH", f"{self._pods}/{name}/status", {"status": status})
            await self.send("DELETE", f"{self._pods}/{name}?gracePeriodSeconds=0")

    async def _annotate(self, name: str, annotations: dict[str, str]) -> None:
        await self.send("PATCH", f"{self._migrations}/{name}", {"metadata": {"annotations": annotations}})


async def _turns(per_second: float) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for turn in count():
        yield turn
        await asyncio.sleep(max(0.0, begun + (turn + 1) / per_second - loop.time()))


_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@asynccontextmanager
async def _webhook(files: Path) -> AsyncIterator[int]:
    """Refuse everything after a while, with the API server's own certificate; yield the port."""

    async def review(request: web.Request) -> web.Response:
        uid = (await request.json())["request"]["uid"]
        await asyncio.sleep(ANSWERS_AFTER)
        refusal = {"uid": uid, "allowed": False, "status": {"code": 403, "message": "not today"}}
        return web.json_response({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": refusal})

    application = web.Application()
    application.add_routes([web.post("/", review)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "apiserver.crt", files / "apiserver.key")
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def _configuration(namespace: str, port: int, authority: bytes) -> dict[str, Any]:
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
    webhook = {
        "name": "hostile.bench.local",
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": base64.b64encode(authority).decode()},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "timeoutSeconds": 30,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hostile"},
        "webhooks": [webhook],
    }


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
