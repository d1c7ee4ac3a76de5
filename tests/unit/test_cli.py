import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.cli import main
from alembic_operator.core.lease import Terms
from alembic_operator.shell.settings import Settings


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
    "a port beyond all ports": ["run", "--runner-image=x", "--metrics-port=65536"],
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
    options = [
        "--runner=runner.pyz",
        "--namespace=shop",
        "--namespace=bank",
        "--watch-rollouts",
        "--health-port=9",
        "--log-format=text",
        "--lease-namespace=operators",
        "--lease-name=bank",
    ]
    assert main(["run", "--runner-image=operator:1", *options]) == 7
    assert asked == [
        Settings(
            runner_image="operator:1",
            runner=Path("runner.pyz"),
            namespaces=("shop", "bank"),
            watch_rollouts=True,
            health_port=9,
            log_format="text",
            instance="pod-1",
            lease=Terms("operators", "bank", "pod-1", 12),
        )
    ]


def test_without_a_namespace_for_the_lease_there_is_no_election(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Settings] = []
    monkeypatch.setitem(sys.modules, "alembic_operator.shell.run", SimpleNamespace(run=asked.append))
    monkeypatch.delenv("POD_ID", raising=False)
    main(["run", "--runner-image=operator:1"])
    assert asked[0].lease is None
    assert asked[0].instance.endswith(f"-{os.getpid()}")
