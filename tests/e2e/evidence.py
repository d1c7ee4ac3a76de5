"""Keep what the cluster shows anybody while the tests run: every state of objects, and every log."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo.expectation import UnmetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.access import Access

WATCHED = ("databasemigrations", "jobs", "pods", "events", "configmaps", "deployments")
ALL = "--selector=!nothing-has-this-label"
LAST = 40


@dataclass
class Evidence:
    """A folder that fills up; nothing in it is ever removed."""

    access: Access
    folder: Path
    elsewhere: tuple[str, ...] = ()
    """The namespaces that are others' business."""
    _watches: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def begin(self) -> None:
        """Write down every state that objects come to, in all namespaces but those that are others' business."""
        here = ",".join(f"metadata.namespace!={one}" for one in self.elsewhere)
        command = [str(self.access.kubectl_path), f"--kubeconfig={self.access.cluster.kubeconfig}", "get", "--watch"]
        for kind in WATCHED:
            with (self.folder / f"{kind}.json").open("wb") as file:
                words = [*command, kind, "--all-namespaces", f"--field-selector={here}", "--output=json"]
                self._watches.append(subprocess.Popen(words, stdout=file, stderr=subprocess.DEVNULL))

    def end(self) -> None:
        """Stop watching."""
        for watch in self._watches:
            with suppress(ProcessLookupError):
                os.kill(watch.pid, signal.SIGTERM)
            watch.wait()
        self._watches.clear()

    def logs(self, access: Access, *which: str) -> None:
        """Keep the logs of all pods in the namespace, or those that `which` selects, before one of them is gone."""
        options = ("--all-containers", "--prefix", "--tail=-1", "--ignore-errors")
        with suppress(UnmetError):  # the one that was named has not started
            text = access.kubectl("logs", *(which or (ALL,)), *options)
            (self.folder / f"{next(self._numbers):03}-{access.namespace}.log").write_text(text)

    def states(self, kind: str, name: str) -> Iterator[dict[str, Any]]:
        """Yield every state that one object has come to, as far as it was told by now."""
        text = (self.folder / f"{kind}.json").read_text()
        decoder, position = json.JSONDecoder(), 0
        while (position := text.find("{", position)) >= 0:
            try:
                state, position = decoder.raw_decode(text, position)
            except ValueError:  # the last one is being written
                return
            if (state["metadata"]["namespace"], state["metadata"]["name"]) == (self.access.namespace, name):
                yield state

    def found(self, words: tuple[str, ...]) -> Iterator[str]:
        """Name each file and line that contains one of the words."""
        for path in sorted(self.folder.iterdir()):
            text = path.read_text(errors="replace")
            for word in (one for one in words if one in text):
                lines = (line for line in enumerate(text.splitlines(), 1) if word in line[1])
                yield from (f"{path.name}:{number}: {word!r} in {line[:400]}" for number, line in lines)


def describe(access: Access, operator: Access) -> Iterator[tuple[str, str]]:
    """Show how things stand in a namespace, for a test that failed."""
    for title, where, words in (
        ("objects", access, ("get", "dbm,jobs,pods", "--output=wide")),
        ("events", access, ("events", "--no-headers")),
        ("operator", operator, ("logs", "--selector=app.kubernetes.io/name=alembic-operator", f"--tail={LAST}")),
    ):
        try:
            yield title, "\n".join(where.kubectl(*words).splitlines()[-LAST:])
        except UnmetError as error:
            yield title, str(error)
