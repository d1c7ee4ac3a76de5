"""Import what needs SQLAlchemy and Alembic: they belong to the user's image and may be missing."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending

_ABSENT = "Set spec.alembic.python to the interpreter of the image that has Alembic and SQLAlchemy."
_OLD = "Alembic 1.8 and SQLAlchemy 1.4 are the oldest that the runner works with: update them in the image."
_HIDDEN = "Rename that folder, or take the one that it is in out of PYTHONPATH: it hides the library of that name."


def imported(module: str) -> Any:
    """Import a module of the runner.

    Raises:
        Ending: AlembicNotFound.
    """
    try:
        return importlib.import_module(f"alembic_operator.runner.{module}")
    except ImportError as error:
        message = f"{sys.executable} cannot import Alembic: {error}"
        absent = isinstance(error, ModuleNotFoundError) and error.name in ("alembic", "sqlalchemy")
        hint = _ABSENT if absent else _HIDDEN if (hiding := _hiding()) else _OLD
        message += f"; {hiding} is no library" if hint is _HIDDEN else ""
        raise Ending(Reason.ALEMBIC_NOT_FOUND, message, hint) from error


def _hiding() -> str:
    """Return the project's own folder that has a library's name, and was found in its place."""
    for name in ("alembic", "sqlalchemy"):
        module = sys.modules.get(name)
        if module is not None and not hasattr(module, "__version__"):
            return ", ".join(map(str, module.__path__))
    return ""
