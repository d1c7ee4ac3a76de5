from pathlib import Path

import pytest
import yaml

from alembic_operator import contract
from alembic_operator.api.crd import crd
from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Reason
from tools import generate


def test_the_generated_files_are_fresh() -> None:
    assert generate.stale(generate.ROOT) == {}


def test_the_yaml_says_what_the_operator_says() -> None:
    assert yaml.safe_load(generate.crd_yaml()) == crd()


def test_the_yaml_has_no_anchors() -> None:
    assert "&id" not in generate.crd_yaml()


def test_the_chart_and_the_folder_of_crds_hold_the_same_file() -> None:
    files = generate.files()
    assert files["charts/alembic-operator/files/crd.yaml"] == files["crds/databasemigrations.yaml"]


@pytest.mark.timeout(30)  # it generates everything three times
def test_a_file_that_is_missing_or_changed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, text in generate.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert generate.stale(tmp_path) == {}
    (tmp_path / "crds/databasemigrations.yaml").unlink()
    (tmp_path / "docs/reference/reasons.md").write_text("changed by hand")
    assert generate.main(["--check"], tmp_path) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "crds/databasemigrations.yaml",
        "docs/reference/reasons.md",
    ]
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0


def test_a_flag_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--verify"]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_reference_lists_every_reason() -> None:
    page = generate.reasons_page()
    assert all(f"| `{one}` | {one.meaning} |" in page for one in (*Reason, *Occasion))


def test_the_reference_lists_every_command_flag_and_exit_code_with_a_text() -> None:
    page = generate.runner_page()
    assert all(f"- `{name}`: " in page for name in contract.COMMANDS)
    assert all(f"| {int(code)} | " in page for code in contract.ExitCode)
    assert page.count("| `-") == len(vars(contract.Invocation("check"))) - 2  # the command itself, and its NAME
    assert "|  |\n" not in page


@pytest.mark.parametrize(
    "field", ["source", "lockTimeout", "schema", "observedGeneration", "statement", "lastTransitionTime"]
)
def test_the_reference_lists_fields_at_every_depth(field: str) -> None:
    assert f"| `{field}` | " in generate.files()["docs/reference/databasemigration.md"]
