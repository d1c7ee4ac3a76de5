"""Ask the cluster through the kubectl binary, so that every login works; nothing else here starts a program."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alembic_operator.api.v1alpha1 import GROUP
from alembic_operator.core.observation.reading import Manifest

MIGRATIONS = f"databasemigrations.{GROUP}"

IMPORTS = f"databaseimports.{GROUP}"

NOT_FOUND = "(NotFound)"
"""In the text of an error: there is no such object."""

_SECONDS = 60

_REMEDIES = (
    ("doesn't have a resource type", "this cluster has no DatabaseMigrations: install the operator's chart first"),
    ("context was not found", "choose one of `kubectl config get-contexts` with --context"),
    ("no context exists", "choose one of `kubectl config get-contexts` with --context"),
    ("does not exist", "choose one of `kubectl config get-contexts` with --context"),
    ("must be logged in", "log in to the cluster, as for any other kubectl command"),
    ("Unauthorized", "log in to the cluster, as for any other kubectl command"),
    ("Forbidden", "ask for a role with this right: the chart has ClusterRoles for people"),
    ("forbidden", "ask for a role with this right: the chart has ClusterRoles for people"),
    ("NotFound", "check the name and the namespace (-n)"),
    ("was refused", "check that the API server is up, and --context and --kubeconfig"),
    ("no such host", "check --context and --kubeconfig, and your network"),
    ("i/o timeout", "check your network, and that the API server is up"),
)
"""What kubectl's own words mean for a person; the first that fits counts."""


class KubectlError(Exception):
    """Kubectl did not answer; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Kubectl:
    """A kubectl binary, and the flags that a person gave."""

    binary: str = "kubectl"
    flags: tuple[str, ...] = ()
    """Such as --context and --namespace, for each call."""

    @property
    def cluster(self) -> tuple[str, ...]:
        """The flags that say which cluster: what a person types next needs them too."""
        return tuple(one for one in self.flags if not one.startswith("--namespace="))

    def run(self, *arguments: str, given: str | None = None) -> str:
        """Return what kubectl prints; `given` is its standard input.

        Raises:
            KubectlError: it ended with an error, or did not end.
        """
        command = [self.binary, *self.flags, *arguments]
        try:
            done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
        except FileNotFoundError:
            raise _missing(self.binary) from None
        except subprocess.TimeoutExpired:
            raise KubectlError(
                f"kubectl did not answer within {_SECONDS} s; check --context and your network"
            ) from None
        if done.returncode:
            raise KubectlError(one_sentence(done.stderr))
        return done.stdout

    def lines(self, *arguments: str) -> Iterator[str]:
        """Yield what kubectl prints, line by line, until it ends.

        Raises:
            KubectlError: it ended with an error.
        """
        command = [self.binary, *self.flags, *arguments]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            try:
                running = subprocess.Popen(  # noqa: S603
                    command, stdout=subprocess.PIPE, stderr=said, encoding="utf-8", errors="replace"
                )
            except FileNotFoundError:
                raise _missing(self.binary) from None
            with running:
                try:
                    yield from (one.rstrip("\n") for one in running.stdout or ())
                except BaseException:  # nobody reads on: --follow would never end by itself
                    running.terminate()
                    raise
            if running.returncode:
                said.seek(0)
                raise KubectlError(one_sentence(said.read()))

    def get(self, *arguments: str) -> Manifest:
        """Return an object, or a list of them."""
        found: Any = json.loads(self.run("get", *arguments, "--output=json"))
        return found if isinstance(found, dict) else {}


def _missing(binary: str) -> KubectlError:
    return KubectlError(f"{binary} is not installed, or not in PATH; install kubectl")


def one_sentence(stderr: str) -> str:
    """Return the last thing that kubectl said, and what to do about it."""
    lines = [one.strip() for one in stderr.splitlines() if one.strip()]
    said = lines[-1].removeprefix("error: ").removeprefix("Error from server ") if lines else "kubectl failed"
    remedy = next((then for words, then in _REMEDIES if words in stderr), "")
    return f"{said.rstrip('.')}; {remedy}" if remedy else said
