"""Read what a migration pod answers when it is asked how far it is: foreign text, whoever it is that listens there."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from alembic_operator.contract import servers
from alembic_operator.contract.fleet import Fleet
from alembic_operator.contract.progress import Build, Progress, WaitingFor
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.answer import of_run, seconds
from alembic_operator.core.observation.fleet import clean
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.reading import Manifest

_NAME, _SENTENCE = 253, 1024
"""Characters, as the status has them."""

_LONGEST = 1e9
"""Seconds that something can have lasted."""


def read_progress(answer: bytes, run: str) -> Progress | None:
    """Return what an HTTP answer says of this very run; None: it says nothing of it, or cannot be understood."""
    raw = of_run(answer, run)
    at, since, moved = (seconds(raw, name) for name in ("at", "since", "moved"))
    if at is None or since is None or moved is None:
        return None
    return Progress(
        at=at,
        since=min(since, at),
        moved=min(moved, at),
        run=run,
        revision=_text(raw, "revision"),
        index=_number(raw, "index"),
        of=_number(raw, "of"),
        statement=_text(raw, "statement", _SENTENCE),
        seconds=seconds(raw, "seconds", _LONGEST) or 0.0,
        waiting_for=_waiting_for(reading.fields(raw, "waiting_for")),
        build=_build(reading.fields(raw, "build")),
        note=_text(raw, "note", _SENTENCE),
        tenants=_fleet(raw.get("tenants")),
    )


def together(pods: Iterable[Pod], answers: Sequence[tuple[Pod, Progress]]) -> Progress | None:
    """Return the newest answer; with several servers, how the tenants of all stand that have answered or ended."""
    newest = max((answer for _, answer in answers), key=lambda one: one.at, default=None)
    if newest is None or not any(pod.server for pod, _ in answers):
        return newest
    jobs = {pod.job_uid for pod, _ in answers}
    own = [one for one in pods if one.job_uid in jobs]
    ended = {one.server: one.result.tenants for one in own if one.result and one.result.tenants}
    told = {pod.server: answer.tenants for pod, answer in answers if answer.tenants}
    silent = dict.fromkeys(one.server for one in own)
    return replace(newest, tenants=clean(servers.together(silent | ended | told)))


def _fleet(raw: Any) -> Fleet | None:
    try:
        found = Fleet.read(raw)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
    return found and clean(found)


def _waiting_for(raw: Manifest) -> WaitingFor | None:
    pid = reading.number(raw, "pid")
    if pid is None:
        return None
    application, user, state = (_text(raw, name) for name in ("application", "user", "state"))
    return WaitingFor(pid, application, user, state, seconds(raw, "seconds", _LONGEST))


def _build(raw: Manifest) -> Build | None:
    if not (command := _text(raw, "command")):
        return None
    return Build(command, _text(raw, "phase"), _number(raw, "done"), _number(raw, "total"))


def _text(raw: Any, name: str, longest: int = _NAME) -> str:
    """Return a text on one line: nothing that steers a terminal goes into a status."""
    found = "".join(one if one.isprintable() else " " for one in reading.text(raw, name))
    return found if len(found) <= longest else f"{found[: longest - 1]}…"


def _number(raw: Any, name: str) -> int:
    return reading.number(raw, name) or 0
