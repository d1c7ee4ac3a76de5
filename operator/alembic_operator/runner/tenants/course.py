"""The course of a fleet: what all share, then the canary, then the others, several at a time."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Applied, Failure, Result
from alembic_operator.runner.tenants import crew, rollout
from alembic_operator.runner.tenants.crew import REPLACED_AFTER, Crew, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alembic_operator.runner.process.run_context import RunContext
    from alembic_operator.runner.tenants.crew import Heard
    from alembic_operator.runner.tenants.echoes import Echoes
    from alembic_operator.runner.tenants.places import Places
    from alembic_operator.runner.tenants.rollout import Width
    from alembic_operator.runner.tenants.soak import Soak
    from alembic_operator.runner.tenants.survey import Survey
    from alembic_operator.runner.tenants.telling import Telling

_PERIOD = 0.5
_GRACE = 7.0
"""Seconds for the processes to unwind, before what watches over this one gives up."""
_OF_ALL = (
    *(Reason.DATABASE_UNREACHABLE, Reason.AUTHENTICATION_FAILED, Reason.READ_ONLY_DATABASE),
    *(Reason.POOLED_CONNECTION, Reason.ALEMBIC_NOT_FOUND),
)
"""After some of these in a row, no other tenant would end better."""


@dataclass
class Course:
    """Hands the tenants out and hears how they end."""

    places: Places
    around: RunContext
    crew: Crew
    width: Width
    telling: Telling
    soak: Soak
    echoes: Echoes
    took: dict[str, int] = field(default_factory=dict)
    """Milliseconds of each tenant that was done."""
    reached: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The database heads of each."""
    applied: dict[str, int] = field(default_factory=dict)
    """Each revision with the milliseconds of the slowest tenant."""
    shared: Result | None = None
    _queue: deque[Task] = field(default_factory=deque)
    is_alone: bool = False
    """No process can be started any more."""
    _is_over: bool = False
    """A canary has failed."""
    _alike: int = 0
    """How many in a row ended for a reason of all."""

    @property
    def may_begin(self) -> bool:
        """Whether another tenant may be started."""
        tally = self.telling.tally
        most = rollout.tolerated(self.places.tenants, len(tally.names))
        everything_fails = self._alike > self.width.most
        stopped = self._is_over or self.is_alone or self.around.stop.requested
        return not stopped and len(tally.failed) <= most and not everything_fails

    def share(self) -> bool:
        """Migrate what all share; False: no tenant may follow."""
        self.telling.phase = "Shared"
        self._run([Task(None)])
        return self.shared is not None and self.shared.error is None

    def run(self, survey: Survey, order: Sequence[str]) -> None:
        """Migrate those that are behind, of all tenants in their order."""
        rule = survey.map.rule
        at = {one: rule.of(one) for one in survey.behind} if rule else {}
        wanted = set(survey.behind)
        behind = [one for one in order if one in wanted]
        tasks = {one: Task(one, (at[one].schema, at[one].name) if one in at else None) for one in behind}
        canaries = rollout.canaries(self.places.tenants, order)
        first = [tasks.pop(one) for one in canaries if one in tasks]
        if self.around.spares_failed and any(one in survey.tally.failed and one in survey.heads for one in canaries):
            self._is_over = True
            return
        if first and not self._canary(first):
            self._is_over = True
            return
        if tasks:
            done = [one for one in canaries if one in survey.tally.up_to_date]
            self._wait(self.soak.seconds if first else self.soak.left(done))
        self.telling.phase = "Tenants"
        self._run(tasks.values())

    def _canary(self, tasks: Sequence[Task]) -> bool:
        """Migrate those that go first; False: one of them has failed."""
        self.telling.phase = "Canary"
        self._run(tasks)
        names = [one.tenant for one in tasks if one.tenant]
        if self.telling.tally.failed.keys() & names:
            return False
        self.soak.began({one: self.reached[one] for one in names if one in self.reached})
        return True

    def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        until = time.monotonic() + seconds
        self.telling.phase = "Soaking"
        self.around.journal.info("soaking", seconds=round(seconds, 1))
        while (left := until - time.monotonic()) > 0 and not self.around.stop.requested:
            for heard in self.crew.heard(min(left, _PERIOD)):
                self._heard(heard)
            self.telling.tell(self.crew.busy, self._left)

    @property
    def _left(self) -> int:
        return len(self._queue) + len(self.crew.busy)

    def _run(self, tasks: Iterable[Task]) -> None:
        self._queue.extend(tasks)
        until = None
        while self._queue or self.crew.busy:
            if not self.may_begin:
                self._queue.clear()
            while self._queue and len(self.crew.busy) < self.width.now and not self.is_alone:
                task = self._queue.popleft()
                self.is_alone = not self.crew.give(task)
            if self.around.stop.requested:
                until = until or self._stop()
                if time.monotonic() > until:
                    break
            said = list(self.crew.heard(_PERIOD))
            for heard in said:
                self._heard(heard)
            if not said:
                self.width.lasts()
            self.telling.tell(self.crew.busy, self._left)

    def _stop(self) -> float:
        self.crew.stop()
        return time.monotonic() + _GRACE

    def _heard(self, heard: Heard) -> None:
        if heard.message is None:
            if heard.task:
                self._lost(heard)
        elif "slower" in heard.message:
            self._halve(heard.message["slower"])
        elif "failed" in heard.message:
            self.echoes.hear(heard.task.tenant or "" if heard.task else "", heard.message["failed"])
        elif heard.task:
            self._ended(heard.task, heard.message, used=heard.hand.done > 1)

    def _halve(self, why: str) -> None:
        before = self.width.now
        self.width.halve()
        if self.width.now < before:
            self.around.journal.info("fewer at a time", reason=why, before=before, now=self.width.now)

    def _lost(self, heard: Heard) -> None:
        """Count a tenant whose process has died: only that one fails, and the server rolls it back."""
        task = heard.task
        if task is None:
            return
        if stopped := self.around.stop.requested:
            self._note(task, Result(str(stopped.verdict.reason), error=stopped.verdict.failure), 0)
            return
        message = f"the process that migrated it {self.crew.how_ended(heard.hand)}"
        self._note(task, Result(str(Reason.RESOURCES_EXHAUSTED), error=Failure(message, hint=crew.MORE_MEMORY)), 0)

    def _ended(self, task: Task, message: dict[str, Any], *, used: bool) -> None:
        result = Result.from_json(message["result"])
        if result is None:
            return
        if result.error and result.reason == Reason.RESOURCES_EXHAUSTED and self.width.now > 1:
            self._halve(result.reason)
            self._queue.append(task)
            return
        if result.error and used and not task.alone and _may_be_of_process(result):
            self._queue.append(replace(task, alone=True))
            return
        self._note(task, result, int(message["ms"]))

    def _note(self, task: Task, result: Result, ms: int) -> None:
        self._alike = self._alike + 1 if result.error and result.reason in _OF_ALL else 0
        if result.error is None:
            self.width.went_well()
        for one in result.applied:
            self.applied[one.revision] = max(one.ms, self.applied.get(one.revision, 0))
        if task.tenant is None:
            self.shared = result
            return
        self.took[task.tenant], self.reached[task.tenant] = ms, result.to
        self.telling.tally.ended(task.tenant, result)
        if result.error:
            self.around.journal.warning("tenant failed", tenant=task.tenant, reason=result.reason, ms=ms)

    @property
    def all_applied(self) -> tuple[Applied, ...]:
        """Return every revision that some tenant applied."""
        return tuple(Applied(revision, ms) for revision, ms in self.applied.items())


def _may_be_of_process(result: Result) -> bool:
    """Tell whether it may have failed for what another tenant left in the process."""
    error = result.error
    return error is not None and not error.sqlstate and not result.applied and result.reason != Reason.INTERRUPTED


def crew_of(nursery: Any, brief: dict[str, Any], places: Places) -> Crew:
    """Return the processes for a fleet."""
    return Crew(nursery, brief, 1 if places.tenants.isolation == "Tenant" else REPLACED_AFTER)
