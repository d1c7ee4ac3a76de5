"""Build build/runner.pyz: what the migration pod runs, in one file, the same bytes from the same sources."""

from __future__ import annotations

import argparse
import io
import lzma
import marshal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from tools import bare, pythons, vendor  # noqa: E402  this file is also run as a program

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "operator"
TARGET = ROOT / "build" / "runner.pyz"
FILES = ("__init__.py", "api/__init__.py", "api/reasons.py")
RUNNER = "alembic_operator/runner/"
"""Of the contract, --help tells the docstrings."""
EPOCH = (1980, 1, 1, 0, 0, 0)
LIMIT = 1000 * 1024
"""Of the archive's bytes: a ConfigMap holds 1024 KiB. What does not fit is left out, the oldest Python first."""
BYTE_CODE = "alembic_operator/byte_code"
"""The folder with one file for each Python, of the number that its byte code has."""
STARTS = (
    "main",
    *("commands.upgrade", "database.connect", "database.session"),
    *("commands.check", "commands.gate", "vendored.pg8000.core", "vendored.versions"),
)
"""What the runner imports by name when an upgrade finds nothing to do, and when a gate or a check looks quickly."""
_FOUND = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(f"alembic_operator.runner.{name}")
print(*(name for name in sys.modules if name.split(".")[0] == "alembic_operator"))
"""
_COMPRESSED = ({"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 20, "lc": 4, "lp": 0},)
"""A dictionary as large as the content: whoever reads it makes room for one."""
START = """\
import _signal

# First of all: as process 1 the kernel drops a SIGTERM that nobody waits for, and keeps one that is blocked.
_signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGTERM, _signal.SIGINT))

import gc
import marshal
import os
import sys
from _frozen_importlib_external import MAGIC_NUMBER
from zipimport import ZipImportError, zipimporter

ARCHIVE = sys.path[0]
gc.disable()  # until everything is imported: nothing of that is garbage


def carried():
    number = int.from_bytes(MAGIC_NUMBER[:2], "little")
    try:
        from lzma import decompress

        return marshal.loads(decompress(zipimporter(ARCHIVE).get_data(f"alembic_operator/byte_code/{number}")))
    except Exception:
        return {}  # the sources are for every Python


CODES = carried()


class Importer(zipimporter):
    '''Loads a module once. zipimport itself compiles it twice, the first time only to learn its file's name.'''

    def create_module(self, spec):
        return None

    def exec_module(self, module):  # 3.9 has none
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, fullname):
        code = CODES.pop(fullname, None)
        return super().get_code(fullname) if code is None else marshal.loads(code)

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
    files = {name: bare.bare(text) if name.startswith(RUNNER) else text for name, text in files.items()}
    files |= vendor.contents()
    return {"__main__.py": START.encode(), **files}


def modules(files: dict[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """Return `{module: (file, source)}` of what most starts of the runner import: import it, and see."""
    with tempfile.TemporaryDirectory() as folder:
        archive = _write(Path(folder) / "sources.pyz", files)
        starts = [sys.executable, "-c", _FOUND, str(archive), *STARTS]
        found = subprocess.run(starts, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    places = {file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): file for file in files}
    return {module: (places[module], files[places[module]]) for module in sorted(found)}


def compiled(wanted: dict[str, tuple[str, bytes]], by: Iterable[str | Path], folder: Path) -> None:
    """Write the byte code of some Pythons into a folder, one file for each."""
    source = folder.with_name("modules")
    source.write_bytes(marshal.dumps(wanted))
    started = [subprocess.Popen([python, ROOT / "tools" / "byte_code.py", source, folder]) for python in by]
    if failed := [one.args for one in started if one.wait()]:
        raise SystemExit(f"cannot compile: {failed}")


def build(target: Path, compiled_by: Iterable[str | Path] = (sys.executable,), folder: Path | None = None) -> Path:
    """Write the archive with the byte code of some Pythons, and with that of a folder, as far as it fits."""
    files = contents()
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "byte_code"
        if interpreters := list(compiled_by):
            compiled(modules(files), interpreters, own)
        for path in (*own.glob("*"), *(folder.iterdir() if folder else ())):
            files[f"{BYTE_CODE}/{path.name}"] = lzma.compress(path.read_bytes(), filters=list(_COMPRESSED))
    return _write(target, files)


def _fitting(files: dict[str, bytes]) -> bytes:
    """Return an archive that a ConfigMap can hold.

    Raises:
        SystemExit: not even the sources fit.
    """
    while len(archive := _archive(files)) > LIMIT:
        oldest = min((name for name in files if name.startswith(BYTE_CODE)), default=None)
        if oldest is None:
            raise SystemExit(f"the sources alone make {len(archive)} bytes, more than {LIMIT}")
        print(f"{oldest} does not fit: that Python will compile the sources at each start", file=sys.stderr)
        files = {name: content for name, content in files.items() if name != oldest}
    return archive


def _write(target: Path, files: dict[str, bytes]) -> Path:
    """Write an archive; whoever reads the old one meanwhile keeps it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(_fitting(files))
    partial.chmod(0o755)
    partial.replace(target)
    return target


def _archive(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    file.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.startswith(BYTE_CODE) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return file.getvalue()


def main() -> None:
    """Build it with the byte code of all Pythons that are here, or in parts, where each is in an image of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", type=Path, default=TARGET)
    parser.add_argument("--sources", action="store_true", help="no byte code")
    parser.add_argument("--modules", action="store_true", help="write only what byte_code.py is to compile")
    parser.add_argument("--byte-code", type=Path, metavar="FOLDER", help="what byte_code.py has written")
    words = parser.parse_args()
    if words.modules:
        words.target.write_bytes(marshal.dumps(modules(contents())))
    elif words.sources or words.byte_code:
        print(build(words.target, (), words.byte_code))
    else:
        print(build(words.target, [one.path for one in pythons.present()] or [sys.executable]))


if __name__ == "__main__":
    main()
