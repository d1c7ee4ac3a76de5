"""Messages between the processes of a fleet: JSON, one a line, over a pair of sockets."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 65536


class Line:
    """One end. Read and written as a file, for an application may patch the sockets of its process."""

    def __init__(self, descriptor: int) -> None:
        """Take a descriptor over."""
        self.descriptor = descriptor
        self._rest = b""

    def say(self, message: dict[str, Any]) -> bool:
        """Send a message; False: nobody is there any more."""
        raw = json.dumps(message, ensure_ascii=True).encode() + b"\n"
        try:
            while raw:
                raw = raw[os.write(self.descriptor, raw) :]
        except OSError:
            return False
        return True

    def heard(self) -> list[dict[str, Any]] | None:
        """Wait until something comes, and return the messages that are complete; None: the other end is gone."""
        try:
            chunk = os.read(self.descriptor, _CHUNK)
        except OSError:
            chunk = b""
        if not chunk:
            return None
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [json.loads(one) for one in whole]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Return message after message, until the other end is gone."""
        while (found := self.heard()) is not None:
            yield from found

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)
