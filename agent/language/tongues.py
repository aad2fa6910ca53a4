"""Says in the user's language what is told in English: claims, notes, decisions, by one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Literal

from limner.agent.language.nouns import canonical, listed
from limner.prompts import claims, stated
from limner.prompts.words import telling

__all__ = ["Tongue", "in_tongue", "noted", "noun_in", "phrase", "tongue_of"]

Tongue = Literal["english", "chinese"]

_HOWS = "left of|right of|above|below|beside"
_HAN = re.compile(r"[㐀-鿿]")


def tongue_of(words: str, otherwise: Tongue = "english") -> Tongue:
    """The language to answer in; `otherwise` where the words are of none ("#3", "64x64")."""
    if _HAN.search(words):
        return "chinese"
    return "english" if re.search(r"[A-Za-z]{2}", words) else otherwise


def phrase(tongue: Tongue, name: str, **values: object) -> str:
    """A sentence of `telling.yaml` in that language; "" for a name that there is not."""
    said: dict[str, str] = getattr(telling(), tongue)
    return said.get(name, "").format(**values)


def in_tongue(claim: str, tongue: Tongue) -> str:
    """A claim in the language of who asked; one of other words than ours stays as it is."""
    if tongue == "english":
        return claim
    for pattern, wording in _claims():
        if found := pattern.fullmatch(claim):
            parts = found.groupdict()
            said = {key: _value(value) for key, value in parts.items()}
            return wording.format(**said, m=_measure(parts.get("s", "")))
    return claim


def noun_in(name: str, tongue: Tongue) -> str:
    """The name of a thing in that language, where it is known there."""
    return _value(name) if tongue == "chinese" else name


def noted(line: str, tongue: Tongue) -> str:
    """A note, a decision or any other line of ours in that language, as far as the table has it."""
    bare = line.strip()
    if tongue == "english" or not bare:
        return line
    return line.replace(bare, _why(bare))


def _told(line: str) -> str:
    """The line in Chinese; "" where no form of the table fits."""
    for pattern, wording in _notes():
        if found := pattern.fullmatch(line):
            return wording.format(
                **{k: _PARTS.get(k, str)(v) for k, v in found.groupdict().items()}
            )
    return ""


def _why(line: str) -> str:
    """A reason within a note: a note itself, a claim, or whatever somebody else said."""
    return _told(line) or in_tongue(line, "chinese")


def _list_of_claims(texts: str) -> str:
    """`the cat is red (5%); there is one dog`."""
    found = (re.fullmatch(r"(.*?)( \(\d+%\))?", text) for text in texts.split("; "))
    return "；".join(in_tongue(m[1], "chinese") + (m[2] or "") for m in found if m)


def _list_of_names(texts: str) -> str:
    """`2 cat, red cat, no dog`: what was stated, a few words each."""
    return "、".join(dict.fromkeys(map(_name, texts.split(", "))))


def _name(words: str) -> str:
    if words.startswith("no "):
        return f"没有{_name(words.removeprefix('no '))}"
    bare = re.sub(r"^(at|by|on|in)( the| a)? ", "", words)
    if (whole := _value(bare)) != bare or words.startswith('"'):
        return whole
    if found := _placed().fullmatch(words):
        one, how, other = found.groups()
        return in_tongue(f"the {one} is {how}{f' the {other}' if other else ''}", "chinese")
    return "".join(_value(word) for word in words.split())


@cache
def _placed() -> re.Pattern[str]:
    """`cat left of dog`, `cat on the left`."""
    sides = "|".join(claims().places.values())
    return re.compile(rf"(.+?) ({_HOWS}|{sides})(?: (.+))?")


_PARTS: dict[str, Callable[[str], str]] = {
    "claims": _list_of_claims,
    "names": _list_of_names,
    "why": _why,
    "what": _why,
}


_SHAPES = {"names": "[^;]+?"}  # a list with commas, which ends where another clause begins


@cache
def _notes() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The forms of notes as patterns: what begins with words of its own first, then the longer."""
    own = {form: re.sub(r"\{\w+\}", "", form) for form in telling().notes}
    forms = sorted(own, key=lambda form: (form.startswith("{"), -len(own[form])))
    return tuple((_shaped(form), telling().notes[form]) for form in forms)


def _shaped(form: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", form)
    made = [re.escape(parts[0])]
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        shape = _SHAPES.get(name, r"\d+(?:\.\d+)?%?" if len(name) == 1 else ".+?")
        made += [f"(?P<{name}>{shape})", re.escape(text)]
    end = "" if form.endswith((".", ":", ")")) else r"\.?"
    return re.compile("".join(made) + end)


@cache
def _claims() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The English forms of claims as patterns, the narrower first, with their Chinese."""
    shapes = {"n": r"(?P<n>\w+)", "how": rf"(?P<how>{_HOWS})"}

    def pattern(form: str) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", form)
        named = (shapes.get(p, rf"(?P<{p}>.+)") for p in parts[1::2])
        made = [re.escape(parts[0])]
        for shape, text in zip(named, parts[2::2], strict=True):
            made += [shape, re.escape(text)]
        return re.compile("".join(made))

    return tuple((pattern(form), said) for form, said in telling().claims.items())


def _value(word: str) -> str:
    """A value or a name in Chinese; an unknown one as it is."""
    if word in telling().values:
        return telling().values[word]
    if word in stated().colours:
        return f"{_first(stated().colours[word])}色"
    return _first(stated().things.get(canonical(word), "")) or word


def _first(words: str) -> str:
    return next(iter(listed(words.partition("/")[2])), "")


def _measure(name: str) -> str:
    one = canonical(name)
    return next((m for m, names in telling().measures.items() if one in names), "个")
