"""What a few tests need of the machine that only root may do."""

from __future__ import annotations

import os
import shutil

_PACKAGES = {
    "ip": "iproute2",
    "mount": "mount",
    "nft": "nftables",
    **dict.fromkeys(("nsenter", "setpriv", "unshare"), "util-linux"),
}


def require(what: str, *programs: str) -> None:
    """Fail with what to do about it; a test that is skipped in silence proves nothing."""
    missing = sorted({_PACKAGES[program] for program in programs if not shutil.which(program)})
    if os.geteuid() != 0 or missing:
        packages = f" and the Debian packages {', '.join(missing)}" if missing else ""
        raise RuntimeError(f"{what} needs root{packages}: run the tests with sudo, or deselect this one")
