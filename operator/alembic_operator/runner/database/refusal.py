"""Ask a server why it refuses, where a driver repeats its words without the SQLSTATE and they are not understood."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import wire
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.process.needs_alembic import NeedsAlembic

if TYPE_CHECKING:
    from collections.abc import Mapping

_ELSEWHERE = ("dsn", "conninfo", "hostaddr", "service", "passfile")
"""Arguments that only libpq can read."""

_CAUTION = re.compile(r"ssl(?!mode$|rootcert$)|channel_binding|require|gss|krb")
"""With these it tells a server nothing that it told another one; nor must this."""


def why(cparams: Mapping[str, Any]) -> wire.ServerError | None:
    """Log in once more as a libpq driver did, and return what the server answers; None: that it cannot be told."""
    if any(cparams.get(name) for name in _ELSEWHERE) or any(map(_CAUTION.match, cparams)):
        return None
    try:
        address = _address(cparams)
        wire.require_plain(address, os.environ)
        wire.connect(address, "alembic-operator", os.environ).close()
    except wire.ServerError as refused:
        return refused
    except (OSError, NeedsAlembic):
        return None
    return None


def _address(cparams: Mapping[str, Any]) -> Address:
    names = ("host", "port", "user", "password")
    texts = {name: str(cparams.get(name) or os.environ.get(f"PG{name.upper()}", "")) for name in names}
    database = cparams.get("dbname") or cparams.get("database") or os.environ.get("PGDATABASE") or texts["user"]
    sslmode = cparams.get("sslmode") or os.environ.get("PGSSLMODE", "")
    options = tuple((key, str(value)) for key, value in cparams.items() if key == "sslrootcert")
    return Address(**texts, database=str(database), sslmode=str(sslmode), options=options)
