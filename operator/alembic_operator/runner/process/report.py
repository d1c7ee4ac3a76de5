"""Hand the Result to whoever reads it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_operator.contract import TERMINATION_LOG, Result

if TYPE_CHECKING:
    from alembic_operator.runner.process.masking import Secrets
    from alembic_operator.runner.process.output import Output


_LONGEST = 20_000
"""Characters of one text; a Result holds much less."""


@dataclass(frozen=True)
class Destination:
    """Where the Result goes: to the file, the termination log or standard output, in this order."""

    output: Output
    secrets: Secrets
    path: str = ""
    before: str = ""
    """What stands before it on standard output."""
    told: list[int] = field(default_factory=list)
    """The exit code, once a Result was written: nobody writes another one."""


def write(result: Result, where: Destination) -> None:
    """Write the Result, without secrets."""
    line = masked(result, where.secrets).to_json()
    if where.path or os.access(TERMINATION_LOG, os.W_OK):
        path = where.path or TERMINATION_LOG
        try:
            Path(path).write_text(line, encoding="utf-8")
        except OSError as error:
            where.output.log(f"cannot write the result to {path}: {error}")
        else:
            return
    where.output.answer(where.before + line)


def masked(result: Result, secrets: Secrets) -> Result:
    """Return the Result without secrets in its texts."""
    result = replace(result, warnings=tuple(map(secrets.mask_error, result.warnings)))
    if result.error is None:
        return result
    texts = {
        name: secrets.mask_error(text[:_LONGEST]) for name, text in vars(result.error).items() if isinstance(text, str)
    }
    committed = tuple(map(secrets.mask_error, result.error.committed))
    return replace(result, error=replace(result.error, **texts, committed=committed))


def with_versions(result: Result, driver: str) -> Result:
    """Add the versions of what ran; only of what was imported anyway."""
    return replace(result, driver=_driver(driver), alembic=_version("alembic"), sqlalchemy=_version("sqlalchemy"))


def _driver(driver: str) -> str:
    module = driver.split("_", maxsplit=1)[0]
    return f"{module} {_version(module)}".strip()


def _version(module: str) -> str:
    return str(getattr(sys.modules.get(module), "__version__", "")).partition(" ")[0]
