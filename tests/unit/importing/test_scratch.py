"""The directory for the copy of a file."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from alembic_operator.importing.sqlite.scratch import scratch

KILLED = """
import os, signal
from alembic_operator.importing.sqlite.scratch import scratch
with scratch() as directory:
    (directory / "copy.db").write_text("rows")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_what_a_killed_import_has_left_goes_with_the_next_one(place: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED], check=False).returncode < 0
    (left,) = place.iterdir()
    assert (left / "copy.db").exists()
    with scratch() as directory:
        assert list(place.iterdir()) == [directory]
    assert list(place.iterdir()) == []


def test_that_of_an_import_under_way_and_what_is_not_an_imports_stay(place: Path) -> None:
    other = place / "import-sqlite-of-somebody"
    other.mkdir()
    with scratch() as first, scratch() as second:
        assert set(place.iterdir()) == {first, second, other}
    assert list(place.iterdir()) == [other]
