"""The seat of those who watch revisions run: they see each station and add what they saw to the log and the Result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic_operator.contract import Result
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.process.failures import Verdict


class Witness:
    """Watches one run. Every station may be left as it is; an error in one ends the revision like its own."""

    def waiting(self, site: Site, own: OwnConnection) -> None:
        """See a version table whose lock another run holds, and what asks for it; once in each attempt that waits."""

    def locked(self, site: Site) -> None:
        """See a version table that was just locked, before its heads are compared; once for each attempt."""

    def read(self, site: Site) -> None:
        """See a version table whose heads were read for the first time in this run."""

    def planned(self, revisions: int) -> None:
        """See how many revisions are to run from here on, before the first of them does; once for each attempt."""

    def begun(self, revision: str, connection: Any) -> None:
        """See a revision in its transaction, just before its function is called."""

    def autocommitting(self, *, entered: bool) -> None:
        """See a revision enter an autocommit_block, before what came before it is committed, or leave one."""

    def ran(self, revision: str) -> None:
        """See a revision whose function has returned, before its row is in the version table."""

    def applying(self, revision: str, connection: Any) -> None:
        """See a revision whose row is in the version table, with the transaction still open."""

    def applied(self, revision: str) -> dict[str, Any]:
        """See a revision that is committed; return facts for its line in the log."""
        del revision
        return {}

    def failed(self, verdict: Verdict) -> Verdict:
        """See why an attempt failed; return it, with what is known better."""
        return verdict

    def read_early(self, site: Site, own: OwnConnection) -> None:
        """See a version table whose revisions have run, and perhaps not all been committed, while it can be reached."""

    def over(self) -> None:
        """See that no revision will run any more, before everything is read back."""

    def ended(self, result: Result) -> Result:
        """See the Result after everything was read back, while the locks are still held; return it, completed."""
        return result
