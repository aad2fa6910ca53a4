"""The audit of a batch: finds what a writer does to all requests, and nothing where it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from limner.agent.batch import audit
from limner.agent.batch.audit import Audit, RepeatedPhrases, audit_briefs, inserted
from limner.agent.batch.reports import NAME, Manifest
from limner.agent.batch.rows import Outcome
from limner.agent.brief.coverage import unchecked
from limner.agent.brief.extract import extract
from limner.agent.cli import main
from limner.agent.records import Brief, Claim
from limner.agent.tools.outputs import brief_dict

NOUNS = "cat dog fish bird tree boat star moon car apple".split()


def outcome(number: int, request: str, prompt: str, *claims: Claim) -> Outcome:
    """A row whose brief has what its request states beyond doubt, and these claims."""
    made = (*extract(request), *claims)
    brief = Brief(request, prompt, made, unchecked=unchecked(request, made))
    row = Outcome(f"r{number}", number, number + 1, request, "done", prompt=prompt)
    return replace(row, brief=brief_dict(brief))


def style(name: str, quote: str = "") -> Claim:
    source = "asked" if quote else "invented"
    return Claim(f"The style is {name}.", "style", source, quote, value=name)


def light(name: str) -> Claim:
    return Claim(f"It is {name}.", "light", "invented", value=name)


def shows(quote: str) -> Claim:
    return Claim(f"The picture shows {quote}.", quote=quote)


def collapsed() -> list[Outcome]:
    """Ten requests that leave the style open and get the same one and the same words."""
    tail = ", highly detailed, cinematic lighting, trending on artstation"
    lights = (light("night"), light("day"))
    return [
        outcome(n, f"a {noun}", f"a {noun}{tail}", shows(noun), style("photo"), lights[n % 2])
        for n, noun in enumerate(NOUNS, 1)
    ]


def test_a_collapsed_style_and_its_phrases_are_found() -> None:
    found = audit_briefs(collapsed())
    style, light = found.spreads
    assert (style.field, style.commonest, style.count, style.rows) == ("style", "photo", 10, 10)
    assert (style.bits, style.kinds, style.collapsed) == (0.0, 1.0, True)
    assert (light.bits, light.kinds, light.collapsed) == (1.0, 2.0, False)
    (phrase,) = found.repeated
    assert phrase.text == "highly detailed cinematic lighting trending on artstation"
    assert phrase.count == 10
    assert (found.length.words, found.length.ratio_median, found.length.longest) == (9, 4.5, 9)
    assert not found.clean


def test_what_the_request_says_is_no_collapse() -> None:
    end = "in the tall wet grass"
    claims = (style("photo", "photorealistic"), shows(end))
    rows = [
        outcome(n, f"a {noun}, photorealistic, {end}", f"a {noun} {end}", shows(noun), *claims)
        for n, noun in enumerate(NOUNS, 1)
    ]
    found = audit_briefs(rows)
    assert found.spreads[0].rows == 10 and not found.spreads[0].collapsed
    assert found.repeated == () and found.inserted == () and found.clean


def test_what_a_column_says_was_asked() -> None:
    columns = {"Style": "pixel art", "locked": "in the golden hour; a young woman", "negative": "x"}
    chosen = Claim("The style is pixel art.", "style", "style", value="pixel art")
    rows = [
        replace(
            outcome(n, f"a {noun}", f"a {noun}, a young woman, in the golden hour", chosen),
            columns=columns,
        )
        for n, noun in enumerate(NOUNS)
    ]
    found = audit_briefs(rows)
    assert found.spreads[0].asked == 10 and not found.spreads[0].collapsed
    assert found.repeated == () and found.inserted == ()
    plain = audit_briefs([replace(row, columns={}) for row in rows])
    assert plain.repeated and {one.value for one in plain.inserted} == {"female", "young"}


@pytest.mark.parametrize(
    ("request_", "prompt", "about"),
    [
        ("a doctor", "a young woman, a doctor", {"gender: female", "age: young"}),
        ("a doctor", "a doctor in a hospital", set()),
        ("a woman doctor", "a lady, a doctor", set()),
        ("一位女医生", "a doctor", set()),
        ("一个女孩在玩", "a girl is playing", set()),
        (
            "一位医生",
            "a young white male doctor",
            {"gender: male", "ethnicity: white", "age: young"},
        ),
        ("a doctor", "一位年轻的女性医生", {"gender: female", "age: young"}),
        ("an old house and a man", "an old wooden house with a man", set()),
        ("a person", "a dark-skinned person with fair skin", {"skin: dark", "skin: light"}),
        ("a white cat", "a white cat by an old tree, a young tree", set()),
        ("a garden", "a japanese garden, a black car, chinese lanterns", set()),
        ("a chef", "an elderly asian chef", {"age: old", "ethnicity: asian"}),
        ("a man", "a woman", {"gender: female"}),
        ("mankind, a human, a manual", "mankind, a human, a manual for germans", set()),
    ],
)
def test_what_is_added_about_people(request_: str, prompt: str, about: set[str]) -> None:
    assert set(map(": ".join, inserted(request_, prompt))) == about


def test_what_was_not_to_be_there_is_lost_where_it_is_said_or_not_claimed() -> None:
    request, cat = "a cat, no dogs", shows("cat")
    rows = [
        outcome(1, request, "a cat", cat),
        outcome(2, request, "a cat without a dog", cat),
        outcome(3, request, "a cat and two dogs", cat),
        replace(outcome(4, request, "one cat"), brief=brief_dict(Brief(request, "", (cat,)))),
    ]
    lost = {loss.kind: loss for loss in audit_briefs(rows).lost}
    assert (lost["absent"].count, lost["absent"].stated) == (2, 4)
    assert lost["absent"].examples == ("There is no dog. (r3)", "There is no dog. (r4)")


def test_the_same_prompt_for_other_seeds_counts_once() -> None:
    found = audit_briefs([*collapsed(), *(replace(row, seed=9) for row in collapsed())])
    assert (found.rows, found.same) == (10, 10)
    assert found.repeated[0].count == 10


def test_insertions_are_counted_with_words_and_examples() -> None:
    prompts = ["a man, a doctor", "a doctor, a man", "a boy, a doctor"]
    rows = [outcome(n, "a doctor", prompt) for n, prompt in enumerate(prompts)]
    male = {one.value: one for one in audit_briefs(rows).inserted}["male"]
    assert (male.count, male.words, male.examples) == (3, ("man", "boy"), ("r0", "r1", "r2"))


def test_lost_statements_are_found() -> None:
    request = 'two red cats, no dogs, a sign that says "OPEN"'
    cats, sign = shows("red cats"), shows("sign that says")
    good = outcome(1, request, 'two red cats, a sign that says "OPEN"', cats, sign)
    wrong = outcome(2, request, "a cat and a dog", Claim("There is one cat.", quote="cats"))
    lost = {loss.kind: loss for loss in audit_briefs([good, wrong]).lost}
    assert {kind: (loss.count, loss.stated) for kind, loss in lost.items()} == {
        "absent": (1, 2),
        "count": (1, 2),
        "text": (1, 2),
        "unchecked": (2, 14),
    }
    assert lost["count"].examples == ("There are two red cats. (r2)",)
    assert lost["unchecked"].examples == ("sign (r2)", "says (r2)")
    assert audit_briefs([good]).clean and not audit_briefs([wrong]).clean


@pytest.mark.parametrize("brief", [{}, {"claims": 7}, {"things": 7}, {"x": [1]}, {"claims": [{}]}])
def test_a_brief_of_any_kind_is_looked_at(brief: dict[str, object]) -> None:
    row = replace(outcome(1, "two red cats", "a dog"), brief=brief)
    assert {loss.kind for loss in audit_briefs([row]).lost if loss.count} == {"count"}


def test_a_manifest_of_an_older_limner_is_looked_at() -> None:
    """Its briefs have things and a style, and don't tell who wanted them."""
    rows = [
        replace(row, brief={"request": "a cat", "prompt": "x", "things": [], "style": "photo"})
        for row in collapsed()
    ]
    assert audit_briefs(rows).spreads[0].collapsed


