"""Give Alembic's option sqlalchemy.url the address: many an env.py connects where it says.

Programs that carry their own migrations set it just before they call Alembic; their alembic.ini names nothing of use.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import URL

from alembic_operator.runner.database import direct

if TYPE_CHECKING:
    from alembic_operator.runner.database.address import Address

_NAME = "sqlalchemy.url"
_ASYNCHRONOUS = re.compile(r"create_async_engine|async_engine_from_config|AsyncEngine")


def give_url(config: Any, script: Any, address: Address | None) -> None:
    """Let the option lead to the address, unless it leads to some PostgreSQL already and is only redirected."""
    if address is None or _leads_to_postgresql(config):
        return
    driver = direct.driver(asynchronous=_is_asynchronous(script))
    if driver:
        url = _url(driver, address).render_as_string(hide_password=False)
        config.set_section_option(config.config_ini_section, _NAME, url.replace("%", "%%"))


def _leads_to_postgresql(config: Any) -> bool:
    """Tell whether the option is a PostgreSQL URL, or a pattern that env.py fills in."""
    try:
        said = config.file_config.get(config.config_ini_section, _NAME, raw=True)
    except configparser.Error:
        return False
    return said.startswith("postgresql") or "%(" in said


def _is_asynchronous(script: Any) -> bool:
    try:
        return bool(_ASYNCHRONOUS.search(Path(script.dir, "env.py").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def _url(driver: str, address: Address) -> URL:
    """Return it without the password: each connection is given that when it is made, and an env.py may print this."""
    one = "," not in address.host and address.port.isdigit()
    host, port = (address.host, int(address.port)) if one else (None, None)
    return URL.create(f"postgresql+{driver}", address.user or None, None, host, port, address.database or None)
