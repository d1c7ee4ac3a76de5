"""What is left out of byte code, and what is not."""

from __future__ import annotations

import marshal
from typing import Any

from tools.byte_code import compiled

SOURCE = b'''"""A module."""
from __future__ import annotations
from dataclasses import dataclass

@dataclass(frozen=True)
class Point:
    """A place."""
    x: int
    y: int = 2

    def sum(self, more: int = 0, *others: int, **named: int) -> int:
        """Add."""
        return self.x + self.y + more

def nothing() -> None:
    """Only say so."""

async def wait(seconds: float) -> None:
    """Wait."""
    assert seconds
'''


def test_functions_lose_their_words_and_annotations_and_classes_do_not() -> None:
    module: dict[str, Any] = {"__name__": __name__}
    exec(marshal.loads(compiled(SOURCE, "point.py")), module)
    point = module["Point"](1)
    assert (point.sum(3), point.__doc__, point.__annotations__) == (6, "A place.", {"x": "int", "y": "int"})
    assert (point.sum.__doc__, point.sum.__annotations__) == (None, {})
    assert (module["nothing"](), module["nothing"].__doc__, module["wait"].__doc__) == (None, None, None)
    assert "__doc__" not in module


def test_a_traceback_still_has_its_lines() -> None:
    code = marshal.loads(compiled(SOURCE, "point.py"))
    (nothing,) = (one for one in code.co_consts if getattr(one, "co_name", "") == "nothing")
    assert (nothing.co_filename, nothing.co_firstlineno) == ("runner.pyz/point.py", 15)
