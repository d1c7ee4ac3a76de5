"""Ask the Kubernetes API a few plain questions, without waiting for kubectl to start."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from devcluster.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devcluster.pki import Pki

FIELD_MANAGER = "devcluster"
NOT_FOUND = 404
FIRST_FAILURE = 400


class ApiError(FailureError):
    """The API answered, and the answer was no; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Api:
    """One user's view of one API server; every request has its own connection."""

    server: str
    context: ssl.SSLContext

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object or list; None when it does not exist. Raises OSError when nobody answers."""
        try:
            answer: dict[str, Any] = json.loads(self._request("GET", path))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return answer

    def is_ready(self, path: str = "/readyz") -> bool:
        """Tell whether the API server answers `path` with success; any trouble is a no."""
        try:
            self._request("GET", path)
        except (OSError, ApiError, http.client.HTTPException):
            return False
        return True

    def apply(self, path: str, manifest: dict[str, Any]) -> None:
        """Make the object at `path` be as the manifest says, by server-side apply."""
        query = f"?fieldManager={FIELD_MANAGER}&force=true"
        self._request("PATCH", path + query, manifest, "application/apply-patch+yaml")

    def delete(self, path: str) -> None:
        """Delete the object; one that is gone already is as good."""
        try:
            self._request("DELETE", path)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def watch(self, path: str, seconds: int) -> Iterator[dict[str, Any]]:
        """Yield the events of a watch that lasts at most so long."""
        connection = self._connect(timeout=seconds + 5)
        try:
            connection.request("GET", path)
            for line in connection.getresponse():
                yield json.loads(line)
        finally:
            connection.close()

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None, kind: str = "") -> bytes:
        connection = self._connect(timeout=10)
        headers = {"Content-Type": kind} if kind else {}
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= FIRST_FAILURE:
            raise ApiError(response.status, answer.decode(errors="replace"))
        return answer

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(urlsplit(self.server).netloc, context=self.context, timeout=timeout)


def connect(server: str, pki: Pki, name: str) -> Api:
    """Speak to the server as the subject whose certificate has this name."""
    context = ssl.create_default_context(cafile=str(pki.authority))
    context.load_cert_chain(pki.certificate(name), pki.key(name))
    return Api(server, context)
