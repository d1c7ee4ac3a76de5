"""Golden files, and which tests stay together.

What is made is compared with the YAML of tests/goldens/. `--update-goldens` writes them anew; give it together with a
folder, as in `pytest tests/unit --update-goldens`.
"""

from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

GOLDENS = Path(__file__).parent / "goldens"
NODE = Path(__file__).parent / "e2e"
"""Its tests have groups of their own."""


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


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests that share something of their module to one worker: each worker would make it for itself."""
    for item in items:
        if _shares(item) and not item.get_closest_marker("xdist_group") and not item.path.is_relative_to(NODE):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def _shares(item: pytest.Item) -> bool:
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return any(one[-1].scope == "module" for one in known.values())


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a manifest with the YAML of that name, in tests/goldens/ unless another folder is given."""

    def compare(name: str, manifest: dict[str, Any], folder: Path = GOLDENS) -> None:
        path = folder / f"{name}.yaml"
        written = yaml.dump(manifest, Dumper=_Plain, sort_keys=False, width=120)
        if request.config.getoption("update_goldens"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(written)
        assert written == (path.read_text() if path.exists() else ""), "look at it, or write it: --update-goldens"

    return compare
