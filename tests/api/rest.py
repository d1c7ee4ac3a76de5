"""Speak plain REST to the API server of the tests: a few verbs, quick, and loud when the answer is a refusal."""

import http.client
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

FIRST_FAILURE = 400
IDLE = 60.0
"""Seconds after which to connect anew: the API server hangs up on who says nothing for 90."""
JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PATCH = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}

Manifest = dict[str, Any]


class RefusedError(Exception):
    """The API server's answer was no success."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer.get('code')} {answer.get('reason')}: {answer.get('message')}")
        self.code = int(answer.get("code", 0))
        self.message = str(answer.get("message", ""))
        causes = (answer.get("details") or {}).get("causes") or ()
        self.blamed = [(str(one.get("field", "")), str(one.get("message", ""))) for one in causes]
        """The fields that the server blames, each with what it says about it; a field may come twice."""


@dataclass
class Rest:
    """One administrator's connection, not for several threads at once.

    Methods take whole manifests and find the address themselves; `namespace=""` means an object of the cluster.
    """

    url: str
    context: ssl.SSLContext
    connection: http.client.HTTPSConnection = field(init=False)
    warnings: list[str] = field(default_factory=list)
    """What the last answer warned of."""
    asked: float = field(default_factory=time.monotonic)
    """When it was last used."""

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPSConnection(urlsplit(self.url).netloc, context=self.context, timeout=30)

    def close(self) -> None:
        """Hang up."""
        self.connection.close()

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, **query: str) -> Any:
        """Send one request and return the answer; raises RefusedError when it is no success."""
        target = f"{path}?{urlencode(query)}" if query else path
        sent = None if body is None else json.dumps(body)
        if time.monotonic() - self.asked > IDLE:
            self.connection.close()
        self.asked = time.monotonic()
        self.connection.request(method, target, sent, {"Content-Type": JSON, "Accept": JSON} | (headers or {}))
        response = self.connection.getresponse()
        text = response.read().decode()
        self.warnings = response.headers.get_all("Warning", [])
        is_json = response.headers.get_content_type() == JSON
        answer = json.loads(text) if is_json else {"code": response.status, "message": text}
        if response.status >= FIRST_FAILURE:
            raise RefusedError(answer)
        return answer

    def minor(self) -> int:
        """Return which Kubernetes the server is: 36 for 1.36."""
        return int("".join(filter(str.isdigit, self.request("GET", "/version")["minor"])))

    def serves(self, kind: Manifest) -> bool:
        """Tell whether the server knows the kind that the manifest has, in its version."""
        try:
            found = self.request("GET", f"/apis/{kind['apiVersion']}")
        except RefusedError:
            return False
        return any(one["kind"] == kind["kind"] for one in found["resources"])

    def get(self, kind: Manifest, namespace: str, name: str) -> Any:
        """Return one object of the kind that the manifest has."""
        return self.request("GET", path_of(kind, namespace, name))

    def items(self, kind: Manifest, namespace: str, **query: str) -> list[Any]:
        """Return all objects of the kind that the manifest has."""
        found: list[Any] = self.request("GET", path_of(kind, namespace), **query)["items"]
        return found

    def table(self, kind: Manifest, namespace: str) -> Any:
        """Return what kubectl prints for all objects of a kind."""
        return self.request("GET", path_of(kind, namespace), headers={"Accept": TABLE}, includeObject="None")

    def create(self, manifest: Manifest, namespace: str = "", **query: str) -> Any:
        """Create an object; strict about fields that the server does not know, unless told otherwise."""
        return self.request("POST", path_of(manifest, namespace), manifest, **{"fieldValidation": "Strict"} | query)

    def replace(self, manifest: Manifest, namespace: str = "", subresource: str = "") -> Any:
        """Replace an object, or one subresource of it."""
        return self.request("PUT", _itself(manifest, namespace, subresource), manifest)

    def merge(self, manifest: Manifest, changes: Manifest, namespace: str = "", subresource: str = "") -> Any:
        """Change some fields of the object that the manifest names; None removes one."""
        path = _itself(manifest, namespace, subresource)
        return self.request("PATCH", path, changes, {"Content-Type": PATCH["merge"]}, fieldValidation="Strict")

    def apply(self, manifest: Manifest, namespace: str = "", subresource: str = "") -> Any:
        """Apply an object on the server's side, by force, as the field manager `test`."""
        path = _itself(manifest, namespace, subresource)
        return self.request(
            "PATCH", path, manifest, {"Content-Type": PATCH["apply"]}, fieldManager="test", force="true"
        )

    def delete(self, manifest: Manifest, namespace: str = "", **query: str) -> Any:
        """Delete the object that the manifest names."""
        return self.request("DELETE", _itself(manifest, namespace), **query)


def path_of(manifest: Manifest, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the address of an object, or of all of its kind; kinds that are used here end in `s`, or `ies` for `y`."""
    version = manifest["apiVersion"]
    parts = ["/apis" if "/" in version else "/api", version]
    parts += ["namespaces", namespace] if namespace else []
    kind = manifest["kind"].lower()
    parts += [
        kind[:-1] + "ies" if kind.endswith("y") else kind + "s",
        *([name] if name else []),
        *([subresource] if subresource else []),
    ]
    return "/".join(parts)


def _itself(manifest: Manifest, namespace: str, subresource: str = "") -> str:
    return path_of(manifest, namespace, manifest["metadata"]["name"], subresource)
