"""Tell how far a fleet is: in the log or on a terminal, and to whoever asks the pod."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.contract.progress import PROGRESS_PORTS, Progress, WaitingFor
from alembic_operator.runner.process import listener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic_operator.contract.fleet import Fleet
    from alembic_operator.runner.process.run_context import RunContext
    from alembic_operator.runner.tenants.crew import Hand
    from alembic_operator.runner.tenants.tally import Tally

_AGES = ("idle seconds", "query seconds", "seconds")
_PACE = 2.0
_BEAT = 10.0
_WIDTH = 20


class Telling:
    """Knows the sum, and when it was told last."""

    def __init__(self, around: RunContext, tally: Tally) -> None:
        """Begin, and answer if asked to."""
        self._around = around
        self.tally = tally
        self.phase = ""
        self._begun = self._moved = time.monotonic()
        self._done_before = self._done = 0
        self._due = self._begun + _PACE
        self._beat = self._begun + _BEAT
        self._progress = self._at(tally.fleet, [])
        if around.answers_as:
            listener.listen(PROGRESS_PORTS, self._answer)

    def begins(self, tally: Tally) -> None:
        """Count from here on; what is done already took no time."""
        self.tally = tally
        self._done_before = self._done = len(tally.up_to_date) + len(tally.failed)
        self._begun = self._moved = time.monotonic()

    def tell(self, busy: list[Hand], left: int) -> None:
        """Tell it, unless that was just done."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _PACE
        fleet = self.tally.fleet
        done = fleet.up_to_date + fleet.failed
        if done != self._done:
            self._done, self._moved = done, now
        each = (now - self._begun) / max(1, done - self._done_before)
        eta = round(each * left) if done > self._done_before else None
        slowest = busy[0].task.tenant or "" if busy and busy[0].task else ""
        fleet = replace(fleet, phase=self.phase, eta_seconds=eta, slowest=slowest)
        self._progress = self._at(fleet, busy)
        told = str(self._progress)
        filled = _WIDTH * done // fleet.total if fleet.total else 0
        shown = self._around.journal.show(f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {told}")
        if not shown and now >= self._beat:
            self._beat = now + _BEAT
            self._around.journal.info("running", message=told)

    def _at(self, fleet: Fleet, busy: list[Hand]) -> Progress:
        clock, now = time.time(), time.monotonic()
        slow: dict[str, Any] = busy[0].running if busy else {}
        since = busy[0].since if busy else self._begun
        return Progress(
            at=clock,
            since=clock - (now - since),
            moved=clock - (now - self._moved),
            run=self._around.answers_as,
            revision=str(slow.get("revision", "")),
            index=int(slow.get("index", 0)),
            of=int(slow.get("of", 0)),
            statement=str(slow.get("statement", "")),
            seconds=float(slow.get("seconds", 0.0)),
            waiting_for=_in_the_way(slow.get("blocked by") or ()),
            note="" if slow.get("blocked by") else str(slow.get("message", ""))[:300],
            tenants=fleet,
        )

    def over(self) -> None:
        """Take the line off the terminal."""
        self._around.journal.show("")

    def _answer(self) -> str:
        return json.dumps(self._around.journal.masked(asdict(self._progress)), ensure_ascii=False)


def _in_the_way(blockers: Sequence[dict[str, Any]]) -> WaitingFor | None:
    """Return who is first in the way of a tenant, from what the process said that migrates it."""
    if not blockers:
        return None
    first = blockers[0]
    seconds = next((first[name] for name in _AGES if first.get(name) is not None), None)
    application, user, state = (str(first.get(name) or "") for name in ("application", "user", "state"))
    return WaitingFor(int(first["pid"]), application, user, state, seconds)
