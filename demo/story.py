"""The story, chapter by chapter. Each chapter does one thing to the cluster and returns the facts that it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import shop
from demo.expectation import require, until
from demo.follow import Follower
from demo.scene import APP, Scene, Stage
from demo.screen import Screen, Tone

if TYPE_CHECKING:
    from demo.access import Access

PATIENCE = 180.0
"""Seconds that anything may take on a slow machine."""
WATCHING = 5.0
"""Seconds to look on where the point is that nothing happens."""


@dataclass(frozen=True)
class Release:
    """What was seen of one release."""

    seconds: float
    """From the command to the end of the chapter."""
    gate: str
    """What a gate of this release said while it held its pod back."""
    started: bool
    """Whether the application's own container of this release ever ran."""
    revisions: tuple[str, ...]
    """What the database itself says it contains, at the end of the chapter."""
    reason: str
    message: str
    """The migration's condition at the end of the chapter."""
    answered: dict[str, int]
    """Requests that were answered since the client began, by release."""
    failed: int
    """Requests that were not."""


@dataclass(frozen=True)
class Teller:
    """Everything that a chapter needs."""

    access: Access
    screen: Screen
    follower: Follower

    @classmethod
    def at(cls, access: Access, screen: Screen) -> Teller:
        """Begin with a memory of nothing."""
        return cls(access, screen, Follower(access, screen))

    def ship(self, release: str) -> None:
        """Change the image of the application, as a pipeline would."""
        image = self.access.cluster.reference(f"localhost/users:{release}")
        command = ["set", "image", f"deployment/{APP}", f"{APP}={image}"]
        self.screen.command("kubectl", *command)
        self.access.kubectl(*command)

    def counted(self) -> shop.Counts:
        """Read what the client has counted, which must be no failure."""
        counts = until(lambda: shop.counts(self.access), PATIENCE, "the client gets no answer from the service")
        require(counts.failed == 0, f"{counts.failed} requests failed, the last with: {counts.problem}")
        return counts

    def tell_counts(self) -> None:
        """Say how many requests were answered since the client began, and by whom."""
        counts = self.counted()
        answers = ", ".join(f"{number} by {release}" for release, number in sorted(counts.answered.items()))
        slowest = f"the slowest in {counts.slowest:.2f} s"
        what = f"{counts.total} requests answered ({answers}), {counts.failed} failed, {slowest}"
        self.screen.line("client", what, Tone.GOOD)

    def facts(self, release: str, begun: float, scene: Scene) -> Release:
        """Close a chapter."""
        counts, revisions = self.counted(), shop.revisions(self.access)
        self.screen.line("database", f"contains {', '.join(revisions) or 'nothing'}, says psql")
        migration = scene.migration
        return Release(
            seconds=round(self.screen.elapsed - begun, 1),
            gate=self.follower.held.get(release, ""),
            started=release in self.follower.started,
            revisions=revisions,
            reason=migration.reason if migration else "",
            message=migration.message if migration else "",
            answered=counts.answered,
            failed=counts.failed,
        )

    def answers(self, release: str) -> None:
        """Show that the service answers, from the migrated table, and that this release does."""
        page = until(
            lambda: page if (page := shop.users(self.access)).get("release") == release else None,
            PATIENCE,
            f"no answer from {release}",
        )
        names = ", ".join(user.get("display_name") or user["name"] for user in page["users"])
        self.screen.line(
            "GET /users", f"{page['release']} answers: {names}; revision {', '.join(page['revision'])}", Tone.GOOD
        )
        require(page["users"], f"{release} answers, but has no users")


def database(teller: Teller) -> None:
    """Start PostgreSQL with a volume, and wait until it is ready."""
    teller.screen.chapter(
        "1  A database",
        "PostgreSQL 18 as a StatefulSet with a volume of 10Gi; its address in a ConfigMap, user and password in a",
        "Secret. The password has every character that breaks a carelessly built URL.",
    )
    teller.screen.command("kubectl apply -f demo/manifests/postgres.yaml")
    teller.access.apply("postgres.yaml")

    def ready() -> str | None:
        stateful_set = teller.access.get("statefulset", "postgres")
        return "ready" if stateful_set["status"].get("readyReplicas") == 1 else None

    until(ready, PATIENCE, "PostgreSQL does not become ready; kubectl describe pod postgres-0")
    claim = teller.access.get("pvc", "data-postgres-0")
    size, phase = claim["status"]["capacity"]["storage"], claim["status"]["phase"]
    teller.screen.line("postgres-0", f"ready; its volume of {size} is {phase}", Tone.GOOD)


