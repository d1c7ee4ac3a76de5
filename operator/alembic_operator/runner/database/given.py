"""What the environment says of the database: its address, and what no log may repeat."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.address import Address, from_environment, parse
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.masking import Secrets, passwords

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation


def secrets() -> Secrets:
    """Return every secret that the environment shows as such."""
    secrets = Secrets(os.environ.get("PGPASSWORD", ""), *passwords(os.environ))
    with contextlib.suppress(ValueError):
        found = from_environment(os.environ)
        secrets.learn(found.password if found else "")
        secrets.learn(parse(os.environ.get("DATABASE_URL", "")).password)
    return secrets


def address(invocation: Invocation) -> Address | None:
    """Return where to connect to; None: where env.py does.

    Raises:
        Ending: NotPostgreSQL, ConfigInvalid.
    """
    if invocation.database != "environment":
        return None
    try:
        where = from_environment(os.environ)
    except ValueError as error:
        raise Ending(Reason.NOT_POSTGRESQL, str(error), "Correct the URL in the Secret.") from error
    if where is None:
        raise Ending(Reason.CONFIG_INVALID, "neither PGHOST nor DATABASE_URL is set", "Set one of them.")
    return where
