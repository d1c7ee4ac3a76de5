"""What the API server can answer instead of a result."""

import json


class ApiError(Exception):
    """The API server did not do it; `message` is its own sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


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


class RefusedError(ApiError):
    """The object is invalid or not admitted: the same request would be refused again."""


_BY_REASON = {"AlreadyExists": AlreadyExistsError, "Conflict": ConflictError}
_BY_STATUS = {404: NotFoundError, 400: RefusedError, 403: RefusedError, 422: RefusedError}


def from_response(status: int, body: bytes) -> ApiError:
    """Return the error for a response; `body` is a metav1.Status, or whatever a proxy sent instead."""
    try:
        answer = json.loads(body)
        reason, message = str(answer.get("reason") or ""), str(answer.get("message") or "")
    except (ValueError, AttributeError):
        reason, message = "", body[:200].decode(errors="replace")
    kind = _BY_REASON.get(reason) or _BY_STATUS.get(status, ApiError)
    return kind(status, reason, message)
