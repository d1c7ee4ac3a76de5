"""Write the samples of 10,000 migrations as text, which prometheus_client would take a second of a processor for.

A line is the same in both formats; what is above the lines of a family prometheus_client writes.
"""

from collections.abc import Iterable, Iterator

from alembic_operator.kube.cache import ImportKey, Key
from alembic_operator.shell.metrics.families import PREFIX, Family
from alembic_operator.shell.metrics.migrations import Sample

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


_AT_ONCE = 1000
"""So many lines are put together at once, while the event loop waits."""


_NAMED = 2
"""Labels that every family has: namespace and name."""


class Lines:
    """The lines of some families."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._written: dict[str, list[str]] = {one.name: [] for one in families}

    def add(self, key: Key | ImportKey, samples: Iterable[Sample]) -> None:
        """Add what there is to say of an object, whose names need no escapes."""
        where = f'{{namespace="{key.namespace}",name="{key.name}"'
        for family, labels, value in samples:
            further = "".join(map(_label, family.labels[_NAMED:], labels)) if labels else ""
            self._written[family.name].append(f"{PREFIX}{family.name}{where}{further}}} {float(value)!r}\n")

    def pop(self, family: Family) -> Iterator[bytes]:
        """Yield those of a family, the last ones first, and keep them no longer."""
        lines = self._written.pop(family.name)
        while lines:
            yield "".join(lines[-_AT_ONCE:]).encode()
            del lines[-_AT_ONCE:]


def _label(name: str, value: str) -> str:
    return f',{name}="{value.translate(_ESCAPES)}"'
