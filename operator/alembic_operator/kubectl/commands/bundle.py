"""Pack what a report of a bug needs into one file, without secrets."""

import io
import os
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import screens
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.commands.surroundings import around, gate_policies
from alembic_operator.kubectl.diagnosis import migration as migrations
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.diagnosis.operators import SELECTOR
from alembic_operator.kubectl.facts import IMPORTS, MIGRATIONS, KubectlError
from alembic_operator.kubectl.redaction import Redaction, names_in

_LINES = "--tail=2000"

_PODS = 5
"""Held pods whose gates are asked for their logs."""

_WIDTH = 120

_README = """\
What `kubectl alembic support-bundle` has collected. Look through it before you send it.

Not in it: Secrets, ConfigMaps, the logs of your application. Masked as ***: the values of environment variables,
annotations other than Kubernetes' and the operator's own, commands of other containers, arguments for env.py, and what
looks like a password or a token; and all of these wherever else they stand, also encoded.
errors.txt tells what could not be read.
"""


@dataclass
class _Collected:
    """What was collected, before it is masked."""

    objects: dict[str, list[Manifest]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def support_bundle(call: Call) -> int:
    """Write the file, and print its name."""
    found = _collect(call)
    redaction = Redaction(names_in(one for listed in found.objects.values() for one in listed))
    for listed in found.objects.values():
        redaction.learn(listed)
    path = Path(
        call.asked.file or f"alembic-support-{call.asked.name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar.gz"
    )
    _write(path, dict(_files(found, redaction)))
    call.say(f"{path}: look through it before you send it")
    return Standing.READY


def _files(found: _Collected, redaction: Redaction) -> Iterator[tuple[str, str]]:
    yield "README.txt", _README
    for name, listed in found.objects.items():
        clean = yaml.safe_dump_all(redaction.object(listed), sort_keys=False, width=float("inf"))
        yield f"{name}.yaml", redaction.text(clean)
    for name, text in found.texts.items():
        yield name, redaction.text(text)
    yield "errors.txt", redaction.text("".join(f"{one}\n" for one in found.errors))


def _write(path: Path, files: dict[str, str]) -> None:
    # For its owner alone: what is no secret to this machine's person may be one to its other users.
    with (
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw,
        tarfile.open(fileobj=raw, mode="w:gz") as archive,
    ):
        for name, text in files.items():
            content = text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{path.name.removesuffix('.tar.gz')}/{name}")
            entry.size, entry.mtime = len(content), int(time.time())
            archive.addfile(entry, io.BytesIO(content))


def _collect(call: Call) -> _Collected:
    raw = call.kubectl.get(MIGRATIONS, call.asked.name)
    found = _Collected({"migration": [raw]})
    name, namespace = call.asked.name, reading.text(raw, "metadata", "namespace")
    at = f"--namespace={namespace}"
    run, waits = f"--selector={names.RUN_LABEL}={name}", f"--selector={names.MIGRATION_LABEL}={name}"
    for title, words in (
        ("jobs", ("jobs", run, at)),
        ("pods", ("pods", waits, at)),
        ("replicasets", ("replicasets", waits, at)),
        ("operators", ("deployments", "--all-namespaces", f"--selector={SELECTOR}")),
        *_named(raw, at),
    ):
        _objects(call, found, title, words)
    _imports(call, found, name, at)
    _policies(call, found, namespace)
    _events(call, found, at)
    _logs(call, found, at)
    _screens(call, found, raw)
    return found


def _imports(call: Call, found: _Collected, name: str, at: str) -> None:
    """Keep the imports into a migration's database, with their Jobs and pods."""
    _objects(call, found, "imports", (IMPORTS, at))
    listed = found.objects.pop("imports", [])
    own = [one for one in listed if reading.text(one, "spec", "migrationRef", "name") == name]
    for one in own:
        found.objects["imports"] = own
        selector = f"--selector={names.IMPORT_LABEL}={reading.text(one, 'metadata', 'name')}"
        for title in ("jobs", "pods"):
            _objects(call, found, "more", (title, selector, at))
            found.objects[title] = [*found.objects.get(title, []), *found.objects.pop("more", [])]


def _named(raw: Manifest, at: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what the specification refers to."""
    spec = read_migration(raw).spec
    if spec and spec.source.workload_ref:
        yield "workload", (f"{spec.source.workload_ref.kind.lower()}s", spec.source.workload_ref.name, at)
    if spec and spec.database and spec.database.stateful_set_ref:
        yield "statefulset", ("statefulsets", spec.database.stateful_set_ref.name, at)


def _objects(call: Call, found: _Collected, title: str, words: tuple[str, ...]) -> None:
    try:
        answer = call.kubectl.get(*words)
    except KubectlError as error:
        found.errors.append(f"{title}: {error}")
        return
    found.objects[title] = reading.items(answer, "items") if "items" in answer else [answer]


def _policies(call: Call, found: _Collected, namespace: str) -> None:
    policies = gate_policies(call, namespace)
    if policies is None:
        found.errors.append("policies: they cannot be read")
    else:
        found.objects["policies"] = list(policies)


def _events(call: Call, found: _Collected, at: str) -> None:
    """Keep the Events of what is in the bundle alone: others' tell of other applications."""
    there = {reading.text(one, "metadata", "uid") for listed in found.objects.values() for one in listed}
    _objects(call, found, "events", ("events", at))
    told = found.objects.get("events", [])
    found.objects["events"] = [one for one in told if reading.text(one, "involvedObject", "uid") in there]


def _logs(call: Call, found: _Collected, at: str) -> None:
    pods = found.objects.get("pods", [])
    runs = [one for one in pods if names.RUN_LABEL in reading.fields(one, "metadata", "labels")]
    imports = [one for one in pods if names.IMPORT_LABEL in reading.fields(one, "metadata", "labels")]
    gated = [one for one in pods if one not in runs and one not in imports][:_PODS]
    for one in imports:
        name = reading.text(one, "metadata", "name")
        _text(call, found, f"logs/{name}.txt", ("logs", name, "--all-containers", "--prefix", _LINES, at))
    for listed, container in ((runs, names.CONTAINER), (gated, names.GATE_CONTAINER)):
        for one in listed:
            name = reading.text(one, "metadata", "name")
            _text(call, found, f"logs/{name}.txt", ("logs", name, f"--container={container}", _LINES, at))
    for one in found.objects.get("operators", []):
        name, namespace = (reading.text(one, "metadata", part) for part in ("name", "namespace"))
        words = ("logs", f"deployment/{name}", _LINES, f"--namespace={namespace}")
        _text(call, found, f"logs/operator-{namespace}-{name}.txt", words)
    _text(call, found, "versions.txt", ("version",))
    found.texts["versions.txt"] = (
        f"kubectl-alembic {version('alembic-operator')}\n{found.texts.get('versions.txt', '')}"
    )


def _text(call: Call, found: _Collected, title: str, words: tuple[str, ...]) -> None:
    try:
        found.texts[title] = call.kubectl.run(*words)
    except KubectlError as error:
        found.errors.append(f"{title}: {error}")


def _screens(call: Call, found: _Collected, raw: Any) -> None:
    console = Console(file=io.StringIO(), width=_WIDTH, highlight=False)
    console.print(screens.diagnoses([migrations.diagnose(raw, around(call), wide=True)]))
    found.texts["status.txt"] = console.file.getvalue()  # type: ignore[attr-defined]
