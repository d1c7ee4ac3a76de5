"""Projects by chance: revisions that do all a revision may do, and the SQL that shows and undoes each step."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runner.project import Project
    from tests.runner.server import Database

BASICS = (
    "create table counter (n int); insert into counter values (0); create table journal (step text);"
    " create table filled (id int); insert into filled select generate_series(1, 3000); create table busy (id int)"
)
"""What every project begins with. The journal has no key, so that what is done twice is seen."""
_BUMP = "with bumped as (update counter set n = n + 1) insert into journal (step) select '{0}' as {0}"
_DO = {
    "data": _BUMP,
    "slow": f"{_BUMP} from pg_sleep(0.4)",
    "orm": _BUMP,
    "table": "create table t_{0} (id int)",
    "column": "alter table busy add column c_{0} int",
    "index": "create index concurrently i_{0} on filled (id)",
    "unique": "create unique index concurrently i_{0} on filled (id)",
    "lenient": "create index concurrently if not exists i_{0} on filled (id)",
    "drop": "drop index concurrently d_{0}",
    "reindex": "reindex index concurrently x_{0}",
    "sleep": "select pg_sleep(0.3)",
}
_UNDO = {
    **dict.fromkeys(("data", "slow", "orm"), "update counter set n = n - 1; delete from journal where step = '{0}'"),
    "table": "drop table t_{0}",
    "column": "alter table busy drop column c_{0}",
    **dict.fromkeys(("index", "unique", "lenient"), "drop index i_{0}"),
    "drop": "create index d_{0} on filled (id)",
}
_COUNT = {
    **dict.fromkeys(("data", "slow", "orm"), "select count(*)::int from journal where step = '{0}'"),
    "table": "select (to_regclass('t_{0}') is not null)::int",
    "column": "select count(*)::int from pg_attribute where attrelid = 'busy'::regclass and attname = 'c_{0}'",
    **dict.fromkeys(
        ("index", "unique", "lenient"),
        "select count(*)::int from pg_index where indexrelid = to_regclass('i_{0}') and indisvalid",
    ),
    "drop": "select (to_regclass('d_{0}') is null)::int",
}
_BEFORE = {"drop": "create index d_{0} on filled (id)", "reindex": "create index x_{0} on filled (id)"}
_WITHIN = ("data", "data", "slow", "orm", "table", "column", "sleep")
_ALONE = ("data", "data", "slow", "table", "index", "unique", "lenient", "drop", "reindex", "sleep")
BUILDS = ("index", "unique", "drop")
"""What stops a retry by an error of its own when it was done: the index exists, or is gone."""


@dataclass(frozen=True)
class Step:
    """One statement of a revision; its name is in its text where no masking hides it."""

    name: str
    kind: str
    alone: bool
    """In an autocommit_block."""

    @property
    def do(self) -> str:
        return _DO[self.kind].format(self.name)

    @property
    def undo(self) -> str:
        return _UNDO[self.kind].format(self.name)

    @property
    def counts(self) -> bool:
        """Whether its effect can be seen."""
        return self.kind in _COUNT

    def done(self, database: Database) -> int:
        """Return how often it took effect."""
        return int(database.value(_COUNT[self.kind].format(self.name)))


@dataclass(frozen=True)
class Revision:
    """One revision."""

    name: str
    downs: tuple[str, ...]
    steps: tuple[Step, ...]
    commits_behind: int = -1
    """The step behind which the script executes its own COMMIT; -1: none."""

    @property
    def atomic(self) -> bool:
        return self.commits_behind < 0 and not any(step.alone for step in self.steps)

    def body(self) -> str:
        lines: list[str] = ["pass"]
        numbered = enumerate(self.steps)
        for alone, steps in groupby(numbered, lambda pair: pair[1].alone):
            if alone:
                lines.append("with op.get_context().autocommit_block():")
            for number, step in steps:
                lines += [f"{'    ' if alone else ''}{line}" for line in _lines(step)]
                lines += ['op.execute("COMMIT")'] if number == self.commits_behind else []
        return "\n".join(lines)


def _lines(step: Step) -> list[str]:
    if step.kind != "orm":
        return [f'op.execute("{step.do}")']
    return [
        "from sqlalchemy.orm import Session",
        "session = Session(bind=op.get_bind())",
        f'session.execute(sa.text("{step.do}"))',
        "session.commit()",
    ]


class Chain:
    """The revisions of a seed, always the same ones."""

    def __init__(self, seed: int, most: int = 15) -> None:
        self._random = random.Random(f"chain {seed}")
        self.revisions: list[Revision] = []
        length = self._random.randint(5, most)
        fork = self._random.randint(1, length - 3) if self._random.random() < 0.5 else length
        tops: tuple[str, ...] = ()
        for number in range(length):
            if fork < number < fork + 2:  # beside the one before
                downs: tuple[str, ...] = self.revisions[fork].downs
            else:
                downs = tops
            revision = self._revision(f"r{number}", downs)
            self.revisions.append(revision)
            tops = (revision.name,) if number != fork + 1 else (self.revisions[fork].name, revision.name)

    @property
    def heads(self) -> list[str]:
        downs = {down for revision in self.revisions for down in revision.downs}
        return sorted(revision.name for revision in self.revisions if revision.name not in downs)

    def contained(self, heads: list[str]) -> set[str]:
        """Return what a version table with these rows means."""
        downs = {revision.name: revision.downs for revision in self.revisions}
        found: set[str] = set()
        todo = list(heads)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += downs[name]
        return found

    def write(self, project: Project, database: Database) -> None:
        project.begin()
        for revision in self.revisions:
            down = revision.downs if len(revision.downs) > 1 else (revision.downs or (None,))[0]
            project.revision(revision.name, revision.body(), down=down)
        database.rows(BASICS)
        for step in (step for revision in self.revisions for step in revision.steps if step.kind in _BEFORE):
            database.rows(_BEFORE[step.kind].format(step.name))

    def _revision(self, name: str, downs: tuple[str, ...]) -> Revision:
        shape = self._random.choice(("within", "within", "alone", "mixed", "mixed", "commits"))
        count = self._random.randint(1, 4)
        alones = [shape == "alone" or (shape == "mixed" and self._random.random() < 0.5) for _ in range(count)]
        steps = tuple(
            Step(f"{name}s{number}", self._random.choice(_ALONE if alone else _WITHIN), alone)
            for number, alone in enumerate(alones)
        )
        return Revision(name, downs, steps, self._random.randrange(count) if shape == "commits" else -1)
