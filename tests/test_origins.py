"""Every word of a prompt knows where it came from, and none is lost."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from limner.agent.origins import Span, spans
from limner.agent.records import Brief

WORDS = 'two red Cats, 猫  the sky\twas; blue-green — 7 of \'em\n"Open" at night …  '.split(" ")


def told(prompt: str, request: str, earlier: str = "", style: str = "") -> list[tuple[str, str]]:
    before = Brief("", earlier) if earlier else None
    return [(s.text, s.origin) for s in spans(Brief(request, prompt), request, before, style)]


def test_the_spans_are_the_prompt() -> None:
    for seed in range(300):
        chance = Random(seed)
        prompt, request, earlier = (
            " ".join(chance.choices(WORDS, k=chance.randint(0, 12))) for _ in range(3)
        )
        before = Brief("", earlier) if chance.random() < 0.5 else None
        found = spans(Brief(request, prompt), request, before, "at night")
        assert "".join(span.text for span in found) == prompt
        assert all(one.origin != two.origin for one, two in pairwise(found))


def test_the_users_own_words() -> None:
    assert told("two red cats on a mat", "2 red cats") == [
        ("two ", "translated"),
        ("red cats ", "user"),
        ("on a mat", "inferred"),
    ]
    assert told("a cat on mats", "Cats, mat") == [("a cat on mats", "user")]


def test_a_translation_is_no_invention() -> None:
    assert told("two red cats on grass, a butterfly", "草地上有两只红色的猫") == [
        ("two red cats on grass, ", "translated"),
        ("a butterfly", "inferred"),
    ]


def test_what_a_style_added() -> None:
    assert told("a cat, pixel art", "a cat", style="pixel art") == [
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
