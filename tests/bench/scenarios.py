"""What is measured: three loads on a new operator, its memory, and a restart with all of it settled."""

import time

from tests.bench import process
from tests.bench.load import Load, Measured, percentile, run
from tests.bench.site import Site, reads, writes
from tests.bench.table import Row

_WARM_UP = Load("warm-up", 5, per_second=2)
_SETTLES = 10.0
"""Seconds after a start until nothing more is expected to happen."""


def measure(site: Site, loads: tuple[Load, Load, Load]) -> list[Row]:
    """Run the loads one after the other, the largest last, and restart the operator then."""
    time.sleep(_SETTLES)
    idle = process.rss_mib(site.operator.pid)
    run(site, _WARM_UP)
    calm, brisk, flood = (run(site, load) for load in loads)
    settled = process.rss_mib(site.operator.pid)
    return [
        _latency(calm, "to_job", (8, 30)),
        _latency(calm, "from_post", (None, None)),
        _latency(brisk, "to_job", (10, 100)),
        _latency(brisk, "from_post", (None, None)),
        _latency(calm, "to_status", (12, None)),
        *_costs(calm),
        Row("Memory of an idle operator", (idle,), (80,), "MiB", "RSS, no object"),
        Row("Memory after the flood", (settled,), (95,), "MiB", f"RSS, {flood.load.count:,} settled objects"),
        _latency(flood, "to_job", (200, None)),
        *_costs(flood),
        *_restart(site, flood.load.count),
    ]


_SAYS = {
    "to_job": "The object's POST is answered → its Job is seen, p50 / p99",
    "from_post": "The object's POST is sent → its Job is seen, p50 / p99",
    "to_status": "The Job is seen complete → Ready=True is seen, p50 / p99",
}


def _latency(measured: Measured, which: str, aims: tuple[float | None, ...]) -> Row:
    values: list[float] = getattr(measured, which)
    numbers = (percentile(values, 50), percentile(values, 99))
    return Row(_SAYS[which], numbers, aims, "ms", str(measured.load))


def _costs(measured: Measured) -> tuple[Row, ...]:
    at = str(measured.load)
    bare, all_in = measured.writes_each(events=False), measured.writes_each(events=True)
    return (
        Row("API writes a migration, without / with Events", (bare, all_in), (4, None), "", at),
        Row("Uncached reads a migration", (measured.reads_each(),), (1,), "", at),
        Row("Processor time of the operator a migration", (measured.cpu_ms,), (20,), "ms", at),
    )


def _restart(site: Site, settled: int) -> tuple[Row, ...]:
    before = len(site.requests())
    site.operator.stop()
    start = time.monotonic()
    site.operator.start()
    took = time.monotonic() - start
    time.sleep(_SETTLES)
    requests = site.requests()[before:]
    at = f"{settled:,} settled objects"
    memory = process.rss_mib(site.operator.pid)
    return (
        Row("Start of the process → /readyz", (took,), (None,), "s", at),
        Row("API writes after a restart", (writes(requests).total(),), (0,), "", at),
        Row("Uncached reads after a restart: pages of lists", (reads(requests).total(),), (None,), "", at),
        Row("Memory after a restart", (memory,), (95,), "MiB", f"RSS, {at}"),
    )
