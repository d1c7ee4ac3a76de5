"""Webhooks: a mutating one, as a mesh has it, changes pods after all policies have had their turn; others say no."""

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from devcluster.controlplane import ApiServer
from tests.api.chart import Manifest

LABEL = "late"
"""Pods with it are sent here; its value says what is to be done."""

Patch = list[Manifest]


Review = Callable[[Manifest], Manifest]
"""Answers a request; without `allowed` it is admitted."""


@contextmanager
def serving(api_server: ApiServer, change: Callable[[Manifest], Patch]) -> Iterator[Manifest]:
    """Change pods with the label; yield the configuration to install."""

    def review(request: Manifest) -> Manifest:
        patch = base64.b64encode(json.dumps(change(request["object"])).encode()).decode()
        return {"patchType": "JSONPatch", "patch": patch}

    with answering(api_server, review) as client:
        webhook = _webhook(client, {"apiGroups": [""], "operations": ["CREATE"], "resources": ["pods"]})
        selector = {"objectSelector": {"matchExpressions": [{"key": LABEL, "operator": "Exists"}]}}
        yield _configuration("MutatingWebhookConfiguration", "late", webhook | selector)


def validating(client: Manifest, namespace: str, group: str, *resources: str) -> Manifest:
    """Return the configuration of a webhook that is asked about what is written of some resources in one namespace."""
    rule = {"apiGroups": [group], "operations": ["CREATE", "UPDATE"], "resources": list(resources)}
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return _configuration("ValidatingWebhookConfiguration", namespace, _webhook(client, rule) | selector)


@contextmanager
def answering(api_server: ApiServer, review: Review) -> Iterator[Manifest]:
    """Answer on a port of loopback, with the API server's own certificate; yield where that is."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Review one request."""
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            response = {"uid": request["uid"], "allowed": True} | review(request)
            text = json.dumps(
                {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    pki = api_server.plane.pki
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate("apiserver"), pki.key("apiserver"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        authority = base64.b64encode(pki.authority.read_bytes()).decode()
        yield {"url": f"https://127.0.0.1:{server.server_port}/", "caBundle": authority}
        server.shutdown()
        thread.join()


def _webhook(client: Manifest, rule: Manifest) -> Manifest:
    return {
        "name": "late.test.local",
        "clientConfig": client,
        "rules": [rule | {"apiVersions": ["*"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }


def _configuration(kind: str, name: str, webhook: Manifest) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "webhooks": [webhook],
    }
