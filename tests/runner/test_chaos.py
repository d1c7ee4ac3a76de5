"""Projects and faults by chance: nothing half, nothing twice. `python -m tests.bench.chaos` plays more seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner import server
from tests.runner.chaos.faults import FAULTS
from tests.runner.chaos.play import DURABLE, Play, storm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runner.server import Server

SEEDS = (425, 1869, 3843)
"""Short ones, each with another driver, that know all faults between them."""


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    with server.own(DURABLE) as own:
        yield own


def test_the_seeds_know_every_fault() -> None:
    assert {fault for seed in SEEDS for faults in storm(seed) for fault in faults} == set(FAULTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_nothing_is_half_or_twice(seed: int, durable: Server, pyz: Path, tmp_path: Path) -> None:
    story = Play(seed, durable, pyz, tmp_path).play()
    assert story.broken == [], story
