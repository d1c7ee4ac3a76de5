"""The users service on the cluster: its rollouts, its migration, and the clients that count what fails."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from alembic_operator.core import names
from alembic_operator.core.manifests.merge import merge
from demo.access import MANIFESTS
from demo.expectation import UnmetError, until
from demo.shop import CLIENT, Counts
from tests.e2e.database import Database
from tests.e2e.migration import PATIENCE, Manifest, Migration, database, manifest
from tests.e2e.workloads import BUILDERS, image_of, is_held, is_ready, service, template

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.access import Access
    from tests.e2e.evidence import Evidence

REVISIONS = {"v1": "4a1d8f6b02c7", "v2": "b60f27d9e1a3", "v3": "d25c8a41f7e6", "v4": "d25c8a41f7e6"}
"""The head of each release."""
BROKEN = "v3"
"""Its revision fails; v4 is the same with the fault mended."""

# A revision that alters a table waits before it has any lock, until it is released.
_HOLD = """
CREATE SEQUENCE IF NOT EXISTS released;
ALTER SEQUENCE released RESTART;
CREATE OR REPLACE FUNCTION hold() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  give_up timestamptz := clock_timestamp() + interval '5 minutes';
BEGIN
  WHILE clock_timestamp() < give_up AND NOT (SELECT is_called FROM released) LOOP
    PERFORM pg_sleep(0.1);
  END LOOP;
END $$;
DROP EVENT TRIGGER IF EXISTS hold;
CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION hold();
"""
_IS_HELD = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE 'ALTER TABLE users%'
"""


@dataclass(frozen=True)
class App:
    """One workload with its Service and its client."""

    access: Access
    name: str
    kind: str = "deployment"

    def ship(self, image: str) -> None:
        """Change the image, as a pipeline would."""
        self.access.kubectl("set", "image", f"{self.kind}/{self.name}", f"users={self._here(image)}")

    def undo(self) -> None:
        """Go back to the template before."""
        self.access.kubectl("rollout", "undo", f"{self.kind}/{self.name}")

    def scale(self, replicas: int) -> None:
        """Ask for so many pods."""
        self.access.kubectl("scale", f"{self.kind}/{self.name}", f"--replicas={replicas}")

    def annotate_pods(self, annotations: dict[str, str]) -> None:
        """Change the annotations of the pod template."""
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        self.access.kubectl("patch", f"{self.kind}/{self.name}", f"--patch={json.dumps(patch)}")

    def until_rolled_out(self, seconds: float = PATIENCE) -> None:
        """Wait until all pods are of the newest template, and ready."""
        self.access.kubectl("rollout", "status", f"{self.kind}/{self.name}", f"--timeout={seconds:.0f}s")

    def start_client(self) -> None:
        """Let a pod ask the Service all the time; return when it has an answer."""
        pod = yaml.safe_load((MANIFESTS / "client.yaml").read_text())
        pod["metadata"] = {"name": self._client, "labels": {"app": "client"}}
        pod["spec"]["containers"][0]["command"][-1] = f"http://{self.name}:8080/users"
        script = {"metadata": {"name": "client"}, "data": {CLIENT.name: CLIENT.read_text()}}
        self.access.apply_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", **script}))
        self.access.apply_text(json.dumps(pod))
        until(self.counts, PATIENCE, f"the client gets no answer from {self.name}")

    def counts(self) -> Counts | None:
        """Return what the client has counted by now; None before its first answer."""
        try:
            lines = self.access.kubectl("logs", self._client, "--tail=1").splitlines()
        except UnmetError:  # its container does not run yet
            return None
        return Counts(**json.loads(lines[-1])) if lines else None

    def until_answered(self, release: str) -> Counts:
        """Wait for more answers of a release than there were."""
        before = self._answers(release)
        return until(
            lambda: counts if (counts := self.counts()) and counts.answered.get(release, 0) > before else None,
            PATIENCE,
            f"no answer from {release} of {self.name}",
        )

    def count(self) -> Counts:
        """Wait until no pod is about to go, which could still fail a request, and count then."""
        until(lambda: len(self._all()) == len(self.pods()) or None, PATIENCE, f"a pod of {self.name} does not go")
        before = self.counts()
        return until(
            lambda: counts if (counts := self.counts()) and before and counts.total > before.total else None,
            PATIENCE,
            f"no answer from {self.name}",
        )

    def _answers(self, release: str) -> int:
        counts = self.counts()
        return counts.answered.get(release, 0) if counts else 0

    def _all(self) -> list[Manifest]:
        sort = "--sort-by=.metadata.creationTimestamp"
        return list(self.access.get("pods", f"--selector=app={self.name}", sort)["items"])

    def pods(self, image: str = "") -> list[Manifest]:
        """List the pods that are not about to go, all or those of an image, the oldest first."""
        wanted = self._here(image) if image else ""
        there = [pod for pod in self._all() if "deletionTimestamp" not in pod["metadata"]]
        return [pod for pod in there if wanted in (image_of(pod), "")]

    def until_at_gate(self, image: str, count: int = 1) -> list[Manifest]:
        """Wait until so many pods of an image stand at their closed gate."""
        return self._until(lambda: [pod for pod in self.pods(image) if is_held(pod)], count, f"{image} is not held")

    def until_ready(self, image: str, count: int) -> list[Manifest]:
        """Wait until so many pods of an image are ready."""
        return self._until(lambda: [pod for pod in self.pods(image) if is_ready(pod)], count, f"{image} is not ready")

    def until_gate_says(self, words: str, image: str) -> None:
        """Wait until the gate of a pod of an image has logged the words."""

        def said() -> bool | None:
            pods = [pod["metadata"]["name"] for pod in self.pods(image) if is_held(pod)]
            return any(words in self.access.kubectl("logs", pod, f"-c={names.GATE_CONTAINER}") for pod in pods) or None

        until(said, PATIENCE, f"no gate of {image} says {words!r}")

    def evict(self, pod: Manifest) -> None:
        """Ask for the eviction of a pod, as a drain does."""
        name = pod["metadata"]["name"]
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        path = f"/api/v1/namespaces/{self.access.namespace}/pods/{name}/eviction"
        self.access.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(body))

    def remove(self) -> None:
        """Make room on the node for the next test."""
        self.access.kubectl("delete", self.kind, self.name, "--ignore-not-found", "--timeout=120s")
        self.access.kubectl("delete", "pod", self._client, "--ignore-not-found", "--timeout=60s")

    @property
    def _client(self) -> str:
        return f"client-{self.name}"

    def _here(self, image: str) -> str:
        """Return a release's image under the name that it has on this cluster."""
        return image if "/" in image else self.access.cluster.reference(f"localhost/users:{image}")

    def _until(self, look: Callable[[], list[Manifest]], count: int, otherwise: str) -> list[Manifest]:
        return until(lambda: pods if len(pods := look()) == count else None, PATIENCE, f"{otherwise}, {count} times")


