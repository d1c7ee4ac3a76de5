"""Build images with a Docker engine, for the clusters that are not native.

The machines on which this project is developed have no Docker engine: this module is not run there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devcluster.commands import show

if TYPE_CHECKING:
    from devcluster.recipe import Recipe


def build(recipe: Recipe) -> None:
    """Build an image into the engine's store."""
    arguments = [f"--build-arg={name}={value}" for name, value in recipe.arguments]
    what = [f"--file={recipe.dockerfile}", f"--tag={recipe.reference}"]
    show(["docker", "build", "--quiet", *what, *arguments, recipe.context])


def tag(source: str, target: str) -> None:
    """Give an image a second name."""
    show(["docker", "tag", source, target])


def pull(image: str) -> None:
    """Fetch an image from its registry."""
    show(["docker", "pull", "--quiet", image])


def push(image: str) -> None:
    """Send an image to its registry."""
    show(["docker", "push", "--quiet", image])
