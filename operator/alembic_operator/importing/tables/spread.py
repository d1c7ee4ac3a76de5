"""Writes the rows of a large table in two processes, since one needs longer for them than PostgreSQL does."""

import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import quote

from alembic_operator.importing.facts.failures import TryAgain
from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.pairs import Pair
from alembic_operator.importing.tables.rows import EVERYTHING, Span, blocks

LARGE = 50_000
"""Rows for which processes are started."""
KILLED = "a process that reads the copy was killed; give it more memory"
_PROCESSES = 2
_ROWS_OF_A_SPAN = 2048
_FIRST_FILE = 3
"""The first descriptor behind standard input, output and error."""


@contextmanager
def written(copy: sqlite3.Connection, pair: Pair) -> Iterator[Generator[bytes, None, None]]:
    """Yield a table's rows, as `blocks` does and in the same order; nobody may write to the copy meanwhile."""
    file = shared(copy, pair)
    if file is None:
        yield blocks(copy, pair)
        return
    spans = _spans(copy, pair)
    context = multiprocessing.get_context("fork")
    started = []
    try:
        for number in range(_PROCESSES):
            ours, theirs = context.Pipe(duplex=False)
            work = theirs, file, pair, spans[number::_PROCESSES]
            process = context.Process(target=_write, args=work, daemon=True)
            process.start()
            theirs.close()
            started.append((ours, process))
        yield _in_turn([ours for ours, _ in started], len(spans))
    finally:
        for ours, process in started:
            ours.close()
            process.kill()
            process.join()


def shared(copy: sqlite3.Connection, pair: Pair) -> str | None:
    """Return the copy's file, where processes may read a table and it is large enough for them; None: where not."""
    file = copy.execute("PRAGMA database_list").fetchone()[2]
    return os.fsdecode(file) if file and pair.file.rows >= LARGE and may_fork() else None


def may_fork() -> bool:
    """Tell whether a fork is safe: no other thread holds a lock that the child would wait for."""
    return sys.platform == "linux" and threading.active_count() == 1


def _spans(copy: sqlite3.Connection, pair: Pair) -> list[Span]:
    """Divide the row ids; where they have gaps, some have fewer rows."""
    row_id = pair.file.row_id
    low, high = copy.execute(f"SELECT min({row_id}), max({row_id}) FROM {quoted(pair.name)}").fetchone()
    if low is None:  # all of them were put aside
        return [EVERYTHING]
    width = -(-(high - low + 1) * _ROWS_OF_A_SPAN // pair.file.rows)
    return [(first, min(first + width - 1, high)) for first in range(low, high + 1, width)]


def _write(pipe: Connection, file: str, pair: Pair, spans: Sequence[Span]) -> None:
    """Send blocks, and None behind each span."""
    with reading(pipe, file) as copy:
        for span in spans:
            for block in blocks(copy, pair, span):
                pipe.send(block)
            pipe.send(None)


@contextmanager
def reading(pipe: Connection, file: str) -> Iterator[sqlite3.Connection]:
    """Yield the copy to a process of its own, and send an error instead of what it cannot read."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    close_all_but(pipe.fileno())
    try:
        with closing(sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True)) as copy:
            yield copy
    except BrokenPipeError:
        pass
    except Exception as error:  # noqa: BLE001 - it is raised again where somebody waits
        pipe.send(error)


def close_all_but(kept: int) -> None:
    """Close what the parent has open: PostgreSQL must notice when that is killed."""
    for one in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
        if one >= _FIRST_FILE and one != kept:
            with suppress(OSError):
                os.close(one)


def _in_turn(pipes: Sequence[Connection], number: int) -> Generator[bytes, None, None]:
    """Return the blocks of each span, in their order."""
    for at in range(number):
        try:
            while (block := pipes[at % len(pipes)].recv()) is not None:
                if isinstance(block, Exception):
                    raise block
                yield block
        except EOFError as error:
            raise TryAgain(KILLED) from error
