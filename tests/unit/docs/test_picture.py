"""The picture of the README shows two chapters of a real run, to everybody and from nowhere else."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from demo import picture

PICTURE = Path(__file__).parents[3] / "docs" / "pictures" / "demo.svg"
TOLD = """\
\x1b[1m2  v1\x1b[0m
before
\x1b[1m3  v2: two more\x1b[0m
\x1b[2m   45.3s\x1b[0m  migration              \x1b[32mUpToDate: <done>\x1b[0m
\x1b[1m4  v3\x1b[0m
in it
\x1b[1m5  v4\x1b[0m
after
"""


def words(svg: str) -> list[str]:
    texts = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [text.text.replace("\xa0", " ").strip() for text in texts if text.text and text.text.strip()]


def test_two_chapters_are_cut_out_of_what_was_recorded() -> None:
    plain = [picture.ESCAPE.sub("", line) for line in picture.chapters(TOLD)]
    assert plain == ["3  v2: two more", "   45.3s  migration              UpToDate: <done>", "4  v3", "in it"]


def test_each_column_is_a_text_of_its_own_in_its_colour() -> None:
    svg = picture.draw(list(picture.chapters(TOLD)))
    assert words(svg) == [
        "make demo",
        "3",
        "v2: two more",
        "45.3s",
        "migration",
        "UpToDate: <done>",
        "4",
        "v3",
        "in it",
    ]
    assert "#56d364" in svg


def test_a_program_is_recorded_with_what_it_wrote_and_how_it_ended() -> None:
    code, told = picture.record(["/bin/sh", "-c", "echo told; exit 3"])
    assert (code, told.strip()) == (3, "told")


def test_the_picture_of_the_readme_asks_no_other_server() -> None:
    svg = PICTURE.read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "@import" not in svg
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", svg)


def test_the_picture_of_the_readme_shows_how_one_release_goes_through_and_one_does_not() -> None:
    shown = " ".join(words(PICTURE.read_text(encoding="utf-8")))
    assert "UpToDate: the database" in shown
    assert "RevisionFailed: revision" in shown
    assert shown.count(" 0 failed") == 2


def test_the_picture_of_the_readme_names_no_machine_path_or_registry() -> None:
    shown = "\n".join(words(PICTURE.read_text(encoding="utf-8")))
    assert re.findall(r"(?<!GET )(?<!\w)/\w+", shown.replace("localhost/users", "")) == []
    assert re.findall(r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|dev|io|net|org|local|internal)\b", shown) == []
