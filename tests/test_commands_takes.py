"""Commands about takes and sessions: near ones, what is known, what is thought, and going on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from talking import REQUEST, Talk

from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.conversation.session import Session
from limner.agent.terminal import commands
from limner.errors import BadInput, LimnerError


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def talk(tmp_path: Path, archive: Archive) -> Talk:
    return Talk(tmp_path, archive=archive)


def test_more_like_a_take_is_its_own_words_with_other_seeds(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2)
    talk.say(REQUEST)
    session = talk.chat.session
    reworded = session.candidates[-1]
    talk.say("make it night", "/size 32x64")
    before = len(session.candidates)
    seen = talk.say(f"/vary #{reworded.number + 1}")
    fresh = session.candidates[before:]
    assert "painted over, 30% anew" in seen and session.version == 1
    start = fresh[0].image_request.start
    assert start and start.strength == 0.3 and start.image_request == reworded.image_request
    assert (
        fresh[0].image_request.prompt
        == reworded.image_request.prompt
        != session.candidates[before - 1].image_request.prompt
    )
    assert {(t.image_request.width, t.image_request.height) for t in fresh} == {(64, 64)}
    assert f"#{session.meant}" in seen and (session.meant or 0) > before
    assert not {t.image_request.seed for t in fresh} & {
        t.image_request.seed for t in session.candidates[:before]
    }


def test_how_much_they_differ(talk: Talk) -> None:
    talk.say(REQUEST)
    for much, share in (("a little", 0.3), ("much", 0.65), ("40%", 0.4), ("0.2", 0.2)):
        talk.say(f"/vary #2 {much}")
        start = talk.chat.session.candidates[-1].image_request.start
        assert start and start.strength == share


def test_a_painter_that_paints_over_nothing_takes_fresh_seeds(talk: Talk) -> None:
    painter = talk.chat.session.studio.painter
    painter.spec = replace(painter.spec, starts=False)
    talk.say(REQUEST)
    assert "from fresh seeds" in talk.say("/vary #2 much")
    orders = [take.image_request for take in talk.chat.session.candidates]
    assert orders[-1].start is None and len({order.seed for order in orders}) == len(orders)


def test_varied_takes_are_gone_on_with(talk: Talk, archive: Archive) -> None:
    talk.say(REQUEST, "/vary #1")
    session = talk.chat.session
    again = Session.resumed(session.studio, archive, 1)
    assert [take.image_request for take in again.candidates] == [
        take.image_request for take in session.candidates
    ]
    assert again.meant == session.meant and (session.meant or 0) > 4


def test_a_take_is_described_in_words(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2, 0.9)
    talk.say(REQUEST)
    assert talk.say("/describe #1").splitlines()[:2] == [
        "#1: 2 of 3 claims hold; not yet: The picture shows red cat",
        "holds: There are two dogs, The picture shows grass",
    ]


def test_what_the_writer_added_is_described_apart(tmp_path: Path) -> None:
    draft = """{"tool": "draw", "request": "a red cat", "prompt": "a red cat in a hat",
        "asked": [{"quote": "red cat", "text": "There is a red cat."}],
        "invented": [{"text": "The cat wears a hat."}]}"""
    talk = Talk(tmp_path, 0.9, 0.2, replies=(draft,))
    assert "added by the writer: The cat wears a hat" in talk.say("a red cat")
    seen = talk.say("/describe").splitlines()
    assert seen[0] == "#1: the one claim holds, as far as the critic can tell"
    assert seen[1:] == ["holds: There is a red cat", "added by the writer: The cat wears a hat"]


def test_it_is_described_in_the_language_of_who_asks(tmp_path: Path) -> None:
    draft = """{"tool": "draw", "request": "一只红色的猫", "prompt": "a red cat", "asked": [
        {"quote": "一只", "text": "There is one cat.", "kind": "count"},
        {"quote": "红色", "text": "The cat is red.", "kind": "colour"}]}"""
    talk = Talk(tmp_path, 0.9, 0.2, replies=(draft,))
    seen = talk.say("一只红色的猫")
    assert "#1：2 项中有 1 项符合；还不对：红色" in seen
    assert "符合：一只" in talk.say("/describe")
    assert "claims hold" in talk.say("a red cat at night, please") + talk.say("/describe")


def test_what_is_thought_of_takes_is_kept(talk: Talk, archive: Archive) -> None:
    talk.say(REQUEST)
    assert "noted: #2 is good" in talk.say("/rate #2 good")
    assert "noted: #1 against #3 is worse" in talk.say("/rate #1 #3 2")
    talk.say("/rate #1 #3 =")
    said = [(row.candidate, row.verdict, row.other) for row in archive.load(1).ratings]
    assert said == [(2, "good", None), (1, "worse", 3), (1, "equal", 3)]


def test_a_session_is_exported(talk: Talk) -> None:
    talk.say(REQUEST, "/finish brighter")
    seen = talk.say(f"/export {talk.tmp_path / 'my page.html'}")
    page = talk.tmp_path / "my page.html"
    assert str(page) in seen.replace("\n", "") and "then brightness +20%" in page.read_text()
    talk.say("/export")
    assert len(list(talk.tmp_path.glob("*.html"))) == 2


def test_another_session_is_gone_on_with_and_this_one_kept(talk: Talk, archive: Archive) -> None:
    talk.say(REQUEST, "make it night")
    first = talk.chat.session
    talk.chat.session = Session(first.studio, 4, recorder=SessionRecorder(archive, "fake"))
    talk.say("a blue boat")
    listed = talk.say("/sessions").splitlines()
    assert [row.split()[0] for row in listed] == ["2", "1"] and "at hand" in listed[0]
    assert "blue boat" in talk.say("/sessions boat") and "no session" in talk.say("/sessions moon")
    seen = talk.say("/resume 1")
    assert "session 2 is kept; on with session 1" in seen and "brief 2" in seen
    assert talk.chat.session.versions() == first.versions() and not talk.chat.unsaved
    assert "brief 1" in talk.say("/undo") and "brief 2" in talk.say("/redo")
    assert "brief 3" in talk.say("on sand")


def test_undo_takes_back_finishing_first(talk: Talk) -> None:
    talk.say(REQUEST, "make it night", "/finish brighter")
    bright = talk.chat.session.picture().tobytes()
    assert "not judged" in talk.say("/show")
    assert "brief " not in talk.say("/undo") and talk.chat.session.version == 2
    assert talk.chat.session.picture().tobytes() != bright
    talk.say("/redo")
    assert talk.chat.session.picture().tobytes() == bright
    assert "brief 1" in talk.say("/undo", "undo")


MISTAKES = {
    "/vary #99": "no picture #99",
    "/vary #x": "no number",
    "/vary #1 wildly": "no amount",
    "/vary #1 300%": "no amount",
    "/describe #99": "no picture #99",
    "/rate": "which take",
    "/rate #1": "which take",
    "/rate #1 1": "which take",
    "/rate #1 #2 good": "which take",
    "/rate #99 good": "no picture #99",
    "/rate #1 #99 2": "no picture #99",
    "/resume": "which one?",
    "/resume x": "no number",
    "/resume 1": "is this one",
    "/resume 99": "no session 99",
    "/export /dev/null/x": "can't save",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(typed: str, talk: Talk) -> None:
    talk.say(REQUEST)
    before = talk.chat.session.versions()
    with pytest.raises(LimnerError) as refused:
        talk.chat.hear(typed)
    assert MISTAKES[typed] in refused.value.message and "\n" not in refused.value.message
    assert talk.chat.session.versions() == before and refused.value.hint


@pytest.mark.parametrize("typed", ["/rate #1 good", "/export", "/sessions", "/resume 1"])
def test_what_needs_an_archive_says_so(typed: str, tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    talk.say(REQUEST)
    with pytest.raises(BadInput, match="not kept"):
        talk.chat.hear(typed)


@pytest.mark.parametrize("typed", ["/vary", "/describe", "/export", "/rate #1 good"])
def test_before_anything_was_painted(typed: str, talk: Talk) -> None:
    with pytest.raises(BadInput):
        talk.chat.hear(typed)


def test_they_are_completed(talk: Talk, tmp_path: Path) -> None:
    talk.say(REQUEST)

    def complete(text: str) -> list[str]:
        return [found for found, _ in commands.completions(talk.chat, text)]

    assert complete("/re") == ["/resume", "/redo"] and complete("/ra") == ["/rate"]
    assert complete("/v") == ["/vary"]
    for name in ("vary", "describe", "rate"):
        assert complete(f"/{name} ") == ["#1", "#2", "#3", "#4"]
    assert complete("/resume ") == ["1"]
    assert [*commands.completions(Talk(tmp_path).chat, "/resume ")] == []
