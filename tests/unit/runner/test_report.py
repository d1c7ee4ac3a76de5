"""Where the Result goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alembic_operator.contract import RESULT_BYTES, Applied, Failure, Result
from alembic_operator.runner.process import report
from alembic_operator.runner.process.masking import Secrets

if TYPE_CHECKING:
    from pathlib import Path

RESULT = Result("UpToDate", to=("ab12",))


class _Output:
    """Remembers what would be printed."""

    def __init__(self) -> None:
        self.logged: list[str] = []
        self.answered: list[str] = []
        self.log, self.answer = self.logged.append, self.answered.append


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination-log"
    monkeypatch.setattr(report, "TERMINATION_LOG", str(path))
    return path


def _write(result: Result, path: str) -> _Output:
    output: Any = _Output()
    report.write(result, report.Destination(output, Secrets("geheim"), path))
    written: _Output = output
    return written


def test_in_a_pod_the_result_is_the_termination_message(log: Path) -> None:
    log.touch()
    assert _write(RESULT, "").answered == []
    assert Result.from_json(log.read_text()) == RESULT


def test_elsewhere_it_is_printed(log: Path) -> None:
    (line,) = _write(RESULT, "").answered
    assert Result.from_json(line) == RESULT
    assert not log.exists()


def test_a_named_file_wins(log: Path, tmp_path: Path) -> None:
    log.touch()
    _write(RESULT, str(tmp_path / "result"))
    assert log.read_text() == ""
    assert Result.from_json((tmp_path / "result").read_text()) == RESULT


def test_a_file_that_cannot_be_written_is_said_and_the_result_printed(log: Path, tmp_path: Path) -> None:
    del log
    output = _write(RESULT, str(tmp_path / "missing" / "result"))
    assert len(output.logged) == len(output.answered) == 1


def test_secrets_of_an_error_are_masked_and_the_size_is_kept(log: Path) -> None:
    log.touch()
    applied = tuple(Applied(f"revision{number}", 1) for number in range(500))
    _write(Result("RevisionFailed", applied=applied, error=Failure("geheim " * 1000, hint="not geheim")), "")
    assert "geheim" not in log.read_text()
    assert len(log.read_bytes()) <= RESULT_BYTES


def test_secrets_of_warnings_and_committed_statements_are_masked(log: Path) -> None:
    log.touch()
    failure = Failure("it failed", committed=("create user a password geheim",))
    _write(Result("PartlyApplied", warnings=("geheim is no index",), error=failure), "")
    written = Result.from_json(log.read_text())
    assert written
    assert written.warnings == ("*** is no index",)
    assert written.error
    assert written.error.committed == ("create user a password ***",)
