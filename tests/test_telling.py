"""No more is told of a picture than was seen, in the language of who asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from talking import REQUEST, Talk

from limner.agent.claims import claims_of
from limner.agent.instead import instead
from limner.agent.records import Brief, Claim, Critique, Thing
from limner.agent.telling import described, in_tongue, tongue_of, verdict
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
