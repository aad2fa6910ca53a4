"""The gallery: lists and finds sessions, and makes pages that a real browser shows as meant."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page, plot
from limner.agent.archive.rows import CandidateRow, DecisionRow, RatingRow, VersionRow
from limner.agent.cli import main
from limner.agent.records import Brief, Claim, Critique
from limner.pipelines.roles import ImageRequest

CLAIMS = tuple(Claim(f"the cat is {word}", "colour") for word in ("red", "small", "here"))
OWN = Claim("the cat wears a hat", "other", "invented")
GRASS = Claim("The ground is grass.", "scene", quote="grass", value="grass")
NIGHT = Claim("It is night.", "light", quote="night", value="night")
ORDER = ImageRequest("a red cat", 11, 64, 64, 4, 5.0)
BRIEF = Brief("a red cat", "a red cat", (CLAIMS[0], GRASS), reply="I paint it.")
RED, GREEN = (200, 30, 40), (20, 160, 60)
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\x1b[31m\u202etxt\u2066\x00'


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "home") as opened:
        yield opened


def png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def told(archive: Archive) -> int:
    """A session of two versions and three takes, in which something is decided and rated."""
    session = archive.begin(profile="fake")
    first = archive.add_version(session, VersionRow("a red cat", asdict(BRIEF)))
    for number, row in enumerate([(0.9, 0.2, None), (0.9, 0.8, 0.7)]):
        wording = replace(ORDER, prompt="a red cat" + ", tiny" * number)
        made = CandidateRow(first, number, wording, Critique(CLAIMS, row), number + 1.0)
        archive.add_candidate(session, made, png(RED))
    archive.add_decision(session, DecisionRow(first, 0, "revise", "Not yet: the cat is small."))
    night = replace(BRIEF, claims=(CLAIMS[0], NIGHT), unchecked=("neon",), not_shown=("city",))
    night = replace(night, reply="Now it is night.")
    second = archive.add_version(session, VersionRow("at night", asdict(night), first))
    made = CandidateRow(second, 0, ORDER, Critique((*CLAIMS[:1], OWN), (0.6, 0.3)), 1.0)
    archive.add_candidate(session, made, png(GREEN))
    archive.rate(session, RatingRow(3, "better", 1))
    return session


class Outline(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_tells_the_whole_session(archive: Archive) -> None:
    text = " ".join(Outline(page(archive, told(archive))).words.split())
    for part in (
        "a red cat",
        "session 1 · fake",
        "3 pictures",
        "The best picture at night #3 · 1 of 1 claims hold · seed 11 "
        "1 of 1 claims hold; not checked: neon; these models can't show: city",
        "added by the writer ✗the cat wears a hat 30 %",
        "version 2, from version 1 · where the session stands",
        "The ground is grass. It is night. not checked: neon these models can't show: city Now it",
        "Round 2 a red cat cat, tiny",
        "✓the cat is red 90 %",
        "✗the cat is small 20 %",
        "?the cat is here can’t tell",
        "To be reworded. Not yet: the cat is small.",
        "3 of 3 claims hold after 2.0 pictures’ worth",
        "better than 1",
    ):
        assert part in text, part


def test_the_page_needs_nothing_else(archive: Archive) -> None:
    outline = Outline(page(archive, told(archive)))
    for tag, attributes in outline.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
    assert "url(" not in outline.words and "@import" not in outline.words


def evil(archive: Archive) -> int:
    session = archive.begin(EVIL, EVIL)
    claim = {"text": EVIL, "kind": EVIL, "quote": EVIL, "foils": [EVIL]}
    brief = {"request": EVIL, "prompt": EVIL, "claims": [claim], "reply": EVIL, "unchecked": [EVIL]}
    version = archive.add_version(session, VersionRow(EVIL, brief))
    archive.add_version(session, VersionRow(EVIL, {"claims": [7, None], "prompt": {}}, version))
    odd = archive.add_version(session, VersionRow(EVIL, [EVIL, {"x": 1}], version))
    critique = Critique((Claim(EVIL, EVIL), Claim(EVIL, EVIL, "invented")), (0.5, 0.5))
    order = replace(ORDER, prompt=EVIL, negative=EVIL)
    for number in range(2):
        made = CandidateRow(
            odd, number, replace(order, prompt=EVIL * (number + 1)), critique, number
        )
        archive.add_candidate(session, made, png(RED))
    archive.add_decision(session, DecisionRow(odd, 0, EVIL, EVIL))
    archive.rate(session, RatingRow(1, EVIL))
    return session


def test_hostile_text_stays_text(archive: Archive) -> None:
    html = page(archive, evil(archive))
    outline = Outline(html)
    assert not [tag for tag, _ in outline.elements if tag == "script"]
    assert not [a for tag, a in outline.elements if tag == "img" and "onerror" in a]
    assert "<script>alert(1)</script>" in outline.words and "{{7*7}}" in outline.words
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\u2066-\u2069]", html)


def test_a_lost_picture_is_said(archive: Archive) -> None:
    session = told(archive)
    takes = archive.load(session).candidates
    archive.pictures.path(takes[0].picture).write_bytes(b"rubbish")
    archive.pictures.path(takes[2].picture).unlink()
    outline = Outline(page(archive, session))
    assert outline.words.count("missing or damaged") == 4  # the best one twice
    assert not [tag for tag, _ in outline.elements if tag == "img"]


def test_the_page_does_not_tell_where_its_user_lives(archive: Archive) -> None:
    home = str(Path.home())
    session = archive.begin(profile=f"{home}/my.yaml")
    version = archive.add_version(session, VersionRow("a cat", {}))
    archive.add_candidate(session, CandidateRow(version, 0, ORDER, Critique((), ())), png(RED))
    archive.add_decision(session, DecisionRow(version, 0, "note", f"no weights in {home}/models"))
    html = page(archive, session)
    assert home not in html and "my.yaml" not in html and "no weights in ~/models" in html


def test_a_session_without_takes_has_a_page(archive: Archive) -> None:
    session = archive.begin()
    assert "Nothing was asked yet." in page(archive, session)
    archive.add_version(session, VersionRow("a cat", None))
    assert "a cat" in page(archive, session)


def test_the_plot_counts_on_through_runs() -> None:
    row = CandidateRow(1, 0, ORDER, Critique(CLAIMS, (0.9, 0.1, 0.1)), 2.0)
    better = replace(row, critique=Critique(CLAIMS, (0.9, 0.9, 0.1)), spent=4.0)
    drawn = plot([row, better, replace(row, spent=2.0)])
    assert drawn is not None and drawn.caption == "2 of 3 claims hold after 6.0 pictures’ worth"
    xs = [x for x, _ in drawn.dots]
    assert xs == sorted(xs) and len(set(xs)) == 3
    numbers = [float(n) for n in re.findall(r"[\d.]+", drawn.line)]
    assert all(0 <= n <= max(drawn.width, drawn.height) for n in numbers)
    assert [tick.label for tick in drawn.up] == ["0", "1", "2", "3"]
    assert [tick.label for tick in drawn.across] == ["0", "1", "2", "3", "4", "5", "6"]
    assert plot([]) is plot([row]) is plot([row, row]) is None


def shown(chromium: str, html: str, folder: Path, *options: str, width: int = 1000) -> Image.Image:
    (folder / "page.html").write_text(html, encoding="utf-8")
    picture, height = folder / "page.png", 1200 if width > 500 else 1800
    subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={folder / 'browser'}", f"--screenshot={picture}", *options),
            *(
                f"--window-size={width},{height}",
                (folder / "page.html").as_uri(),
            ),
        ],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return Image.open(picture).convert("RGB")


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "width"), [(False, 1000), (True, 400)])
def test_a_browser_shows_it(
    chromium: str, archive: Archive, tmp_path: Path, dark: bool, width: int
) -> None:
    options = ["--blink-settings=preferredColorScheme=0"] if dark else []
    view = shown(chromium, page(archive, told(archive)), tmp_path, *options, width=width)
    paper = view.getpixel((2, 2))
    assert isinstance(paper, tuple)
    assert max(paper) < 60 if dark else min(paper) > 200
    counts = {colour: n for n, colour in view.getcolors(view.width * view.height) or []}
    assert counts.get(GREEN, 0) > 300 * 300  # the best take, large
    assert counts.get(RED, 0) > 100 * 100  # another take, smaller


@pytest.mark.slow
def test_a_browser_neither_runs_nor_fetches_anything(
    chromium: str, archive: Archive, tmp_path: Path
) -> None:
    """What would run turns the page magenta; then the same without our escaping, to be sure."""
    run = "document.documentElement.innerHTML='<body style=background:magenta>'"
    session = archive.begin(f"</title><script>{run}</script><img src=x onerror={run!r}>")
    html = page(archive, session)
    assert magenta(shown(chromium, html, tmp_path)) == 0
    injected = html.replace("</body>", f"<script>{run}</script></body>")
    assert magenta(shown(chromium, injected, tmp_path)) == 0  # the policy holds by itself
    open_door = re.sub("<meta http-equiv[^>]*>", "", injected)
    assert magenta(shown(chromium, open_door, tmp_path)) > 1_000  # and this test can fail


def magenta(view: Image.Image) -> int:
    counts = {colour: n for n, colour in view.getcolors(view.width * view.height) or []}
    return counts.get((255, 0, 255), 0)


def gallery(folder: Path, *arguments: str | Path) -> int:
    return main.main(["gallery", *map(str, arguments), "--archive", str(folder)])


def test_an_empty_gallery_is_friendly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gallery(tmp_path / "home") == 0
    assert capsys.readouterr().out.startswith("The gallery is empty. Paint something: limner ")


def test_the_list_and_the_search(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    told(archive)
    archive.begin("一只猫 \x1b[2J\u202e" + "x" * 500)
    assert gallery(archive.folder) == 0
    head, newest, oldest = capsys.readouterr().out.splitlines()
    assert head.split() == ["no.", "pictures", "best", "when", "request"]
    assert newest.split()[:2] == ["2", "0"] and "一只猫" in newest and len(newest) < 160
    assert "\x1b" not in newest and "\u202e" not in newest
    assert re.match(r" +1 +3 +1 of 1 +\d{4}-\d\d-\d\d \d\d:\d\d +a red cat", oldest)
    assert gallery(archive.folder, "RED", "grass") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert gallery(archive.folder, "a\x1b[31m dog") == 0
    assert capsys.readouterr().out == "Nothing in the gallery has “a dog”.\n"


def test_the_list_for_programs(archive: Archive, capfd: pytest.CaptureFixture[str]) -> None:
    told(archive)
    assert gallery(archive.folder, "--json") == 0
    out, err = capfd.readouterr()
    (row,) = json.loads(out)["sessions"]
    assert out.isascii() and out.count("\n") == 1 and err == ""
    assert (row["id"], row["candidates"], row["holds"], row["request"]) == (1, 3, 1, "a red cat")
    assert gallery(archive.folder, "no such thing", "--json") == 0
    assert json.loads(capfd.readouterr().out) == {"sessions": []}


def test_export_never_overwrites(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(archive)
    wanted = tmp_path / "pages" / "cat.html"
    for name in ("cat.html", "cat-2.html"):
        assert gallery(archive.folder, "--export", "1", "--out", wanted) == 0
        assert capsys.readouterr().out == f"{wanted.with_name(name)}\n"
        assert wanted.with_name(name).read_text(encoding="utf-8") == page(archive, 1)
    assert gallery(archive.folder, "--export", "1", "--out", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["page"] == str(tmp_path / "a-red-cat.html")


@pytest.mark.parametrize("wrong", ["7", "x", "-1", "9" * 30])
def test_a_mistake_is_told_in_one_line(
    archive: Archive, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gallery(archive.folder, "--export", wrong) == 2
    out, err = capsys.readouterr()
    assert out == "" and re.fullmatch(r"limner: [^\n]+ — [^\n]+\n", err)
    assert list(archive.folder.glob("*.html")) == []
