"""How far a command is whose progress PostgreSQL counts: CREATE INDEX and its siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.contract.progress import Build

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import OwnConnection

_VIEWS = (
    (
        120000,
        (
            "SELECT pid, command, phase,"
            " CASE WHEN phase LIKE 'waiting for %' THEN lockers_done WHEN blocks_total > 0 THEN blocks_done"
            " ELSE tuples_done END,"
            " CASE WHEN phase LIKE 'waiting for %' THEN lockers_total WHEN blocks_total > 0 THEN blocks_total"
            " ELSE tuples_total END FROM pg_catalog.pg_stat_progress_create_index"
        ),
    ),
    (
        90600,
        (
            "SELECT pid, 'VACUUM', phase, CASE phase WHEN 'vacuuming heap' THEN heap_blks_vacuumed"
            " ELSE heap_blks_scanned END, heap_blks_total FROM pg_catalog.pg_stat_progress_vacuum"
        ),
    ),
    (
        120000,
        "SELECT pid, command, phase, heap_blks_scanned, heap_blks_total FROM pg_catalog.pg_stat_progress_cluster",
    ),
    (
        130000,
        "SELECT pid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total FROM pg_catalog.pg_stat_progress_analyze",
    ),
    (140000, "SELECT pid, command, '', bytes_processed, bytes_total FROM pg_catalog.pg_stat_progress_copy"),
)
"""Since which version of the server there is which view; each row is pid, command, phase, done, total."""


def sql(version: int) -> str:
    """Return the query of everything that a server of this version counts (160004 is 16.4)."""
    return " UNION ALL ".join(view for since, view in _VIEWS if version >= since)


class Builds:
    """Looks at what one server counts, whose version is asked once for each connection."""

    def __init__(self, own: OwnConnection) -> None:
        """Ask which server this is."""
        self._own = own
        self._sql = sql(int(own.rows("SELECT pg_catalog.current_setting('server_version_num')")[0][0]))

    def look(self, pid: int) -> Build | None:
        """Return how far the command of a server's process is; None: it counts nothing, or hides it."""
        rows = self._own.rows(
            f"SELECT command, phase, done, total FROM ({self._sql}) AS p (pid, command, phase, done, total)"
            f" WHERE pid = {pid} AND command IS NOT NULL"
        )
        for command, phase, done, total in rows:
            return Build(str(command), str(phase or ""), int(done or 0), int(total or 0))
        return None