def first_release(teller: Teller) -> Release:
    """Deploy application and migration together, on an empty database."""
    teller.screen.chapter(
        "2  v1: application and migration arrive together",
        "The database is empty. The pods wait at their gates; the operator runs the application's own Alembic project",
        "from the application's own image; then the pods start.",
    )
    begun = teller.screen.elapsed
    teller.screen.command("kubectl apply -f demo/manifests/users.yaml")
    teller.access.apply("users.yaml")
    scene = teller.follower.until(_is_out, PATIENCE, "users v1 does not roll out")
    teller.answers("v1")
    shop.start_client(teller.access)
    teller.screen.line("client", "asks all the time from now on, each time on a new connection")
    return teller.facts("v1", begun, scene)


def second_release(teller: Teller) -> Release:
    """Roll out two more revisions under load."""
    teller.screen.chapter(
        "3  v2: two more revisions, and nobody notices",
        "One adds a column and fills it, one builds an index concurrently. Until both are in the database the new pod",
        "waits and the old ones answer. A client asks all the time, on new connections, and counts.",
    )
    return _roll_out(teller, "v2")


def broken_release(teller: Teller, before: Release) -> Release:
    """Roll out a revision that fails half way."""
    teller.screen.chapter(
        "4  v3: a migration that fails half way",
        "It adds a column, and then a constraint that the data violates. Nothing of it may stay, no pod of v3 may",
        "start, and v2 must go on answering.",
    )
    begun = teller.screen.elapsed
    teller.ship("v3")
    teller.follower.until(_is_stalled, PATIENCE, "the migration of v3 does not become Stalled")
    scene = teller.follower.for_a_while(WATCHING)
    teller.answers("v2")
    teller.tell_counts()
    facts = teller.facts("v3", begun, scene)
    error = scene.migration.error if scene.migration else {}
    for part in ("revision", "sqlstate", "message"):
        require(error.get(part) and error[part] in facts.message, f"the message does not name the {part} of {error}")
    require(not facts.started, "a container of v3 was started although its migration failed")
    require(scene.stages("v3") == {Stage.AT_GATE}, f"pods of v3 should wait at their gate, but: {scene.pods}")
    require(facts.revisions == before.revisions, f"the database was at {before.revisions}, now {facts.revisions}")
    teller.screen.line("v3", "no container of it was ever started; the database is where v2 left it", Tone.GOOD)
    return facts


def repaired_release(teller: Teller) -> Release:
    """Roll out the same revision, repaired."""
    teller.screen.chapter(
        "5  v4: the same revision, repaired",
        "It removes the duplicate first. Nothing has to be cleaned up, unlocked or restarted by hand.",
    )
    return _roll_out(teller, "v4")


def epilogue(teller: Teller) -> None:
    """Show what a person sees afterwards, and what to try next."""
    teller.screen.chapter("What is there now")
    teller.screen.command("kubectl get dbm")
    teller.screen.block(teller.access.kubectl("get", "dbm"))
    teller.screen.command(f"kubectl get dbm {APP} --output=yaml | sed -n '/^status:/,$p'")
    whole = teller.access.kubectl("get", "dbm", APP, "--output=yaml")
    teller.screen.block(whole[whole.index("\nstatus:") + 1 :])


def tell(access: Access, screen: Screen) -> dict[str, Release]:
    """Tell the whole story; return what was seen of each release."""
    teller = Teller.at(access, screen)
    database(teller)
    first = first_release(teller)
    second = second_release(teller)
    broken = broken_release(teller, second)
    repaired = repaired_release(teller)
    epilogue(teller)
    return {"v1": first, "v2": second, "v3": broken, "v4": repaired}


def _roll_out(teller: Teller, release: str) -> Release:
    """Ship a good release, and follow it until nothing of the one before is left."""
    begun = teller.screen.elapsed
    teller.ship(release)
    scene = teller.follower.until(_is_out, PATIENCE, f"users {release} does not roll out")
    teller.answers(release)
    teller.tell_counts()
    return teller.facts(release, begun, scene)


def _is_out(scene: Scene) -> bool:
    all_ready = all(pod.stage is Stage.READY for pod in scene.pods)  # those that leave are gone, too
    return scene.rolled_out and all_ready and scene.migration is not None and scene.migration.ready


def _is_stalled(scene: Scene) -> bool:
    return scene.migration is not None and scene.migration.stalled
