"""Check that the Debian packages which the native node and the tests are made of are here, and install the rest."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster.commands import output, search_path
from devcluster.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAMS = {
    "buildah": "buildah",
    "catatonit": "catatonit",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "openssl": "openssl",
    "runc": "runc",
    "setpriv": "util-linux",
}
"""Program and the package that brings it."""
FILES = {
    Path("/usr/lib/cni/bridge"): "containernetworking-plugins",
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"): "debian-archive-keyring",
    Path("/etc/ssl/certs/ca-certificates.crt"): "ca-certificates",
}
TEST_PROGRAMS = {"pgbouncer": "pgbouncer", "promtool": "prometheus"}
"""What tests start themselves: those of the runner, as an unprivileged user, and of the alerts."""
SERVERS = Path("/usr/lib/postgresql")
"""Debian's own PostgreSQL, of whichever version: that of the wheel cannot speak TLS."""
_POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a package that is being installed may start its service."""


def ensure() -> None:
    """Install what is missing; raises FailureError with the command to run when that takes another user."""
    packages = missing()
    if os.geteuid() != 0:
        first = f"sudo apt-get update && sudo {' '.join(_install(packages))}; then " if packages else ""
        raise FailureError(f"a native node needs root: {first}run the same command with sudo")
    _add(packages)


def ensure_for_tests() -> None:
    """Install the programs that the tests start themselves, and start none of their services."""
    packages = _absent(TEST_PROGRAMS)
    if not any(SERVERS.glob("*/bin/postgres")):
        packages.append("postgresql")
    if not packages:
        return
    if os.geteuid() != 0:
        raise FailureError(f"run this first: sudo apt-get update && sudo {' '.join(_install(packages))}")
    with _services_off():
        _add(packages)


def _add(packages: Sequence[str]) -> None:
    if not packages:
        return
    if not shutil.which("apt-get", path=search_path()):
        raise FailureError(f"install what these Debian packages contain: {' '.join(packages)}")
    print(f"installing {' '.join(packages)}", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    output(["apt-get", "update", "--quiet"], env=quiet)
    output(_install(packages), env=quiet)


def _install(packages: Sequence[str]) -> list[str]:
    return ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]


@contextmanager
def _services_off() -> Iterator[None]:
    """Forbid packages to start services; a policy that is there already stays as it is."""
    if _POLICY.exists() or not _POLICY.parent.is_dir():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def missing() -> list[str]:
    """List the packages whose program or file is not on this machine."""
    packages = set(_absent(PROGRAMS))
    packages |= {package for path, package in FILES.items() if not path.exists()}
    if not find_spec("ensurepip"):
        packages.add("python3-venv")
    return sorted(packages)


def _absent(programs: dict[str, str]) -> list[str]:
    return [package for program, package in programs.items() if not shutil.which(program, path=search_path())]
