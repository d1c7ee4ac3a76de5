"""Record the demo and draw two of its chapters as the SVG of the README."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, BEHIND = "3  ", "5  "
"""How the first chapter of the picture begins, and the first one after it."""
COLUMNS = 96
"""Narrow enough to be read at the width of a README."""
GAP = re.compile("^ +| {2,}")
"""Where the columns begin; some programs that draw an SVG lose spaces at the beginning of a text."""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
BACKGROUND, FOREGROUND = (22, 27, 34), (201, 209, 217)
THEME = TerminalTheme(
    BACKGROUND,
    FOREGROUND,
    [(72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65), *[FOREGROUND] * 4],
)
# Without the web fonts of rich's own template: the picture asks nobody for anything, and each text says how wide it is.
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main(picture: Path) -> int:
    """Run the demo, and draw it when it ended well."""
    code, told = record([sys.executable, "-m", "demo"])
    if code == 0:
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(draw(list(chapters(told))), encoding="utf-8")
    return code


def record(command: list[str]) -> tuple[int, str]:
    """Run a command in a terminal of its own, and show it; return its exit code and what it wrote."""
    told: list[bytes] = []

    def read(terminal: int) -> bytes:
        told.append(os.read(terminal, 4096))
        return told[-1]

    os.environ["COLUMNS"] = str(COLUMNS)
    code = os.waitstatus_to_exitcode(pty.spawn(command, read))
    return code, b"".join(told).decode()


def chapters(told: str) -> Iterator[str]:
    """Cut out the lines of the picture's chapters, with their colours."""
    within = False
    for line in told.splitlines():
        plain = ESCAPE.sub("", line)
        within = plain.startswith(FIRST) or (within and not plain.startswith(BEHIND))
        if within:
            yield line


def draw(lines: list[str], title: str = "make demo") -> str:
    """Draw the lines in a terminal's window, as SVG."""
    console = Console(record=True, file=io.StringIO(), width=COLUMNS, force_terminal=True)
    for line in lines:
        text = Text.from_ansi(line)
        text.highlight_regex(GAP, Style(meta={"gap": True}))  # a piece of its own, which is not drawn
        console.print(text, soft_wrap=True)
    svg = console.export_svg(title=title, theme=THEME, code_format=TEMPLATE, unique_id="demo")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
