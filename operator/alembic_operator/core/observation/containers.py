"""Read what the kubelet and the scheduler say of a pod's containers."""

import sys
from collections.abc import Iterable
from functools import lru_cache

from alembic_operator.contract import RESULT_BYTES, Result
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.results import can_be_told

_REPORTS = 256
"""The pods of many migrations report the same, as where tenants have a database each."""

_IMAGE_LENGTH = 1024
"""As long as the status may tell one."""

_WORD_LENGTH = 63

_EXIT_CODES = 2**31
"""Windows has longer ones than a byte; and negative ones."""


def named(containers: Iterable[Manifest], name: str) -> Manifest:
    """Return the container of a name, or what is told of it; empty without one."""
    return next((one for one in containers if one.get("name") == name), {})


def read_report(terminated: Manifest) -> tuple[Result | None, str]:
    """Read what a container left at its end: a Result, or the text that is none."""
    message = said(terminated, "message")
    result = _result(message)
    return result, "" if result else message


@lru_cache(_REPORTS)
def _result(message: str) -> Result | None:
    """Read a Result that a status can tell; equal ones are kept once."""
    found = Result.from_json(message)
    return found if found and can_be_told(found) else None


def said(raw: Manifest, name: str, longest: int = RESULT_BYTES) -> str:
    """Return what the kubelet says, or a container said: as much as the kubelet keeps of a termination message."""
    found = reading.text(raw, name)
    return found if len(found) <= longest else f"{found[:longest]}…"


def word(raw: Manifest, name: str) -> str:
    """Return a reason or a phase: one word for a program, and so never long."""
    return sys.intern(said(raw, name, _WORD_LENGTH))


def state(container: Manifest, when: str, kind: str) -> Manifest | None:
    """Return what is known of a container's `state` or `lastState`, if it is `running`, `waiting` or `terminated`."""
    found = reading.fields(container, when)
    return reading.fields(found, kind) if kind in found else None


def exit_code(terminated: Manifest) -> int | None:
    """Return how a container ended; None when it did not."""
    return reading.number(terminated, "exitCode", least=-_EXIT_CODES, most=_EXIT_CODES)


def unschedulable(conditions: Iterable[Manifest]) -> str:
    """Return the scheduler's message, while no node takes a pod."""
    refused = (one for one in conditions if one.get("type") == "PodScheduled" and one.get("status") == "False")
    return next((said(one, "message") or word(one, "reason") for one in refused), "")


def running_image(container: Manifest) -> str:
    """Return the image by digest: the kubelet's imageID, which some runtimes prefix or shorten to the bare digest."""
    running = _short_enough(reading.text(container, "imageID").rpartition("://")[2])
    return running if "@" in running else image(container) or running


def image(container: Manifest) -> str:
    """Return the image in the words of the manifest."""
    return _short_enough(reading.text(container, "image"))


def _short_enough(image: str) -> str:
    """Return an image, kept once for all who name it; none of a length that no status may tell, and no node runs."""
    return sys.intern(image) if len(image) <= _IMAGE_LENGTH else ""
