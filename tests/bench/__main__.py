"""Measure the operator on a real API server and Job controller, and print a table: `python -m tests.bench`."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions, scenarios
from tests.bench.load import Load
from tests.bench.site import site
from tests.bench.table import markdown


def main() -> None:
    """Run everything, which takes about five minutes; with --quick one."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few migrations only: to see that it works")
    quick = parser.parse_args().quick
    loads = (
        Load("calm", 10 if quick else 60, per_second=1),
        Load("brisk", 20 if quick else 100, per_second=10),
        Load("flood", 50 if quick else 1000, per_second=50),
    )
    before = conditions.load_average()
    with TemporaryDirectory() as folder, site(Path(folder)) as here:
        rows = scenarios.measure(here, loads)
    sys.stdout.write(f"{markdown(rows)}\n\n{conditions.sentence(before)}\n")


if __name__ == "__main__":
    main()
