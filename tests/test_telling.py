"""No more is told of a picture than was seen, in the language of who asked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from talking import REQUEST, Talk

from limner.agent.claims import claims_of
from limner.agent.language.telling import described, verdict
from limner.agent.language.tongues import in_tongue, noted, tongue_of
from limner.agent.looking.instead import instead
from limner.agent.records import Brief, Claim, Critique, Thing
from limner.prompts import claims
from limner.prompts.words import telling


def critique(*probabilities: float | None) -> Critique:
    texts = ("there is one cat", "the cat is red", "the sky shows night")
    claims = tuple(Claim(text, (), "count") for text in texts)
    return Critique(claims[: len(probabilities)], probabilities)


VERDICTS = {
    (0.9, 0.8, 0.7): "all 3 claims hold on #2, as far as the critic can tell",
    (0.9,): "the one claim holds on #2, as far as the critic can tell",
    (0.9, 0.2, 0.7): "2 of 3 claims hold on #2; not yet: the cat is red",
    (0.9, 0.2, 0.1): "1 of 3 claims holds on #2; not yet: the cat is red, the sky shows night",
    (0.9, None, 0.7): "2 of 3 claims hold on #2; not checked: the cat is red",
    (None, None): "#2 is painted; nobody could check whether it is what you asked for",
    (): "#2 is painted; its brief claims nothing that could be checked",
}


@pytest.mark.parametrize("probabilities", VERDICTS)
def test_no_more_is_claimed_than_was_seen(probabilities: tuple[float | None, ...]) -> None:
    assert verdict(2, critique(*probabilities)) == VERDICTS[probabilities]


NOTES = {
    "12 details in 30 words: painted as you wrote it": "30 个词里有 12 处细节：照你写的画",
    "Not yet true: the cat is red; there is one dog.": "还不对：猫是红色；有一只狗",
    "The writer left out: car; the change is made by rule.":
        "写手漏掉了：汽车；这次改动按规则完成。",
    "put back into the brief: 2 cat, cat left of dog, no bird":
        "补回描述里的：2猫、猫在狗的左边、没有鸟",
    "  not yet: the cat is red (5%)": "  还不对：猫是红色 (5%)",
    "the cat is red: there is room for it, from 0 x 8 to 64 x 64.":
        "猫是红色：那里有地方，从 0 x 8 到 64 x 64",
    "aim: the cat is red: that is where it is, from 0 x 8 to 64 x 64.":
        "位置：猫是红色：它就在那里，从 0 x 8 到 64 x 64",
    "no new wording: the {writer} broke": "没有新的说法：the {writer} broke",
    "somebody else's words": "somebody else's words",
}  # fmt: skip


@pytest.mark.parametrize("line", NOTES)
def test_notes_are_told_in_the_users_language(line: str) -> None:
    assert noted(line, "chinese") == NOTES[line]
    assert noted(line, "english") == line


TALKING = (
    *("loop.py", "mending.py", "search.py", "refining.py", "near.py"),
    *("chat/chat.py", "chat/commands_*.py", "view/chat.py", "command_line/chat.py"),
)


def told_lines() -> Iterator[str]:
    """Every line that our own code tells or decides, with 1 for what is filled in."""
    agent = Path(__file__).parents[1] / "agent"
    for path in (path for name in TALKING for path in agent.glob(name)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("tell", "note"):
                yield from lines_in(node.args)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Decided":
                yield from lines_in(node.args[2:])


def lines_in(arguments: Sequence[ast.expr]) -> Iterator[str]:
    for one in arguments:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
        elif isinstance(one, ast.JoinedStr):
            parts = (v.value if isinstance(v, ast.Constant) else "1" for v in one.values)
            yield "".join(map(str, parts))


def test_every_line_of_ours_has_its_chinese() -> None:
    found = [line for line in told_lines() if re.search("[a-z]{3}", line)]
    assert len(found) > 30
    assert [line for line in found if not re.search("[一-鿿]", noted(line, "chinese"))] == []


def test_a_talk_in_chinese_is_told_in_chinese(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2, 0.9)
    seen = talk.say("两只红色的猫和一只狗，晚上", "/go", "不要狗了", "简单一点", "/why")
    plain = [line for line in seen.splitlines() if not line.startswith(("prompt", "reply", "  "))]
    assert not [line for line in plain if re.search("[a-z]{4}", line) and "spent" not in line]


def test_a_spent_budget_is_not_called_done(tmp_path: Path) -> None:
    seen = Talk(tmp_path, 0.9, 0.2, 0.9).say(REQUEST)
    assert "3 of 4 claims hold" in seen and "; the budget is spent" in seen
    assert "done" not in seen.lower()


CHINESE = {
    "there is one cat": "有一只猫",
    "there are two balloons": "有两个气球",
    "there is no dog": "没有狗",
    "the cats are orange": "猫是橙色",
    "the cat is in natural colours": "猫是本来的颜色",
    "the cat is left of the tree": "猫在树的左边",
    "the sailboat is on the right": "帆船在右边",
    "the ground is snow": "地面是雪地",
    "the sky shows night": "天空是夜晚",
    "the backdrop is plain white": "背景是白色",
    "the style is pixel art": "风格是像素画",
    "the fisherman is tired": "fisherman是tired",
    "someone dances": "someone dances",
}


@pytest.mark.parametrize("claim", CHINESE)
def test_claims_in_chinese(claim: str) -> None:
    assert in_tongue(claim, "chinese") == CHINESE[claim]
    assert in_tongue(claim, "english") == claim


def test_every_claim_of_the_small_world_can_be_told_in_chinese() -> None:
    say = claims()
    brief = Brief("r", "p", "", (Thing("cat", 2, "red", "small", "left"), Thing("sun")))
    scenes = [replace(brief, where=where) for where in say.wheres]
    scenes += [replace(brief, light=light) for light in say.lights]
    scenes += [replace(brief, style=style, avoid=("dog",)) for style in say.styles]
    for scene in scenes:
        for claim in claims_of(scene):
            for text in (claim.text, *claim.foils):
                assert not re.search(r"[a-z]{3}", in_tongue(text, "chinese")), text


def test_both_languages_tell_the_same() -> None:
    assert set(telling().english) == set(telling().chinese)
    for name, text in telling().english.items():
        slots = {*re.findall(r"\{\w+\}", telling().chinese[name])}
        assert slots == {*re.findall(r"\{\w+\}", text)}


def test_what_is_not_in_the_brief_is_told_with_the_verdict() -> None:
    sure = critique(0.9)
    assert verdict(1, sure, "english", "dog").endswith("; not in the brief: dog")
    assert verdict(1, sure, "chinese", "狗").endswith("描述里没有：狗")


class Sees:
    """A critic for whom the cat is black, whatever else is claimed."""

    name = "sees"

    def look(
        self, pictures: Sequence[Image.Image], texts: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        return [[0.7 if "black" in text else 0.1 for text in texts] for _ in pictures]


def test_what_it_looks_like_instead() -> None:
    wrong = Critique(
        (Claim("the cat is red", ("the cat is blue", "the cat is black"), "colour"),), (0.1,)
    )
    picture = Image.new("RGB", (8, 8))
    assert instead(Sees(), picture, wrong) == {0: "the cat is black"}
    blackened = replace(wrong, claims=(Claim("a black cat", ("a red cat",), "colour"),))
    assert instead(Sees(), picture, blackened) == {}
    (line,) = (x for x in described(wrong, {0: "the cat is black"}, "chinese") if "看起来" in x)
    assert "猫是红色" in line and "猫是黑色" in line


def test_what_a_claim_that_holds_denies_is_no_explanation() -> None:
    there = Claim("there is one cat", ("there is no cat", "there is a black cat"), "count")
    by = Claim("the cat is left", ("the cat is right", "there is a black cat"), "relation")
    assert instead(Sees(), Image.new("RGB", (8, 8)), Critique((there, by), (0.9, 0.1))) == {}
    alone = Critique((by,), (0.1,))
    assert instead(Sees(), Image.new("RGB", (8, 8)), alone) == {0: "there is a black cat"}


@pytest.mark.parametrize(
    ("words", "tongue"), [("a cat", "english"), ("一只cat", "chinese"), ("#3", "chinese")]
)
def test_the_language_of_who_asked(words: str, tongue: str) -> None:
    assert tongue_of(words, "chinese") == tongue
