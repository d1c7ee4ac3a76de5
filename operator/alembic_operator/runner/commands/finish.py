"""The end of a run: read back on fresh connections what the database now contains, and say it in the Result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Applied, Result
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify
from alembic_operator.runner.project import scripts

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.sites import Site


@dataclass(frozen=True)
class Finish:
    """What the end needs to know of the run."""

    invocation: Invocation
    sites: list[Site]
    script: Any
    left: Callable[[Any, tuple[str, ...], tuple[str, ...]], tuple[str, ...]]
    """Returns the revisions that are still to run."""

    def read_back(self, applied: tuple[Applied, ...], verdict: Verdict | None) -> Result:
        """Return the Result of a run, given what it applied and why it failed."""
        before = scripts.union(site.before or () for site in self.sites)
        target = scripts.union(site.target for site in self.sites)
        result = Result("", before, target=target, applied=applied)
        try:
            after = [site.read(self.invocation.role) for site in self.sites]
            pending = self._pending(after)
            result = replace(result, applied=self._kept(result.applied, after))
        except BaseException as error:  # noqa: BLE001  whatever it is, the Result must come
            verdict = verdict or classify(error, Scene(server=self.sites[0].origin.place))
            return replace(result, reason=str(verdict.reason), error=verdict.failure)
        ahead = any(site.ahead for site in self.sites)
        result = replace(result, to=scripts.union(after), pending=pending, ahead=ahead)
        verdict = verdict or self._not_committed(pending, ahead)
        if verdict is None:
            return replace(result, reason=str(Reason.DATABASE_AHEAD if ahead else Reason.UP_TO_DATE))
        return replace(result, reason=str(verdict.reason), error=verdict.failure)

    def _pending(self, after: list[tuple[str, ...]]) -> int:
        pairs = [(site, heads) for site, heads in zip(self.sites, after) if not site.ahead]  # noqa: B905  3.9
        return sum(len(self.left(self.script, site.target, heads)) for site, heads in pairs)

    def _kept(self, applied: tuple[Applied, ...], after: list[tuple[str, ...]]) -> tuple[Applied, ...]:
        """Return what the database really contains; a transaction of env.py may have rolled the rest back."""
        names = tuple(one.revision for one in applied)
        lost = set(scripts.missing(self.script, names, scripts.union(after))) if names else set()
        return tuple(one for one in applied if one.revision not in lost)

    def _not_committed(self, pending: int, ahead: bool) -> Verdict | None:
        if ahead or not pending:
            return None
        message = f"Alembic ended without an error, but {pending} revision(s) are not in the database"
        hint = (
            "A transaction of env.py rolled them back: let context.begin_transaction() begin and commit it, "
            "or commit what env.py began itself."
        )
        return Ending(Reason.NOT_COMMITTED, message, hint).verdict
