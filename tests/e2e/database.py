"""One database of the PostgreSQL that all tests share, with a trace of what revisions did to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.project import REVISIONS

if TYPE_CHECKING:
    from demo.access import Access

OWNER = "shop"
"""Of demo/manifests/postgres.yaml: its only user, and the database that is always there."""

# Sequences are not rolled back: they count what was begun, and not only what was committed.
TRACE = (
    "CREATE TABLE applied (revision text, at timestamptz DEFAULT clock_timestamp());"
    + "".join(f"CREATE SEQUENCE began_{name}; CREATE SEQUENCE released_{name};" for name in REVISIONS)
    + """
CREATE SEQUENCE overlapped;
CREATE FUNCTION step(revision text, held bool) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first bool := nextval('began_' || revision) = 1;
  released bool := NOT held OR NOT first;
  give_up timestamptz := clock_timestamp() + interval '3 minutes';
BEGIN
  IF EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
             AND state = 'active' AND query LIKE 'SELECT step(%') THEN
    PERFORM nextval('overlapped');
  END IF;
  WHILE NOT released AND clock_timestamp() < give_up LOOP
    PERFORM pg_sleep(0.1);
    EXECUTE format('SELECT is_called FROM %I', 'released_' || revision) INTO released;
  END LOOP;
  INSERT INTO applied VALUES (revision);
END $$
"""
)


# In one session: each new one is an exec in the pod. Each look is a transaction of its own, which nobody waits for.
UNTIL = """
DO $$
DECLARE
  give_up timestamptz := clock_timestamp() + interval '{seconds} s';
BEGIN
  WHILE NOT EXISTS ({query}) LOOP
    IF clock_timestamp() > give_up THEN
      RAISE 'no row within {seconds} s';
    END IF;
    COMMIT;
    PERFORM pg_sleep(0.2);
  END LOOP;
END $$
"""


@dataclass(frozen=True)
class Database:
    """A database, reached by psql in the server's own pod."""

    access: Access
    name: str
    user: str = OWNER

    def create(self) -> Database:
        """Make it, with the trace in it."""
        Database(self.access, OWNER).rows(f"CREATE DATABASE {self.name} STRATEGY file_copy TEMPLATE template0")
        self.rows(TRACE)
        return self

    def rows(self, sql: str) -> list[str]:
        """Run SQL and return what it prints, line by line."""
        command = ["psql", f"--username={self.user}", f"--dbname={self.name}", "--set=ON_ERROR_STOP=1", "-XqAt"]
        return self.access.kubectl("exec", "--stdin", "postgres-0", "--", *command, stdin=sql).splitlines()

    def until(self, query: str, seconds: float) -> None:
        """Wait until a query has rows."""
        self.rows(UNTIL.format(query=query, seconds=seconds))

    def began(self, revision: str) -> int:
        """Count how often a revision was begun, committed or not."""
        return self._count(f"began_{revision}")

    def release(self, revision: str) -> None:
        """Let a revision that is held go on."""
        self.rows(f"SELECT nextval('released_{revision}')")

    def overlapped(self) -> int:
        """Count how often a revision began while another one was running."""
        return self._count("overlapped")

    def applied(self) -> list[str]:
        """List what was committed, in that order."""
        return self.rows("SELECT revision FROM applied ORDER BY at")

    def heads(self) -> list[str]:
        """List what the version table says."""
        return self.rows("SELECT version_num FROM alembic_version ORDER BY 1")

    def _count(self, sequence: str) -> int:
        return int(self.rows(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")[0])
