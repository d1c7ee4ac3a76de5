"""One DatabaseMigration of a test: make it, change it, wait for what its status says."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core import names
from demo.expectation import until
from demo.scene import Migration as Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.access import Access
    from tests.e2e.database import Database

PATIENCE = 120.0
"""Seconds that anything may take, on a slow machine that has other work too."""

Manifest = dict[str, Any]


def database(name: str, password: str = "postgres") -> Manifest:
    """Return spec.database for a database of the shared PostgreSQL; `password` names the Secret."""
    return {
        "statefulSetRef": {"name": "postgres"},
        "name": name,
        "userFrom": {"name": "postgres", "key": "POSTGRES_USER"},
        "passwordFrom": {"name": password, "key": "POSTGRES_PASSWORD"},
    }


def manifest(name: str, spec: Manifest) -> Manifest:
    """Return a DatabaseMigration."""
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


@dataclass(frozen=True)
class Migration:
    """A DatabaseMigration on the cluster."""

    access: Access
    name: str
    database: Database

    def raw(self) -> Manifest:
        """Return it as it is now."""
        return self.access.get("dbm", self.name)

    def status(self) -> Manifest:
        """Return its status as it is now."""
        return dict(self.raw().get("status", {}))

    def told(self) -> Told:
        """Return what its conditions tell now."""
        return Told.of(self.raw())

    def until(self, goal: Callable[[Manifest], bool], what: str, seconds: float = PATIENCE) -> Told:
        """Wait until the goal is reached; return what the conditions tell then."""

        def look() -> Manifest | None:
            raw = self.raw()
            return raw if goal(raw) else None

        try:
            return Told.of(until(look, seconds, ""))
        except Exception as error:
            error.add_note(f"{self.name} is not {what}, but: {self.told()}")
            raise

    def until_ready(self, seconds: float = PATIENCE) -> Told:
        """Wait until it is Ready; one that stalls will never be."""
        told = self.until(lambda raw: Told.of(raw).ready or Told.of(raw).stalled, "Ready", seconds)
        assert told.ready, told
        return told

    def until_stalled(self, seconds: float = PATIENCE) -> Told:
        """Wait until it is Stalled."""
        return self.until(lambda raw: Told.of(raw).stalled, "Stalled", seconds)

    def until_begun(self, revision: str) -> None:
        """Wait until a revision runs."""
        self.until_found(f"SELECT FROM began_{revision} WHERE is_called")

    def until_found(self, query: str) -> None:
        """Wait until a query has rows in its database."""
        try:
            self.database.until(query, PATIENCE)
        except Exception as error:
            error.add_note(f"{self.name} is at: {self.told()}")
            raise

    def until_logged(self, words: str, *others: Migration) -> None:
        """Wait until a log of its pods, or of the others', contains the words."""
        self.until(lambda _: any(words in one.logs() for one in (self, *others)), f"saying {words!r}")

    def until_reason(self, reason: str, seconds: float = PATIENCE) -> Told:
        """Wait until the conditions of this generation give the reason."""
        return self.until(lambda raw: _observed(raw) and Told.of(raw).reason == reason, reason, seconds)

    def patch(self, **spec: Any) -> None:
        """Change the specification."""
        self.access.kubectl("patch", "dbm", self.name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def retry(self) -> None:
        """Ask for a new run at once; return when it is under way: until then the status tells of the old one."""
        before = self.status()["lastRun"]["job"]
        self.access.kubectl("annotate", "dbm", self.name, "--overwrite", f"{names.RETRY}={time.time()}")
        self.until(lambda raw: raw["status"]["lastRun"]["job"] != before, "running anew")

    def jobs(self) -> list[Manifest]:
        """List its Jobs."""
        return list(self.access.get("jobs", self._selector)["items"])

    def pods(self) -> list[Manifest]:
        """List its pods, the oldest first."""
        pods = self.access.get("pods", self._selector)["items"]
        return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def pod(self) -> str:
        """Name the pod that runs."""
        running = [pod for pod in self.pods() if pod["status"]["phase"] == "Running"]
        assert len(running) == 1, [pod["metadata"]["name"] for pod in running]
        return str(running[0]["metadata"]["name"])

    def logs(self) -> str:
        """Return the logs of all its pods."""
        return self.access.kubectl("logs", self._selector, "--all-containers", "--tail=-1", "--ignore-errors")

    def delete(self) -> None:
        """Remove it, with its Jobs and pods in the background."""
        self.access.kubectl("delete", "dbm", self.name, "--ignore-not-found", "--wait=false")

    @property
    def _selector(self) -> str:
        return f"--selector={names.RUN_LABEL}={self.name}"


def reconciling(raw: Manifest) -> bool:
    """Tell whether the operator still tries."""
    conditions = {one["type"]: one["status"] for one in raw["status"]["conditions"]}
    return conditions == {"Ready": "False", "Reconciling": "True"}


def _observed(raw: Manifest) -> bool:
    return bool(raw.get("status", {}).get("observedGeneration") == raw["metadata"]["generation"])
