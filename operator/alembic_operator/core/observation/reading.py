"""Read JSON that somebody else wrote: every function returns for every value, and soon, whatever its size.

What is not as it should be counts as absent, which Kubernetes has a default for; a Reading also says what that was.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite
from typing import Any

Manifest = dict[str, Any]
"""A Kubernetes object, or a part of one, as plain camelCase JSON."""

MOST = 2**63 - 1
"""The greatest number that the API server stores exactly."""

_DIGITS = 19
"""No number up to MOST has more; Python refuses to read 5,000, and takes its time for 4,000."""

_SHOWN = 40
"""Characters of a value that a message shows."""

_SAID = 8
"""Things that are said of one object: who mends these sees the next ones."""

_YEARS = range(1970, 9000)
"""Beyond, a time with an hour more or in another zone may be none."""

_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
"""Python reads more than that, and the API server would not take it back."""

_DEEPEST = 64
"""Levels of a part that is sent on; Python gives up at some hundreds, and no pod has twenty."""


def fields(raw: Any, *path: str) -> Manifest:
    """Return an object within an object; empty when it is not there, or is none."""
    found = _at(raw, path)
    return found if isinstance(found, dict) else {}


def items(raw: Any, *path: str) -> list[Manifest]:
    """Return the objects of a list within an object; nothing else that it holds."""
    found = _at(raw, path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts(raw: Any, *path: str) -> list[str]:
    """Return the texts of a list within an object; nothing else that it holds."""
    found = _at(raw, path)
    return [plain(one) for one in found if isinstance(one, str)] if isinstance(found, list) else []


def text(raw: Any, *path: str) -> str:
    """Return a text within an object, such as can be sent on; empty when it is not there, or is none."""
    found = _at(raw, path)
    return plain(found) if isinstance(found, str) else ""


def time(raw: Any, *path: str) -> str:
    """Return a time within an object, as it is written; empty when it is not there, or is none."""
    found = text(raw, *path)
    return found if moment(found) else ""


def number(raw: Any, *path: str, least: int = 0, most: int = MOST) -> int | None:
    """Return a whole number within an object, written as a number; None when it is not there, is none, or is beyond."""
    found = _at(raw, path)
    return found if _is_number(found) and least <= found <= most else None


def moment(written: Any) -> datetime | None:
    """Read RFC 3339; None when it is nothing of that, or out of any time that a cluster can have."""
    if not isinstance(written, str) or not _RFC_3339.fullmatch(written):
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.year in _YEARS else None


def whole(written: Any, *, least: int = 0, most: int = MOST) -> int | None:
    """Read a whole number that is written as a text, such as the value of an annotation; None when it is none."""
    if not isinstance(written, str) or len(written) > _DIGITS or not (written.isascii() and written.isdecimal()):
        return None
    found = int(written)
    return found if least <= found <= most else None


def plain(written: str) -> str:
    """Return a text without halves of surrogate pairs, which cannot be sent on."""
    return written if written.isascii() else written.encode(errors="replace").decode()


def brief(value: str) -> str:
    """Return the beginning of a text for a message, and how long it is when that is not all."""
    return plain(value) if len(value) <= _SHOWN else f"{plain(value[:_SHOWN])}… ({len(value)} characters)"


def shown(value: Any) -> str:
    """Return a value for a message: its beginning, and how much it is when that is not all."""
    match value:
        case str():
            return f'"{brief(value)}"'
        case dict() | list():
            return f"{'an object' if isinstance(value, dict) else 'a list'} with {len(value)} entries"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int() if not -MOST <= value <= MOST:  # longer ones cannot even be written
            return "a number beyond 64 bits"
        case _:
            return str(value)[:_SHOWN]


def unfit(part: Any, most: int) -> str:
    """Return why a part cannot be sent on as it is; empty when it can. `most` bounds its characters, roughly.

    Numbers beyond 64 bits and halves of surrogate pairs come from no API server, and would end a dump or a digest.
    """
    left, level = most, [part]
    for _ in range(_DEEPEST):
        left -= sum(map(_weight, level))
        if left < 0:
            return f"has more than {most} characters"
        if not all(map(_can_be_sent, level)):
            return "has a text or a number that no API server sends"
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return ""
    return f"is nested deeper than {_DEEPEST} levels"


def _weight(one: Any) -> int:
    """Return about how many characters a value has, without what is inside of it."""
    return len(one) + 2 if isinstance(one, str | list | dict) else _DIGITS


def _can_be_sent(one: Any) -> bool:
    match one:
        case str():
            return plain(one) == one
        case bool() | None | dict() | list():
            return True
        case int():
            return -MOST <= one <= MOST
        case _:
            return isinstance(one, float) and isfinite(one)


def _inside(one: Any) -> Iterable[Any]:
    match one:
        case dict():
            return (*one, *one.values())
        case list():
            return one
        case _:
            return ()


def _is_number(found: Any) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)  # to Python, true is 1


def _at(raw: Any, path: Iterable[str]) -> Any:
    for name in path:
        if not isinstance(raw, dict):
            return None
        raw = raw.get(name)
    return raw


class Reading:
    """One look at an object that also notes what of it cannot be read, each with its field."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._wrong: dict[str, None] = {}

    @property
    def unreadable(self) -> tuple[str, ...]:
        """What could not be read so far, in words that begin with the field; the first of them, when there are many."""
        return tuple(self._wrong)[:_SAID]

    def value(self, *path: str) -> Any:
        """Return whatever is there within the object; None when nothing is."""
        return _at(self._raw, path)

    def fields(self, *path: str) -> Manifest:
        """Return an object within the object; empty when it is not there, or is none."""
        return self._if_it_is(dict, "an object", path) or {}

    def items(self, *path: str) -> list[Manifest]:
        """Return the objects of a list within the object."""
        found: list[Any] = self._if_it_is(list, "a list", path) or []
        kept = [one for one in found if isinstance(one, dict)]
        if len(kept) < len(found):
            self.note(path, f"has {len(found) - len(kept)} entries that are no objects")
        return kept

    def text(self, *path: str) -> str:
        """Return a text within the object; empty when it is not there, or is none."""
        return plain(self._if_it_is(str, "a text", path) or "")

    def number(self, *path: str, least: int = 0, most: int = MOST) -> int | None:
        """Return a whole number within the object; None when it is not there, is none, or is beyond."""
        found: int | None = self._if_it_is(int, "a number", path)
        if found is None or (_is_number(found) and least <= found <= most):
            return found
        self.note(path, f"is {shown(found)}, not a whole number from {least} to {most}")
        return None

    def time(self, *path: str) -> str:
        """Return a time within the object, as it is written; empty when it is not there, or is none."""
        found = self.text(*path)
        if not found or moment(found):
            return found
        self.note(path, f"is {shown(found)}, not a time of RFC 3339")
        return ""

    def note(self, path: Iterable[str], wrong: str) -> None:
        """Note what is wrong with a field, and take it as absent."""
        if len(self._wrong) < _SAID:
            self._wrong[f"{_dotted(path)} {wrong}"] = None

    def _if_it_is(self, kind: type, called: str, path: tuple[str, ...]) -> Any:
        found = self._raw
        for depth, name in enumerate(path):
            if not isinstance(found, dict):
                return self._not(found, "an object", path[:depth])
            found = found.get(name)
        return found if isinstance(found, kind) else self._not(found, called, path)

    def _not(self, found: Any, called: str, path: tuple[str, ...]) -> None:
        if found is not None:
            self.note(path, f"is {shown(found)}, not {called}")


def _dotted(path: Iterable[str]) -> str:
    """Return a path for a person: `metadata.annotations[example.com/name]`."""
    parts = (f"[{name}]" if "." in name or "/" in name else f".{name}" for name in path)
    return "".join(parts).removeprefix(".") or "it"
