"""Ask several databases at the same time: mostly one waits for connections to be made."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.runner.process import threads

if TYPE_CHECKING:
    from collections.abc import Sequence


def each(names: Sequence[str], ask: Callable[[str], Any], width: int) -> dict[str, Any]:
    """Return what `ask` returns of each name, for `width` of them at a time; raises what it raises first."""
    left, found, wrong = deque(names), dict[str, Any](), list[BaseException]()

    def work() -> None:
        while left:
            try:
                name = left.popleft()
            except IndexError:  # another one took the last
                return
            try:
                found[name] = ask(name)
            except BaseException as error:  # noqa: BLE001  it is raised again where it can be heard
                wrong.append(error)
                left.clear()

    hands = [threads.Thread(target=work, daemon=True) for _ in range(min(width, len(names)))]
    try:
        for one in hands:
            one.start()
        for one in hands:
            one.join()
    finally:
        left.clear()
    if wrong:
        raise wrong[0]
    return {name: found[name] for name in names}
