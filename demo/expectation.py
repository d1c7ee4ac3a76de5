"""What the demo expects of the cluster, and the one error it ends with when that does not come true."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 0.4

T = TypeVar("T")


class UnmetError(Exception):
    """The cluster did not do what the story says; the message is for the person at the terminal."""


def require(holds: object, otherwise: str) -> None:
    """Go on only when something holds."""
    if not holds:
        raise UnmetError(otherwise)


def until(look: Callable[[], T | None], seconds: float, otherwise: str) -> T:
    """Look again and again; return the first thing seen, or fail after so many seconds."""
    end = time.monotonic() + seconds
    while (seen := look()) is None:
        if time.monotonic() > end:
            raise UnmetError(f"{otherwise} (waited {seconds:.0f} s)")
        time.sleep(PAUSE)
    return seen
