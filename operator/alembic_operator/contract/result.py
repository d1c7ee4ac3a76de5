"""What a run reports."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic_operator.contract.fleet import Fleet

VERSION = 1
"""Version of the Result's shape; a reader refuses a newer one."""

RESULT_BYTES = 4096
"""Kubernetes keeps this many bytes of a container's termination message."""

TERMINATION_LOG = "/dev/termination-log"
"""Where Kubernetes reads a container's termination message."""


@dataclass(frozen=True)
class Applied:
    """One revision that this run applied and committed."""

    revision: str
    ms: int = 0


@dataclass(frozen=True)
class Failure:
    """What went wrong, for a person; literals are masked and no secret appears."""

    message: str
    """First line of the error."""
    sqlstate: str = ""
    """PostgreSQL's error code, when the server sent one."""
    revision: str = ""
    """The revision that was running."""
    statement: str = ""
    """The statement that failed, cut, its literals masked."""
    hint: str = ""
    """What to do next."""
    committed: tuple[str, ...] = ()
    """Statements of the failed revision that are committed nevertheless, in their order, cut and masked; or what the
    catalogue shows of a run that was killed."""


@dataclass(frozen=True)
class Result:
    """What a run found and did; at most RESULT_BYTES of JSON in the termination message."""

    reason: str
    """One of `api.reasons.Reason`."""
    from_: tuple[str, ...] = ()
    """Database heads before the run."""
    to: tuple[str, ...] = ()
    """Database heads after it, read back on a fresh connection."""
    target: tuple[str, ...] = ()
    """Script heads that the target names."""
    pending: int = 0
    """Revisions that are still missing."""
    ahead: bool = False
    """The database holds a revision that these scripts do not know."""
    applied: tuple[Applied, ...] = ()
    applied_count: int = 0
    """How many were applied; more than `applied` lists when the list had to shrink."""
    lock_ms: int = 0
    """How long it waited for locks: for those of other migrations, and with revisions that gave up because of one."""
    read_back_ms: int = 0
    error: Failure | None = None
    warnings: tuple[str, ...] = ()
    """What somebody should look at although nothing failed; one sentence each, most important first."""
    tenants: Fleet | None = None
    """How all tenants stand; None: the migration has none."""
    alembic: str = ""
    sqlalchemy: str = ""
    driver: str = ""
    version: int = field(default=VERSION)

    def to_json(self) -> str:
        """Return compact JSON of at most RESULT_BYTES bytes: lists shrink first, then texts."""
        result = self if self.applied_count else replace(self, applied_count=len(self.applied))
        while len(text := result.dump().encode()) > RESULT_BYTES:
            result = result.shrunk(len(text) - RESULT_BYTES)
        return text.decode()

    def dump(self) -> str:
        """Return the JSON, however long it is."""
        facts = asdict(self)
        for key, name in _NAMES.items():
            facts[name] = facts.pop(key)
        text = json.dumps(facts, separators=(",", ":"), ensure_ascii=False)
        return text.encode(errors="replace").decode()  # half a surrogate pair is no UTF-8

    def shrunk(self, excess: int) -> Result:
        """Return it without what is missed least, when it is `excess` bytes too long."""
        if self.applied:
            return replace(self, applied=self.applied[len(self.applied) // 2 + 1 :])
        if self.tenants and (shorter := self.tenants.shrunk()):
            return replace(self, tenants=shorter)
        for name, least in (("from_", 1), ("to", 1), ("target", 1), ("warnings", 0)):
            if len(many := getattr(self, name)) > least:
                return replace(self, **{name: many[: len(many) // 2]})
        if self.error and self.error.committed:
            committed = self.error.committed[: len(self.error.committed) // 2]
            return replace(self, error=replace(self.error, committed=committed))
        return self._with_shorter_text(excess)

    def _with_shorter_text(self, excess: int) -> Result:
        longest = max(_FAILURE_KEYS, key=lambda name: len(getattr(self.error, name, "")))
        text = getattr(self.error, longest, "")
        if self.error is None or len(text) <= len(_CUT):
            raise ValueError("a Result without lists and texts does not fit the termination message")
        kept = text[: max(0, len(text) - excess // 4 - 2 * len(_CUT))]
        shorter: dict[str, Any] = {longest: kept + _CUT}
        return replace(self, error=replace(self.error, **shorter))

    @staticmethod
    def from_json(text: str) -> Result | None:
        """Read a termination message; None when it is not a Result of this version."""
        try:
            raw = json.loads(text)
            return _result(raw) if raw["version"] == VERSION else None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return None


def _result(raw: dict[str, Any]) -> Result:
    error = raw.get("error") or {}
    said: Any = {key: str(error.get(key) or "") for key in _FAILURE_KEYS}
    others: Any = {key: _strings(raw.get(key)) for key in ("to", "target", "warnings")}
    others |= {key: str(raw.get(key, "")) for key in ("alembic", "sqlalchemy", "driver")}
    return Result(
        reason=str(raw["reason"]),
        from_=_strings(raw.get("from")),
        pending=int(raw.get("pending", 0)),
        ahead=bool(raw.get("ahead", False)),
        applied=tuple(Applied(str(one["revision"]), int(one.get("ms", 0))) for one in raw.get("applied") or ()),
        applied_count=int(raw.get("appliedCount", 0)),
        lock_ms=int(raw.get("lockMs", 0)),
        read_back_ms=int(raw.get("readBackMs", 0)),
        error=Failure(**said, committed=_strings(error.get("committed"))) if error else None,
        tenants=_fleet(raw["tenants"]) if raw.get("tenants") else None,
        **others,
    )


def _fleet(raw: Any) -> Fleet:
    from alembic_operator.contract.fleet import Fleet  # noqa: PLC0415  most migrations have no tenants

    return Fleet.read(raw)


_CUT = "..."
_NAMES = {"from_": "from", "applied_count": "appliedCount", "lock_ms": "lockMs", "read_back_ms": "readBackMs"}
_FAILURE_KEYS = ("message", "sqlstate", "revision", "statement", "hint")


def _strings(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        raise TypeError("heads are a list")
    return tuple(str(one) for one in raw or ())
