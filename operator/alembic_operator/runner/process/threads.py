"""Threads of the operating system, also where the project has patched `threading` (gevent, eventlet).

A patched thread is a greenlet: it would never run while the main one waits in a driver's C code, and what waits for a
signal or reads a pipe in it would stop everything. So the runner has a copy of the module that nobody patches.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading as _threading
    from types import ModuleType


def _unpatched() -> ModuleType:
    """Import `threading` anew, on a new `_thread`: a `sitecustomize` may have patched both before the runner starts."""
    names = ("_thread", "threading")
    patched = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    try:
        return importlib.import_module("threading")
    finally:
        for name in names:  # who imports it from now on gets one of his own, and may patch that
            sys.modules.pop(name)
        sys.modules.update(patched)


if not TYPE_CHECKING:
    _threading = _unpatched()

Event = _threading.Event
Lock = _threading.Lock
Thread = _threading.Thread
Timer = _threading.Timer
get_ident = _threading.get_ident
