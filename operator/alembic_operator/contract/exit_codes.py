"""How a runner ends."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """How a runner ended; the Job's pod failure policy is made of these."""

    OK = 0
    """The target is in the database, read back on a fresh connection."""
    USAGE = 64
    """The command line or Alembic's configuration cannot be used."""
    SCRIPTS = 65
    """The scripts are wrong: several heads for `head`, an unknown target, a broken chain."""
    DATABASE_AHEAD = 66
    """The database holds a revision that these scripts do not know, and may not or cannot be left as it is."""
    FAILED = 70
    """A revision failed and a retry will not heal it."""
    TRY_AGAIN = 75
    """Connection, lock, serialization, failover: a retry may heal it."""
    TIME_LIMIT = 76
    """The runner's own time limit was reached."""
    REFUSED = 77
    """The database refused: authentication, missing rights, a pooler in transaction mode."""
    TERMINATED = 143
    """Asked to stop by SIGTERM; the running statement was cancelled."""


FINAL_EXIT_CODES = (ExitCode.USAGE, ExitCode.SCRIPTS, ExitCode.DATABASE_AHEAD, ExitCode.FAILED)
"""What waiting cannot heal: the migration stalls until a person changes something."""

JOB_FAILING_EXIT_CODES = (*FINAL_EXIT_CODES, ExitCode.REFUSED)
"""What another pod of the same Job cannot heal: the Job fails at once."""
