"""What the cluster looks like at one moment, reduced to what the story is about; made from what kubectl reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo.access import Access

APP = "users"
GATE = "alembic-gate"
KINDS = "pods,jobs,deployments,databasemigrations"


class Stage(Enum):
    """How far a pod of the application has come."""

    STARTING = "starting"
    AT_GATE = "at its gate"
    STARTED = "let in"
    READY = "ready"
    LEAVING = "leaving"
    BROKEN = "broken"


@dataclass(frozen=True)
class Pod:
    """One pod of the application."""

    name: str
    release: str
    stage: Stage
    app_started: bool
    """Whether the application's own container has ever run."""
    problem: str = ""

    @classmethod
    def of(cls, pod: dict[str, Any]) -> Pod:
        """Read a pod of the application."""
        status = pod["status"]
        app = _named(status.get("containerStatuses"), APP)
        image = _named(pod["spec"]["containers"], APP)["image"]
        problem = _problem([*status.get("initContainerStatuses", []), app])
        started = (
            "running" in app.get("state", {}) or "terminated" in app.get("state", {}) or bool(app.get("lastState"))
        )
        return cls(
            name=pod["metadata"]["name"],
            release=image.rsplit(":", 1)[1],
            stage=_stage(pod, app, problem),
            app_started=started,
            problem=problem,
        )


@dataclass(frozen=True)
class Migration:
    """The DatabaseMigration, as its conditions tell it."""

    ready: bool
    stalled: bool
    reason: str
    message: str
    current: tuple[str, ...]
    error: dict[str, str]

    @classmethod
    def of(cls, migration: dict[str, Any]) -> Migration:
        """Read a DatabaseMigration; one that nobody has looked at yet is not ready."""
        status = migration.get("status", {})
        conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
        observed = status.get("observedGeneration") == migration["metadata"]["generation"]
        ready = conditions.get("Ready", {})
        return cls(
            ready=observed and ready.get("status") == "True",
            stalled=observed and conditions.get("Stalled", {}).get("status") == "True",
            reason=ready.get("reason", ""),
            message=ready.get("message", ""),
            current=tuple(status.get("revisions", {}).get("current", [])),
            error={key: str(value) for key, value in (status.get("lastRun", {}).get("error") or {}).items()},
        )


@dataclass(frozen=True)
class Scene:
    """The application, its migration and its rollout."""

    pods: tuple[Pod, ...]
    migration: Migration | None
    jobs: tuple[str, ...]
    rolled_out: bool
    """Every pod that the Deployment wants is of its newest template, and available; no other is left."""

    def stages(self, release: str) -> set[Stage]:
        """Tell how far the pods of a release are."""
        return {pod.stage for pod in self.pods if pod.release == release}


def look(access: Access) -> Scene:
    """Ask for everything at once."""
    items = access.get(KINDS)["items"]
    of_kind = {kind: [item for item in items if item["kind"] == kind] for kind in {item["kind"] for item in items}}
    migrations = [Migration.of(item) for item in of_kind.get("DatabaseMigration", [])]
    pods = [pod for pod in of_kind.get("Pod", []) if pod["metadata"].get("labels", {}).get("app") == APP]
    return Scene(
        pods=tuple(Pod.of(pod) for pod in pods),
        migration=migrations[0] if migrations else None,
        jobs=tuple(job["metadata"]["name"] for job in of_kind.get("Job", [])),
        rolled_out=any(_is_rolled_out(item) for item in of_kind.get("Deployment", [])),
    )


def _stage(pod: dict[str, Any], app: dict[str, Any], problem: str) -> Stage:
    gate = _named(pod["status"].get("initContainerStatuses"), GATE)
    if "deletionTimestamp" in pod["metadata"]:
        return Stage.LEAVING
    if problem:
        return Stage.BROKEN
    if app.get("ready"):
        return Stage.READY
    if "running" in app.get("state", {}):
        return Stage.STARTED
    return Stage.AT_GATE if "running" in gate.get("state", {}) else Stage.STARTING


def _problem(statuses: list[dict[str, Any]]) -> str:
    """Name what the kubelet cannot do; starting up is no problem."""
    for status in statuses:
        waiting = status.get("state", {}).get("waiting", {})
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            return f"{status['name']}: {waiting['reason']} {waiting.get('message', '')}"
    return ""


def _named(items: list[dict[str, Any]] | None, name: str) -> dict[str, Any]:
    return next((item for item in items or [] if item["name"] == name), {})


def _is_rolled_out(deployment: dict[str, Any]) -> bool:
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == [wanted] * 3
