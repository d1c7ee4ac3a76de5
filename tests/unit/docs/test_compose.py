"""The example for docker compose and its how-to: every import in them is a command line that the command takes."""

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.importing import command

PROJECT = Path(__file__).parents[3]
EXAMPLE = PROJECT / "examples" / "compose"
HOW_TO = (PROJECT / "docs" / "howto" / "import-sqlite.md").read_text(encoding="utf-8")
STARTED = re.compile(r"^compose run --rm (\w+) ?(.*)$", re.MULTILINE)


def _services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLE / name).read_text(encoding="utf-8"))["services"]
    return found


POSTGRESQL = _services("postgresql.yaml")
LINES = [POSTGRESQL["import"]["command"], *(shlex.split(words) for _, words in STARTED.findall(HOW_TO) if words)]


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_the_command_takes_what_the_example_and_its_how_to_start(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    program, name, *arguments = words
    assert (program, name) == ("alembic-operator", "import-sqlite")
    asked = command.options(parser.parse_args(arguments))
    assert asked.file == Path("/data/blog.db")
    assert asked.scan or asked.mark == "blog"  # without a mark the second `up` would find the rows in the way


def test_the_backend_starts_after_the_import_and_the_import_after_the_tables_are_there() -> None:
    assert {name for name, _ in STARTED.findall(HOW_TO)} <= POSTGRESQL.keys()
    after = {
        name: {other: how["condition"] for other, how in one.get("depends_on", {}).items()}
        for name, one in POSTGRESQL.items()
    }
    assert after == {
        "postgres": {},
        "migrate": {"postgres": "service_healthy"},
        "import": {"migrate": "service_completed_successfully"},
        "backend": {"import": "service_completed_successfully"},
    }


def test_only_the_settings_of_the_first_file_lead_to_sqlite() -> None:
    before, after = _services("compose.yaml")["backend"]["environment"], POSTGRESQL["backend"]["environment"]
    assert (before["USE_POSTGRES"], after["USE_POSTGRES"]) == ("false", "true")
    assert POSTGRESQL["migrate"]["environment"] == after
    assert POSTGRESQL["import"]["environment"]["USE_POSTGRES"] == "false"
