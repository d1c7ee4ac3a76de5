"""Play all kubelets at once: each pod of a Job starts, runs a moment, and ends well with a Result."""

import asyncio
import json
import ssl
import sys
from http import HTTPStatus
from typing import Any

import aiohttp

from alembic_operator.contract import Applied, Result

RUNS_FOR = 0.3
"""Seconds between the start of a migration and its end."""

ENDED = "bench/ended"
"""Label of a pod that somebody else has ended."""

_NOW = "2026-01-01T00:00:00Z"
_RESULT = Result("UpToDate", ("a1",), ("b2",), ("b2",), applied=(Applied("b2", 250),), driver="psycopg").to_json()
_ENDED = {"exitCode": 0, "reason": "Completed", "startedAt": _NOW, "finishedAt": _NOW, "message": _RESULT}
_PATCH = {"Content-Type": "application/merge-patch+json"}
_FOR_EVER = aiohttp.ClientTimeout(total=None)


async def main(server: str, authority: str, certificate: str, key: str) -> None:
    """Watch the pods of all namespaces for ever, and run each."""
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    query = {"watch": "1", "labelSelector": f"batch.kubernetes.io/job-name,!{ENDED}"}
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        aiohttp.ClientSession(server, connector=connector) as session,
        asyncio.TaskGroup() as tasks,
        session.get("/api/v1/pods", params=query, timeout=_FOR_EVER) as watch,
    ):
        async for line in watch.content:
            event = json.loads(line)
            if event["type"] == "ADDED":
                metadata = event["object"]["metadata"]
                path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
                tasks.create_task(_run(session, path, event["object"]["spec"]["containers"][0]["name"]))


async def _run(session: aiohttp.ClientSession, path: str, container: str) -> None:
    about = {"name": container, "image": "bench:1", "imageID": "bench@sha256:0", "ready": True, "restartCount": 0}
    await _say(session, path, "Running", about | {"state": {"running": {"startedAt": _NOW}}})
    await asyncio.sleep(RUNS_FOR)
    await _say(session, path, "Succeeded", about | {"state": {"terminated": _ENDED}})


async def _say(session: aiohttp.ClientSession, path: str, phase: str, container: dict[str, Any]) -> None:
    status = {"phase": phase, "startTime": _NOW, "containerStatuses": [container]}
    async with session.patch(path, json={"status": status}, headers=_PATCH) as response:
        if response.status != HTTPStatus.NOT_FOUND:  # its owner has removed it meanwhile
            response.raise_for_status()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
