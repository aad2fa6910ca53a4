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

from limner.agent.brief.verdict import verdict
from limner.agent.i18n import claim_in, language_of, noted
from limner.agent.records import Brief, Candidate, Claim, Critique
from limner.agent.scoring.evaluate import described, instead, verdicts
from limner.pipelines.roles import ImageRequest
from limner.prompts.words import telling

CLAIMS = (
    Claim("There is one cat.", "count", quote="一只猫", subject="cat", value="1"),
    Claim("The cat is red.", "colour", quote="红色", subject="cat", value="red", needs=0),
    Claim("It is night.", "light", quote="晚上", value="night"),
)


def critique(*probabilities: float | None) -> Critique:
    return Critique(CLAIMS[: len(probabilities)], probabilities)


VERDICTS = {
    (0.9, 0.8, 0.7): (True, "all 3 claims hold, as far as the critic can tell"),
    (0.9, 0.2, 0.7): (False, "2 of 3 claims hold; not yet: The cat is red"),
    (0.9, 0.2, 0.1): (False, "1 of 3 claims hold; not yet: The cat is red, It is night"),
    (0.9, None, 0.7): (False, "2 of 3 claims hold; can't tell: The cat is red"),
    (0.2, 0.9, 0.7): (
        False, "1 of 3 claims hold; not yet: There is one cat; can't tell: The cat is red"
    ),
    (None, None): (False, "0 of 2 claims hold; can't tell: There is one cat, The cat is red"),
    (): (False, "nothing in particular was asked for"),
}  # fmt: skip


@pytest.mark.parametrize("probabilities", VERDICTS)
def test_no_more_is_claimed_than_was_seen(probabilities: tuple[float | None, ...]) -> None:
    said = verdict(Brief("a red cat", ""), critique(*probabilities), "english")
    assert (said.reached, said.said) == VERDICTS[probabilities]


def test_what_nobody_looked_at_is_told_with_the_verdict() -> None:
    brief = Brief("neon", "", CLAIMS[:1], unchecked=("neon",), not_shown=("city",))
    english, chinese = (verdict(brief, critique(0.9), one, 2) for one in ("english", "chinese"))
    assert english.said == (
        "#2: 1 of 1 claims hold; not checked: neon; these models can't show: city"
    )
    assert chinese.said == "#2：1 项中有 1 项符合；没有检查：neon；这些模型画不出：city"
    assert not english.reached and (english.unchecked, english.not_shown) == (("neon",), ("city",))


def test_a_take_is_described_with_all_that_is_known() -> None:
    own = Claim("The cat wears a hat.", "other", "invented")
    seen = Critique((*CLAIMS, own), (0.2, 0.9, 0.7, 0.8))
    brief = Brief("x", "a cat", CLAIMS, unchecked=("neon",), not_shown=("city",))
    order = ImageRequest("a cat", 7, 64, 64, 4, 5.0)
    take = Candidate(0, 0, brief, order, Image.new("RGB", (8, 8)), seen)
    assert verdicts(seen) == ("fails", "can't tell", "holds", "holds")
    assert described(take).splitlines() == [
        "painted: a cat (64 × 64 pixels, seed 7)",
        "holds: It is night. (0.70)",
        "fails: There is one cat. (0.20)",
        "can't tell: The cat is red. (0.90)",
        "added by the writer: The cat wears a hat. (0.80): holds",
        "not checked: neon",
        "these models can't show: city",
    ]
    assert described(Critique((), ())) == "nothing was claimed of it"


NOTES = {
    "12 details in 30 words: painted as you wrote it": "30 个词里有 12 处细节：照你写的画",
    "Not yet true: a; b.": "还不对：a; b",
    "  not yet: 红色 (5%)": "  还不对：红色 (5%)",
    "红色: there is room for it, from 0 x 8 to 64 x 64.":
        "红色：那里有地方，从 0 x 8 到 64 x 64",
    "aim: 红色: that is where it is, from 0 x 8 to 64 x 64.":
        "位置：红色：它就在那里，从 0 x 8 到 64 x 64",
    "no new wording: the {writer} broke": "没有新的说法：the {writer} broke",
    "somebody else's words": "somebody else's words",
}  # fmt: skip


