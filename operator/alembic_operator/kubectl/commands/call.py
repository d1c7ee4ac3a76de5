"""One call of the plugin: what was asked, of which cluster, and where the answer goes."""

import argparse
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from rich.console import Console, RenderableType

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import screens
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis
from alembic_operator.kubectl.facts import MIGRATIONS, NOT_FOUND, Kubectl, KubectlError
from alembic_operator.kubectl.harmless import harmless

DATA = ("json", "yaml")
"""Values of --output for programs."""


@dataclass(frozen=True)
class Call:
    """One call."""

    kubectl: Kubectl
    console: Console
    asked: argparse.Namespace
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))
    """For what is no part of the answer."""

    def named(self, name: str, *flags: str) -> Manifest | None:
        """Return a DatabaseMigration; None when there is no such."""
        return self.found(MIGRATIONS, name, *flags)

    def found(self, *words: str) -> Manifest | None:
        """Return an object; None when there is no such."""
        try:
            return self.kubectl.get(*words)
        except KubectlError as error:
            if NOT_FOUND in str(error):
                return None
            raise

    def allowed(self, *words: str) -> Manifest | None:
        """Return a list of objects; None when the person may not see them, or the cluster has no such kind."""
        try:
            return self.kubectl.get(*words)
        except KubectlError:
            return None

    def show(self, *drawn: RenderableType) -> None:
        """Print a screen, without the spaces that fill its lines."""
        with self.console.capture() as told:
            for one in drawn:
                self.console.print(one)
        self.console.file.write("".join(f"{line.rstrip()}\n" for line in told.get().split("\n")[:-1]))

    def say(self, text: str) -> None:
        """Print a text that others wrote."""
        shown = harmless(text.strip(), "\n\t")
        self.console.print(shown, markup=False, highlight=False, soft_wrap=True)

    def tell(self, data: Any) -> None:
        """Print data for a program, as --output says."""
        if self.asked.output == "json":
            self.console.file.write(json.dumps(data, indent=2) + "\n")
        else:
            yaml.safe_dump(data, self.console.file, sort_keys=False, allow_unicode=False)

    def record(self, data: Any, drawn: RenderableType) -> None:
        """Print what is written down for a person or a program."""
        if self.asked.output in DATA:
            self.tell(data)
        else:
            self.show(drawn)

    def answer(self, told: Sequence[Diagnosis]) -> None:
        """Print diagnoses for a person or a program."""
        here = [self.here(one) for one in told]
        if self.asked.output in DATA:
            self.tell([as_data(one) for one in here])
        else:
            self.show(screens.diagnoses(here))

    def here(self, one: Diagnosis) -> Diagnosis:
        """Return a diagnosis whose command goes to the cluster that was asked."""
        if not one.next.startswith("kubectl "):
            return one
        return replace(one, next=" ".join([one.next, *map(shlex.quote, self.kubectl.cluster)]))


def as_data(one: Diagnosis) -> Manifest:
    """Return a diagnosis for a program."""
    facts = {name: [value for key, value in one.facts if key == name] for name, _ in one.facts}
    return {
        "standing": one.standing.name.capitalize(),
        "exitCode": int(one.standing),
        "headline": one.headline,
        "why": one.why,
        "next": one.next,
        "facts": facts,
    }
