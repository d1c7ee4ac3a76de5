"""What the API server can answer instead of a result."""

from collections.abc import Mapping
from typing import Any

from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.runs import messages
from alembic_operator.kube import codec

_UNPROCESSABLE, _BAD_REQUEST, _FORBIDDEN, _NOT_FOUND, _SERVER_ERROR = 422, 400, 403, 404, 500

_DENIED = 'admission webhook "'
"""How the API server begins what a webhook has denied, whatever code and reason that one gave."""


class LoginError(Exception):
    """Nothing says which API server there is, or how to log in."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no service account of a pod, and no kubeconfig: {why}; set KUBECONFIG as for kubectl")


class ApiError(Exception):
    """The API server did not do it; `message` is its own sentence, cut where somebody made it long."""

    asked = ""
    """What for: a verb and a resource."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status = status
        self.reason = messages.bounded(reason)
        self.message = messages.bounded(message)
        super().__init__(f"{status} {self.reason}: {self.message}")


class UnreachableError(ApiError):
    """No answer came: whether it was done is not known."""


class LeaseLostError(ApiError):
    """It was not asked, because another process may lead now: this one must end."""

    def __init__(self) -> None:
        super().__init__(0, "LeaseLost", "this process leads no longer")


class NotFoundError(ApiError):
    """The object, or its kind, does not exist."""


class AlreadyExistsError(ApiError):
    """An object of that name exists."""


class ConflictError(ApiError):
    """The object changed, or is another one of the same name."""


class AnotherJobError(AlreadyExistsError):
    """A Job of that name exists that is not the one, or that no watch tells of."""

    def __init__(self, job: Job) -> None:
        super().__init__(409, "AlreadyExists", f"Job {job.name} exists already")
        self.job = job


class RefusedError(ApiError):
    """The object is not admitted: by a policy, a webhook, a quota or a missing right, which others can change."""


class InvalidError(RefusedError):
    """The object itself is wrong: the same request would be refused again."""


_BY_REASON = {"AlreadyExists": AlreadyExistsError, "Conflict": ConflictError}
_BY_STATUS = {
    _BAD_REQUEST: RefusedError,
    _FORBIDDEN: RefusedError,
    _NOT_FOUND: NotFoundError,
    _UNPROCESSABLE: RefusedError,
}
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}


def from_response(status: int, body: bytes) -> ApiError:
    """Return the error for a response; `body` is a metav1.Status, or whatever a proxy sent instead."""
    try:
        answer = codec.read(body)
        reason, message = str(answer.get("reason") or ""), str(answer.get("message") or "")
    except (ValueError, AttributeError, RecursionError):
        answer, reason, message = {}, "", body[:200].decode(errors="replace")
    return _kind(status, reason, message, _causes(answer))(status, reason, message)


def _kind(status: int, reason: str, message: str, causes: list[Mapping[str, Any]]) -> type[ApiError]:
    blames_fields = any(one.get("field") for one in causes)
    # A policy gives its sentence as a cause of no field, under the code that it likes; so does a webhook that is down.
    by_policy = bool(causes) and not blames_fields and status < _SERVER_ERROR
    if by_policy or message.startswith(_DENIED):
        return RefusedError
    if (status, reason) == (_BAD_REQUEST, "BadRequest") or (status == _UNPROCESSABLE and blames_fields):
        return InvalidError
    return _BY_REASON.get(reason) or _BY_STATUS.get(status, ApiError)


def _causes(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = answer.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [one for one in causes if isinstance(one, dict)] if isinstance(causes, list) else []


def asked(method: str, path: str) -> str:
    """Return what a request is for, in the words of RBAC: `create jobs`, `patch databasemigrations/status`."""
    parts = path.strip("/").split("/")
    within = parts[2:] if parts[0] == "api" else parts[3:]
    plural, *rest = (within[2:] if within[:1] == ["namespaces"] else within) or [path]
    verb = _VERBS.get(method) or ("get" if rest else "list")
    return f"{verb} {'/'.join((plural, *rest[1:]))}"
