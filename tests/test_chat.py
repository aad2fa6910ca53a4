"""A conversation: what is said is drafted and painted, and steps go back and forward."""

from __future__ import annotations

from pathlib import Path

import pytest
from talking import REQUEST, Talk

from limner.agent.records import Brief

EVIL = "\x1b]0;owned\x07\x1b[2Ja cat\u202e"


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_a_request_is_drafted_and_painted(talk: Talk) -> None:
    seen = talk.say(REQUEST)
    assert seen.index("brief 1") < seen.index("#1") < seen.index("all 4 claims hold on #1")
    assert "  2 × dog\n  grass\n" in seen and "as far as the critic can tell" in seen


def test_the_conversation_goes_on_from_there(talk: Talk) -> None:
    talk.say(REQUEST)
    seen = talk.say("make it night")
    assert "brief 2" in seen and "day" not in seen and "night" in seen
    assert "#5" in seen and "on #5" in seen
    assert talk.chat.session.version == 2


def test_a_take_is_picked_by_words_and_by_number(talk: Talk) -> None:
    talk.say(REQUEST)
    assert "#2 it is" in talk.say("the second one")
    assert talk.chat.session.meant == 2
    assert "#4 it is" in talk.say("/pick #4")
    assert talk.chat.session.meant == 4
    assert "#4 it is" in talk.say("the last one")


def test_what_is_unclear_is_asked_once(talk: Talk) -> None:
    talk.say(REQUEST)
    assert "Which one should be blue? (cat, dog)" in talk.say("make it blue")
    assert talk.chat.session.version == 1
    assert "make the cat blue" in talk.say("the cat")
    assert talk.chat.session.version == 2


def test_another_line_than_the_answer_is_heard_as_it_is(talk: Talk) -> None:
    talk.say(REQUEST, "make it blue")
    assert "brief 2" in talk.say("make it night")
    assert "night" in (talk.chat.session.brief or Brief("", "")).light


def test_it_paints_at_once_unless_it_is_to_ask(talk: Talk) -> None:
    talk.say("/brief ask")
    seen = talk.say(REQUEST)
    assert "paint it? (enter = go, or say what to change)" in seen
    assert not talk.chat.session.takes
    assert "paint it?" in talk.say("make it night") and not talk.chat.session.takes
    assert "claims hold" in talk.say("")
    taken = len(talk.chat.session.takes)
    assert talk.say("") == "" and len(talk.chat.session.takes) == taken


def test_going_on_from_a_painted_version_takes_fresh_seeds(talk: Talk) -> None:
    talk.say(REQUEST, "/go", "again")
    seeds = [take.order.seed for take in talk.chat.session.takes]
    assert len(seeds) == len(set(seeds)) == 12


def test_steps_back_and_forward(talk: Talk) -> None:
    talk.say(REQUEST, "make it night")
    assert "brief 1" in talk.say("/undo") and talk.chat.session.version == 1
    assert "brief 2" in talk.say("/redo") and talk.chat.session.version == 2
    assert "brief 1" in talk.say("/branch 1")
    talk.say("make it rain")
    rows = talk.say("/history").splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "from 1" in rows[2] and "at hand" in rows[2] and "#9" in rows[2]
    assert "night" in talk.say("/diff 1 2") and "night" not in talk.say("/diff")


def test_why_tells_the_last_decisions(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2)
    assert "nothing was decided" in talk.say("/why")
    talk.say(REQUEST)
    assert "Not yet true: " in talk.say("/why")


def test_nothing_that_is_said_steers_the_terminal(tmp_path: Path) -> None:
    things = '"things":[{"name":"\\u001b[2Jcat"}]'
    draft = f'{{{things},"prompt":"\\u001b]0;owned\\u0007x","reply":"\\u202ey"}}'
    talk = Talk(tmp_path, 0.2, replies=(draft,))
    talk.run(EVIL, "/brief", "/history", "/why", "/show", f"/{EVIL}", f"/pick {EVIL}", EVIL)
    seen = talk.seen()
    assert "brief 1" in seen and "\x1b" not in seen and "\u202e" not in seen and "\x07" not in seen
