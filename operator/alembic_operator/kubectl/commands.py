"""Each command: ask, judge, print; the exit code is returned."""

import argparse
import json
import time
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.live import Live

from alembic_operator.api.reasons import Occasion, Reason
from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import judgement, lines, screens
from alembic_operator.kubectl.facts import MIGRATIONS, Kubectl, KubectlError
from alembic_operator.kubectl.judgement import Standing, Verdict

_PACE = 2.0
"""Seconds between two looks of --watch."""

_NOT_FOUND = "(NotFound)"


def status(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Say how migrations stand."""
    if not asked.watch:
        raw = _migrations(kubectl, asked)
        if asked.output == "json":
            console.file.write(json.dumps(raw, indent=2) + "\n")
            return judgement.worst(map(judgement.of_migration, raw))
        told = [judgement.of_migration(one) for one in raw]
        console.print(screens.verdicts(told))
        return judgement.worst(told)
    return _watch(kubectl, console, asked)


def _watch(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Look again and again; with --exit until all are ready or one is stalled."""
    with Live(console=console, auto_refresh=False) as live:
        before: list[Verdict] = []
        while True:
            told = [judgement.of_migration(one) for one in _migrations(kubectl, asked)]
            if told != before:
                live.update(screens.verdicts(told), refresh=True)
                before = told
            standing = judgement.worst(told)
            if asked.exit and standing is not Standing.WAITS:
                return standing
            time.sleep(_PACE)


def _migrations(kubectl: Kubectl, asked: argparse.Namespace) -> list[Manifest]:
    selected = [asked.name] if asked.name else [*_flag("--selector", asked.selector), *_all(asked)]
    found = kubectl.get(MIGRATIONS, *selected)
    listed = [found] if asked.name else reading.items(found, "items")
    if not listed:
        raise KubectlError("there is no DatabaseMigration here; choose a namespace with -n, or all with -A")
    return list(listed)


def _flag(name: str, value: str) -> list[str]:
    return [f"{name}={value}"] if value else []


def _all(asked: argparse.Namespace) -> list[str]:
    return ["--all-namespaces"] if asked.all_namespaces else []


def history(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Say which runs there were."""
    runs = read_migration(kubectl.get(MIGRATIONS, asked.name)).status.history
    if not runs:
        raise KubectlError(f"no run of {asked.name} has ended yet; `kubectl alembic status {asked.name}` tells more")
    console.print(screens.history(runs))
    return Standing.READY


def logs(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Print the log of the last run."""
    whose = judgement.log_of(read_migration(kubectl.get(MIGRATIONS, asked.name)))
    if not whose:
        raise KubectlError(f"{asked.name} has not run yet; `kubectl alembic status {asked.name}` tells why")
    for line in kubectl.lines("logs", *whose, *(["--follow"] if asked.follow else [])):
        console.print(screens.line(lines.read(line)), soft_wrap=True)
    return Standing.READY


def tree(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Draw what a migration depends on."""
    found = reading.items(kubectl.get(MIGRATIONS), "items")
    named = {reading.text(one, "metadata", "name"): one for one in found}
    if asked.name not in named:
        raise KubectlError(f"there is no DatabaseMigration {asked.name} here; check the name and the namespace (-n)")
    whole = judgement.branch(asked.name, named)
    console.print(screens.tree(whole), soft_wrap=True)
    return whole.standing


def why(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Say why a pod does not start."""
    pod = kubectl.get("pod", asked.pod)
    label = reading.text(pod, "metadata", "labels", names.MIGRATION_LABEL)
    verdict = judgement.of_pod(pod, _named(kubectl, label) if label else None, datetime.now(UTC))
    console.print(screens.verdicts([verdict]))
    return verdict.standing


def _named(kubectl: Kubectl, name: str) -> Manifest | None:
    try:
        return kubectl.get(MIGRATIONS, name)
    except KubectlError as error:
        if _NOT_FOUND in str(error):
            return None
        raise


def retry(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Start a new run."""
    value = datetime.now(UTC).isoformat()  # one that it never had
    said = kubectl.run("annotate", MIGRATIONS, asked.name, "--overwrite", f"{names.RETRY}={value}")
    return _done(console, said)


def suspend(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Start nothing new."""
    return _patch(kubectl, console, asked.name, {"spec": {"suspend": True}})


def resume(kubectl: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Let it run again."""
    return _patch(kubectl, console, asked.name, {"spec": {"suspend": False}})


def _patch(kubectl: Kubectl, console: Console, name: str, patch: dict[str, Any]) -> int:
    return _done(console, kubectl.run("patch", MIGRATIONS, name, "--type=merge", f"--patch={json.dumps(patch)}"))


def _done(console: Console, said: str) -> int:
    console.print(said.strip(), markup=False, highlight=False, soft_wrap=True)
    return Standing.READY


def explain(_: Kubectl, console: Console, asked: argparse.Namespace) -> int:
    """Say what a reason means."""
    known = {str(one).lower(): one for kind in (Reason, Occasion) for one in kind}
    found = known.get(asked.reason.lower())
    if found is None:
        raise KubectlError(f"there is no reason {asked.reason}; docs/reference/reasons.md lists them")
    effect = f" ({found.effect.value})" if isinstance(found, Reason) else ""
    console.print(f"{found}{effect}: {found.meaning}", markup=False, highlight=False, soft_wrap=True)
    return Standing.READY
