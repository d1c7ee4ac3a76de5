"""Limits of the unit tests."""

import os
from pathlib import Path

import hypothesis
import pytest

LIMIT = 20 if "PYTEST_XDIST_WORKER" in os.environ else 2
"""Seconds a test; more where tests of the whole node share the machine with it."""

PROPERTIES = 30
"""Seconds for 200 examples: of one of them the processor's time is limited."""

CAMPAIGN = "campaign"
"""Hypothesis's profile of `make properties`: many examples, others each time, and no limit."""

hypothesis.settings.register_profile(
    "unit",
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # to shrink takes minutes
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.register_profile(
    CAMPAIGN,
    hypothesis.settings.get_profile("unit"),
    max_examples=10_000,
    derandomize=False,
    print_blob=True,
    phases=list(hypothesis.Phase),
)
hypothesis.settings.load_profile("unit")

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("hypothesis_profile", default=None) == CAMPAIGN:
        return
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("timeout") is None:
            # The test alone: a worker that had a cluster before may clean it up after its last test.
            limit = PROPERTIES if "properties" in item.path.parts else LIMIT
            item.add_marker(pytest.mark.timeout(limit, func_only=True))
