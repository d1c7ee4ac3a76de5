"""The commands of a how-to, run word for word on the cluster of the tests, section by section."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.setup import PROJECT

if TYPE_CHECKING:
    from demo.access import Access

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Guide:
    """A page of docs/howto."""

    access: Access
    page: str

    def commands(self, section: str) -> list[str]:
        """Return what stands behind the prompts of a section."""
        _, *parts = _SECTION.split((PROJECT / "docs" / "howto" / self.page).read_text(encoding="utf-8"))
        text = dict(zip(parts[::2], parts[1::2], strict=True))[section]
        lines = "".join(_BLOCK.findall(text)).splitlines()
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]

    def follow(self, section: str) -> list[str]:
        """Run the commands of a section; return what each of them says."""
        return [self.run(command) for command in self.commands(section)]

    def run(self, command: str) -> str:
        """Run one command; return what it says."""
        program, *words = shlex.split(command)
        assert program == "kubectl", command
        if words[0] != "apply":
            return self.access.kubectl(*words)
        _, flag, what = words  # images have names of their own on each cluster
        path = PROJECT / what
        self.access.apply_text(path.read_text() if flag == "-f" else self.access.kubectl("kustomize", str(path)))
        return ""
