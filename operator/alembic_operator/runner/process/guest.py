"""Import what needs SQLAlchemy and Alembic: they belong to the user's image and may be missing."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending

_ABSENT = "Set spec.alembic.python to the interpreter of the image that has Alembic and SQLAlchemy."
_OLD = "Alembic 1.8 and SQLAlchemy 1.4 are the oldest that the runner works with: update them in the image."


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
        raise Ending(Reason.ALEMBIC_NOT_FOUND, message, _ABSENT if absent else _OLD) from error