@dataclass(frozen=True)
class Shop:
    """One migration and the workloads that wait for it."""

    migration: Migration
    apps: tuple[App, ...]
    manifests: tuple[Manifest, ...]

    def deploy(self) -> None:
        """Apply everything at once, as it was at first."""
        content = {"apiVersion": "v1", "kind": "List", "items": self.manifests}
        self.migration.access.apply_text(json.dumps(content))

    @property
    def app(self) -> App:
        """Give the first, mostly the only workload."""
        return self.apps[0]

    def hold(self) -> None:
        """Make the next revision that alters a table wait."""
        self.migration.database.rows(_HOLD)

    def until_held(self) -> None:
        """Wait until a revision does."""
        self.migration.until_found(_IS_HELD)

    def release(self) -> None:
        """Let it go on."""
        self.migration.database.rows("SELECT nextval('released')")

    def until_rolled_out(self, release: str) -> None:
        """Wait until the database contains what a release needs, and nothing but this release runs."""
        for app in self.apps:
            app.until_rolled_out()
            app.until_answered(release)
        self.migration.until_ready()

    def until_known(self, image: str) -> None:
        """Wait until the operator knows that the database contains what an image by digest needs."""
        digest = image.partition("@")[2]
        self.migration.until(lambda raw: digest in raw["status"].get("knownImages", ()), f"sure of {image}")

    def problems(self) -> list[str]:
        """List what went wrong with requests, for every client that saw a failure; ask when all is over."""
        counted = [(app.name, app.count()) for app in self.apps]
        return [f"{name}: {one.failed} of {one.total}, {one.problem}" for name, one in counted if one.failed]

    def answered(self) -> set[str]:
        """Name the releases that ever answered."""
        return {release for app in self.apps if (counts := app.counts()) for release in counts.answered}


@dataclass(frozen=True)
class OpenShop:
    """Opens shops, and closes them when their test is over."""

    access: Access
    evidence: Evidence
    opened: list[Shop] = field(default_factory=list)

    def __call__(self, *apps: str, **details: Any) -> Shop:
        """Roll out v1 on a database of its own, and let a client ask each workload from then on."""
        shop = self.prepare(*apps, **details)
        shop.deploy()
        for app in shop.apps:
            app.until_rolled_out()
            app.start_client()
        return shop

    def prepare(
        self, *apps: str, kind: str = "deployment", image: str = "localhost/users:v1", pod: Any = None, **spec: Any
    ) -> Shop:
        """Make the database, and the manifests of everything else, with what `pod` and `spec` change in them."""
        name, build = apps[0], BUILDERS[kind]
        where = Database(self.access, name.replace("-", "_")).create()
        source = {"workloadRef": {"kind": build(name, {})["kind"], "name": name}}
        manifests = [manifest(name, {"source": source, "database": database(where.name)} | spec)]
        for app in apps:
            manifests += [service(app), build(app, merge(template(app, name, image, where.name), pod or {}))]
        workloads = tuple(App(self.access, app, kind) for app in apps)
        self.opened.append(Shop(Migration(self.access, name, where), workloads, tuple(manifests)))
        return self.opened[-1]

    def close(self) -> None:
        """Keep what the pods have said, and make room on the node."""
        for shop in self.opened:
            self.evidence.logs(self.access, f"--selector=app in ({', '.join(app.name for app in shop.apps)})")
            for app in shop.apps:
                app.remove()
