"""Keep the revisions that a process has loaded for its next run, which is of another tenant."""

from __future__ import annotations

import os
from typing import Any

from alembic.util import load_python_file

from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import source


class Kept:
    """The revisions of the run before, as long as no file of them has changed.

    A module that holds only imports, functions and constants is the same for each tenant. Any other is run anew, as
    `alembic` would: it may ask for the tenant while it is loaded, or remember something of it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._files: tuple[tuple[str, int, int], ...] = ()
        self._map: Any = None
        self._anew: list[str] | None = None
        """The files of those that are run anew; None: that was not looked at yet."""

    def give(self, script: Any) -> None:
        """Let a ScriptDirectory have what was kept; what it loads itself, the next one gets."""
        files = _files(script)
        if files and files == self._files and self._may_stay():
            self._load_anew()
            script.revision_map = self._map
        else:
            self._files, self._map, self._anew = files, script.revision_map, None

    def _may_stay(self) -> bool:
        """Tell whether everything was loaded, and from where it is in the history without a question to anybody."""
        if self._anew is None:
            self._anew = [path for path, _, _ in self._files if not source.is_plain(path)]
            if not all(map(source.revision, self._anew)):
                self._files = ()
        return bool(self._files) and "_revision_map" in vars(self._map)

    def _load_anew(self) -> None:
        wanted = frozenset(self._anew or ())
        every = {one for one in vars(self._map)["_revision_map"].values() if one is not None} if wanted else set()
        for one in every:
            if os.path.realpath(one.path) in wanted:
                one.module = load_python_file(*os.path.split(one.path))


def _files(script: Any) -> tuple[tuple[str, int, int], ...]:
    """Return every revision file with its time and size; none where Alembic itself must look."""
    if script.sourceless:
        return ()
    recursive = getattr(script, "recursive_version_locations", False)
    locations = map(str, script._version_locations)  # noqa: SLF001  there is no public name for several locations
    try:
        paths = list(source.files(locations, recursive=recursive))
        return tuple((path, at.st_mtime_ns, at.st_size) for path in paths for at in (os.stat(path),))  # noqa: PTH116
    except (NeedsAlembic, OSError):
        return ()
