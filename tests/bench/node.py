"""Play all kubelets at once: each migration pod starts, runs a moment, and ends well with a Result."""

import asyncio
import json
import ssl
import sys
from typing import Any

import aiohttp

from alembic_operator.contract import Applied, Result
from alembic_operator.core.names import CONTAINER, MANAGED_BY, OPERATOR

RUNS_FOR = 0.3
"""Seconds between the start of a migration and its end."""

_NOW = "2026-01-01T00:00:00Z"
_RESULT = Result("UpToDate", ("a1",), ("b2",), ("b2",), applied=(Applied("b2", 250),), driver="psycopg").to_json()
_ENDED = {"exitCode": 0, "reason": "Completed", "startedAt": _NOW, "finishedAt": _NOW, "message": _RESULT}
_PATCH = {"Content-Type": "application/merge-patch+json"}
_FOR_EVER = aiohttp.ClientTimeout(total=None)


async def main(server: str, authority: str, certificate: str, key: str, namespace: str) -> None:
    """Watch the pods of a namespace for ever, and run each."""
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    query = {"watch": "1", "labelSelector": f"{MANAGED_BY}={OPERATOR}"}
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        aiohttp.ClientSession(server, connector=connector) as session,
        asyncio.TaskGroup() as tasks,
        session.get(pods, params=query, timeout=_FOR_EVER) as watch,
    ):
        async for line in watch.content:
            event = json.loads(line)
            if event["type"] == "ADDED":
                tasks.create_task(_run(session, f"{pods}/{event['object']['metadata']['name']}/status"))


async def _run(session: aiohttp.ClientSession, path: str) -> None:
    await _say(session, path, "Running", {"running": {"startedAt": _NOW}})
    await asyncio.sleep(RUNS_FOR)
    await _say(session, path, "Succeeded", {"terminated": _ENDED})


async def _say(session: aiohttp.ClientSession, path: str, phase: str, state: dict[str, Any]) -> None:
    container = {"name": CONTAINER, "image": "bench:1", "imageID": "bench@sha256:0", "ready": True, "restartCount": 0}
    status = {"phase": phase, "startTime": _NOW, "containerStatuses": [container | {"state": state}]}
    async with session.patch(path, json={"status": status}, headers=_PATCH) as response:
        response.raise_for_status()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
