"""Note when each object was first seen in a state, by watches of its own."""

import json
import threading
import time
from collections.abc import Callable
from http.client import HTTPSConnection
from typing import Any

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core.names import RUN_LABEL
from tests.api.rest import Manifest, Rest, path_of

JOBS: Manifest = {"apiVersion": "batch/v1", "kind": "Job"}
MIGRATIONS: Manifest = {"apiVersion": API_VERSION, "kind": KIND}


class Witness:
    """Moments on the monotonic clock, by what happened and the migration's name."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self.created: dict[str, float] = {}
        """The Job was seen."""
        self.completed: dict[str, float] = {}
        """The Job was seen with Complete=True."""
        self.ready: dict[str, float] = {}
        """The migration was seen with Ready=True."""
        self._watch(rest, path_of(JOBS, namespace), self._job)
        self._watch(rest, path_of(MIGRATIONS, namespace), self._migration)

    def _watch(self, rest: Rest, path: str, note: Callable[[Manifest, float], None]) -> None:
        since = rest.request("GET", path, limit="1")["metadata"]["resourceVersion"]
        connection = HTTPSConnection(str(rest.connection.host), rest.connection.port, context=rest.context)
        connection.request("GET", f"{path}?watch=1&resourceVersion={since}")
        threading.Thread(target=_read, args=(connection.getresponse(), note), daemon=True).start()

    def _job(self, job: Manifest, now: float) -> None:
        metadata = job["metadata"]
        name = metadata["labels"].get(RUN_LABEL) or metadata["name"]
        self.created.setdefault(name, now)
        if _is_true(job, "Complete"):
            self.completed.setdefault(name, now)

    def _migration(self, migration: Manifest, now: float) -> None:
        if _is_true(migration, "Ready"):
            self.ready.setdefault(migration["metadata"]["name"], now)


def _read(response: Any, note: Callable[[Manifest, float], None]) -> None:
    for line in response:
        now = time.monotonic()
        note(json.loads(line)["object"], now)


def _is_true(found: Manifest, kind: str) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)
