"""The program of docs/howto/by-hand.md makes of the operator's Job one that a person may start."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

from alembic_operator.contract import Invocation
from alembic_operator.core import names

_ROOT = Path(__file__).parents[3]


def _by_hand(job: dict[str, Any], *words: str) -> dict[str, Any]:
    page = (_ROOT / "docs/howto/by-hand.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    command = [sys.executable, "-c", textwrap.dedent(program), *words]
    ran = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True)
    made: dict[str, Any] = json.loads(ran.stdout)
    return made


def test_a_copy_of_the_job_runs_another_command_with_the_same_flags_and_is_nobodys() -> None:
    job = yaml.safe_load((_ROOT / "tests/goldens/job-template.yaml").read_text(encoding="utf-8"))
    labels = job["spec"]["template"]["metadata"]["labels"]
    labels |= {"controller-uid": "1", "job-name": "users-1", "batch.kubernetes.io/job-name": "users-1", "team": "users"}
    made = _by_hand(job, "stamp", "--target", "1f0a")
    template = made["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (given,) = job["spec"]["template"]["spec"]["containers"]
    python, runner, *argv = container["command"]
    before = Invocation.parse(given["command"][2:])
    assert [python, runner] == given["command"][:2]
    assert Invocation.parse(argv) == Invocation(**{**vars(before), "command": "stamp", "target": "1f0a"})
    assert container["env"] == given.get("env", container["env"])
    assert template["metadata"]["labels"] == {"team": "users"}
    assert names.RUN_LABEL not in json.dumps(made)
    assert (made["metadata"]["namespace"], "ownerReferences" in made["metadata"]) == ("shop", False)
