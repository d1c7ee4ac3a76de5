"""Walk an error and what caused it, whoever wrote its class."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, what a group of errors holds, and what caused it; the outermost first."""
    seen: set[int] = set()
    todo: list[Any] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [getattr(one, "orig", None), *grouped(one), one.__cause__]
            todo += [None if one.__suppress_context__ else one.__context__]


def grouped(error: BaseException) -> tuple[BaseException, ...]:
    """Return the errors of a group, such as a TaskGroup raises; empty: it is none."""
    held = getattr(error, "exceptions", None)
    return held if isinstance(held, tuple) else ()


def first(error: BaseException) -> BaseException:
    """Return what went wrong first, where a group only counts it or SQLAlchemy complains of the state that it left."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = next((one for one in grouped(error) if isinstance(one, BaseException)), None)
        if type(error).__name__ == "PendingRollbackError":
            inner = error.__context__
        error = inner or error
    return error


def words(error: BaseException) -> str:
    """Return what an error says, of a server's answer only its message; nothing when its class cannot even say that."""
    text = raw(error)
    for one in (error, getattr(error, "orig", None)):
        if found := fields(one):
            text = text.replace(raw(one), found.get("M", ""))
    return text


def raw(error: object) -> str:
    """Return an error as its class writes it."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  a class of the application's may do anything
        return ""


def fields(error: object) -> dict[str, str]:
    """Return the server's answer by the letters of its fields, which pg8000 gives as a whole; else nothing."""
    if not isinstance(error, BaseException) or type(error).__module__.split(".")[0] != "pg8000":
        return {}
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}


def listed(error: BaseException) -> list[str]:
    """Return what each field of a pydantic model lacks, without its value: the error's first line only counts them."""
    try:
        found = [(".".join(map(str, one["loc"])), one["msg"]) for one in getattr(error, "errors", list)()]
    except Exception:  # noqa: BLE001  something else of that name
        return []
    return [": ".join((where, *said.splitlines()[:1])) for where, said in found]


_LOADER = "load_python_file"
"""Alembic's function that runs env.py and the files of revisions."""
_READERS = ("_from_path", "_from_filename")
"""Alembic's functions that make a revision of such a file, the newer one first."""


def loading(error: BaseException) -> str:
    """Return the path of the revision file that Alembic was loading when it came; empty: it was loading none."""
    return _file(error, (_LOADER,))


def reading(error: BaseException) -> str:
    """Return the path of the file that Alembic had loaded, and found to be no revision; empty: there was none."""
    return _file(error, _READERS)


def _file(error: BaseException, functions: tuple[str, ...]) -> str:
    for one in chain(error):
        path, step = "", one.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_name in functions:
                here = step.tb_frame.f_locals
                path = os.path.join(str(here.get("dir_", "")), str(here.get("filename", "")))  # noqa: PTH118
            step = step.tb_next
        if path and os.path.basename(path) != "env.py":  # noqa: PTH119
            return path
    return ""
