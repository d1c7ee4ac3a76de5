"""Watch the cluster and tell each change once, until what the story waits for is there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demo.expectation import PAUSE, UnmetError
from demo.scene import Migration, Pod, Scene, Stage, gate_words, look
from demo.screen import Screen, Tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.access import Access

TOLD = {Stage.HELD: Tone.WAITING, Stage.READY: Tone.GOOD, Stage.LEAVING: Tone.FAINT, Stage.BROKEN: Tone.BAD}
"""Stages worth a line; the others pass within a second."""


@dataclass
class Follower:
    """The eyes of the story, with a memory of what was told and seen."""

    access: Access
    screen: Screen
    told: dict[str, str] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    """Releases whose own container ran in any pod at any look."""
    held: dict[str, str] = field(default_factory=dict)
    """By release: what a gate of it said while it held its pod back."""

    def until(self, goal: Callable[[Scene], bool], seconds: float, otherwise: str) -> Scene:
        """Tell every change until the goal is reached; fail after so many seconds."""
        end = time.monotonic() + seconds
        while True:
            scene = look(self.access)
            self.tell(scene)
            if goal(scene):
                return scene
            if time.monotonic() > end:
                raise UnmetError(f"{otherwise} (waited {seconds:.0f} s)\n{describe(scene)}")
            time.sleep(PAUSE)

    def for_a_while(self, seconds: float) -> Scene:
        """Tell every change for so many seconds."""
        end = time.monotonic() + seconds
        return self.until(lambda _: time.monotonic() > end, 2 * seconds + 10, "the cluster does not answer")

    def tell(self, scene: Scene) -> None:
        """Write one line for everything that is new."""
        if scene.migration:
            self._tell_migration(scene.migration)
        for pod in scene.pods:
            self._tell_pod(pod)

    def _tell_migration(self, migration: Migration) -> None:
        tone = Tone.GOOD if migration.ready else Tone.BAD if migration.stalled else Tone.WAITING
        if migration.reason:
            self._once("migration", f"{migration.reason}: {migration.message}", tone)

    def _tell_pod(self, pod: Pod) -> None:
        if pod.app_started:
            self.started.add(pod.release)
        words = pod.problem
        if pod.stage is Stage.HELD:
            words = self.held[pod.release] = gate_words(self.access, pod.name) or self.held.get(pod.release, "")
        if pod.stage in TOLD:
            what = f"{pod.release} {pod.stage.value}" + (f": {words}" if words else "")
            self._once(pod.name, what, TOLD[pod.stage])

    def _once(self, who: str, what: str, tone: Tone) -> None:
        if self.told.get(who) != what:
            self.told[who] = what
            self.screen.line(who, what, tone)


def describe(scene: Scene) -> str:
    """Say how things stand, for an error."""
    lines = [f"  {pod.name} {pod.release} {pod.stage.value} {pod.problem}" for pod in scene.pods]
    if scene.migration:
        lines.append(f"  migration {scene.migration.reason}: {scene.migration.message}")
    return "\n".join(lines) or "  there is neither a pod nor a migration"
