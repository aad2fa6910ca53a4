"""What can be typed besides plain words: each command, its completion, and what a mistake says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from talking import REQUEST, Talk

from limner.agent.brief import as_text
from limner.agent.records import Brief, Claim
from limner.agent.terminal import commands
from limner.agent.terminal.input import edited
from limner.errors import BadInput, LimnerError
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.roles import World


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_what_is_set_is_used_and_told(talk: Talk) -> None:
    assert "size 64 × 64" in talk.say("/size")
    talk.say("/size 32x64", "/budget 2", "/seed 9", REQUEST)
    orders = {
        (take.image_request.width, take.image_request.height)
        for take in talk.chat.session.candidates
    }
    assert orders == {(32, 64)} and len(talk.chat.session.candidates) <= 4
    meant = talk.chat.session.meant
    assert talk.chat.status() == f"version 1 · #{meant} · fake · budget 2 · seed 9"
    assert "size 64 × 64" in talk.say("/size own")


def test_another_profile_goes_on_with_the_same_session(talk: Talk) -> None:
    talk.say(REQUEST)
    assert "writer fake" in talk.say("/profile fake") and talk.opened == ["fake"]
    assert "  #5 " in talk.say("make it night")


def test_what_must_not_be_there(talk: Talk) -> None:
    talk.say(REQUEST)
    assert "/go" in talk.say("/negative people, text")
    talk.say("/go")
    assert "no people, no text" in talk.say("/negative")
    assert talk.chat.session.candidates[-1].image_request.negative == "people, text"
    talk.say("/negative none")
    assert "anything goes" in talk.say("/negative")


def test_the_brief_is_changed_by_hand(tmp_path: Path) -> None:
    page = as_text.written(Brief(REQUEST, "two foxes", (Claim("There are two foxes."),)))
    talk = Talk(tmp_path, edit=page)
    talk.say(REQUEST)
    seen = talk.say("/brief edit")
    assert "brief 2" in seen and "+ There are two foxes" in seen and "- There are two dogs" in seen
    assert "There are two foxes" in talk.say("/go")
    assert "two foxes" in {take.image_request.prompt for take in talk.chat.session.candidates}
    assert "as it was" in talk.say("/brief edit")


@pytest.mark.parametrize("page", ["claims: 7", "[", "- a", "prompt: ''", "claims: [{a: 1}]"])
def test_a_page_that_is_no_brief_is_refused(page: str) -> None:
    with pytest.raises(BadInput) as refused:
        as_text.read(page, Brief("a", "b"))
    assert "\n" not in refused.value.message


def test_a_page_comes_back_as_it_went() -> None:
    cats = Claim("There are two cats.", "count", quote="两只猫", subject="cat", value="2")
    own = Claim("The hat is green.", "colour", "invented")
    brief = Brief("两只猫", "a cat: \x9b2J #1", (cats, own), negative=("dog",), reply="hi")
    assert as_text.read(as_text.written(brief), brief) == brief
    assert as_text.read("", brief) is brief


def test_a_sentence_that_is_new_was_asked_for_and_the_others_stay() -> None:
    cats = Claim("There are two cats.", "count", quote="两只猫", subject="cat", value="2")
    brief = Brief("两只猫", "two cats", (cats, Claim("It is night.", "light", value="night")))
    page = "claims: [There are two cats., The cats are red.]\nprompt: two red cats"
    after = as_text.read(page, brief)
    assert [claim.text for claim in after.claims] == ["There are two cats.", "The cats are red."]
    assert after.claims[0].quote == "两只猫" and after.claims[1].quote == "The cats are red."
    assert after.claims[1].kind == "colour" and after.claims[1].needs == 0
    assert (after.prompt, after.request) == ("two red cats", "两只猫")


def test_an_editor_that_fails_changes_nothing() -> None:
    assert edited("a", "true") == "a"
    with pytest.raises(BadInput, match="ended with 1"):
        edited("a", "false")
    with pytest.raises(BadInput, match="can't edit"):
        edited("a", "no-such-editor-anywhere")


MISTAKES = {
    "/nope": "there is no command /nope",
    "/hist": "did you mean /history?",
    "/pick": "which one?",
    "/pick x": "'x' is no number",
    "/pick #99": "99",
    "/undo": "",
    "/redo": "",
    "/branch 9": "",
    "/diff 1": "two versions",
    "/diff": "only one version",
    "/seed -1": "no seed",
    "/size big": "no size",
    "/budget 0": "no budget",
    "/profile nope": "no profile",
    "/finish": "finish it how?",
    "/help nope": "no command",
    "/brief nope": "not known",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_says_what_to_type(typed: str, talk: Talk) -> None:
    talk.say("a cat")
    with pytest.raises(LimnerError) as refused:
        talk.chat.hear(typed)
    assert MISTAKES[typed] in f"{refused.value.message} — {refused.value.hint}"


@pytest.mark.parametrize(
    "typed", ["/go", "/again", "/show", "/save", "/brief", "/brief edit", "/negative x", "/undo"]
)
def test_before_there_is_a_picture(typed: str, talk: Talk) -> None:
    with pytest.raises(BadInput):
        talk.chat.hear(typed)


def test_every_command_is_helped_with(talk: Talk) -> None:
    seen = talk.say("/help")
    assert all(f"/{name}" in seen and c.help in seen for name, c in commands.COMMANDS.items())
    assert talk.say("/help pick").splitlines() == ["/pick #N  go on from that picture"]


def test_what_the_models_can_paint_is_told(talk: Talk) -> None:
    assert "whatever you can say" in talk.say("/things")
    studio = talk.chat.session.studio
    studio.writer = replace(studio.writer, world=cast("World", SmallWorld()))
    rows = dict(line.split(maxsplit=1) for line in talk.say("/things").splitlines())
    assert "cat, dog" in rows["things"] and "red, orange" in rows["colours"]
    assert rows["try"].startswith(SmallWorld.examples[0]) and "limner doctor" in rows["more"]


@pytest.mark.parametrize("line", ["exit", "quit", "Quit.", "/exit", "退出"])
def test_bare_words_leave(line: str, talk: Talk) -> None:
    talk.say(line)
    assert talk.chat.leaving and talk.chat.last.command == "quit"


def test_clear_is_no_picture(talk: Talk) -> None:
    talk.say("clear", "/clear")
    assert not talk.chat.session.version


def test_settings_are_told_in_the_language_of_the_talk(talk: Talk) -> None:
    talk.say("一只红色的猫")
    assert re.search("第 1 版 · #. · fake · 预算 .* · 种子 3", talk.chat.status())
    seen = talk.say("/size", "/seed", "/help")
    assert "尺寸 64 × 64" in seen and "种子 3" in seen
    assert all(re.search("[一-鿿]", line) for line in seen.splitlines())


def test_where_the_picture_is_told_after_each_turn(talk: Talk) -> None:
    seen = talk.say(REQUEST)
    assert f"/save writes {talk.chat.out}" in " ".join(seen.split())


def test_commands_and_their_arguments_are_completed(talk: Talk) -> None:
    talk.say(REQUEST)
    complete: Callable[[str], list[str]] = lambda text: [  # noqa: E731
        found for found, _ in commands.completions(talk.chat, text)
    ]
    assert complete("/p") == ["/pick", "/profile"] and complete("a cat") == []
    assert complete("/pick ") == ["#1", "#2", "#3", "#4"] and complete("/pick #3 ") == []
    assert complete("/profile f") == ["fake"] and complete("/branch ") == ["1"]
    assert complete("/brief e") == ["edit"] and complete("/nope ") == []
