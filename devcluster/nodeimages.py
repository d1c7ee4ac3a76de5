"""Bring images to the native node, and only when it does not have them as they should be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devcluster.baseimages import PYTHON_IMAGE, BaseImage, base_images
from devcluster.buildah import Buildah
from devcluster.containerd import Containerd
from devcluster.failure import FailureError

if TYPE_CHECKING:
    from devcluster.recipe import Recipe
    from devcluster.settings import Settings

BASE_ARGUMENTS = re.compile(r"BASE|PYTHON_\d+_\d+")
"""The build arguments by which a Dockerfile of this project takes its base images, which are all Python."""


@dataclass(frozen=True)
class NodeImages:
    """The way from a build to the node's containerd."""

    settings: Settings

    def ensure_base_images(self) -> None:
        """Bring the base images, building what is not there."""
        for image in base_images(self.settings):
            if not self._node.has_image(image.reference, image.key):
                self._ensure_stored(image.reference)
                self._bring(image.reference, image.key)

    def build(self, recipe: Recipe) -> str:
        """Build an image and bring it, unless its inputs are those of last time; return its name."""
        recipe = recipe.with_defaults(BASE_ARGUMENTS, PYTHON_IMAGE)
        for base in recipe.bases():
            self._ensure_stored(base)
        key = recipe.key(self._store.identity(base) for base in recipe.bases())
        if not self._node.has_image(recipe.reference, key):
            if self._store.key(recipe.reference) != key:
                self._store.build(recipe, key)
            self._bring(recipe.reference, key)
        return recipe.reference

    def load(self, image: str) -> None:
        """Bring an archive file, or an image that was built here."""
        if Path(image).is_file():
            self._node.load_archive(Path(image))
            return
        identity = self._store.identity(image)
        if not identity:
            raise FailureError(f"no image {image} was built here: use build-image, or give the file of an archive")
        self._bring(image, self._store.key(image) or identity)

    def _ensure_stored(self, reference: str) -> None:
        """Build a base image, and what it stands on, where the image store does not have it."""
        for image in base_images(self.settings):
            if image.reference == reference and self._store.key(reference) != image.key:
                self._build_base(image)

    def _build_base(self, image: BaseImage) -> None:
        for below in image.recipe(Path()).bases():
            self._ensure_stored(below)
        image.build(self.settings)

    def _bring(self, reference: str, key: str) -> None:
        with TemporaryDirectory(dir=self.settings.cache) as temporary:
            archive = Path(temporary) / "image.tar"
            self._store.push(reference, f"oci-archive:{archive}:{reference}")
            self._node.load(archive, reference, key)

    @property
    def _store(self) -> Buildah:
        return Buildah(self.settings)

    @property
    def _node(self) -> Containerd:
        return Containerd(self.settings)
