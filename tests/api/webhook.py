"""A mutating webhook, as a mesh has one: it changes pods after all policies have had their turn."""

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


@contextmanager
def serving(api_server: ApiServer, change: Callable[[Manifest], Patch]) -> Iterator[Manifest]:
    """Answer on a port of loopback, with the API server's own certificate; yield the configuration to install."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Review one pod."""
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            patch = base64.b64encode(json.dumps(change(request["object"])).encode()).decode()
            response = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
            review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            text = json.dumps(review).encode()
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
        yield _configuration(f"https://127.0.0.1:{server.server_port}/", pki.authority.read_bytes())
        server.shutdown()
        thread.join()


def _configuration(url: str, authority: bytes) -> Manifest:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    webhook = {
        "name": "late.test.local",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
        "rules": [rule],
        "objectSelector": {"matchExpressions": [{"key": LABEL, "operator": "Exists"}]},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "late"},
        "webhooks": [webhook],
    }
