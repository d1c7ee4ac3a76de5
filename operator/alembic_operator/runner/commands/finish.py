"""The end of a run: read back on fresh connections what the database now contains, and say it in the Result."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Applied, Result
from alembic_operator.runner.database.reader import Reader
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify, first_line
from alembic_operator.runner.project import environment, scripts, state

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.process.journal import Journal


@dataclass(frozen=True)
class Finish:
    """What the end needs to know of the run."""

    invocation: Invocation
    sites: list[Site]
    script: Any
    left: Callable[[Any, tuple[str, ...], tuple[str, ...]], tuple[str, ...]]
    """Returns the revisions that are still to run."""
    journal: Journal
    is_of_fleet: bool = False
    """Somebody else reads everything back on another connection."""

    def read_back(self, applied: tuple[Applied, ...], verdict: Verdict | None) -> Result:
        """Return the Result of a run, given what it applied and why it failed."""
        begun = time.monotonic()
        result = self._read_back(applied, verdict)
        return replace(result, read_back_ms=round((time.monotonic() - begun) * 1000))

    def _read_back(self, applied: tuple[Applied, ...], verdict: Verdict | None) -> Result:
        before = scripts.union(site.before or () for site in self.sites)
        target = scripts.union(site.target or () for site in self.sites)
        result = Result("", before, target=target, applied=applied, warnings=self._left_out())
        try:
            after = self._after(verdict)
            pending = self._pending(after)
            result = replace(result, applied=self._kept(result, after))
        except BaseException as error:  # noqa: BLE001  whatever it is, the Result must come
            verdict = verdict or classify(error, Scene(server=self.sites[0].origin.place))
            return replace(result, reason=str(verdict.reason), error=verdict.failure)
        ahead = any(site.ahead for site in self.sites)
        result = replace(result, to=scripts.union(after), pending=pending, ahead=ahead)
        verdict = verdict or self._not_committed(pending, ahead)
        if verdict is None:
            if not self.sites:
                result = replace(result, warnings=(*result.warnings, environment.NOTHING))
                self.journal.warning("nothing to migrate", message=environment.NOTHING)
            return replace(result, reason=str(Reason.DATABASE_AHEAD if ahead else Reason.UP_TO_DATE))
        return replace(result, reason=str(verdict.reason), error=verdict.failure)

    def _after(self, verdict: Verdict | None) -> list[tuple[str, ...]]:
        if self.is_of_fleet and verdict is None and all(site.is_seen_there for site in self.sites):
            return [site.seen or () for site in self.sites]  # over the connection that would be borrowed
        reader = Reader(borrows=self.is_of_fleet)
        try:
            return reader.read(self.sites)
        except Exception as error:
            seen = [site.seen for site in self.sites if site.seen is not None and site.counts_early(error)]
            if verdict or len(seen) < len(self.sites):
                raise
            message = f"read back while env.py ran; the way to the database has ended with it: {first_line(error)}"
            self.journal.info("read back earlier", message=message)
            return seen
        finally:
            reader.close()

    def _left_out(self) -> tuple[str, ...]:
        look = scripts.left_out_once if self.is_of_fleet else scripts.left_out
        warnings = look(self.script) if self.script else ()
        for one in warnings:
            self.journal.warning("revisions are left out", message=one)
        return warnings

    def _pending(self, after: list[tuple[str, ...]]) -> int:
        pairs = zip(self.sites, after)  # noqa: B905  3.9 has no strict
        aimed = [(site.target, heads) for site, heads in pairs if site.target is not None and not site.ahead]
        return sum(len(self.left(self.script, target, heads)) for target, heads in aimed)

    def _kept(self, result: Result, after: list[tuple[str, ...]]) -> tuple[Applied, ...]:
        """Return what the database really shows; a transaction of env.py may have rolled the rest back.

        A revision that leads to the target was applied and must be there; any other was undone and must not.
        """
        if not result.applied:
            return ()
        graph = scripts.graph(self.script)
        wanted, there = state.contained(graph, result.target), state.contained(graph, scripts.union(after))
        return tuple(one for one in result.applied if (one.revision in wanted) == (one.revision in there))

    def _not_committed(self, pending: int, ahead: bool) -> Verdict | None:
        if ahead or not pending:
            return None
        message = f"Alembic ended without an error, but the work of {pending} revision(s) is not in the database"
        hint = (
            "A transaction of env.py rolled them back: let context.begin_transaction() begin and commit it, "
            "or commit what env.py began itself."
        )
        return Ending(Reason.NOT_COMMITTED, message, hint).verdict
