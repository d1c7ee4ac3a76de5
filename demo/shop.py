"""Questions to what runs in the cluster: the users service, the client that counts, and the database itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.expectation import UnmetError

if TYPE_CHECKING:
    from demo.access import Access

CLIENT = Path(__file__).parent / "client.py"


@dataclass(frozen=True)
class Counts:
    """What the client has counted so far."""

    answered: dict[str, int]
    """Answers, by the release that gave them."""
    failed: int
    problem: str
    """The last failure."""
    slowest: float
    """The longest that one answer took, in seconds."""

    @property
    def total(self) -> int:
        """Give all answers."""
        return sum(self.answered.values())


def users(access: Access) -> dict[str, Any]:
    """Ask the service for its users, through the API server."""
    path = f"/api/v1/namespaces/{access.namespace}/services/users:http/proxy/users"
    answer: dict[str, Any] = json.loads(access.kubectl("get", f"--raw={path}"))
    return answer


def start_client(access: Access) -> None:
    """Let a pod ask the service all the time."""
    script = ["create", "configmap", "client", f"--from-file={CLIENT}", "--dry-run=client", "--output=json"]
    access.kubectl("apply", "--filename=-", stdin=access.kubectl(*script))
    access.apply("client.yaml")


def counts(access: Access) -> Counts | None:
    """Read what the client wrote last; None before its first answer."""
    try:
        lines = access.kubectl("logs", "client", "--tail=1").splitlines()
    except UnmetError:  # its container does not run yet
        return None
    return Counts(**json.loads(lines[-1])) if lines else None


def revisions(access: Access) -> tuple[str, ...]:
    """Ask the database itself what it contains."""
    question = 'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -Atc "SELECT version_num FROM alembic_version"'
    return tuple(sorted(access.kubectl("exec", "postgres-0", "--", "sh", "-c", question).split()))
