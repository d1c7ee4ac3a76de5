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


def unpatched(*names: str) -> ModuleType:
    """Import modules anew, each on those before it, and return the last: nobody else gets it, so nobody patches it.

    Those on which it is built are named too: a `sitecustomize` may have patched them before the runner starts.
    """
    patched = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    try:
        return importlib.import_module(names[-1])
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(patched)


if not TYPE_CHECKING:
    _threading = unpatched("_thread", "threading")

Event = _threading.Event
Lock = _threading.Lock
Thread = _threading.Thread
Timer = _threading.Timer
get_ident = _threading.get_ident
