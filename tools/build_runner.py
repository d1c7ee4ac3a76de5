"""Build build/runner.pyz: what the migration pod runs, in one file, the same bytes from the same sources."""

from __future__ import annotations

import marshal
import sys
import zipfile
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from tools import vendor  # noqa: E402  this file is also run as a program

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "operator"
TARGET = ROOT / "build" / "runner.pyz"
FILES = ("__init__.py", "api/__init__.py", "api/reasons.py")
EPOCH = (1980, 1, 1, 0, 0, 0)
_NEVER_CHECKED = 0b01
"""A pyc's flag: it has the hash of its source, and nobody compares it (PEP 552)."""
START = """\
import _signal

# First of all: as process 1 the kernel drops a SIGTERM that nobody waits for, and keeps one that is blocked.
_signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGTERM, _signal.SIGINT))

import os
import sys
from zipimport import ZipImportError, zipimporter

ARCHIVE = sys.path[0]


class Importer(zipimporter):
    '''Loads a module once. zipimport itself compiles it twice, the first time only to learn its file's name.'''

    def get_filename(self, fullname):
        ending = "/__init__.py" if self.is_package(fullname) else ".py"
        return f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{ending}"


def hook(path):
    if not path.startswith(ARCHIVE):
        raise ZipImportError(path)
    return Importer(path)


sys.path_hooks.insert(0, hook)
sys.path_importer_cache.pop(ARCHIVE, None)

from alembic_operator.runner.main import main

__file__ = ARCHIVE  # a file that exists: libraries compare it with others
code = main(sys.argv[1:])
for stream in (sys.stdout, sys.stderr):
    try:
        stream.flush()
    except Exception:
        pass  # env.py may have closed it, or put anything in its place
# Threads of the application's own must not keep a finished migration from ending.
os._exit(code)
"""


def contents() -> dict[str, bytes]:
    """Return the files of the archive by their names in it."""
    package = SOURCE / "alembic_operator"
    paths = [package / name for name in FILES] + [
        path for room in ("contract", "runner") for path in sorted((package / room).rglob("*.py"))
    ]
    files = {path.relative_to(SOURCE).as_posix(): path.read_bytes() for path in paths}
    files |= vendor.contents()
    return {"__main__.py": START.encode(), **files, **dict(_compiled(files))}


def _compiled(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the byte code beside the sources: a Python of this version need not compile them at every start.

    Others cannot read it and take the source. Marshal's version 2 gives the same bytes each time.
    """
    for name, source in files.items():
        if name.endswith(".py"):
            code = marshal.dumps(compile(source, f"runner.pyz/{name}", "exec", dont_inherit=True, optimize=0), 2)
            head = MAGIC_NUMBER + _NEVER_CHECKED.to_bytes(4, "little") + source_hash(source)
            yield f"{name}c", head + code


def build(target: Path, *, compiled: bool = True) -> Path:
    """Write the archive, with byte code or without; whoever reads the old one meanwhile keeps it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(contents().items()):
                if not compiled and name.endswith(".pyc"):
                    continue
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
    partial.chmod(0o755)
    partial.replace(target)
    return target


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--sources"]
    print(build(Path(words[0]) if words else TARGET, compiled="--sources" not in sys.argv))
