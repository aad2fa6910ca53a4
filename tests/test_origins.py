"""Every word of a prompt knows where it came from, and none is lost."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from limner.agent.brief.prompt import Span, spans
from limner.agent.records import Brief, Claim

WORDS = 'two red Cats, 猫  the sky\twas; blue-green — 7 of \'em\n"Open" at night …  '.split(" ")
CATS = (
    Claim("There are two cats.", "count", quote="两只", subject="cat", value="2"),
    Claim("The cats are red.", "colour", quote="红色的猫", subject="cat", value="red"),
    Claim("The ground is grass.", "scene", quote="草地上", value="grass"),
)


def told(
    prompt: str, request: str, *claims: Claim, earlier: str = "", style: str = ""
) -> list[tuple[str, str]]:
    before = Brief("", earlier) if earlier else None
    brief = Brief(request, prompt, claims, style_prompt=style)
    return [(s.text, s.origin) for s in spans(brief, request, before)]


def test_the_spans_are_the_prompt() -> None:
    for seed in range(300):
        chance = Random(seed)
        prompt, request, earlier = (
            " ".join(chance.choices(WORDS, k=chance.randint(0, 12))) for _ in range(3)
        )
        before = Brief("", earlier) if chance.random() < 0.5 else None
        found = spans(Brief(request, prompt, CATS, style_prompt="night"), request, before)
        assert "".join(span.text for span in found) == prompt
        assert all(one.origin != two.origin for one, two in pairwise(found))


def test_the_users_own_words_in_any_form() -> None:
    assert told("two red cats on a mat", "2 red cats") == [
        ("two red cats ", "user"),
        ("on a mat", "inferred"),
    ]
    assert told("a cat on mats", "Cats, mat") == [("a cat on mats", "user")]


def test_what_an_asked_claim_says_is_no_invention() -> None:
    assert told("two red cats on grass, a butterfly", "草地上有两只红色的猫", *CATS) == [
        ("two red cats on grass, ", "translated"),
        ("a butterfly", "inferred"),
    ]
    own = Claim("There is a butterfly.", "object", "invented", subject="butterfly")
    assert told("a butterfly", "草地", own) == [("a butterfly", "inferred")]


def test_what_a_style_added() -> None:
    claim = Claim("The style is pixel art.", "style", "style", value="pixel art")
    for claims, words in (((claim,), ""), ((), "pixel art")):
        assert told("a cat, pixel art", "a cat", *claims, style=words) == [
            ("a cat, ", "user"),
            ("pixel art", "style"),
        ]


def test_what_a_revision_added() -> None:
    assert told("a cat, really the cat is red", "a red cat", earlier="a cat") == [
        ("a cat, ", "user"),
        ("really the cat is red", "fix"),
    ]


def test_nothing_said() -> None:
    assert spans(Brief("", ""), "a cat") == ()
    assert spans(Brief("", "..."), "a cat") == (Span("...", "inferred"),)
