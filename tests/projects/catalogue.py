"""The catalogue of public projects: what each is installed from, how it is started, and what is expected of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from tests.runner.environments import Environment
from tests.runner.server import Database

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOM = Path(__file__).parent
DEAD = Database("127.0.0.1", 9, "nobody", "nothing", "nowhere")
"""What a project's own settings say while the runner is to lead it elsewhere; nobody listens on that port."""


@dataclass(frozen=True)
class Entry:
    """One project; `$url`, `$host` and the like in its settings stand for parts of an address."""

    name: str
    python: str
    config: str
    """Path of Alembic's configuration in site-packages, or of one of `files`."""
    revisions: int
    """How many a run from nothing applies."""
    pins: str = ""
    """Which file of pins, where it is not that of its name."""
    scheme: str = "postgresql+psycopg2"
    """The beginning of `$url`."""
    section: str = "alembic"
    command: tuple[str, ...] = ()
    """What of the project's own upgrades it, where `alembic` does not; `$beside` is the folder of the configuration."""
    beside: bool = False
    """Whether plain Alembic must be started beside its configuration, which says where the revisions are from there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Configuration files in the working directory."""
    server: str = "18"
    """Major version of PostgreSQL, or `debian`, which has the extensions."""

    @property
    def installed(self) -> Environment:
        return Environment(self.pins or self.name, self.python, room=ROOM / "pins", sources=True)

    def text(self, template: str, database: Database, folder: Path) -> str:
        """Fill in an address, and the working directory."""
        url = database.url().replace("postgresql", self.scheme, 1)
        return Template(template).safe_substitute(vars(database), url=url, folder=folder)

    def variables(self, database: Database, folder: Path) -> dict[str, str]:
        """Return the environment with which the project finds a database by itself, and write its files."""
        for name, template in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text(template, database, folder), encoding="utf-8")
        home = {"HOME": str(folder), "PYTHONPATH": str(folder)}
        return home | {key: self.text(value, database, folder) for key, value in self.environment.items()}


def entries() -> list[Entry]:
    with (ROOM / "catalogue.toml").open("rb") as file:
        return [Entry(name, **_tuples(facts)) for name, facts in tomllib.load(file).items()]


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
