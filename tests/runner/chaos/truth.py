"""What the database really contains, compared with what the runner promised and said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.runner.chaos.faults import SESSIONS
from tests.runner.chaos.scripts import BUILDS
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.chaos.scripts import Chain, Revision, Step
    from tests.runner.project import Run
    from tests.runner.server import Database

_TRANSIENT = (75, 76, 77, 143)
_EXISTS, _GONE, _CANCELLED = "42P07", "42704", "57014"
_EARLIER = "an earlier run ended in the middle"


@dataclass
class Truth:
    """Looks at one database and remembers every promise that was broken."""

    chain: Chain
    database: Database
    broken: list[str] = field(default_factory=list)
    partly: int = 0
    """How often a run stopped because a part was committed."""
    met: int = 0
    """How often one stopped at an index that a killed run had completed."""

    def accuse(self, condition: object, message: str) -> None:
        if condition:
            self.broken.append(message)

    # What a run said

    def hear(self, run: Run) -> None:
        """Judge what can be judged from the words alone."""
        for secret in (self.database.password, quote(self.database.password, safe="")):
            self.accuse(secret in run.everything, "a secret was told")
        lines = (run.stdout + run.stderr).splitlines()
        self.accuse([one for one in lines if one.startswith("Traceback")], "a bare traceback was written")
        error = run.result.error
        self.accuse((run.code == 0) != (error is None), f"exit {run.code} with error {error}")
        self.accuse("Traceback" in run.result.to_json(), "a traceback is in the Result")
        if run.code in (0, *_TRANSIENT) or run.result.reason == "PartlyApplied":
            return
        expected = error and run.result.reason == "RevisionFailed" and error.sqlstate in (_EXISTS, _GONE, _CANCELLED)
        self.accuse(not expected, f"unexpected: exit {run.code} {run.result.reason} {error}")

    # What is there, once nobody works any more

    def quiet(self) -> None:
        """Wait until no session of a runner is left."""
        count = f"select count(*) = 0 from pg_stat_activity where {SESSIONS}"
        until(lambda: self.database.value(count), 60, "the end of every session")

    def examine(self, runs: list[Run], *, killed: bool) -> None:
        """Compare the effects with the version table, the mark, and what the runs said."""
        contained = self.chain.contained(self.database.heads())
        for run in runs:
            if run.code == 0:
                self.accuse(self.database.heads() != self.chain.heads, "exit 0 without the heads")
        for revision in self.chain.revisions:
            done = {step: step.done(self.database) for step in revision.steps if step.counts}
            for step, times in done.items():
                self.accuse(times > 1, f"{step.name} ({step.kind}) was done {times} times")
                self.accuse(revision.name in contained and not times, f"{step.name} ({step.kind}) is missing")
            if revision.name not in contained:
                self._half(revision, {step for step, times in done.items() if times}, runs, killed=killed)
        counted = self.database.value("select n from counter"), self.database.value("select count(*) from journal")
        self.accuse(counted[0] != counted[1], f"counter and journal differ: {counted}")

    def _half(self, revision: Revision, done: set[Step], runs: list[Run], *, killed: bool) -> None:
        names = sorted(step.name for step in done)
        self.accuse(done and revision.atomic, f"half of {revision.name} is there: {names}")
        marked = [step for step in done if step.kind not in (*BUILDS, "lenient")]
        unmarked = marked and not revision.atomic and revision.name not in self.marks()
        self.accuse(unmarked, f"{names} of {revision.name} are committed, and there is no mark")
        for run in runs:
            error = run.result.error
            if error and error.revision == revision.name and run.result.reason == "PartlyApplied":
                self._told(revision, done, run, killed=killed)

    def _told(self, revision: Revision, done: set[Step], run: Run, *, killed: bool) -> None:
        error = run.result.error
        if not error or _EARLIER in error.message:
            return
        listed, perhaps = " ".join(error.committed), f"{error.statement} {' '.join(error.committed)}"
        for step in (step for step in revision.steps if step.counts):
            if _names(step, listed):
                self.accuse(step not in done, f"{step.name} was said to be committed, and is not")
            elif step in done and not (killed and step.kind in BUILDS):
                self.accuse(not _names(step, perhaps), f"{step.name} is committed, and was not said to be: {error}")

    def marks(self) -> list[str]:
        """Return the revisions that a mark names."""
        comment = self.database.value("select coalesce(obj_description('alembic_version'::regclass), '')")
        return re.findall(r"revision (\S+) has begun", comment)

    # What a person does

    def repair(self, run: Run, *, complete: bool) -> bool:
        """Undo or complete what is there, then do what the hint says; False: there is nothing to do."""
        error = run.result.error
        if not error or not error.revision:
            return False
        found = {revision.name: revision for revision in self.chain.revisions}
        revision = found[error.revision]
        met = run.result.reason == "RevisionFailed" and error.sqlstate in (_EXISTS, _GONE)
        if run.result.reason != "PartlyApplied" and not met:
            return False
        self.partly, self.met = self.partly + (not met), self.met + met
        if revision.name not in self.chain.contained(self.database.heads()):
            self._repair(revision, complete=complete)
        for advice in re.findall("run `(COMMENT[^`]*)`", error.hint):
            self.database.rows(advice)
        return True

    def _repair(self, revision: Revision, *, complete: bool) -> None:
        for step in revision.steps:
            done = step.done(self.database) if step.counts else 1
            if step.counts and done and not complete:
                self.database.rows(step.undo)
            if not done and complete:
                if step.kind in ("index", "unique", "lenient"):
                    self.database.rows(f"drop index if exists i_{step.name}")
                self.database.rows(step.do)
        if complete:
            downs = ", ".join(f"'{one}'" for one in revision.downs) or "''"
            later = {down for other in self.chain.revisions for down in other.downs if other.name != revision.name}
            kept = [one for one in revision.downs if one in later and not self._beside(revision)]
            self.accuse(kept, f"the test cannot stamp {revision.name}")
            self.database.rows(f"delete from alembic_version where version_num in ({downs})")
            self.database.rows(f"insert into alembic_version values ('{revision.name}')")

    def _beside(self, revision: Revision) -> bool:
        return any(other.downs == revision.downs for other in self.chain.revisions if other is not revision)

    # How everything ends

    def finish(self) -> None:
        """Judge what is left when all is done."""
        self.accuse(self.database.heads() != self.chain.heads, f"the heads are {self.database.heads()}")
        self.accuse(self.marks(), f"the mark is still there: {self.marks()}")
        invalid = self.database.rows("select indexrelid::regclass::text from pg_index where not indisvalid")
        self.accuse(invalid, f"invalid indexes are left: {invalid}")
        for revision in self.chain.revisions:
            for step in (one for one in revision.steps if one.kind == "reindex"):
                index = f"select indisvalid from pg_index where indexrelid = to_regclass('x_{step.name}')"
                self.accuse(self.database.rows(index) != [(True,)], f"x_{step.name} is not valid")
        locks = "select count(*) from pg_locks where locktype = 'advisory' and database ="
        count = self.database.value(f"{locks} (select oid from pg_database where datname = current_database())")
        self.accuse(count, f"{count} advisory locks are left")


def _names(step: Step, text: str) -> bool:
    return bool(re.search(rf"(?<![0-9a-z])(?:[a-z]_)?{step.name}\b", text))
