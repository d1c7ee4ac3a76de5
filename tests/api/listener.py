"""Play the runner of a migration pod that is asked how far it is, with the runner's own listener."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from alembic_operator.contract.import_progress import ImportProgress
from alembic_operator.contract.progress import PROGRESS_PORTS, Progress

_PROGRAM = """
import json, sys, time
from alembic_operator.contract.progress import PROGRESS_PORTS
from alembic_operator.runner.process.listener import listen
said = json.loads(sys.argv[1])
print(listen(PROGRESS_PORTS, lambda: json.dumps({**said, "at": time.time()})), flush=True)
time.sleep(600)
"""


@contextmanager
def listening(said: Progress | ImportProgress) -> Iterator[None]:
    """Answer the same again and again, on this machine."""
    command = [sys.executable, "-c", _PROGRAM, json.dumps(asdict(said))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout
        assert int(program.stdout.readline()) in PROGRESS_PORTS
        yield
        program.kill()
