"""Ask a URL all the time, each time on a new connection, and count the answers: what the demo's client pod runs."""

import json
import socket
import sys
import time
import urllib.request
from urllib.parse import urlsplit

PAUSE = 0.1
TIMEOUT = 5


def ask(url: str) -> tuple[str, str]:
    """Return the release that answered, or else what went wrong."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 - always http
            return str(json.load(response)["release"]), ""
    except (OSError, ValueError, KeyError) as error:
        return "", f"{type(error).__name__}: {error}"


def resolved(url: str) -> str:
    """Replace the name of the Service by its address, which never changes: this is no test of the name server."""
    host = urlsplit(url).hostname or ""
    return url.replace(host, socket.gethostbyname(host), 1)


def main(url: str) -> None:
    """Print the counts as a JSON line every half second, from the first answer on."""
    while not ask(url)[0]:
        time.sleep(PAUSE)
    answered: dict[str, int] = {}
    failed, problem, slowest, printed = 0, "", 0.0, 0.0
    while True:
        begun = time.monotonic()
        release, error = ask(url)
        slowest = max(slowest, time.monotonic() - begun)
        if release:
            answered[release] = answered.get(release, 0) + 1
        else:
            failed, problem = failed + 1, error
        if begun - printed > 5 * PAUSE:
            printed = begun
            counts = {"answered": answered, "failed": failed, "problem": problem, "slowest": round(slowest, 3)}
            print(json.dumps(counts), flush=True)
        time.sleep(PAUSE)


main(resolved(sys.argv[1]))
