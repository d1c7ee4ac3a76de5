import json
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.cli import main
from alembic_operator.shell.settings import Settings


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "runner.pyz"
    path.write_bytes(b"#!/usr/bin/env python3\n\x00zip")
    monkeypatch.setenv("ALEMBIC_OPERATOR_RUNNER", str(path))
    return path


def test_install_copies_the_runner_so_that_anybody_can_start_it(runner: Path, tmp_path: Path) -> None:
    destination = tmp_path / "shared"
    assert main(["install", str(destination)]) == 0
    assert destination.read_bytes() == runner.read_bytes()
    assert stat.S_IMODE(destination.stat().st_mode) == 0o555


def test_install_again_puts_a_new_file_in_the_place_of_the_one_that_nobody_may_write(
    runner: Path, tmp_path: Path
) -> None:
    destination = tmp_path / "shared"
    assert main(["install", str(destination)]) == 0
    before = destination.stat()
    assert main(["install", str(destination)]) == 0
    assert destination.stat().st_ino != before.st_ino
    assert destination.read_bytes() == runner.read_bytes()
    assert [one for one in tmp_path.iterdir() if one not in (destination, runner)] == []


def test_a_runner_that_is_missing_is_a_sentence_and_a_failure(
    runner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.unlink()
    assert main(["install", str(tmp_path / "shared")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("alembic-operator install: ")
    assert "runner.pyz" in line


@pytest.mark.usefixtures("runner")
def test_a_folder_that_is_missing_is_a_sentence_and_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", str(tmp_path / "nowhere" / "runner.pyz")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_install_imports_nothing_that_every_gated_pod_would_wait_for() -> None:
    script = "import sys, alembic_operator.cli; print(sorted({name.split('.')[0] for name in sys.modules}))"
    heavy = {"kopf", "kubernetes", "pydantic", "structlog", "aiohttp"}
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "alembic_operator" in loaded
    assert not {name for name in heavy if f"'{name}'" in loaded}


def test_the_crd_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crd"]) == 0
    assert json.loads(capsys.readouterr().out) == crd()


WRONG = {
    "nothing": [],
    "an unknown command": ["explode"],
    "install without a destination": ["install"],
    "run without the runner's image": ["run"],
    "an unknown log format": ["run", "--runner-image=x", "--log-format=xml"],
    "a port that is none": ["run", "--runner-image=x", "--health-port=http"],
}


@pytest.mark.parametrize("argv", [pytest.param(argv, id=name) for name, argv in WRONG.items()])
def test_wrong_usage_is_explained_and_ends_with_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: alembic-operator")


def test_run_takes_its_settings_from_the_command_line_and_its_name_from_the_pod(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Settings] = []

    def run(settings: Settings) -> int:
        asked.append(settings)
        return 7

    monkeypatch.setitem(sys.modules, "alembic_operator.shell.run", SimpleNamespace(run=run))
    monkeypatch.setenv("POD_ID", "pod-1")
    options = ["--namespace=shop", "--namespace=bank", "--watch-rollouts", "--health-port=9", "--log-format=text"]
    assert main(["run", "--runner-image=operator:1", *options]) == 7
    assert asked == [
        Settings(
            runner_image="operator:1",
            namespaces=("shop", "bank"),
            watch_rollouts=True,
            health_port=9,
            log_format="text",
            instance="pod-1",
        )
    ]
