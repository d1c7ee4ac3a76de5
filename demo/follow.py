"""Watch the cluster and tell each change once, until what the story waits for is there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demo import gatelog
from demo.expectation import PAUSE, UnmetError
from demo.scene import Migration, Pod, Scene, Stage, look
from demo.screen import Screen, Tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.access import Access


@dataclass
class Follower:
    """The eyes of the story, with a memory of what was told and seen."""

    access: Access
    screen: Screen
    told: dict[str, str] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
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
        for pod in sorted(scene.pods, key=lambda pod: pod.stage is Stage.LEAVING):  # first who comes, then who goes
            self._tell_pod(pod)

    def _tell_migration(self, migration: Migration) -> None:
        tone = Tone.GOOD if migration.ready else Tone.BAD if migration.stalled else Tone.WAITING
        if migration.reason:
            self._once("migration", f"{migration.reason}: {migration.message}", tone)

    def _tell_pod(self, pod: Pod) -> None:
        if pod.app_started:
            self.started.add(pod.release)
        match pod.stage:
            case Stage.AT_GATE:
                self._tell_gate(pod)
            case Stage.READY if pod.name not in self.ready:
                self.ready.add(pod.name)
                self._tell_entry(pod)
            case Stage.LEAVING:
                self._once(pod.name, f"{pod.release} is leaving", Tone.FAINT)
            case Stage.BROKEN:
                self._once(pod.name, f"{pod.release} is broken: {pod.problem}", Tone.BAD)

    def _tell_gate(self, pod: Pod) -> None:
        """Give the gate's own words; in its first moment it has not looked yet, and has none."""
        if words := gatelog.read(self.access, pod.name).waiting:
            self.held[pod.release] = words
            self._once(pod.name, f"{pod.release} is held at its gate: {words}", Tone.WAITING)

    def _tell_entry(self, pod: Pod) -> None:
        """Say that a pod is ready, and what its gate had to do with it."""
        gate = gatelog.read(self.access, pod.name)
        if gate.waiting:
            self.held[pod.release] = gate.waiting
        how = f"after {gate.seconds:.1f} s at its gate" if gate.waiting else "its gate was open"
        self._once(pod.name, f"{pod.release} is ready, {how}", Tone.GOOD)

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
