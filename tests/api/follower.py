"""Follow all objects of a kind in a namespace by a watch, instead of asking for them again and again."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.api.rest import Manifest, path_of
from tests.api.shop import Shop

SECONDS = 300


class Follower:
    """What is there of a kind now, by name, and what was ever made of it."""

    def __init__(self, shop: Shop, kind: Manifest) -> None:
        self.there: dict[str, Manifest] = {}
        self.made: list[Manifest] = []
        address = shop.rest.connection
        self._connection = http.client.HTTPSConnection(address.host, address.port, context=shop.rest.context)
        self._connection.request("GET", f"{path_of(kind, shop.namespace)}?watch=1&timeoutSeconds={SECONDS}")
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> None:
        """Hang up."""
        if self._connection.sock:
            self._connection.sock.shutdown(2)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):  # hung up
            for line in self._answer:
                event = json.loads(line)
                self._take(event["type"], event["object"])

    def _take(self, what: str, found: Manifest) -> None:
        if what == "ADDED":
            self.made.append(found)
        if what == "DELETED":
            self.there.pop(found["metadata"]["name"], None)
        else:
            self.there[found["metadata"]["name"]] = found


@contextmanager
def following(shop: Shop, kind: Manifest) -> Iterator[Follower]:
    """Follow a kind for a while."""
    follower = Follower(shop, kind)
    try:
        yield follower
    finally:
        follower.close()
