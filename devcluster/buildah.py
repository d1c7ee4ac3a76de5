"""Build images without a Docker engine, in an image store of our own."""

from __future__ import annotations

import configparser
import io
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devcluster import lock
from devcluster.commands import output, show, succeeds
from devcluster.recipe import KEY_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devcluster.recipe import Recipe
    from devcluster.settings import Settings

KEPT_WITHOUT_NAME = 20
CERTIFICATES = Path("/etc/ssl/certs")
PIP_SETTINGS = Path("/etc/pip.conf")
PASSED_ON = {
    "PIP_CERT": "cert",
    "PIP_DEFAULT_TIMEOUT": "timeout",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_INDEX_URL": "index-url",
    "PIP_PROXY": "proxy",
    "PIP_TRUSTED_HOST": "trusted-host",
}
"""The variables of pip that mean the same inside a build."""


@dataclass(frozen=True)
class Buildah:
    """The image store of this project."""

    settings: Settings

    def build(self, recipe: Recipe, key: str) -> None:
        """Build an image; the build sees this machine's certificates and pip settings, the image does not keep them."""
        alone = lock.held(self.settings.cache / "buildah.lock")
        with alone, TemporaryDirectory(dir=self.settings.cache) as temporary:
            pip = Path(temporary) / "pip.conf"
            pip.write_text(pip_settings(PIP_SETTINGS, os.environ))
            mounts = [f"--volume={pip}:{PIP_SETTINGS}:ro", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"]
            arguments = [f"--build-arg={name}={value}" for name, value in recipe.arguments]
            what = [f"--file={recipe.dockerfile}", f"--tag={recipe.reference}", f"--label={KEY_LABEL}={key}"]
            how = ["--quiet", "--isolation=chroot", "--network=host", "--pull=never", "--layers"]
            show([*self._buildah("build"), *how, *mounts, *arguments, *what, recipe.context])
            self._drop_replaced()

    def key(self, reference: str) -> str:
        """Return the key with which the image was built; empty when there is no such image."""
        wanted = f'{{{{index .OCIv1.Config.Labels "{KEY_LABEL}"}}}}'
        inspect = [*self._buildah("inspect"), "--type=image", f"--format={wanted}", reference]
        return output(inspect).strip() if succeeds(inspect) else ""

    def identity(self, reference: str) -> str:
        """Return what changes when an image of this name changes; empty when there is none."""
        inspect = [*self._buildah("inspect"), "--type=image", "--format={{.FromImageID}}", reference]
        return output(inspect).strip() if succeeds(inspect) else ""

    def push(self, reference: str, destination: str) -> None:
        """Copy an image to a registry, or to `oci-archive:FILE:NAME`."""
        output([*self._buildah("push"), "--quiet", "--disable-compression", reference, destination])

    def _drop_replaced(self) -> None:
        """Delete what has lost its name, now and then: its layers make the next build faster, but they add up."""
        unnamed = output([*self._buildah("images"), "--quiet", "--filter=dangling=true"]).split()
        if len(unnamed) > KEPT_WITHOUT_NAME:
            output([*self._buildah("rmi"), "--prune"])

    def _buildah(self, command: str) -> list[str]:
        store = self.settings.cache / "buildah"
        folders = [f"--root={store}", f"--runroot={store / 'run'}", "--storage-driver=overlay"]
        return ["buildah", *folders, command]


def pip_settings(present: Path, environment: Mapping[str, str]) -> str:
    """Merge this machine's pip.conf with the variables that are set; variables win, as they do in pip."""
    settings = configparser.RawConfigParser()
    settings.read(present)
    for name, option in PASSED_ON.items():
        if environment.get(name):
            if not settings.has_section("global"):
                settings.add_section("global")
            settings.set("global", option, environment[name])
    text = io.StringIO()
    settings.write(text)
    return text.getvalue()
