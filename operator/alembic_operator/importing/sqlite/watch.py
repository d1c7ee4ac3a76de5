"""Tells whether somebody uses a SQLite file, or has written to it since it was looked at."""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import time
from contextlib import suppress
from pathlib import Path

_HEADERS = (("", 100), ("-wal", 32))
"""A file beside the name, and how many of its bytes SQLite changes at the latest when it begins it anew."""
_TICK = 0.05
"""Seconds in which a file system counts on with the time of a change."""
_OPEN = 128
"""The byte of the -shm file that every connection with a write-ahead log has locked."""
_LOCK = "hhqqi"


def seen(file: Path) -> str:
    """Return what a write changes. What is committed later than this returns makes another of it."""
    found = hashlib.sha256()
    for suffix, length in _HEADERS:
        one = file.with_name(file.name + suffix)
        with suppress(FileNotFoundError), one.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if status.st_size:  # SQLite leaves an empty log, or none
                found.update(f"{suffix} {status.st_ino} {status.st_size} {status.st_mtime_ns}".encode())
                found.update(opened.read(length))
    return found.hexdigest()


def begin(file: Path) -> str:
    """Return what a write changes, as it is before the file is copied."""
    found = seen(file)
    time.sleep(_TICK)  # a write in the same tick is in the copy, then
    return found


def used(file: Path) -> bool:
    """Tell whether another program has the file open; without a write-ahead log that cannot be seen.

    Nobody in this process may have it open: to close a file lets go of its locks.
    """
    asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _OPEN, 1, 0)
    try:
        with Path(f"{file}-shm").open("rb") as opened:
            told = fcntl.fcntl(opened, fcntl.F_GETLK, asked)
    except OSError:
        return False
    return bool(struct.unpack(_LOCK, told)[0] != fcntl.F_UNLCK)
