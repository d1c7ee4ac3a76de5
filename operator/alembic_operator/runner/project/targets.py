"""The words of a target, before anybody asks what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def parts(target: str) -> list[str]:
    """Return the targets of a text that names several, in their order."""
    return [one.strip() for one in target.split(",")]


def is_relative(target: str) -> bool:
    """Tell whether a target counts from the current heads: +N."""
    return any(one.startswith("+") or "@+" in one for one in parts(target))


def union(all_heads: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return several sets of revisions as one, sorted."""
    return tuple(sorted({one for heads in all_heads for one in heads}))
