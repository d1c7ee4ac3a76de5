"""No password appears anywhere: the last test searches everything that the others have made anybody see."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.e2e.conftest import GROUPS
from tests.e2e.project import ENV, chain
from tests.e2e.test_failures import WRONG_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.access import Access
    from tests.e2e.conftest import Stage, Start

PIECE = 6
"""So many characters of a password are too many."""

TALKATIVE = """
import logging
import os
import sys
from urllib.parse import quote

password = os.environ["PGPASSWORD"]
print("connecting to", "postgresql://shop:" + quote(password, safe="") + "@postgres/shop")
print("PASSWORD", password, file=sys.stderr, flush=True)
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("app").warning("password=%s", password)
"""


def test_an_env_py_that_prints_its_password_is_masked(start: Start) -> None:
    migration = start("talkative", chain("r1"), env=TALKATIVE + ENV)
    migration.until_ready()
    logs = migration.logs()
    assert "connecting to" in logs
    assert "PASSWORD" in logs


def test_an_env_py_that_raises_its_password_is_masked(start: Start) -> None:
    migration = start("outspoken", chain("r1"), env=TALKATIVE + 'raise RuntimeError(f"cannot use {password}")')
    told = migration.until_stalled()
    assert told.reason == "EnvFailed"
    assert "cannot use" in told.message


@pytest.mark.parametrize("group", GROUPS)
def test_no_password_is_in_any_log_event_status_or_manifest(stage: Stage, group: str) -> None:
    assert group  # each of them has a worker, and a stage, of its own
    for access in (stage.access, stage.operator):
        stage.evidence.logs(access)
    stage.evidence.end()
    for word in ("POSTGRES_PASSWORD", "UpToDate", "revision applied", "was created"):
        assert list(stage.evidence.found((word,)))  # there is something to search
    words = {word for password in _passwords(stage.access) for word in _disguises(password)}
    assert list(stage.evidence.found(tuple(sorted(words)))) == []


def _passwords(access: Access) -> Iterator[str]:
    data = access.get("secret", "postgres")["data"]
    yield base64.b64decode(data["POSTGRES_PASSWORD"]).decode()
    yield WRONG_PASSWORD


def _disguises(password: str) -> Iterator[str]:
    """Yield every piece of the password as it is and as in a URL, and the whole as in a Secret."""
    for written in (password, quote(password, safe=""), quote(password), password.replace("%", "%%")):
        yield from (written[start : start + PIECE] for start in range(len(written) - PIECE + 1))
    yield base64.b64encode(password.encode()).decode().rstrip("=")
