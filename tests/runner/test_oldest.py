"""Every layout of a project in the oldest image that is supported: the tests of `test_layouts`, with another runner."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.runner.environments import MATRIX
from tests.runner.project import Runner
from tests.runner.test_layouts import *  # noqa: F403  pytest collects what is here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLDEST = MATRIX[0]


@pytest.fixture(params=OLDEST.drivers)
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def runner(pyz: Path, tmp_path: Path) -> Iterator[Runner]:
    (tmp_path / "scratch").mkdir()
    with closing(Runner(pyz, tmp_path / "scratch", OLDEST.python)) as runner:
        yield runner


def test_the_runner_is_that_of_the_oldest_image(runner: Runner) -> None:
    assert runner.python == OLDEST.python
