"""Every link and anchor of the Markdown leads somewhere; what leads nowhere is named with its line."""

import pytest

from tools import links

GATE = "docs/howto/gate.md"
PAGES = {
    "README.md": "# Home\n\n[docs](docs/howto/gate.md#below-kubernetes-136) and ![picture](docs/demo.svg)\n",
    GATE: "# The gate\n\n## Below Kubernetes 1.36\n\n## `spec.database`\n\n## Twice\n\n## Twice\n",
}
PATHS = frozenset({*PAGES, "docs/demo.svg", "examples/gate/gate.yaml"})


def broken(text: str, path: str = "docs/page.md") -> list[str]:
    return list(links.broken({**PAGES, path: text}, PATHS | {path}))


@pytest.mark.parametrize(
    "text",
    [
        "[a page](howto/gate.md), [its heading](howto/gate.md#the-gate), [home](../README.md#home)",
        "[a code heading](howto/gate.md#specdatabase), [the second](howto/gate.md#twice-1)",
        "# Here\n\n[this page](#here)",
        "[a file](../examples/gate/gate.yaml), [a folder](../examples/gate), [another](../examples/)",
        "[elsewhere](https://example.invalid/nothing.md#no), [mail](mailto:nobody@example.invalid)",
        "`[no link](nothing.md)`\n\n```\n[no link](nothing.md)\n```\n\n<!-- [no link](nothing.md) -->",
        '<a id="named"></a> [named](#named) <img src="demo.svg" alt="">',
        "[by reference][1]\n\n[1]: howto/gate.md",
    ],
)
def test_what_leads_somewhere_is_not_named(text: str) -> None:
    assert broken(text) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\n\n[gone](howto/gone.md)", "docs/page.md:3: howto/gone.md: there is no such file"),
        ("[gone](howto/gate.md#gone)", f"docs/page.md:1: howto/gate.md#gone: {GATE} has no such heading"),
        (
            "[third](howto/gate.md#twice-2)",
            f"docs/page.md:1: howto/gate.md#twice-2: {GATE} has no such heading",
        ),
        ("[here](#gone)", "docs/page.md:1: #gone: docs/page.md has no such heading"),
        ("![picture](gone.svg)", "docs/page.md:1: gone.svg: there is no such file"),
        ('<img src="gone.svg" alt="">', "docs/page.md:1: gone.svg: there is no such file"),
        ("[one][1]\n\n[1]: gone.md", "docs/page.md:3: gone.md: there is no such file"),
        ("```\n[no](no.md)\n```\n[gone](gone.md)", "docs/page.md:4: gone.md: there is no such file"),
        ("[out](../../gone.md)", "docs/page.md:1: ../../gone.md: there is no such file"),
        ("[a line](howto/gate.svg#L1)", "docs/page.md:1: howto/gate.svg#L1: there is no such file"),
    ],
)
def test_what_leads_nowhere_is_named_with_its_line(text: str, named: str) -> None:
    assert broken(text) == [named]


def test_a_page_that_code_or_a_chart_names_must_be_there() -> None:
    assert broken(f"# see {GATE}#the-gate", "charts/values.yaml") == []
    gone = GATE.replace("gate", "gone")
    assert broken(f"x\n# see {gone}", "charts/values.yaml") == [f"charts/values.yaml:2: {gone}: there is no such file"]
