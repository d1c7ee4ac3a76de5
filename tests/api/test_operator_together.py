"""A commit that changes image and specification together, applied one after the other as every tool does."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alembic_operator.core.names import RUN_LABEL
from tests.api.follower import Follower, following
from tests.api.rest import Manifest
from tests.api.shop import JOB, MIGRATION, POD, SUCCESS, Shop, reasons
from tests.api.test_operator_sources import deploy, redeploy

pytest_plugins = ["tests.api.operator_fixtures"]

TIMES = 10
ROUNDS = 5
"""How often one migration changes with its workload; so many of them change at the same time that it comes to TIMES."""
DELAYS = (0.02, 0.35)
"""Seconds between the two, as measured with kubectl, Helm, Argo CD and Flux."""
PROMISED = 1.5
"""On a busy machine the second half may come later than meant; beyond the settling time of 2 s nothing is promised."""
DATABASE = {"host": "postgres", "userFrom": {"name": "users-db", "key": "user"}}
PATIENCE = 240.0

CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "suspend": ({"suspend": True}, "Suspended"),
    "strategy": ({"strategy": "InitContainer"}, "WaitingForPods"),
    "target": ({"alembic": {"target": "r{}"}}, ""),
    "config": ({"alembic": {"config": "r{}.ini"}}, ""),
    "database": ({"database": DATABASE | {"name": "r{}"}}, ""),
}
"""What is changed with the image; and what the migration says then, when no run may start."""
BACK = {"suspend": False, "strategy": "Job"}

OVER = object()


def filled(given: Any, number: int) -> Any:
    """Write the number of a round into a specification."""
    if isinstance(given, dict):
        return {name: filled(value, number) for name, value in given.items()}
    return given.format(number) if isinstance(given, str) else given


def image_of(job: Manifest) -> str:
    return str(job["spec"]["template"]["spec"]["containers"][0]["image"])


def tells(job: Manifest, number: int) -> bool:
    """Tell whether a Job has what was written in a round."""
    container = job["spec"]["template"]["spec"]["containers"][0]
    said = [*container["command"], *(one.get("value") for one in container.get("env") or ())]
    return f"r{number}" in said or f"r{number}.ini" in said


@dataclass
class World:
    """What is there of all pairs, and what is due."""

    shop: Shop
    jobs: Follower
    pods: Follower
    migrations: Follower
    soon: dict[str, tuple[float, Callable[[], None]]] = field(default_factory=dict)
    """The second half of a change, by migration, and when it is due."""
    done: dict[str, float] = field(default_factory=dict)
    """When it was done."""

    def play(self, lives: list[Iterator[None]]) -> None:
        """Let all live at the same time, and do on time what is due."""
        end = time.monotonic() + PATIENCE
        while lives:
            assert time.monotonic() < end, [reasons(one.get("status") or {}) for one in self.migrations.there.values()]
            for one in tuple(lives):
                for name in [name for name, (due, _) in self.soon.items() if due <= time.monotonic()]:
                    self.soon.pop(name)[1]()
                    self.done[name] = time.monotonic()
                if next(one, OVER) is OVER:
                    lives.remove(one)
            time.sleep(0.005)


@dataclass
class Pair:
    """A Deployment and the migration that follows it."""

    world: World
    name: str
    change: str
    workload_first: bool
    delays: list[float]
    late: set[int] = field(default_factory=set)
    """The rounds whose second half came too late."""

    def life(self) -> Iterator[None]:
        """Change both again and again; yield wherever there is something to wait for."""
        shop, (spec, holds) = self.world.shop, CHANGES[self.change]
        deploy(shop, name=self.name, image=self.image(0))
        shop.migrate(self.name, source={"workloadRef": {"name": self.name}}, **filled({} if holds else spec, 0))
        yield from self.migrates(0)
        for number, delay in enumerate(self.delays, 1):
            yield from self.changes(number, delay, filled(spec, number))
            if holds:
                while not self.says(holds):
                    yield
                assert number in self.late or self.image(number) not in map(image_of, self.made())
                shop.change(self.name, **{self.change: BACK[self.change]})
            yield from self.migrates(number)

    def changes(self, number: int, delay: float, spec: dict[str, Any]) -> Iterator[None]:
        both = [partial(self.redeploy, number), partial(self.world.shop.change, self.name, **spec)]
        first, second = both if self.workload_first else reversed(both)
        begun = time.monotonic()
        first()
        self.world.soon[self.name] = begun + delay, second
        while self.name in self.world.soon:
            yield
        if self.world.done[self.name] - begun > PROMISED:
            self.late.add(number)

    def redeploy(self, number: int) -> None:
        containers = [{"name": "app", "image": self.image(number)}]
        redeploy(self.world.shop, self.name, template={"spec": {"containers": containers}})

    def migrates(self, number: int) -> Iterator[None]:
        """Wait for the pod with both, let it succeed, and wait until that is told."""
        while not (pods := self.pods_of(number)):
            yield
        self.world.shop.kubelet.ends(pods[0], 0, SUCCESS)
        while not self.says("UpToDate"):
            yield

    def pods_of(self, number: int) -> list[Manifest]:
        jobs = {one["metadata"]["name"] for one in self.made() if self.is_of(one, number)}
        return [one for one in tuple(self.world.pods.there.values()) if one["metadata"]["labels"]["job-name"] in jobs]

    def is_of(self, job: Manifest, number: int) -> bool:
        """Tell whether a Job has both of a round."""
        return image_of(job) == self.image(number) and (bool(CHANGES[self.change][1]) or tells(job, number))

    def suits(self, job: Manifest) -> bool:
        """Tell whether a Job has the specification of its image, or of the round after it; not of one before."""
        number = int(image_of(job).partition(":")[2])
        return number in self.late or self.is_of(job, number) or tells(job, number + 1)

    def made(self) -> list[Manifest]:
        return [one for one in tuple(self.world.jobs.made) if one["metadata"]["labels"][RUN_LABEL] == self.name]

    def image(self, number: int) -> str:
        return f"registry.test/users:{number}"

    def says(self, reason: str) -> bool:
        found = self.world.migrations.there.get(self.name) or {}
        status = found.get("status") or {}
        is_current = status.get("observedGeneration") == (found.get("metadata") or {}).get("generation")
        return is_current and reasons(status) == {reason}


def test_no_job_has_the_new_image_and_the_old_specification(shop: Shop) -> None:
    shortest, longest = DELAYS
    delays = [shortest + (longest - shortest) * number / (TIMES - 1) for number in range(TIMES)]
    with following(shop, JOB) as jobs, following(shop, POD) as pods, following(shop, MIGRATION) as migrations:
        world = World(shop, jobs, pods, migrations)
        pairs = [
            Pair(world, f"{change}-{number}-{start}", change, number > 0, delays[start :: TIMES // ROUNDS])
            for change in CHANGES
            for number in range(2)
            for start in range(TIMES // ROUNDS)
        ]
        world.play([one.life() for one in pairs])
    for pair in pairs:
        made = pair.made()
        assert {image_of(one) for one in made} == {pair.image(number) for number in range(len(pair.delays) + 1)}
        assert [one["metadata"]["name"] for one in made if not pair.suits(one)] == []
    assert sum(len(one.late) for one in pairs) <= len(CHANGES) * TIMES / 4  # else little was tried
