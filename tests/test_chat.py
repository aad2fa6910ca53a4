"""A conversation: what is said is drafted and painted, and steps go back and forward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from talking import REQUEST, Talk

EVIL = "\x1b]0;owned\x07\x1b[2Ja cat\u202e"


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def said(*replies: dict[str, Any]) -> tuple[str, ...]:
    """What a writer answers, one task after another: each turn, then the draft that follows."""
    return tuple(map(json.dumps, replies))


DRAW: dict[str, Any] = {"tool": "draw", "request": REQUEST}
BRIEF: dict[str, Any] = {
    "asked": [
        {"quote": "red cat", "text": "There is a red cat.", "kind": "object", "subject": "cat"},
        {"quote": "two dogs", "text": "There are two dogs.", "kind": "count"},
    ],
    "prompt": REQUEST,
}


def test_a_request_is_drafted_and_painted(talk: Talk) -> None:
    seen = talk.say(REQUEST)
    assert seen.index("brief 1") < seen.index("#1") < seen.index("#1: all 3 claims hold")
    assert "  There are two dogs\n" in seen and "as far as the critic can tell" in seen


def test_the_conversation_goes_on_from_there(talk: Talk) -> None:
    talk.say(REQUEST)
    seen = talk.say("make it night")
    assert "brief 2" in seen and "  + The picture shows night\n" in seen
    assert "There are two dogs\nprompt" not in seen  # what stays is not told again
    assert "  #5 " in seen and "#5: all 4 claims hold" in seen
    assert talk.chat.session.version == 2


def test_a_take_is_picked_by_words_and_by_number(talk: Talk) -> None:
    talk.say(REQUEST)
    assert "#2 it is" in talk.say("the second one")
    assert talk.chat.session.meant == 2
    assert "#4 it is" in talk.say("/pick #4")
    assert talk.chat.session.meant == 4
    assert "#4 it is" in talk.say("the last one")


@pytest.mark.parametrize("line", ["help", "ok", "Thanks!", "谢谢", "what can you do?", "/help"])
def test_small_talk_paints_nothing(line: str, talk: Talk) -> None:
    talk.say(REQUEST)
    before = len(talk.chat.session.candidates)
    assert "brief 2" not in talk.say(line)
    assert len(talk.chat.session.candidates) == before and talk.chat.session.version == 1


def test_help_needs_no_picture(talk: Talk) -> None:
    assert "/undo" in talk.say("help") and not talk.chat.session.version


def test_what_is_unclear_is_asked_once(tmp_path: Path) -> None:
    asks = {"tool": "ask", "question": "Which one?", "choices": ["the cat", "the dog"]}
    blue = {"quote": "cat blue", "text": "The cat is blue.", "kind": "colour", "subject": "cat"}
    edit = {"tool": "edit", "add": [{**blue, "value": "blue"}]}
    talk = Talk(tmp_path, replies=said(DRAW, BRIEF, asks, edit, {"prompt": "a blue cat"}))
    talk.say(REQUEST)
    assert "Which one?\n1. the cat\n2. the dog\n" in talk.say("make it blue")
    assert talk.chat.session.version == 1
    assert "+ The cat is blue" in talk.say("the cat")
    assert talk.chat.session.tree.versions[1].words == "make the cat blue"


def test_another_line_than_the_answer_is_heard_as_it_is(tmp_path: Path) -> None:
    asks = {"tool": "ask", "question": "Which one?", "choices": ["the cat", "the dog"]}
    talk = Talk(tmp_path, replies=said(DRAW, BRIEF, asks))
    talk.say(REQUEST, "make it blue")
    assert "tell me what to change" in talk.say("thanks")


def test_what_is_told_of_an_edit_is_what_changed(tmp_path: Path) -> None:
    night = {"quote": "night", "text": "It is night.", "kind": "light", "value": "night"}
    edit = {"tool": "edit", "add": [night], "remove": [1, 2], "text": "I made everything blue."}
    redone = {"prompt": "at night", "reply": "Everything is blue now."}
    talk = Talk(tmp_path, replies=said(DRAW, BRIEF, edit, redone))
    talk.say(REQUEST)
    seen = talk.say("make it night")
    assert "+ It is night" in seen and "blue" not in seen and "- " not in seen.split("prompt")[0]
    assert len(talk.chat.session.claims) == 3


def test_an_edit_that_changes_nothing_paints_nothing(tmp_path: Path) -> None:
    dogs = {"quote": "dogs", "text": "There are two dogs.", "kind": "count"}
    edit = {"tool": "edit", "add": [dogs]}
    talk = Talk(tmp_path, replies=said(DRAW, BRIEF, edit, BRIEF))
    talk.say(REQUEST)
    taken = len(talk.chat.session.candidates)
    assert "nothing changed" in talk.say("two dogs, as before")
    assert len(talk.chat.session.candidates) == taken and talk.chat.session.version == 1


def test_a_new_picture_is_said_to_be_one(tmp_path: Path) -> None:
    other = {"asked": [{"quote": "boat", "text": "There is a boat."}], "prompt": "a boat"}
    draw = {"tool": "draw", "request": "a boat"}
    talk = Talk(tmp_path, replies=said(DRAW, BRIEF, draw, other))
    talk.say(REQUEST)
    seen = talk.say("something else: a boat")
    assert "a new picture; /undo goes back" in seen and "dogs" not in seen.partition("brief 2")[2]


def test_a_writer_that_breaks_is_told_and_the_request_serves(tmp_path: Path) -> None:
    talk = Talk(tmp_path, replies=("no JSON at all",))
    seen = talk.say("a red cat, neon")
    assert "note: The writer" in seen and "The picture shows neon" in seen
    assert talk.chat.session.candidates


def test_what_no_claim_speaks_for_is_told(tmp_path: Path) -> None:
    whole = {"asked": BRIEF["asked"], "prompt": REQUEST}
    talk = Talk(tmp_path, replies=said(DRAW, whole))
    seen = talk.say(REQUEST)
    assert seen.count("not checked: grass") == 2  # with the brief, and with the verdict
    assert "2 of 2 claims hold; not checked: grass" in seen


def test_a_seed_that_was_pasted_is_used(talk: Talk) -> None:
    assert "seed 9" in talk.say("a red cat\nSteps: 20, Seed: 9, Size: 64x64")
    assert talk.chat.session.seed == 9 and talk.chat.session.candidates


def test_it_paints_at_once_unless_it_is_to_ask(talk: Talk) -> None:
    talk.say("/brief ask")
    seen = talk.say(REQUEST)
    assert "paint it? (enter = go, or say what to change)" in seen
    assert not talk.chat.session.candidates
    assert "paint it?" in talk.say("make it night") and not talk.chat.session.candidates
    assert "claims hold" in talk.say("")
    taken = len(talk.chat.session.candidates)
    assert talk.say("") == "" and len(talk.chat.session.candidates) == taken
    talk.say("again")  # which is a word to paint
    assert len(talk.chat.session.candidates) > taken


def test_going_on_from_a_painted_version_takes_fresh_seeds(talk: Talk) -> None:
    talk.say(REQUEST, "/go", "again")
    seeds = [take.image_request.seed for take in talk.chat.session.candidates]
    assert len(seeds) == len(set(seeds)) == 12


def test_steps_back_and_forward(talk: Talk) -> None:
    talk.say(REQUEST, "make it night")
    assert "brief 1" in talk.say("undo") and talk.chat.session.version == 1
    assert "brief 2" in talk.say("/redo") and talk.chat.session.version == 2
    assert "brief 1" in talk.say("/branch 1")
    talk.say("make it rain")
    rows = talk.say("/history").splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "from 1" in rows[2] and "at hand" in rows[2] and "#9" in rows[2]
    assert "night" in talk.say("/diff 1 2") and "night" not in talk.say("/diff")


def test_a_picture_is_saved_when_that_is_said(talk: Talk) -> None:
    talk.say(REQUEST)
    assert "saved" in talk.say("save") and not talk.chat.unsaved
    assert len([*talk.tmp_path.glob("*.png")]) == 1


def test_why_tells_the_last_decisions(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2)
    assert "nothing was decided" in talk.say("/why")
    talk.say(REQUEST)
    assert "Not yet true: " in talk.say("/why")


def test_nothing_that_is_said_steers_the_terminal(tmp_path: Path) -> None:
    asked = '"asked":[{"quote":"cat","text":"\\u001b[2JThere is a cat."}]'
    draft = (
        f'{{"tool":"draw","request":"\\u001b[2Ja cat",{asked},"prompt":"\\u001b]0;owned\\u0007x"}}'
    )
    talk = Talk(tmp_path, 0.2, replies=(draft,))
    talk.run(EVIL, "/brief", "/history", "/why", "/show", f"/{EVIL}", f"/pick {EVIL}", EVIL)
    seen = talk.seen()
    assert "brief 1" in seen and "\x1b" not in seen and "\u202e" not in seen and "\x07" not in seen
