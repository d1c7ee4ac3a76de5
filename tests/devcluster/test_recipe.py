"""The key of an image: whether there is something to build."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from devcluster.baseimages import PYTHON_IMAGE
from devcluster.cli import full_name
from devcluster.nodeimages import BASE_ARGUMENTS
from devcluster.recipe import Ignored, Recipe, files
from devcluster.settings import PACKAGE
from tools.pythons import VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = """\
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
RUN true
FROM --platform=linux/amd64 localhost/tools:$TAG
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    context = tmp_path / "context"
    (context / "src").mkdir(parents=True)
    (context / "src" / "main.py").write_text("print(1)\n")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return Recipe(tmp_path / "Dockerfile", "localhost/app:1", context, (("TAG", "2"),))


def test_the_same_inputs_have_the_same_key(recipe: Recipe) -> None:
    assert recipe.key(["a"]) == recipe.key(["a"])


def test_a_name_is_no_input(recipe: Recipe) -> None:
    assert replace(recipe, reference="localhost/app:2").key(["a"]) == recipe.key(["a"])


def test_every_input_changes_the_key(recipe: Recipe) -> None:
    keys = [recipe.key(["a"]), recipe.key(["b"]), replace(recipe, arguments=(("TAG", "3"),)).key(["a"])]
    main = recipe.context / "src" / "main.py"
    main.write_text("print(2)\n")
    keys.append(recipe.key(["a"]))
    main.chmod(0o755)
    keys.append(recipe.key(["a"]))
    main.rename(recipe.context / "main.py")
    keys.append(recipe.key(["a"]))
    recipe.dockerfile.write_text(DOCKERFILE + "RUN false\n")
    keys.append(recipe.key(["a"]))
    assert len(set(keys)) == len(keys)


def test_an_ignored_file_does_not_change_the_key(recipe: Recipe) -> None:
    (recipe.context / ".dockerignore").write_text("*.log\n")
    before = recipe.key([])
    (recipe.context / "today.log").write_text("...")
    assert recipe.key([]) == before


def test_a_link_counts_by_where_it_points(recipe: Recipe) -> None:
    link = recipe.context / "link"
    link.symlink_to("/nowhere")
    before = recipe.key([])
    link.unlink()
    link.symlink_to("/elsewhere")
    assert recipe.key([]) != before


def test_bases_are_named_with_arguments_filled_in(recipe: Recipe) -> None:
    assert recipe.bases() == ["python:3.11-slim", "localhost/tools:2"]


def test_a_default_is_given_only_for_arguments_that_exist_and_are_not_set(recipe: Recipe) -> None:
    assert recipe.with_defaults(BASE_ARGUMENTS, "localhost/python:base").bases()[0] == "localhost/python:base"
    assert recipe.with_defaults(re.compile("TAG|OTHER"), "9") == recipe


def test_the_operators_image_is_built_without_an_image_of_somewhere_else() -> None:
    dockerfile = PACKAGE.parent / "Dockerfile"
    recipe = Recipe(dockerfile, "localhost/operator:1", PACKAGE.parent).with_defaults(BASE_ARGUMENTS, PYTHON_IMAGE)
    stages = set(re.findall(r" AS (\S+)", dockerfile.read_text()))
    assert {*recipe.bases()} - stages == {PYTHON_IMAGE}


def test_the_operators_image_has_byte_code_of_each_python_that_the_runner_is_tried_with() -> None:
    text = (PACKAGE.parent / "Dockerfile").read_text()
    for version in VERSIONS:
        assert f"ARG PYTHON_{version.replace('.', '_')}=python:{version}-slim\n" in text
        assert f"COPY --from=python-{version} /byte-code byte-code\n" in text


@pytest.mark.parametrize(
    ("lines", "path", "ignored"),
    [
        ([".venv"], ".venv/bin/python", True),
        ([".venv/"], ".venv", True),
        (["/build"], "build/x", True),
        (["build"], "src/build", False),
        (["**/__pycache__"], "__pycache__/a.pyc", True),
        (["**/__pycache__"], "a/b/__pycache__/c.pyc", True),
        (["*.log"], "a/today.log", False),
        (["*.log"], "today.log", True),
        (["a?c"], "abc", True),
        (["a?c"], "a/c", False),
        (["*", "!src"], "src/main.py", False),
        (["*", "!src"], "docs/index.md", True),
        (["*", "!src", "**/*.pyc"], "src/x.pyc", True),
        (["# all", "", "docs"], "docs/index.md", True),
    ],
)
def test_dockerignore_is_read_as_docker_does(lines: list[str], path: str, ignored: bool) -> None:
    assert Ignored.parse(lines).matches(path) is ignored


def test_folders_that_are_ignored_are_not_even_looked_into(tmp_path: Path) -> None:
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "objects" / "x").write_text("")
    (tmp_path / "main.py").write_text("")
    (tmp_path / ".dockerignore").write_text(".git\n.dockerignore\n")
    assert files(tmp_path) == ["main.py"]


@pytest.mark.parametrize("name", ["app:1", "localhost/app:1"])
def test_the_name_of_an_image_says_that_it_is_from_here(name: str) -> None:
    assert full_name(name) == "localhost/app:1"
