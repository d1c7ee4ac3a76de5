"""Start processes of a fleet as new interpreters, where a fork would copy locks without the threads that hold them."""

from __future__ import annotations

import os
import sys

WORD = "__fleet"
"""What stands in the place of a command, for the runner's own processes alone: `__fleet nursery 5`."""


def is_needed() -> bool:
    """Tell whether this process has a second thread: a `sitecustomize`, or a library, may have started one."""
    try:
        return len(os.listdir("/proc/self/task")) > 1  # noqa: PTH208  pathlib costs more than reading it
    except OSError:  # not on Linux
        return False


def spawn(what: str, line: int, streams: tuple[int, ...] = ()) -> int:
    """Start `what` with a descriptor, and with its standard output and error; return the process's id."""
    os.set_inheritable(line, True)
    actions = [(os.POSIX_SPAWN_DUP2, one, at) for at, one in enumerate(streams, 1)]
    command = [*_runner(), WORD, what, str(line)]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions)


def _runner() -> list[str]:
    """Return how this process was started, with the options of its interpreter."""
    with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123  pathlib costs more than reading it
        words = [os.fsdecode(one) for one in file.read().split(b"\0")]
    archive = sys.argv[0]
    options = words[1 : words.index(archive)] if archive in words else []
    return [sys.executable, *options, os.path.abspath(archive)]  # noqa: PTH100  as above
