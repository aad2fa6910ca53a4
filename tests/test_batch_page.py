"""The page of a batch: shows every row, needs nothing else, and filters without a script."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from limner.agent.batch.page import MOST, batch_page, write_page
from limner.agent.batch.reports import NAME, Manifest
from limner.agent.batch.rows import BadRow, CheckedClaim, Outcome
from limner.pipelines import stamp

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
RED, GREEN = (200, 30, 40), (20, 160, 60)
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\x1b[31m\u202etxt\u2066\x00'
CLAIMS = (
    CheckedClaim("the cat is red", "colour", 0.93, True),
    CheckedClaim("one cat", "count", 0.2, False),
)
DONE = Outcome("cat", 1, 2, "a red cat", "done", "cat.png", seed=7, prompt="a cat", claims=CLAIMS)
OWN = CheckedClaim("the cat wears a hat", "other", 0.1, False, "invented")
SAID = {"said": "1 of 2 claims hold; not yet: one cat; not checked: neon", "reached": False}
SHORT = replace(
    DONE, id="dog", number=2, status="short", picture="dog.png", short=("one cat: 20",),
    claims=(*CLAIMS, OWN), verdict=SAID,
)  # fmt: skip
FAILED = Outcome("cow", 3, 4, "a cow", "failed", error=f"no weights in {Path.home()}/x", hint="try")
ASIDE = Outcome("fox", 4, 5, "a fox", "set aside", error="given up", attempts=3)


class Outline(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.text = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def painted(path: Path, colour: tuple[int, int, int], side: int = 64) -> None:
    picture = Image.new("RGB", (side, side), colour)
    path.write_bytes(stamp.stamp(picture, recipe="{}", settings="s", tool="limner"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    painted(tmp_path / "cat.png", RED)
    painted(tmp_path / "dog.png", GREEN, 900)
    return tmp_path


def test_the_page_tells_of_every_row(folder: Path) -> None:
    bad = BadRow(9, "the request is empty", "pig").outcome(5)
    manifest = Manifest(folder / NAME)
    manifest.rewrite([DONE, SHORT, FAILED, ASIDE, bad])
    path = write_page(manifest, folder / "index.html", "Cats & dogs")
    outline = Outline(path.read_text(encoding="utf-8"))
    for part in (
        "Cats & dogs",
        "count 0 of 2",
        "colour 2 of 2",
        "all 5 done 1 falls short 1 failed 1 set aside 1 can't be used 1",
        "a red cat done 1 of 2 hold cat ✓the cat is red 93 % ✗one cat 20 %",
        "row 1 · seed 7 a cat line 2",
        "Required: one cat: 20 1 of 2 claims hold; not yet: one cat; not checked: neon ✓",
        "one cat 20 % added by the writer ✗the cat wears a hat 10 %",
        "no weights in ~/x try",
        "3 attempts",
        "can't be used pig the request is empty mend the row",
    ):
        assert part in outline.text, part
    pictures = [attributes for tag, attributes in outline.elements if tag == "img"]
    assert [one["loading"] for one in pictures] == ["lazy", "lazy"]
    assert [one["width"] for one in pictures] == ["64", "256"]
    assert "./cat.png" in [attributes.get("href") for _, attributes in outline.elements]


def test_the_page_needs_nothing_else(folder: Path) -> None:
    outline = Outline(batch_page([DONE, SHORT, FAILED], folder))
    for tag, attributes in outline.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("./", "#", "data:image/jpeg;base64,"))
    assert "url(" not in outline.words and "@import" not in outline.words


def test_hostile_text_stays_text(folder: Path) -> None:
    claims = (CheckedClaim(EVIL, EVIL, 0.5, True),)
    evil = Outcome(
        EVIL, 1, 2, EVIL, "failed", EVIL, EVIL, 7, EVIL, {EVIL: EVIL}, claims, EVIL,
        error=EVIL, hint=EVIL, short=(EVIL,), columns={EVIL: EVIL},
        verdict={"said": EVIL, EVIL: EVIL},
    )  # fmt: skip
    html = batch_page([evil, BadRow(1, EVIL, EVIL, EVIL).outcome(2)], folder, EVIL)
    outline = Outline(html)
    assert not [tag for tag, _ in outline.elements if tag in ("script", "img")]
    assert "<script>alert(1)</script>" in outline.words and "{{7*7}}" in outline.words
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\u2066-\u2069]", html)


def test_pictures_may_be_in_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    painted(tmp_path / "pictures" / "ein #1 猫.png", RED)
    outline = Outline(batch_page([replace(DONE, picture="pictures/ein #1 猫.png")], tmp_path))
    assert "missing or damaged" not in outline.words
    links = [attributes["href"] for tag, attributes in outline.elements if tag == "a"]
    assert links == ["./pictures/ein%20%231%20%E7%8C%AB.png"]


@pytest.mark.parametrize(
    "name", ["../out.png", "/etc/out.png", ".out.png", "sub/../../out.png", "link.png", "no.png",
             "sub//out.png", "up/out.png", "C:out.png", "sub\\out.png", "loop/out.png"],
)  # fmt: skip
def test_only_pictures_of_the_folder_are_shown(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "batch"
    (folder / "sub").mkdir(parents=True)
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    for place in (tmp_path / "out.png", folder / ".out.png", folder / "sub" / "out.png"):
        painted(place, RED)
    outline = Outline(batch_page([replace(DONE, picture=name)], folder))
    assert "missing or damaged" in outline.words
    assert not [tag for tag, _ in outline.elements if tag == "img"]


def test_of_very_many_rows_the_poor_ones_are_shown_first(tmp_path: Path) -> None:
    plain = Outcome("x", 0, 0, "a cat", "done")
    many = [replace(plain, id=f"c{n}", number=n, line=n) for n in range(1, MOST + 11)]
    many[-1] = replace(many[-1], status="failed")
    text = Outline(batch_page(many, tmp_path)).text
    assert f"{MOST} of {MOST + 10} rows are shown" in text and f"done {MOST + 9} failed 1" in text
    assert f"c{MOST + 10}" in text and f"c{MOST - 1}" in text and f"c{MOST} " not in text


def test_nothing_was_asked(tmp_path: Path) -> None:
    assert "A batch of 0 rows" in batch_page([], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("shown", "colours"), [("all", {RED, GREEN}), ("short", {GREEN})])
def test_a_browser_filters_it(folder: Path, shown: str, colours: set[tuple[int, ...]]) -> None:
    """As if one of the filters had been chosen: its rows are there, and no others."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine to show the page in")
    html = batch_page([DONE, SHORT], folder).replace(' id="show-all" checked', ' id="show-all"')
    html = html.replace(f'id="show-{shown}"', f'id="show-{shown}" checked')
    (folder / "page.html").write_text(html, encoding="utf-8")
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,1200"),
        *(f"--user-data-dir={folder / 'browser'}", f"--screenshot={folder / 'page.png'}"),
        (folder / "page.html").as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=250)
    view = Image.open(folder / "page.png").convert("RGB")
    for colour in (RED, GREEN):
        gap = ImageChops.difference(view, Image.new("RGB", view.size, colour)).convert("L")
        near = sum(gap.histogram()[:4])
        assert (near > 100 * 100) == (colour in colours)
