"""The directory for the copy of a file. What a killed import has left of its own goes with the next one."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "import-sqlite-"
_LOCK = "lock"


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield an empty directory below TMPDIR, and remove it at the end."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is somebody else's, or has just gone
            _remove_if_left(left)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as made, Path(made, "unlocked").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for as long as this process lives
        os.rename(lock.name, Path(made, _LOCK))  # noqa: PTH104  nobody sees it without its lock
        yield Path(made)


def _remove_if_left(directory: Path) -> None:
    if directory.stat().st_uid != os.geteuid():
        return
    with (directory / _LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
