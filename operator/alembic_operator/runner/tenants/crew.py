"""The processes of a fleet as it sees them: who has which tenant, and what each of them says."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.process import threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.runner.tenants.lines import Line
    from alembic_operator.runner.tenants.nursery import Nursery

_select: Any = threads.unpatched("select")  # eventlet leaves no poll in the usual one
REPLACED_AFTER = 200
"""So many tenants does a process migrate; what an application keeps for each of them ends with it."""
MORE_MEMORY = "It is tried again. Give the container more memory, or lower spec.tenants.rollout.maxParallel."
_BURIAL_SECONDS = 1.0


@dataclass(frozen=True)
class Task:
    """What a process is to migrate."""

    tenant: str | None
    """None: what all share."""
    at: tuple[str, str] | None = None
    """Schema and name of the version table, where that is known."""
    alone: bool = False
    """In a process that has migrated nothing before."""


@dataclass
class Hand:
    """One process."""

    number: int
    line: Line
    task: Task | None = None
    since: float = 0.0
    done: int = 0
    pid: int = 0
    running: dict[str, Any] = field(default_factory=dict)
    """What it said last of a tenant that takes its time."""


@dataclass(frozen=True)
class Heard:
    """What came from a process; without a message it has ended."""

    hand: Hand
    task: Task | None
    message: dict[str, Any] | None


class Crew:
    """Starts processes as they are needed, and lets them go."""

    def __init__(self, nursery: Nursery, brief: dict[str, Any], each: int) -> None:
        """Begin with nobody; `each` process migrates so many tenants."""
        self._nursery = nursery
        self._brief = brief
        self._each = each
        self._hands: dict[int, Hand] = {}
        self._number = 0
        self._poll = _select.poll()
        self._poll.register(nursery.line.descriptor, _select.POLLIN)
        self._ends: dict[int, int] = {}
        self._tells = True
        """Who forks is there, and tells how those end that it has forked."""

    @property
    def busy(self) -> list[Hand]:
        """Return those that have a tenant, the longest one first."""
        return sorted((one for one in self._hands.values() if one.task), key=lambda one: one.since)

    def give(self, task: Task) -> bool:
        """Hand a tenant out, to a process that has none or to a new one; False: none can be started any more."""
        idle = [one for one in self._hands.values() if not one.task and not (task.alone and one.done)]
        try:
            hand = idle[0] if idle else self._born()
        except OSError:  # who forks was ended
            return False
        hand.task, hand.since, hand.running = task, time.monotonic(), {}
        hand.line.say({"tenant": task.tenant, "at": task.at})
        return True

    def _born(self) -> Hand:
        self._number += 1
        brief = {**self._brief, "name": f"{self._brief['name']}.{self._number}", "number": self._number}
        brief["seconds"] = self._brief["ends"] - time.monotonic()
        line = self._nursery.bear(self._number, brief)
        hand = self._hands[line.descriptor] = Hand(self._number, line)
        self._poll.register(line.descriptor, _select.POLLIN)
        return hand

    def heard(self, seconds: float) -> Iterator[Heard]:
        """Wait until one of them says something, and return what all of them said."""
        for descriptor, _ in self._poll.poll(seconds * 1000):
            hand = self._hands.get(descriptor)
            if hand is None:
                self._hear_of_ends()
                continue
            messages = hand.line.heard()
            for message in messages or ():
                yield from self._understood(hand, message)
            if messages is None:
                yield Heard(hand, hand.task, None)
                self._forget(hand)

    def _understood(self, hand: Hand, message: dict[str, Any]) -> Iterator[Heard]:
        if "pid" in message:
            hand.pid = int(message["pid"])
        elif "running" in message:
            hand.running = message["running"]
        elif "result" not in message:
            yield Heard(hand, hand.task, message)
        else:
            task, hand.task = hand.task, None
            hand.done += 1
            yield Heard(hand, task, message)
            if hand.done >= self._each and not hand.task:
                self._forget(hand)

    def how_ended(self, hand: Hand) -> str:
        """Return in words how a process has ended."""
        until = time.monotonic() + _BURIAL_SECONDS
        while hand.number not in self._ends and self._tells and time.monotonic() < until:
            if _select.select([self._nursery.line.descriptor], [], [], until - time.monotonic())[0]:
                self._hear_of_ends()
        status = self._ends.get(hand.number)
        if status is None:
            return "ended"
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            memory = ": perhaps it was out of memory" if number == signal.SIGKILL else ""
            return f"was ended by {signal.Signals(number).name}{memory}"
        return f"ended with exit code {os.WEXITSTATUS(status)}"

    def _hear_of_ends(self) -> None:
        messages = self._nursery.line.heard()
        if messages is None and self._tells:
            self._poll.unregister(self._nursery.line.descriptor)
            self._tells = False
        for message in messages or ():
            self._ends[int(message["number"])] = int(message["status"])

    def _forget(self, hand: Hand) -> None:
        if self._hands.pop(hand.line.descriptor, None):
            self._poll.unregister(hand.line.descriptor)
            hand.line.close()

    def stop(self) -> None:
        """Ask all that have a tenant to cancel what they do."""
        for hand in self.busy:
            if hand.pid:
                os.kill(hand.pid, signal.SIGTERM)

    def dismiss(self) -> None:
        """Let all of them end."""
        for hand in list(self._hands.values()):
            self._forget(hand)