def test_nothing_to_look_at() -> None:
    found = audit_briefs([Outcome("a", 1, 2, "a cat", "failed")])
    assert (found.rows, found.spreads, found.repeated, found.clean) == (0, (), (), True)


def test_phrases_of_few_prompts_are_none() -> None:
    phrases = RepeatedPhrases()
    for noun in NOUNS:
        phrases.add("x", f"a {noun} of great beauty" if noun in ("cat", "dog") else f"one {noun}")
    assert phrases.repeated() == ()
    phrases.add("x", "a car of great beauty")
    assert [(one.text, one.count) for one in phrases.repeated()] == [("of great beauty", 3)]


def test_chinese_phrases_are_read_by_character() -> None:
    phrases = RepeatedPhrases()
    for noun in "猫狗鱼鸟":
        phrases.add(noun, f"{noun}，电影般的光线")
    assert [one.text for one in phrases.repeated()] == ["电影般的光线"]


def test_a_phrase_that_repeats_itself_is_found_once() -> None:
    phrases = RepeatedPhrases()
    for _ in range(3):
        phrases.add("x", "a b c d e f " * 4)
    assert phrases.repeated()


def test_counting_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_MOST", 500)
    phrases = RepeatedPhrases()
    for n in range(300):
        phrases.add("x", f"w{n} x{n} y{n} z{n}, in the golden hour")
    assert len(phrases._counts) <= 600
    assert phrases.repeated()[0].text == "in the golden hour" and phrases.repeated()[0].count == 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Manifest(tmp_path / NAME).rewrite(collapsed())
    return tmp_path


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["audit", str(folder)]) == 0
    text = capsys.readouterr().out
    for part in (
        "10 prompts of 9 words",
        "photo (10 of 10)",
        "collapsed",
        "trending on artstation",
    ):
        assert part in text
    assert "What was added about people: nothing" in text
    assert main.main(["audit", str(folder / NAME), "--strict"]) == 1


def test_the_command_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["audit", str(folder), "--json"]) == 0
    out = capsys.readouterr().out
    found = json.loads(out)
    assert out.isascii() and out.count("\n") == 1
    assert set(found) == {*Audit.__dataclass_fields__, "clean"} and found["clean"] is False
    Manifest(folder / NAME).rewrite([outcome(1, "a cat", "a cat", shows("cat"))])
    assert main.main(["audit", str(folder), "--strict"]) == 0


def test_hostile_text_is_shown_as_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J\u202e[bold]two cats[/bold] red man"
    claims = (style(evil), replace(style(evil), kind="scene"))
    rows = [outcome(n, "four dogs", f"{n} {evil}", *claims) for n in range(6)]
    Manifest(folder / NAME).rewrite([replace(row, id=evil) for row in rows])
    assert main.main(["audit", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "[bold]two cats" in text and "\x1b" not in text and "\u202e" not in text


def test_no_batch_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["audit", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
