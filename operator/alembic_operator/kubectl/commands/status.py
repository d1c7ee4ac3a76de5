"""How migrations stand, once or for as long as it takes."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

from rich.live import Live

from alembic_operator.contract import seconds
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import screens
from alembic_operator.kubectl.commands import selection
from alembic_operator.kubectl.commands.call import DATA, Call
from alembic_operator.kubectl.commands.surroundings import around, with_dependencies, with_imports, with_rights
from alembic_operator.kubectl.commands.why import refused
from alembic_operator.kubectl.diagnosis import migration
from alembic_operator.kubectl.diagnosis.diagnosis import WORDS, Diagnosis, Standing, worst
from alembic_operator.kubectl.diagnosis.gated import label_of, ungated
from alembic_operator.kubectl.diagnosis.operators import service
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings
from alembic_operator.kubectl.facts import MIGRATIONS, NOT_FOUND, KubectlError

PACE = 2.0
"""Seconds between two looks of --watch."""

wait = time.sleep

_ORDER = (Standing.STALLED, Standing.WAITS, Standing.READY)


def status(call: Call) -> int:
    """Say how migrations stand."""
    selection.refuse_both(call.asked)
    told = _decided(call) if call.asked.watch or call.asked.exit else _look(call)
    if (not call.asked.watch and not call.asked.exit) or call.asked.output in DATA:
        call.answer(told)
    return worst(told)


def _decided(call: Call) -> list[Diagnosis]:
    """Look again and again, and show what changes; with --exit until all are ready or one is stalled."""
    limit = seconds(call.asked.timeout)
    end = time.monotonic() + limit if limit else float("inf")
    told = _look(call)  # what goes wrong at the first look is an error
    with _screen(call) as show:
        while True:
            show(told)
            if (call.asked.exit and worst(told) is not Standing.WAITS) or time.monotonic() + PACE > end:
                return told
            wait(PACE)
            told = _looked_again(call)


def _looked_again(call: Call) -> list[Diagnosis]:
    try:
        return _look(call)
    except selection.NothingSelectedError:
        raise
    except KubectlError as error:
        if NOT_FOUND in str(error):
            raise
        return [Diagnosis(Standing.WAITS, "the cluster does not answer", str(error))]


@contextmanager
def _screen(call: Call) -> Iterator[Callable[[Sequence[Diagnosis]], None]]:
    """Yield what shows a look: in place on a terminal, else below the one before, where it says something else."""
    if call.asked.output in DATA:
        yield lambda _: None
        return
    if not call.console.is_terminal:
        yield _Changes(call).show
        return
    with Live(console=call.console, auto_refresh=False) as live:
        yield lambda told: live.update(screens.diagnoses([call.here(one) for one in told]), refresh=True)


@dataclass
class _Changes:
    """Prints a look when it says something else than the one before."""

    call: Call
    before: list[str] | None = None

    def show(self, told: Sequence[Diagnosis]) -> None:
        said = [f"{one.headline}: {one.why}" for one in told]
        if said != self.before:
            self.call.answer(told)
        self.before = said


def _look(call: Call) -> list[Diagnosis]:
    with ThreadPoolExecutor() as pool:  # each question is a kubectl, which mostly waits
        asked, looked = pool.submit(_migrations, call), pool.submit(around, call, *selection.everywhere(call))
        raw, seen = asked.result(), looked.result()
    seen = with_rights(call, with_imports(call, with_dependencies(call, seen, raw), raw), raw)
    if call.asked.name:
        told = [migration.diagnose(one, seen, wide=call.asked.output == "wide") for one in raw]
        return [*told, *refused(call, ours=True, label=call.asked.name)]
    told = [*_all(raw, seen, wide=call.asked.output == "wide"), *_beside(call, raw, seen)]
    selection.demand_any(call.asked, told)
    return [*_summary(told), *sorted(told, key=lambda one: (_ORDER.index(one.standing), one.headline))]


def _migrations(call: Call) -> list[Manifest]:
    if call.asked.name:
        return [call.kubectl.get(MIGRATIONS, call.asked.name)]
    return selection.selected(call)


def _all(raw: Sequence[Manifest], seen: Surroundings, *, wide: bool) -> Iterable[Diagnosis]:
    """Yield each one; of several, those that are ready in one line."""
    for one in raw:
        told = migration.diagnose(one, seen, wide=wide)
        is_quiet = told.standing is Standing.READY and len(raw) > 1 and not wide
        loud = tuple(fact for fact in told.facts if fact[0] in {"No gate", "Operator", "Held pods"})
        yield replace(told, why="", facts=loud) if is_quiet else told


def _summary(told: Sequence[Diagnosis]) -> list[Diagnosis]:
    if len(told) == 1:
        return []
    count = Counter(one.standing for one in told)
    said = ", ".join(f"{count[one]} {WORDS[one]}" for one in _ORDER if count[one])
    return [Diagnosis(worst(told), said)]


def _beside(call: Call, raw: Sequence[Manifest], seen: Surroundings) -> list[Diagnosis]:
    """Return what no migration tells: pods whose label names none, and pods that are refused."""
    if call.asked.selector:
        return []
    known = {(reading.text(one, "metadata", "namespace"), reading.text(one, "metadata", "name")) for one in raw}
    return [*_strays(known, seen), *refused(call, *selection.everywhere(call), ours=True)]


def _strays(known: set[tuple[str, str]], seen: Surroundings) -> Iterable[Diagnosis]:
    for (namespace, name), group in groupby(sorted(seen.pods or (), key=_place), _place):
        if (namespace, name) in known or not (open_ := ungated(group)):
            continue
        found = service(namespace, seen.operators) if seen.operators is not None else None
        yield Diagnosis(
            Standing.WAITS,
            f"{namespace}/{name}: there is no such DatabaseMigration",
            (found.why if found else "") or "the label of these pods names it; create it, or take the label away",
            found.next if found and not found.served else "",
            tuple(("No gate", one) for one in open_),
        )


def _place(pod: Manifest) -> tuple[str, str]:
    return reading.text(pod, "metadata", "namespace"), label_of(pod)
