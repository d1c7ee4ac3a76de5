"""What several tests of the shell need."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from alembic_operator.shell.queue import WorkQueue
from tests.unit.shell.desk import a_queue
from tests.unit.shell.shop import Logs, Shop


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as events:
        yield events


@pytest.fixture
def queue() -> WorkQueue[str]:
    return a_queue()


@pytest.fixture
def shop() -> Shop:
    return Shop()
