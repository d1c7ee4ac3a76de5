"""What operator and runner agree on: the command line, the exit codes and the Result.

Standard library only, Python 3.9 or newer: the runner carries this room into the user's image. What only a migration of
tenants needs is not imported here: every start would pay for it.
"""

from alembic_operator.contract.durations import DURATION_PATTERN, seconds
from alembic_operator.contract.exit_codes import FINAL_EXIT_CODES, JOB_FAILING_EXIT_CODES, ExitCode
from alembic_operator.contract.invocation import (
    COMMANDS,
    PROGRESS_VARIABLE,
    SPARES_VARIABLE,
    Address,
    Ahead,
    Downgrade,
    History,
    Invocation,
)
from alembic_operator.contract.result import RESULT_BYTES, TERMINATION_LOG, VERSION, Applied, Failure, Result

__all__ = [
    "COMMANDS",
    "DURATION_PATTERN",
    "FINAL_EXIT_CODES",
    "JOB_FAILING_EXIT_CODES",
    "PROGRESS_VARIABLE",
    "RESULT_BYTES",
    "SPARES_VARIABLE",
    "TERMINATION_LOG",
    "VERSION",
    "Address",
    "Ahead",
    "Applied",
    "Downgrade",
    "ExitCode",
    "Failure",
    "History",
    "Invocation",
    "Result",
    "seconds",
]
