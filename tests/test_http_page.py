"""The page in a real browser: what is said is painted, and nothing that was said becomes markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served import PATIENCE, Served, patient, served, sure

from limner.agent.studio import Studio
from limner.agent.tools.http_auth import Access
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route, ViewportSize

EVIL = '<img src=x onerror="document.title=1"> a red cat <script>document.title=1</script>'

pytestmark = [
    pytest.mark.enable_socket,
    # the browser's own connections are closed by the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Served]:
    with served(sure(), archive=tmp_path) as server:
        yield server


def say(page: Page, words: str) -> None:
    """By keyboard alone, to the end of the painting."""
    before = page.locator("#log .turn").count()
    page.fill("#words", words)
    page.press("#words", "Enter")
    page.wait_for_function("n => document.querySelectorAll('#log .turn').length > n", arg=before)
    page.wait_for_selector("#send:visible")


def test_a_wish_a_change_and_back(house: Served, page: Page) -> None:
    page.goto(house.url)
    page.wait_for_selector("#empty:visible")
    say(page, "a red cat on the grass")
    assert page.locator("#takes li").count() == 4
    assert not page.is_visible("#claims")  # it is folded in a narrow window
    page.click("#claims-card summary")
    assert "red cat" in page.inner_text("#claims")
    assert "all" in page.inner_text("#verdict") and "all" in page.inner_text("#log .verdict")
    assert page.get_attribute("#shown", "alt")
    page.wait_for_function("() => document.getElementById('shown').naturalWidth === 64")
    say(page, "make it night")
    assert "night" in page.inner_text("#claims")
    assert "night" in page.inner_text("#log .turn:last-child .change")
    page.click("#undo")
    page.wait_for_function("() => !document.getElementById('claims').innerText.includes('night')")
    page.click("#takes li:nth-child(2) button")
    page.wait_for_selector("#takes li:nth-child(2) button[aria-pressed=true]")
    told = page.inner_text("#log")
    assert "make it night" in told and "#2" in told
    page.reload()
    page.wait_for_selector("#takes li:nth-child(8)")
    assert page.inner_text("#log") == told
    page.click("#enlarge")
    page.wait_for_selector("#large img:visible")
    page.click("#large button")
    page.wait_for_selector("#large", state="hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_picture_can_be_saved_with_its_recipe(house: Served, page: Page, tmp_path: Path) -> None:
    from limner.agent.archive.pictures import read_recipe

    page.goto(house.url)
    say(page, "a red cat")
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "cat.png")
    assert read_recipe(tmp_path / "cat.png").request == "a red cat"


def test_what_was_said_stays_text(house: Served, page: Page) -> None:
    page.goto(house.url)
    say(page, EVIL)
    assert EVIL.split(" a red")[0] in page.inner_text("#log")
    page.click("#to-gallery")
    page.wait_for_selector("#sheet li")
    assert "onerror" in page.inner_text("#sheet")
    page.click("#sheet button")
    page.wait_for_selector("#past:visible")
    assert "onerror" in page.inner_text("#past h2")
    assert page.title() == "limner" and page.locator("main script, main img[src=x]").count() == 0


def test_the_gallery_goes_on_with_a_session(house: Served, page: Page) -> None:
    page.goto(house.url)
    say(page, "a red cat")
    page.click("#new")
    page.wait_for_selector("#empty:visible")
    page.click("#to-gallery")
    page.fill("#sought", "red cat")
    page.press("#sought", "Enter")
    page.click("#sheet button")
    page.click("text=Go on with it")
    page.wait_for_selector("#takes li:nth-child(4)")
    assert "a red cat" in page.inner_text("#log .you")
    assert "hold" in page.inner_text("#log .verdict")
    say(page, "make it night")
    assert page.locator("#takes li").count() == 8


def test_help_and_commands_paint_nothing(house: Served, page: Page) -> None:
    page.goto(house.url)
    page.wait_for_selector("#empty:visible")
    for words, reply in (
        ("/help", "/pick 2"),
        ("what can you do?", "/pick 2"),
        ("/undo", "There is nothing before this"),
        ("/nonsense", "there is no command /nonsense"),
    ):
        page.fill("#words", words)
        page.press("#words", "Enter")
        page.wait_for_function("text => document.body.innerText.includes(text)", arg=reply)
    assert page.locator("#takes li").count() == 0 and not house.state.jobs.all()


DRAWN = (
    '{"asked": [{"quote": "a red cat", "text": "The cat is red."}], "prompt": "a red cat, soft", '
    '"invented": [{"text": "The light is soft."}]}'
)
ASKS = '{"tool": "ask", "question": "Which one?", "choices": ["the cat", "the light"]}'


def test_what_is_not_checked_or_was_added_is_seen_and_a_question_is_asked(page: Page) -> None:
    replies = ('{"tool": "draw", "request": "a red cat, neon"}', DRAWN, ASKS, '{"tool": "undo"}')
    studio = Studio(FakeWriter(replies=replies), FakePainter(), FakeCritic([[0.9, 0.1]]))
    with served(studio) as server:
        page.goto(server.url)
        say(page, "a red cat, neon")
        assert "not checked: neon" in page.inner_text("#log .left-out")
        page.click("#claims-card summary")
        assert "neon: not checked" in page.inner_text("#claims .unchecked")
        assert page.inner_text("#claims .holds").startswith("✓")
        assert "The light is soft" in page.inner_text("#invented .fails")
        assert "not checked: neon" in page.inner_text("#verdict")
        assert "1/2" in page.inner_text("#takes li")
        before = page.locator("#takes li").count()
        say(page, "make it blue")
        assert "Which one?" in page.inner_text("#log")
        page.click("#log button >> text=the light")
        page.wait_for_selector("#send:visible")
        page.wait_for_function("() => document.getElementById('log').innerText.includes('nothing')")
        assert page.locator("#takes li").count() == before
        page.goto("about:blank")  # before its server ends


def test_painting_is_seen_and_can_be_stopped(page: Page) -> None:
    studio, painter = patient()
    with served(studio) as server:
        page.goto(server.url)
        page.fill("#words", "a red cat")
        page.press("#words", "Enter")
        page.wait_for_selector(".forming img[src^='data:image/png']")
        assert "red cat" in str(page.text_content("#claims"))
        assert page.get_attribute("#canvas", "aria-busy") == "true"
        page.reload()  # it is found again as it is
        page.wait_for_selector(".forming img[src^='data:image/png']")
        page.click("#stop")
        page.wait_for_selector("#send:visible")
        page.wait_for_selector("#log .stopped")
        assert page.inner_text("#log .stopped").endswith("stopped; nothing was painted")
        assert server.state.jobs.all()[-1].state == "cancelled" and not painter.go.is_set()
        page.goto("about:blank")  # before its server ends


def test_what_is_said_before_the_session_came_waits_for_it(house: Served, page: Page) -> None:
    held: list[Route] = []
    page.route("**/v1/sessions", lambda route: held.append(route))
    page.goto(house.url)
    page.wait_for_selector("#words")
    page.fill("#words", "a red cat")
    page.press("#words", "Enter")
    page.press("#words", "Enter")
    held[0].continue_()
    page.wait_for_selector("#takes li:nth-child(4) img")
    page.wait_for_selector("#send:visible")
    assert page.locator("#log .turn").count() == 1


def test_a_refusal_is_shown(house: Served, page: Page) -> None:
    page.goto(house.url)
    page.wait_for_selector("#empty:visible")
    page.evaluate("document.getElementById('words').value = 'x'.repeat(5000)")
    page.press("#words", "Enter")
    page.wait_for_selector("#notice:visible")
    assert page.inner_text("#notice") == "words is too long; send 4000 characters at most"


LAYOUT = """() => {
    const box = (id) => document.getElementById(id).getBoundingClientRect();
    const seen = ["empty", "canvas", "takes", "claims-card", "log"].filter((id) => box(id).height);
    scrollTo(0, document.documentElement.scrollHeight);
    const last = [...document.querySelectorAll("#log .turn")].pop();
    return {
        sideways: document.documentElement.scrollWidth - innerWidth,
        covered: seen.filter((id) => box(id).bottom > box("say").top + 1),
        end: last ? last.getBoundingClientRect().bottom - box("say").top : 0,
        composer: innerHeight - box("say").bottom,
        picture: box("enlarge").height,
    };
}"""


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["wide", "phone"])
def window(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Page, Callable[[str], None]]]:
    """A page of that size, and what makes a screenshot of a state, in light and in dark.

    It checks that nothing is covered or runs out of the window.
    """
    width, height = request.param
    size: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=size, reduced_motion="reduce")
    page = context.new_page()

    def look(state: str) -> None:
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=tmp_path / f"{state}-{width}-{scheme}.png")
        found = page.evaluate(LAYOUT)
        assert found["sideways"] <= 0 and abs(found["composer"]) < 1, (state, found)
        assert found["end"] <= 1, (state, found)  # the last turn can be read to its end
        assert width < 1000 or not found["covered"], (state, found)
        assert found["picture"] > height * 0.4 or "picture" not in state, (state, found)
        page.evaluate("scrollTo(0, 0)")

    yield page, look
    page.goto("about:blank")  # before its server ends
    context.close()
    assert list(tmp_path.glob("*.png"))


Window = tuple["Page", Callable[[str], None]]


@pytest.mark.slow
def test_the_page_before_and_after_painting(window: Window) -> None:
    (page, look), (studio, painter) = window, patient()
    with served(studio) as server:
        page.goto(server.url)
        page.wait_for_selector("#examples li")
        look("empty")
        page.fill("#words", "a red cat left of a blue dog on the grass, neon, two birds at night")
        page.press("#words", "Enter")
        page.wait_for_selector(".forming img[src^='data:image/png']")
        look("painting a picture")
        painter.go.set()
        page.wait_for_selector("#send:visible", timeout=PATIENCE * 1000)
        look("picture")
        page.click("#claims-card > summary")
        look("picture, claims the other way")
        page.reload()
        page.wait_for_selector("#takes li img")
        look("picture after a reload")
        page.goto("about:blank")  # before its server ends


@pytest.mark.slow
def test_the_page_after_a_failure(window: Window) -> None:
    page, look = window
    with served(Studio(FakeWriter(), FakePainter(breaks_at=1), FakeCritic())) as server:
        page.goto(server.url)
        say(page, "a red cat on the grass")
        assert "brush broke" in page.inner_text("#log")
        look("failure")
        page.goto("about:blank")  # before its server ends


def test_the_token_comes_with_the_address_or_is_asked_for(page: Page) -> None:
    token = "a-token-of-some-length"
    with served(sure(), access=Access(token)) as server:
        page.goto(server.url)
        page.fill("#token", token)
        page.press("#token", "Enter")
        page.wait_for_selector("#locked", state="hidden")
        say(page, "a red cat")
        page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")
        page.goto(f"{server.url}/#token={token}")
        page.wait_for_selector("#undo", state="attached")
        say(page, "a blue dog")
        assert token not in page.url
        page.wait_for_function("() => document.getElementById('shown').naturalWidth === 64")
        page.goto("about:blank")  # before its server ends
