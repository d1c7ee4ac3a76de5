"""The command line of the demo: parse arguments, call one function."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from demo import story
from demo.access import NAMESPACE
from demo.clean import clean
from demo.expectation import UnmetError
from demo.screen import Screen, Tone
from demo.setup import set_up
from devcluster.failure import FailureError

NEXT = """
Try next
  eval "$(python3 -m devcluster env)"                        # kubectl, and its access to this cluster
  kubectl -n {namespace} describe dbm users                         # every run, told in events
  kubectl -n {namespace} logs deployment/users -c alembic-gate      # what a gate saw
  kubectl -n {namespace} exec postgres-0 -- psql -U shop -c '\\d users'
  kubectl -n {namespace} set image deployment/users users=localhost/users:v1
                                                             # back to v1: its pods start, the database is ahead of them

Remove it all: make demo-clean. The cluster stays until: python3 -m demo clean --cluster
"""


def main() -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args()
    screen = Screen()
    try:
        if arguments.command == "clean":
            clean(screen, arguments.namespace, stop_cluster=arguments.cluster)
            if not arguments.cluster:
                screen.line("cluster", "still runs; python3 -m demo clean --cluster stops it")
        else:
            run(screen, arguments.namespace, arguments.facts)
    except (UnmetError, FailureError, OSError) as error:
        screen.line("demo", "stopped: this should not have happened", Tone.BAD)
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        screen.line("demo", "stopped by you; it can be started again, or cleaned away", Tone.WAITING)
        return 130
    return 0


def run(screen: Screen, namespace: str, facts_file: Path | None) -> None:
    """Set the stage, tell the story, keep its facts."""
    access = set_up(screen, namespace)
    facts = story.tell(access, screen)
    if facts_file:
        facts_file.write_text(json.dumps({name: dataclasses.asdict(each) for name, each in facts.items()}, indent=2))
    print(NEXT.format(namespace=namespace))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m demo", description="Four releases and one bad migration.")
    parser.set_defaults(facts=None, namespace=NAMESPACE)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    tell = commands.add_parser("run", help="tell the story (the default)")
    remove = commands.add_parser("clean", help="remove everything that the demo made")
    for command in (tell, remove):
        command.add_argument("--namespace", default=NAMESPACE, help=f"where; {NAMESPACE} unless told")
    tell.add_argument("--facts", type=Path, metavar="FILE", help="write what was seen there, as JSON")
    remove.add_argument("--cluster", action="store_true", help="stop the cluster too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
