"""Count what happens and leaves no trace in the cluster: plain numbers, which cost nothing while nobody asks."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from alembic_operator.api.status import LastRun, Status
from alembic_operator.core.gates.held_pods import HELD_AFTER
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import moment
from alembic_operator.kube.cache import Key

BOUNDS = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds: the upper ends of the buckets of every histogram."""

_LOCK_NOT_AVAILABLE = "55P03"
_LOCK_TIMEOUT = "LockTimeout"


@dataclass
class Buckets:
    """How often something took how long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class Tally:
    """What one operator process has seen since its start."""

    runs: dict[Key, Counter[str]] = field(default_factory=dict)
    """By the reason that they ended with."""
    leads: bool = False
    """This process acts."""
    restarts: Counter[str] = field(default_factory=Counter)
    """How often a list or a watch failed and was begun again, by resource."""
    lock_timeouts: Counter[Key] = field(default_factory=Counter)
    gate_policies: dict[str, bool] = field(default_factory=dict)
    """Whether each is there; without what may not be read."""
    looks: dict[str, Buckets] = field(default_factory=lambda: {"success": Buckets(), "error": Buckets()})
    gate_delays: Buckets = field(default_factory=Buckets)
    _passed: dict[Key, frozenset[str]] = field(default_factory=dict)
    """Pods whose gate had opened at the last look."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count how long a look takes, and whether it ended with an error."""
        began, result = time.monotonic(), "error"
        try:
            yield
            result = "success"
        finally:
            self.looks[result].observe(time.monotonic() - began)

    def forget(self, key: Key) -> None:
        """Let go of a migration that is gone."""
        self._passed.pop(key, None)
        self.lock_timeouts.pop(key, None)
        self.runs.pop(key, None)

    def written(self, key: Key, before: Status, after: Status) -> None:
        """Count a run that has ended between two statuses."""
        run = after.last_run
        if run is None or not run.finished_at or (before.last_run or LastRun(attempt=0)).finished_at == run.finished_at:
            return
        self.runs.setdefault(key, Counter())[run.outcome or "Unknown"] += 1
        if run.outcome == _LOCK_TIMEOUT or (run.error and run.error.sqlstate == _LOCK_NOT_AVAILABLE):
            self.lock_timeouts[key] += 1

    def seen(self, key: Key, observation: Observation) -> None:
        """Count the pods whose gate has opened since the last look."""
        before = self._passed.get(key)
        now = frozenset(one.name for one in observation.gated if one.gate and one.gate.opened)
        if observation.gated or before:
            self._passed[key] = now
        if before is None:
            return  # they may have passed before this process was there
        for pod in observation.gated:
            if pod.name in now - before:
                self._count(pod, observation.migration.status.last_run)

    def _count(self, pod: GatedPod, run: LastRun | None) -> None:
        came, left = (moment(pod.gate.started_at), moment(pod.gate.finished_at)) if pod.gate else (None, None)
        if not (run and came and left and left - came >= HELD_AFTER):
            return
        started, ended = moment(run.started_at), moment(run.finished_at)
        if ended and came <= ended <= left:
            self.gate_delays.observe((left - ended).total_seconds())
        elif started and started <= left and (ended is None or left < ended):
            self.gate_delays.observe(0)  # its revision was there before the Job was told to be complete
