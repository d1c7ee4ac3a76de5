"""The command line: parse arguments, call one function."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster import binaries, cluster, kubernetesmodule, prerequisites, settings
from devcluster.failure import FailureError
from devcluster.recipe import Recipe

if TYPE_CHECKING:
    from devcluster.cluster import Cluster
    from devcluster.settings import Settings

LOCAL = "localhost/"
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except (FailureError, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped by you; the same command goes on from there", file=sys.stderr)
        return INTERRUPTED


def _settings() -> Settings:
    return settings.from_environment(os.environ)


def _cluster() -> Cluster:
    return cluster.connect(os.environ, _settings())


def _up(_: argparse.Namespace) -> None:
    _cluster().up()


def _down(_: argparse.Namespace) -> None:
    _cluster().down()


def _status(_: argparse.Namespace) -> int:
    return 0 if _cluster().status() else 1


def _build(arguments: argparse.Namespace) -> None:
    binaries.ensure(_settings(), arguments.only or binaries.NODE)


def _kubernetes_module(_: argparse.Namespace) -> None:
    print(kubernetesmodule.write(_settings()))


def _test_programs(_: argparse.Namespace) -> None:
    prerequisites.ensure_for_tests()


def _load(arguments: argparse.Namespace) -> None:
    _cluster().load(arguments.image)


def _build_image(arguments: argparse.Namespace) -> None:
    pairs = tuple(tuple(pair.partition("=")[::2]) for pair in arguments.build_arg)
    recipe = Recipe(arguments.file, full_name(arguments.tag), arguments.context, pairs)
    print(_cluster().build_image(recipe))


def _reference(arguments: argparse.Namespace) -> None:
    print(_cluster().reference(full_name(arguments.image)))


def _env(_: argparse.Namespace) -> None:
    folders = [str(binaries.folder_of(_settings(), [name])) for name in ("kubectl", "helm")]
    print(f"export KUBECONFIG={_cluster().kubeconfig}\nexport PATH={':'.join(folders)}:$PATH")


def full_name(image: str) -> str:
    """Write `localhost/` before the name of an image that is built here."""
    return image if image.startswith(LOCAL) else LOCAL + image


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m devcluster", description="a Kubernetes cluster to develop with")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("up", _up, "start the cluster, or what of it does not run"),
        ("down", _down, "stop the cluster and remove every trace of it but the logs"),
        ("status", _status, "say what runs; the exit code is 0 when the cluster is ready"),
        ("kubernetes-module", _kubernetes_module, "pin the version KUBERNETES for control planes of tests"),
        ("test-programs", _test_programs, "install the programs that the runner's tests start themselves"),
        ("env", _env, "print the shell variables that make kubectl and helm use the cluster"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    _add_build(commands.add_parser("build", help="build the programs that are missing in the cache"))
    _add_images(commands)
    return parser


def _add_build(build: argparse.ArgumentParser) -> None:
    build.add_argument("--only", nargs="+", metavar="NAME", help="only these programs")
    build.set_defaults(run=_build)


def _add_images(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    load = commands.add_parser("load", help="bring images that were built here to the cluster")
    load.add_argument("image", nargs="+", metavar="IMAGE")
    load.set_defaults(run=_load)
    reference = commands.add_parser("reference", help="print the name by which pods use an image")
    reference.add_argument("image", metavar="NAME:TAG")
    reference.set_defaults(run=_reference)
    build = commands.add_parser("build-image", help="build an image and bring it to the cluster; print its name")
    build.add_argument("--file", required=True, type=Path, metavar="DOCKERFILE")
    build.add_argument("--tag", required=True, metavar="NAME:TAG")
    build.add_argument("--context", default=Path(), type=Path, metavar="DIR")
    build.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    build.set_defaults(run=_build_image)
