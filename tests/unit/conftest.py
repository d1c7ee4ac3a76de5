"""Limits and goldens of the unit tests.

`--update-goldens` writes tests/goldens/ anew; give it together with the folder, as in `pytest tests/unit`.
"""

import os
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

LIMIT = 20 if "PYTEST_XDIST_WORKER" in os.environ else 2
"""Seconds a test; more where tests of the whole node share the machine with it."""

FOLDER = Path(__file__).parent
GOLDENS = FOLDER.parent / "goldens"


class Golden(Protocol):
    """Compares a manifest with the YAML of that name in a folder."""

    def __call__(self, name: str, manifest: dict[str, Any], folder: Path = GOLDENS) -> None:
        """Fail when they differ; write it anew when that is asked for."""


class _Plain(yaml.SafeDumper):
    """YAML as a person writes it: no anchors for parts that two places share."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", default=False, help="write tests/goldens/ anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("timeout") is None:
            # The test alone: a worker that had a cluster before may clean it up after its last test.
            item.add_marker(pytest.mark.timeout(LIMIT, func_only=True))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a manifest with the YAML of that name, in tests/goldens/ unless another folder is given."""

    def compare(name: str, manifest: dict[str, Any], folder: Path = GOLDENS) -> None:
        path = folder / f"{name}.yaml"
        written = yaml.dump(manifest, Dumper=_Plain, sort_keys=False, width=120)
        if request.config.getoption("update_goldens", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(written)
        assert written == (path.read_text() if path.exists() else ""), "run pytest tests/unit --update-goldens"

    return compare
