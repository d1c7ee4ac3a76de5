"""Who waits for a long build reads what is built, how much of it there is, and since when."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from demo.commands import run
from demo.expectation import UnmetError
from devcluster import binaries
from devcluster.commands import show
from devcluster.failure import FailureError
from devcluster.progress import Progress
from devcluster.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GO = """\
#!/bin/sh
# Stands in for the compiler: writes an empty program of the package's name.
case "$1" in
  env) echo go99.0 ;;
  build)
    while [ "$1" != -o ]; do shift; done
    case "$3" in *etcd*) touch "$2/server" ;; *) touch "$2/${3##*/}" ;; esac ;;
esac
"""


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0, "building etcd (1 of 9), 0 min so far"),
        (59.9, "building etcd (1 of 9), 0 min so far"),
        (60, "building etcd (1 of 9), 1 min so far"),
        (754, "building etcd (1 of 9), 12 min so far"),
    ],
)
def test_a_line_has_the_program_its_number_and_the_minutes(seconds: float, line: str) -> None:
    assert Progress(total=9, begun=1000).line(1, "etcd", 1000 + seconds) == line


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return a cache in which nothing is built, on a machine whose Go builds at once."""
    go = tmp_path / "programs" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(go.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{go.parent}:{os.environ['PATH']}")
    return Settings(tmp_path / "state", tmp_path / "cache")


def test_each_program_of_both_modules_is_told_when_its_turn_comes(
    where: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    binaries.ensure(where, ["etcd", "kubectl", "helm"])
    assert capsys.readouterr().out.splitlines() == [
        "3 programs to build; from nothing, all 9 of a cluster take about 9 minutes on 2 cores",
        "building etcd (1 of 3), 0 min so far",
        "building kubectl (2 of 3), 0 min so far",
        "building helm (3 of 3), 0 min so far",
    ]
    assert all(binaries.path(where, name).exists() for name in ("etcd", "kubectl", "helm"))


def test_what_is_built_already_is_neither_built_nor_counted(
    where: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    binaries.ensure(where, ["etcd"])
    capsys.readouterr()
    binaries.ensure(where, ["etcd", "helm"])
    assert capsys.readouterr().out.splitlines()[1:] == ["building helm (1 of 1), 0 min so far"]
    binaries.ensure(where, ["etcd", "helm"])
    assert capsys.readouterr().out == ""


WAITS = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\nprint('done')"


@pytest.mark.parametrize("start", [show, run], ids=["of the cluster", "of the demo"])
def test_a_program_that_takes_long_is_told_again_while_it_is_built(
    tmp_path: Path, start: Callable[..., object]
) -> None:
    end = tmp_path / "end"
    told = []

    def still() -> None:
        told.append(end.exists())
        if len(told) == 3:
            end.touch()

    assert start([sys.executable, "-c", WAITS, end], still=still, pace=0.05) in (None, "done\n")
    assert told[:3] == [False, False, False]


def test_a_program_of_the_demo_gets_its_input_and_is_heard_out_while_it_is_waited_for() -> None:
    echo = "import sys, time\nfor line in sys.stdin: time.sleep(0.2), print(line, end='')"
    assert run([sys.executable, "-c", echo], "one\ntwo\n", pace=0.05) == "one\ntwo\n"
    with pytest.raises(UnmetError, match="failed:\nwhy"):
        run([sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(1)"])


def test_a_program_that_fails_is_said_with_its_exit_code() -> None:
    with pytest.raises(FailureError, match="failed with exit code 3"):
        show([sys.executable, "-c", "import sys; sys.exit(3)"])
