"""The command line, and what tells others of it."""

import re
from pathlib import Path

import yaml

from alembic_operator.kubectl.arguments import parser
from alembic_operator.kubectl.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[3]


def test_every_command_is_on_the_command_line_in_the_guide_and_in_krews_manifest() -> None:
    guide = (ROOT / "docs/howto/kubectl-alembic.md").read_text()
    krew = yaml.safe_load((ROOT / "packaging/krew/alembic.yaml").read_text())
    described = set(re.findall(r"[a-z-]+", krew["spec"]["description"]))
    for name in COMMANDS:
        argument = ["x"] if name != "status" else []
        assert parser().parse_args([name, *argument]).command == name
        assert f"`{name} " in guide, name
        assert name in described, name


def test_every_screen_of_the_guide_is_one_that_the_plugin_draws() -> None:
    shown = re.findall(r"```text\n(.*?)```", (ROOT / "docs/howto/kubectl-alembic.md").read_text(), re.DOTALL)
    drawn = {one.read_text() for one in (ROOT / "tests/unit/kubectl/goldens").glob("*-80.txt")}
    assert shown
    assert set(shown) <= drawn


def test_krews_manifest_has_what_krew_asks_for() -> None:
    krew = yaml.safe_load((ROOT / "packaging/krew/alembic.yaml").read_text())
    assert (krew["kind"], krew["metadata"]["name"]) == ("Plugin", "alembic")
    assert len(krew["spec"]["shortDescription"]) <= 50
    for one in krew["spec"]["platforms"]:
        assert set(one) == {"selector", "uri", "sha256", "bin", "files"}
        assert {entry["from"] for entry in one["files"]} == {one["bin"], "LICENSE"}
        assert all(value in one["uri"] for value in one["selector"]["matchLabels"].values())
