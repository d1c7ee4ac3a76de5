"""Every manifest of `examples/` does what it says, as it stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo.setup import PROJECT
from tests.e2e.database import OWNER, Database
from tests.e2e.migration import Migration

if TYPE_CHECKING:
    from pathlib import Path

    from demo.access import Access

EXAMPLES = sorted((PROJECT / "examples").glob("*.yaml"))


@pytest.fixture(scope="module", autouse=True)
def _all_applied(access: Access) -> None:
    """Apply all of them at once: they share a database, and must not be in each other's way."""
    for path in EXAMPLES:
        access.apply_text(path.read_text())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_reaches_ready(path: Path, access: Access) -> None:
    for name in _names(path, "DatabaseMigration"):
        Migration(access, name, Database(access, OWNER)).until_ready()
    for name in _names(path, "Deployment"):
        access.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")


def _names(path: Path, kind: str) -> list[str]:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(path.read_text()))
    return [str(one["metadata"]["name"]) for one in documents if one["kind"] == kind]
