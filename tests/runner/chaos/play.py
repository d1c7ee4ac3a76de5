"""One seed: a project, its mishaps, and an operator and a person who do what the runner tells them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.runner.chaos import faults
from tests.runner.chaos.faults import Scene
from tests.runner.chaos.scripts import Chain
from tests.runner.chaos.truth import Truth
from tests.runner.project import DRIVERS, Project, Runner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Process, Run
    from tests.runner.server import Server

DURABLE = {"synchronous_commit": "on", "max_connections": "60"}
"""A crash of the server then loses nothing that was committed."""
_CALM_ROUNDS = 40
_LOCK_TIMEOUTS = ("2s", "100ms", "500ms")


@dataclass
class Story:
    """What came of one seed."""

    seed: int
    driver: str
    broken: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    """How the runs ended."""
    partly: int = 0
    met: int = 0


def storm(seed: int) -> list[list[faults.Fault]]:
    """Return the faults of each round of a seed, until it becomes calm."""
    chance = random.Random(f"storm {seed}")
    return [chance.choices(faults.FAULTS, k=chance.randint(1, 3)) for _ in range(chance.randint(2, 6))]


class Play:
    """Plays one seed on a server that it may stop and start."""

    def __init__(self, seed: int, server: Server, pyz: Path, folder: Path) -> None:
        self._chance = random.Random(f"play {seed}")
        self._server = server
        self._chain = Chain(seed)
        self._story = Story(seed, self._chance.choice(DRIVERS))
        self._database = server.database.named(f"chaos_{seed}")
        self._project = Project(folder / "project", self._story.driver)
        self._runner = Runner(pyz, folder)
        self._truth = Truth(self._chain, self._database)
        self._runs: list[Run] = []
        """Those since the last moment without any session."""
        self._killed = False

    def play(self) -> Story:
        """Play until the target is there, and judge."""
        self._server.database.rows(f"create database {self._database.name} template template0")
        try:
            self._chain.write(self._project, self._database)
            for happened in storm(self._story.seed):
                self._round(happened)
            for _ in range(_CALM_ROUNDS):
                if self._round([]):
                    break
            self._truth.finish()
        except AssertionError as error:
            self._truth.broken.append(f"{error}")
        finally:
            self._runner.close()
        self._story.broken = self._truth.broken
        self._story.partly, self._story.met = self._truth.partly, self._truth.met
        if not self._story.broken:
            self._server.database.rows(f"drop database {self._database.name} with (force)")
        return self._story

    def _round(self, happened: list[faults.Fault]) -> bool:
        """Run, let faults come, judge, repair; return whether all is applied."""
        timeout = self._chance.choice(_LOCK_TIMEOUTS)
        scene = Scene(self._server, self._database, lambda: self._start(timeout))
        scene.processes.append(scene.start())
        if happened:
            self._story.faults.update(faults.strike(scene, self._chance, happened))
        scene.settle()
        ended = [one.finish() for one in scene.processes if not self._was_killed(scene, one)]
        for run in ended:
            self._truth.hear(run)
            self._story.ends[run.result.reason if run.code else "success"] += 1
        self._killed = self._killed or bool(scene.killed)
        self._runs += ended
        if happened and self._chance.random() < 0.5:
            return False  # at once the next one, beside what is left of this one
        self._judge()
        return bool(ended) and ended[-1].code == 0

    def _was_killed(self, scene: Scene, process: Process) -> bool:
        """Tell whether it died before it could answer: killed, or asked to stop while Python was starting."""
        if process.popen.returncode >= 0:
            return False
        self._story.ends["killed"] += 1
        scene.killed.add(process.popen.pid)
        return True

    def _judge(self) -> None:
        self._truth.quiet()
        if self._database.value("select to_regclass('alembic_version')") is None:
            self._runs, self._killed = [], False
            return
        self._truth.examine(self._runs, killed=self._killed)
        stopped = {run.result.error.revision: run for run in self._runs if run.result.error}
        repaired = [self._truth.repair(run, complete=self._chance.random() < 0.3) for run in stopped.values()]
        self._runs = []
        self._killed = self._killed and not any(repaired)

    def _start(self, timeout: str) -> Process:
        words = ("upgrade", "--lock-timeout", timeout, "--deadline", "120s")
        return self._runner.start(self._project, *words, APP_URL=self._database.url(self._story.driver))
