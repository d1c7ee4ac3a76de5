"""Histories of revisions by chance, as files: the usual, the rare, and now and then something wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LATER = (
    *("if revision:\n    down_revision = None", "revision = 'x' + revision", "known = (down_revision := None)"),
    *("for down_revision in (None,):\n    pass", "globals()['down_revision'] = None", "del depends_on"),
    *("def named(x=(down_revision := None)):\n    pass", "eval('(down_revision := None)')", "down_revision = None"),
    *(
        "class Named:\n    global down_revision\n    down_revision = None",
        "del down_revision",
        "\uff44own_revision = None",
    ),
    *("if True:\n    from unittest.mock import *\n    down_revision = None", "import xml.dom as depends_on"),
    *("def named():\n    pass\nnamed.__globals__['down_revision'] = None", "class Named:\n    down_revision = None"),
    *("# global, exec and vars", "def __getattr__(name):\n    return () if name == 'depends_on' else None"),
)
_WRONG = ("name", "down", "label", "depends", "later", "later", "later")
_WORDS = ("add", "drop", "rename", "users", "orders", "index", "total")


@dataclass
class Chance:
    """One history, always the same for the same seed."""

    seed: int
    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    downs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.wrong = self.random.choice(_WRONG) if self.random.random() < 0.25 else ""
        self.later = self.random.choice(_LATER)

    def write(self, folder: Path) -> None:
        versions = folder / "versions"
        versions.mkdir(parents=True)
        for number in range(self.random.randint(1, 9)):
            (versions / f"{self.random.randrange(10**6)}_{number}.py").write_text(self._revision(), encoding="utf-8")

    def _revision(self) -> str:
        name = self._name()
        down, labels, depends = self._down(name), self._labels(), self._depends()
        self.names.append(name)
        self.labels += labels
        self.downs[name] = down
        hint = self.random.choice(("", "", ": str", ": object"))
        lines = [
            f"revision{hint} = {name!r}",
            f"down_revision{hint} = {self._literal(down)}",
            f"branch_labels{hint} = {self._literal(labels)}",
            f"depends_on{hint} = {self._literal(depends)}",
        ]
        self.random.shuffle(lines)
        if self.wrong == "later" and self.random.random() < 0.3:
            lines.append(self.later)
        return "\n".join([*lines, "", "def upgrade():\n    revision = 1", "def downgrade():\n    pass", ""])

    def _name(self) -> str:
        if self.wrong == "name" and self.names and self.random.random() < 0.3:
            return self.random.choice(self.names)
        if self.random.random() < 0.3:
            return f"{self.random.choice(_WORDS)}_{len(self.names)}"  # several begin alike
        if self.random.random() < 0.1:
            return f"{self.random.choice('ab')}{len(self.names)}"  # too short to be completed
        return f"{self.random.getrandbits(48):012x}"

    def _down(self, name: str) -> tuple[str, ...]:
        if self.wrong == "down" and self.random.random() < 0.3:
            return (self.random.choice(("gone", name)),)
        chance = self.random.random()
        if not self.names or chance < 0.12:
            return ()
        tops = [name for name in self.names if not any(name in down for down in self.downs.values())]
        if chance < 0.3:
            return tuple(self.random.sample(self.names, min(len(self.names), self.random.randint(1, 3))))
        return (self.random.choice(tops or self.names),)

    def _labels(self) -> tuple[str, ...]:
        if self.random.random() > 0.2:
            return ()
        if self.wrong == "label" and self.names:
            return (self.random.choice([*self.names, *self.labels]),)
        word = self.random.choice(("None", "shop", "label"))
        return tuple(f"{word}{len(self.labels)}{end}" for end in self.random.choice(("a", "ab")))

    def _depends(self) -> tuple[str, ...]:
        known = [*self.names, *self.labels]
        if not known or self.random.random() > 0.2:
            return ()
        one = self.random.choice(known)
        return (one[:5],) if self.wrong == "depends" else (one,)

    def _literal(self, names: tuple[str, ...]) -> str:
        if not names:
            return self.random.choice(("None", "None", "()"))
        single = [repr(names[0])] * 2 if len(names) == 1 else []
        return self.random.choice([*single, repr(names), repr(list(names))])

    def target(self) -> str:
        known = [*self.names, *self.labels]
        one = self.random.choice(known)
        return self.random.choice(
            (
                *("heads", "heads", "head", one, one, f"{one}@head", f"{one}@heads", one[:4], one[:6], one[:1]),
                *(f"{one},heads", f"{one}@head, {self.random.choice(known)}", "base", "nowhere", "", f"{one}@{one}"),
                *("gone@head", "heads@head", "current", "-1", f"{one}-1", f"{one}:", f"@{one}", "@head"),
            )
        )

    def database_heads(self) -> tuple[str, ...]:
        some = self.random.sample(self.names, self.random.randint(0, min(3, len(self.names))))
        if self.random.random() < 0.5:
            followed = {down for downs in self.downs.values() for down in downs}
            some = [name for name in self.names if name not in followed]
        if self.random.random() < 0.2:
            some.append("fedcba987654")
        return tuple(sorted(set(some)))


@dataclass
class Universe:
    """What several images know together: each has a part of it, with all that this part needs."""

    seed: int
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Every revision with its down revisions and what it depends on."""
    _down: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        for number in range(self.random.randint(3, 9)):
            known = list(self.needs)
            down = self.random.sample(known, min(len(known), self.random.choice((0, 1, 1, 1, 1, 1, 2))))
            others = [one for one in known if one not in self.whole(down)]
            depends = self.random.sample(others, min(len(others), self.random.choice((0, 0, 0, 1))))
            name = f"{self.random.getrandbits(32):08x}{number}"
            self._down[name] = tuple(down)
            self.needs[name] = (*down, *depends)

    def whole(self, names: Iterable[str]) -> set[str]:
        """Return some revisions with all that they need."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            found.add(name := todo.pop())
            todo += self.needs[name]
        return found

    def image(self) -> set[str]:
        """Return the revisions of an image by chance."""
        return self.whole(self.random.sample(list(self.needs), self.random.randint(1, 2)))

    def rows(self, contained: set[str]) -> tuple[str, ...]:
        """Return the rows of the version table of a database that contains these revisions."""
        return tuple(sorted(contained - {down for one in contained for down in self.needs[one]}))

    def write(self, folder: Path, image: set[str]) -> None:
        versions = folder / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        for name in image:
            down = self._down[name]
            depends = self.needs[name][len(down) :]
            lines = [f"revision = {name!r}", f"down_revision = {down or None!r}", f"depends_on = {depends or None!r}"]
            lines += ["def upgrade():\n    pass", "def downgrade():\n    pass", ""]
            (versions / f"{name}.py").write_text("\n".join(lines), encoding="utf-8")
