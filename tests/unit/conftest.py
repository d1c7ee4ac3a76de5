"""Limits of the unit tests."""

import os
from pathlib import Path

import pytest

LIMIT = 20 if "PYTEST_XDIST_WORKER" in os.environ else 2
"""Seconds a test; more where tests of the whole node share the machine with it."""

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("timeout") is None:
            # The test alone: a worker that had a cluster before may clean it up after its last test.
            item.add_marker(pytest.mark.timeout(LIMIT, func_only=True))
