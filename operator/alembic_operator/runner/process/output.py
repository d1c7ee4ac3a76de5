"""Send whatever this process prints, also from C and from child processes, through the mask to standard error."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from alembic_operator.runner.process import threads
from alembic_operator.runner.process.foot import Foot

if TYPE_CHECKING:
    from alembic_operator.runner.process.masking import Secrets

_CHUNK = 65536
_LINE_LIMIT = 1 << 20
_KEPT = 4096
"""Bytes of an endless line: a secret may have only begun in them."""
_OF_AN_ERROR = re.compile(r"error|exception|invalid|warning|could not|cannot|must be", re.IGNORECASE)
_DRAIN_SECONDS = 2.0


class Output:
    """Owner of the real standard output and standard error; env.py prints into a pipe instead.

    Standard output is kept free for the Result, so that `check` can be piped into a program.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._stdout = os.dup(1)
        self._stderr = os.dup(2)
        self._foot = Foot(self._stderr)
        self._writing = threads.Lock()
        self._reader, writer = os.pipe()
        for descriptor in (1, 2):
            os.dup2(writer, descriptor)
        os.close(writer)
        self._pump = threads.Thread(target=self._drain, name="output", daemon=True)
        self._pump.start()

    def log(self, line: str) -> None:
        """Write one line, already masked, to the real standard error."""
        self._above(line.encode(errors="backslashreplace") + b"\n")

    def show(self, text: str) -> bool:
        """Show one line, already masked, below all others, until the next one; return False without a terminal."""
        with self._writing:
            _write(self._stderr, self._foot.changed(text))
        return self._foot.is_there

    def answer(self, line: str) -> None:
        """Write one line, already masked, to the real standard output."""
        self.show("")
        _write(self._stdout, line.encode(errors="backslashreplace") + b"\n")

    def close(self) -> None:
        """Print what is still in the pipe and give standard output and standard error back."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # env.py may have closed it, or put anything in its place
                stream.flush()
        os.dup2(self._stdout, 1)
        os.dup2(self._stderr, 2)
        self._pump.join(_DRAIN_SECONDS)  # a child process that outlives us may hold the pipe open
        self.show("")

    def _drain(self) -> None:
        rest = b""
        while chunk := os.read(self._reader, _CHUNK):
            rest += chunk
            cut = rest.rfind(b"\n") + 1
            if not cut and len(rest) > _LINE_LIMIT:
                rest = self._masked(rest)
                cut = len(rest) - _KEPT
            self._print(rest[:cut])
            rest = rest[cut:]
        self._print(rest)

    def _print(self, raw: bytes) -> None:
        if raw:
            self._above(self._masked(raw))

    def _above(self, lines: bytes) -> None:
        with self._writing:
            _write(self._stderr, self._foot.above(lines))

    def _masked(self, raw: bytes) -> bytes:
        text = raw.decode(errors="surrogateescape")
        mask = self._secrets.mask_error if _OF_AN_ERROR.search(text) else self._secrets.mask
        return mask(text).encode(errors="surrogateescape")


def _write(descriptor: int, raw: bytes) -> None:
    while raw:
        try:
            raw = raw[os.write(descriptor, raw) :]
        except OSError:  # the reader is gone: a log that nobody reads must not stop a migration
            return
