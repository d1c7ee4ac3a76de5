"""The archive."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tools import build_runner

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build_runner.build(tmp_path / name) for name in ("a.pyz", "b.pyz"))
    assert first.read_bytes() == second.read_bytes()


def test_the_archive_holds_the_runner_and_what_it_shares_with_the_operator_only(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_runner.build(tmp_path / "a.pyz")).namelist()
    assert names == sorted(names)
    assert {"__main__.py", "alembic_operator/contract.py", "alembic_operator/api/reasons.py"} <= set(names)
    assert not [name for name in names if "kube" in name or "shell" in name or "v1alpha1" in name]