@pytest.mark.parametrize("line", NOTES)
def test_notes_are_told_in_the_users_language(line: str) -> None:
    assert noted(line, "chinese") == NOTES[line]
    assert noted(line, "english") == line


TALKING = (
    *("search/*.py", "terminal/chat.py", "terminal/commands.py", "terminal/*screen.py"),
    "cli/chat.py",
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
    assert len(found) > 20
    assert [line for line in found if not re.search("[一-鿿]", noted(line, "chinese"))] == []


def test_a_talk_in_chinese_is_told_in_chinese(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2, 0.9)
    seen = talk.say("两只红色的猫和一只狗，晚上", "/go", "还有一个气球", "/why", "/describe")
    seen += talk.say("/history", "/diff 1 2", "谢谢")
    plain = [line for line in seen.splitlines() if not line.startswith("prompt")]
    plain = [line for line in plain if not line.startswith("  “")]  # what a critic's foils say
    own = re.compile(rf"/help|/save|{re.escape(str(talk.chat.out))}")  # what is typed, and a path
    plain = [own.sub("", line) for line in plain]
    assert not [line for line in plain if re.search("[a-z]{4}", line)]


def test_a_spent_budget_is_not_called_done(tmp_path: Path) -> None:
    seen = Talk(tmp_path, 0.9, 0.2, 0.9).say(REQUEST)
    assert "2 of 3 claims hold" in seen and "; the budget is spent" in seen
    assert "done" not in seen.lower()


def test_claims_are_told_in_the_words_of_who_asked() -> None:
    cat, english = CLAIMS[0], replace(CLAIMS[0], quote="a cat")
    assert claim_in(cat, "chinese") == "一只猫" and claim_in(cat, "english") == "There is one cat"
    assert claim_in(english, "chinese") == "There is one cat"


def test_both_languages_tell_the_same() -> None:
    assert set(telling().english) == set(telling().chinese)
    for name, text in telling().english.items():
        slots = {*re.findall(r"\{\w+\}", telling().chinese[name])}
        assert slots == {*re.findall(r"\{\w+\}", text)}


class Sees:
    """A critic for whom the cat is black, whatever else is claimed."""

    name = "sees"

    def look(
        self, pictures: Sequence[Image.Image], texts: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        return [[0.7 if "black" in text else 0.1 for text in texts] for _ in pictures]


RED = Claim("The cat is red.", "colour", foils=("The cat is blue.", "The cat is black."))


def test_what_it_looks_like_instead() -> None:
    wrong, picture = Critique((RED,), (0.1,)), Image.new("RGB", (8, 8))
    assert instead(Sees(), picture, wrong) == {0: "The cat is black."}
    blackened = replace(wrong, claims=(Claim("A black cat.", foils=("A red cat.",)),))
    assert instead(Sees(), picture, blackened) == {}


def test_what_a_claim_that_holds_denies_is_no_explanation() -> None:
    there = Claim("There is one cat.", "count", foils=("There is no cat.", "There is a black cat."))
    by = Claim("The cat is left.", "relation", foils=("It is right.", "There is a black cat."))
    assert instead(Sees(), Image.new("RGB", (8, 8)), Critique((there, by), (0.9, 0.1))) == {}
    alone = Critique((by,), (0.1,))
    assert instead(Sees(), Image.new("RGB", (8, 8)), alone) == {0: "There is a black cat."}


@pytest.mark.parametrize(
    ("words", "language"), [("a cat", "english"), ("一只cat", "chinese"), ("#3", "chinese")]
)
def test_the_language_of_who_asked(words: str, language: str) -> None:
    assert language_of(words, "chinese") == language
