"""The documentation builds as a site that has every page in its place, and only when nothing in it is broken."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import links, site


def test_a_page_without_a_place_in_the_navigation_is_named() -> None:
    navigation = [{"Home": "README.md"}, {"Do": ["docs/howto/gate.md"]}]
    pages = ["README.md", "docs/howto/gate.md", "docs/howto/flux.md", "docs/adr/0001-record-decisions.md"]
    assert site.outside(pages, navigation) == ["docs/howto/flux.md"]


def test_what_pages_link_to_comes_along_and_of_a_folder_all_that_it_holds() -> None:
    pages = {"docs/page.md": "[file](../examples/one.yaml) [folder](../examples/two/) [page](page.md)"}
    paths = frozenset({*pages, "examples/one.yaml", "examples/two/a.yaml", "examples/two/b/c.yaml", "examples/no.yaml"})
    assert site.linked(pages, paths) == {
        "examples/one.yaml": ["examples/one.yaml"],
        "examples/two": ["examples/two/a.yaml", "examples/two/b/c.yaml"],
    }


def test_a_folder_gets_a_page_that_leads_to_its_files() -> None:
    assert site.listing("examples/two", ["examples/two/a.yaml"]) == "# examples/two\n\n- [a.yaml](a.yaml)\n"


@pytest.mark.timeout(30)  # it starts the builder
@pytest.mark.parametrize(
    ("link", "said"),
    [("page.md#here", ""), ("gone.md", "page does not exist"), ("page.md#gone", "anchor does not exist")],
)
def test_the_builder_refuses_a_link_that_leads_nowhere(tmp_path: Path, link: str, said: str) -> None:
    configuration = (links.ROOT / site.CONFIGURATION).read_text(encoding="utf-8")
    start, _, rest = configuration.partition("nav = [")
    (tmp_path / site.CONFIGURATION).write_text(start + rest.partition("\n]\n")[2])
    pages = tmp_path / "build" / "pages"
    pages.mkdir(parents=True)
    (pages / "page.md").write_text(f"# Here\n\n[there]({link})\n")
    (pages / "README.md").write_text("# Home\n")
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == bool(said), done.stdout + done.stderr
    assert said in done.stdout + done.stderr
