"""Runners of earlier releases, which run on in pods, and this operator understand each other: `tests/releases`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import Result
from alembic_operator.core.manifests import job
from tests.runner.project import Project, Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process
    from tests.runner.server import Database

ROOT = Path(__file__).resolve().parents[2]
RELEASES = sorted((ROOT / "tests" / "releases").glob("*/runner.pyz"))
POLICY = ROOT / "charts" / "alembic-operator" / "templates" / "_flags.tpl"
KEY = {"name": "postgres", "key": "secret"}
PLAIN: dict[str, dict[str, Any]] = {
    "no database": {},
    "a host": {"database": {"host": "postgres", "name": "shop", "userFrom": KEY, "passwordFrom": KEY}},
    "a StatefulSet": {"database": {"statefulSetRef": {"name": "postgres"}, "name": "shop", "userFrom": KEY}},
    "a URL": {"database": {"urlFrom": KEY}},
}
"""Migrations that leave everything else at its default."""
FACTS = """
import dataclasses, json, sys
sys.path.insert(0, sys.argv[1])
from alembic_operator import contract
assert contract.__file__.startswith(sys.argv[1]), contract.__file__
read = contract.Result.from_json(sys.stdin.read())
named = [one for one in dataclasses.fields(contract.Invocation) if one.name not in ("command", "tenant", "x")]
defaults = {one.name: one.default for one in named}
print(json.dumps({"defaults": defaults, "read": read and json.loads(read.dump())}))
"""


@pytest.fixture(params=RELEASES, ids=lambda path: path.parent.name)
def release(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def old(release: Path, tmp_path: Path) -> Iterator[Runner]:
    folder = tmp_path / "old"
    folder.mkdir()
    runner = Runner(release, folder, sys.executable)
    yield runner
    runner.close()


def _told(process: Process) -> dict[str, Any]:
    process.popen.wait(60)
    raw: dict[str, Any] = json.loads(process.report.read_text(encoding="utf-8"))
    return raw


def _facts(release: Path, text: str = "null") -> dict[str, Any]:
    """Return what a release knows of the contract, and how it reads a Result."""
    words: list[str | Path] = [sys.executable, "-c", FACTS, release]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=True)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_there_is_a_release() -> None:
    assert RELEASES


def test_this_operator_understands_whatever_an_earlier_runner_reports(
    old: Runner, any_project: Project, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    there = {"APP_URL": database.url("psycopg2"), **database.environment()}
    reports = [_told(old.start(any_project, *words, **there)) for words in (["check"], ["upgrade"], ["gate"])]
    any_project.revision("half", HALF)
    reports.append(_told(old.start(any_project, "upgrade", **there)))
    reports.append(_told(old.start(any_project, "upgrade", "--target", "nowhere", **there)))
    away = {**there, "APP_URL": "postgresql+psycopg2://nobody:wrong@127.0.0.1:1/nowhere"}
    reports.append(_told(old.start(any_project, "upgrade", "--deadline", "3s", **away)))
    reasons = [raw["reason"] for raw in reports]
    assert set(reasons) <= set(map(str, Reason))
    assert reasons[:5] == ["Pending", "UpToDate", "UpToDate", "PartlyApplied", "UnknownTarget"], reports
    assert reports[3]["error"]["committed"]
    for raw in reports:
        read = Result.from_json(json.dumps(raw))
        assert read is not None
        assert json.loads(read.dump()) == {**json.loads(read.dump()), **raw}


HALF = """
with op.get_context().autocommit_block():
    op.execute("create table half (id int)")
op.execute("select 1/0")
"""


def test_an_earlier_operator_understands_what_this_runner_reports(
    release: Path, runner: Runner, any_project: Project, database: Database
) -> None:
    any_project.begin().table("one").revision("half", HALF)
    process = runner.start(any_project, "upgrade", "--history", "Enabled", APP_URL=database.url("psycopg2"))
    raw = _told(process)
    read = _facts(release, json.dumps(raw))["read"]
    assert (raw["reason"], read["reason"]) == ("PartlyApplied", "PartlyApplied")
    assert read == {key: value for key, value in raw.items() if key in read}


@pytest.mark.parametrize("shape", PLAIN)
def test_an_earlier_runner_understands_what_this_operator_asks_for(
    old: Runner, any_project: Project, database: Database, shape: str
) -> None:
    spec = Spec.model_validate({"source": {"image": "users:1"}, **PLAIN[shape]})
    any_project.begin().table("one")
    there = {"APP_URL": database.url("psycopg2"), **database.environment()}
    if shape == "a URL":
        there |= {"PGHOST": "", "DATABASE_URL": database.url()}
    words = job.invocation(spec).argv()
    for command in ("upgrade", "gate"):  # what the policy writes for a pod is the same, tests/api shows it
        raw = _told(old.start(any_project, command, *words[1:], **there))
        assert raw["reason"] == "UpToDate", raw
    assert database.heads() == ["one"]


def test_a_flag_that_the_policy_leaves_out_means_the_same_to_an_earlier_runner(release: Path) -> None:
    known = _facts(release)["defaults"]
    left_out = dict(re.findall(r"\['--([a-z-]+)=', '([^']*)', ", POLICY.read_text(encoding="utf-8")))
    assert {"config", "database", "history", "deadline"} <= set(left_out)
    shared = {name: value for name, value in left_out.items() if name.replace("-", "_") in known}
    assert shared == {name: known[name.replace("-", "_")] for name in shared}


def test_a_default_of_the_contract_never_changes(release: Path) -> None:
    now = _facts(ROOT / "operator")["defaults"]
    assert now == {**now, **_facts(release)["defaults"]}


def test_a_release_is_a_small_archive_without_byte_code(release: Path) -> None:
    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "--list", release], capture_output=True, text=True, check=True
    ).stdout
    assert "alembic_operator/contract.py " in names
    assert ".pyc" not in names
    assert release.stat().st_size < 300 * 1024
