"""Keep the revisions that a process has loaded for its next run, which is of another tenant."""

from __future__ import annotations

import os
from typing import Any

from alembic.util import load_python_file

from alembic_operator.runner.project import source


class Kept:
    """The revisions of the run before. Files that change meanwhile are not read again: a fleet has one history.

    A module that holds only imports, functions and constants is the same for each tenant. Any other is run anew, as
    `alembic` would: it may ask for the tenant while it is loaded, or remember something of it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._where: tuple[object, ...] = ()
        self._map: Any = None
        self._anew: list[Any] | None = None
        """Those that are run anew; None: that was not looked at yet."""

    def give(self, script: Any) -> None:
        """Let a ScriptDirectory have what was kept; what it loads itself, the next one gets."""
        recursive = getattr(script, "recursive_version_locations", False)
        where = (*map(str, script._version_locations), recursive, script.sourceless)  # noqa: SLF001  there is no public name
        if where == self._where and self._may_stay():
            for one in self._anew or ():
                one.module = load_python_file(*os.path.split(one.path))
            script.revision_map = self._map
        else:
            self._where, self._map, self._anew = where, script.revision_map, None

    def _may_stay(self) -> bool:
        """Tell whether everything was loaded, and the text of each file says where it is in the history."""
        loaded = vars(self._map).get("_revision_map")
        if self._anew is None and loaded is not None:
            every = {one for one in loaded.values() if one is not None}
            self._anew = [one for one in every if not source.is_plain(one.path)]
            if not all(source.revision(one.path) for one in self._anew):
                self._where = ()
        return loaded is not None and bool(self._where)
