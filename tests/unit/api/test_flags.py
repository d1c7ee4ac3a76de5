"""The runner's flags and their defaults have one source; everything that repeats them is made from it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from alembic_operator import contract
from alembic_operator.api.v1alpha1 import Alembic, Spec
from alembic_operator.contract import Invocation
from alembic_operator.core import names
from alembic_operator.core.manifests.flags import FLAGS, OF_JOBS, Flag
from tools import generate

OTHERS = {
    "database": "environment",
    "database_ahead": "Block",
    "downgrade": "Allow",
    "history": "Enabled",
    "lock_timeout": "7s",
    "statement_timeout": "8s",
    "deadline": "9h",
}
"""Other defaults, where not any text will do."""
WITH_DEFAULT = [one for one in FLAGS if not one.as_json]
WRITTEN = (
    "kustomize/gate/gate.yaml",
    "examples/gate-written.yaml",
    "examples/kustomize/cluster-before-1.36/settings.yaml",
)


def other(flag: Flag) -> str:
    return OTHERS.get(flag.name, f"other-{flag.name}")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository in which every default was changed at the source, and generated anew."""
    root = tmp_path_factory.mktemp("changed")
    shutil.copytree(generate.ROOT / "tools", root / "tools")
    shutil.copytree(generate.ROOT / "operator", root / "operator")
    source = root / "operator/alembic_operator/contract/invocation.py"
    text = source.read_text()
    for flag in WITH_DEFAULT:
        text, times = re.subn(rf'(    {flag.name}: \w+ = )"[^"]*"', rf'\1"{other(flag)}"', text)
        assert times == 1, flag.name
    source.write_text(text)
    command = [sys.executable, str(root / "tools/generate.py")]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root / "operator")}, check=True, timeout=60)
    return root


@pytest.mark.timeout(60)
@pytest.mark.parametrize("flag", WITH_DEFAULT, ids=lambda flag: flag.name)
def test_a_default_that_changes_in_the_contract_changes_wherever_it_is_repeated(changed: Path, flag: Flag) -> None:
    default = other(flag)
    policy = (changed / "charts/alembic-operator/templates/_flags.tpl").read_text()
    assert f"['{flag.word}=', '{default}', " in policy
    assert flag.means or f".orValue('{default}'))" in policy
    assert (
        f"flag: '{flag.word}', default: '{default}'"
        in (changed / "charts/alembic-gate/templates/_flags.tpl").read_text()
    )
    assert (
        f"| `{flag.word}` | `{default}` | `spec.{'.'.join(flag.field)}` |"
        in (changed / "docs/reference/runner.md").read_text()
    )
    if flag.default and not flag.means:
        for manifest in ("crds/databasemigrations.yaml", "charts/alembic-operator/files/crd.yaml"):
            assert field(changed / manifest, flag)["default"] == default
        assert (
            f"| `{flag.field[-1]}` | string | `{default}` |"
            in (changed / "docs/reference/databasemigration.md").read_text()
        )


def field(manifest: Path, flag: Flag) -> dict[str, Any]:
    """Return the schema of the field that gives a flag."""
    (version,) = yaml.safe_load(manifest.read_text())["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for name in flag.field:
        found = found["properties"][name]
    return found


def test_every_flag_comes_from_a_field_but_those_that_are_of_the_place_and_of_the_source() -> None:
    others = {"command", "tenant", "x", "result", "image"}
    assert {one.name for one in (*FLAGS, *OF_JOBS)} == {one.name for one in fields(Invocation)} - others


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_a_field_accepts_what_its_flag_accepts(flag: Flag) -> None:
    choices = {"database_ahead": contract.Ahead, "downgrade": contract.Downgrade, "history": contract.History}
    schema = field(generate.ROOT / "crds/databasemigrations.yaml", flag)
    assert tuple(schema.get("enum", ())) == get_args(choices.get(flag.name))


def test_a_default_that_policy_and_chart_would_read_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Invocation, "section", "it's")
    with pytest.raises(ValueError, match="no default of a flag can hold a quote"):
        generate.files()


@pytest.mark.parametrize("path", WRITTEN)
def test_a_gate_that_is_written_down_is_called_as_the_runner_reads_it(path: str) -> None:
    found = list(gates(list(yaml.safe_load_all((generate.ROOT / path).read_text()))))
    assert found
    for gate in found:
        program, runner, *words = gate["command"]
        assert (program, runner) == (Alembic.model_fields["python"].default, names.RUNNER_PATH)
        asked = Invocation.parse(words)
        assert asked == Invocation("gate", database=asked.database)


def gates(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every container with the name of the gate and a command."""
    if isinstance(node, dict) and node.get("name") == names.GATE_CONTAINER and "command" in node:
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from gates(child)


def test_the_library_chart_leaves_out_what_the_resource_leaves_out() -> None:
    defaults = (generate.ROOT / "charts/alembic-gate/templates/_flags.tpl").read_text()
    assert f"python: '{Alembic.model_fields['python'].default}'" in defaults
    assert f"strategy: '{Spec.model_fields['strategy'].default}'" in defaults
