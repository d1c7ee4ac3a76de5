"""Check that the Debian packages a native node is made of are here, and install those that are not."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from devcluster.commands import output, search_path
from devcluster.failure import FailureError

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


def ensure() -> None:
    """Install what is missing; raises FailureError with the command to run when that takes another user."""
    packages = missing()
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    if os.geteuid() != 0:
        first = f"sudo apt-get update && sudo {' '.join(install)}; then " if packages else ""
        raise FailureError(f"a native node needs root: {first}run the same command with sudo")
    if not packages:
        return
    if not shutil.which("apt-get", path=search_path()):
        raise FailureError(f"install what these Debian packages contain: {' '.join(packages)}")
    print(f"installing {' '.join(packages)}", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    output(["apt-get", "update", "--quiet"], env=quiet)
    output(install, env=quiet)


def missing() -> list[str]:
    """List the packages whose program or file is not on this machine."""
    packages = {package for program, package in PROGRAMS.items() if not shutil.which(program, path=search_path())}
    packages |= {package for path, package in FILES.items() if not path.exists()}
    if not find_spec("ensurepip"):
        packages.add("python3-venv")
    return sorted(packages)
