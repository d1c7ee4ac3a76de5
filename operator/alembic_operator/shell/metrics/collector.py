"""Collect everything at the moment when Prometheus asks, in a thread: it only reads, and takes copies in one step."""

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate

from prometheus_client import PROCESS_COLLECTOR
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from alembic_operator.kube import codec
from alembic_operator.kube.cache import Key
from alembic_operator.kube.client import ApiServer
from alembic_operator.shell.informer import Informer
from alembic_operator.shell.metrics import families as f
from alembic_operator.shell.metrics.families import OF_IMPORTS, OF_MIGRATIONS, PREFIX, Family
from alembic_operator.shell.metrics.lines import Lines
from alembic_operator.shell.metrics.migrations import Sample, of_import, samples
from alembic_operator.shell.metrics.tally import BOUNDS, Buckets, Tally

_LE = (*map(str, BOUNDS), "+Inf")


@dataclass(frozen=True)
class OperatorCollector:
    """Reads what the parts of the operator know."""

    informer: Informer
    server: ApiServer

    @property
    def tally(self) -> Tally:
        """What was counted."""
        return self.informer.tally

    def collect(self) -> Iterator[Metric]:
        """Yield the families of the operator."""
        yield _histogram(f.GATE_DELAY, {(): self.tally.gate_delays})
        yield _histogram(f.RECONCILE, {(result,): one for result, one in self.tally.looks.items()})
        yield _plain(f.QUEUE, [((), self.informer.queue.depth())])
        yield _plain(f.REQUESTS, list(self.server.asked.items()))
        yield _plain(f.WATCHES, [((name,), count) for name, count in list(self.tally.restarts.items())])
        unreadable = dict.fromkeys(
            (one.resource.plural, one.namespace or "") for one in list(self.informer.watch_errors)
        )
        yield _plain(f.UNREADABLE, [(one, 1) for one in unreadable])
        yield _plain(f.POLICIES, [((kind,), there) for kind, there in list(self.tally.gate_policies.items())])
        yield _plain(f.LEADER, [((), self.tally.leads)])
        yield _plain(f.BUILD, [((version("alembic-operator"), platform.python_version()), 1)])
        yield from PROCESS_COLLECTOR.collect()

    def written(self) -> Iterator[tuple[Metric, Iterator[bytes]]]:
        """Yield the families of migrations and imports: each without samples, and the lines of these."""
        lines = Lines((*OF_MIGRATIONS, *OF_IMPORTS))
        for key, kept in self.informer.cache.snapshot():
            lines.add(key, samples(codec.read(kept), self.informer.cache.gated(key)))
            lines.add(key, self._counted(key))
        imports = self.informer.imports.keys()
        for one in imports:
            lines.add(one, of_import(self.informer.imports.get(one) or {}))
        for family in (*OF_MIGRATIONS, *OF_IMPORTS):
            yield headed(family), lines.pop(family)

    def _counted(self, key: Key) -> Iterator[Sample]:
        for outcome, count in list(self.tally.runs.get(key, {}).items()):
            yield f.RUNS, (outcome,), count
        # Also while it is 0: Prometheus sees no increase in what was not there before.
        yield f.LOCK_TIMEOUTS, (), self.tally.lock_timeouts.get(key, 0)


def headed(family: Family) -> GaugeMetricFamily | CounterMetricFamily:
    """Return a family of Prometheus' without samples."""
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return kind(PREFIX + family.name, family.meaning, labels=family.labels)


def _plain(family: Family, values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    metric = headed(family)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric


def _histogram(family: Family, values: Mapping[tuple[str, ...], Buckets]) -> Metric:
    metric = HistogramMetricFamily(PREFIX + family.name, family.meaning, labels=family.labels)
    for labels, buckets in values.items():
        metric.add_metric(labels, list(zip(_LE, accumulate(buckets.counts), strict=True)), buckets.total)
    return metric
