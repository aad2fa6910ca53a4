"""Nothing that comes through plain can steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.agent.plain import LONGEST_REQUEST, clean, one_line, request_line
from limner.errors import BadInput

CORPUS = {
    "\x1b[31mred\x1b[0m": "red",
    "\x1b[38;2;1;2;3mx": "x",
    "\x1b[2J\x1b[Hgone": "gone",
    "\x1b]0;title\x07after": "after",
    "\x1b]52;c;c2VjcmV0\x1b\\after": "after",
    "\x1b]8;;http://x.y\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1bPpayload\x1b\\after": "after",
    "\x1b_payload\x9cafter": "after",
    "\x9b31mred": "red",
    "\x9d0;title\x9cafter": "after",
    "\x1b(0lines": "lines",
    "\x1bcreset": "reset",
    "\x1b[\x1b[31mtwice": "twice",
    "\x1b]0;no end\nnext": "\nnext",
    "bell\x07 back\x08": "bell back",
    "a\r\nb\rc": "a\nb\nc",
    "tab\tstays\n": "tab\tstays\n",
    "abc\u202edcb": "abcdcb",
    "\u2066in\u2069": "in",
    "z\u200be\u200dr\ufeffo": "zero",
    "half \ud83d": "half ",
    "一只可爱的小猫": "一只可爱的小猫",
    "ünï 🐱 ✓": "ünï 🐱 ✓",
}


@pytest.mark.parametrize(("raw", "safe"), CORPUS.items(), ids=ascii)
def test_clean_keeps_the_words_only(raw: str, safe: str) -> None:
    assert clean(raw) == safe


escapes = st.lists(st.sampled_from([*CORPUS, "\x1b", "\x9b", "[", "]", "P", "\\", "m", "\x07"]))


@given(st.one_of(st.text(), escapes.map("".join)))
def test_clean_leaves_no_control_character(text: str) -> None:
    left = {c for c in clean(text) if unicodedata.category(c) in {"Cc", "Cs"}}
    assert left <= {"\t", "\n"}


@given(st.one_of(st.text(), escapes.map("".join)))
def test_clean_twice_is_clean_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_request_becomes_one_line() -> None:
    assert request_line("  a\tcat\n on \x1b[1mgrass\x1b[0m ") == "a cat on grass"


@pytest.mark.parametrize("empty", ["", "  \n", "\x1b[2J", "\u200b\u202e"])
def test_nothing_to_read_is_refused(empty: str) -> None:
    with pytest.raises(BadInput, match="empty") as caught:
        request_line(empty)
    assert "limner" in caught.value.hint


def test_a_megabyte_is_refused_without_being_echoed() -> None:
    with pytest.raises(BadInput, match="1,000,000 characters") as caught:
        request_line("x" * 1_000_000)
    assert len(caught.value.message) < 200
    assert len(request_line("x" * LONGEST_REQUEST)) == LONGEST_REQUEST


def test_one_line_cuts_with_an_ellipsis() -> None:
    assert one_line("a b c d", 4) == "a b…"
    assert one_line("a b", 4) == "a b"
