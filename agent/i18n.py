"""The language that somebody is answered in, and what limner says in it: English or Chinese."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from limner.agent.records import Claim
from limner.prompts.words import telling

__all__ = ["Language", "claim_in", "language_of", "noted", "phrase"]

Language = Literal["english", "chinese"]

_HAN = re.compile(r"[㐀-鿿]")
_KANA = re.compile(r"[\u3040-\u30ff\uac00-\ud7a3]")


def language_of(words: str, otherwise: Language = "english") -> Language:
    """The language to answer in; `otherwise` where the words are of none ("#3", "64x64")."""
    if _HAN.search(words) and not _KANA.search(words):
        return "chinese"
    return "english" if re.search(r"[A-Za-z]{2}", words) else otherwise


def phrase(language: Language, name: str, **values: object) -> str:
    """A sentence of `telling.yaml` in that language; "" for a name that there is not."""
    said: dict[str, str] = getattr(telling(), language)
    return said.get(name, "").format(**values)


def claim_in(claim: Claim, language: Language) -> str:
    """A claim for people: in the user's own words where these are not English."""
    if language == "chinese" and _HAN.search(claim.quote):
        return claim.quote
    return claim.text.rstrip(".")


def noted(line: str, language: Language) -> str:
    """A note, a decision or any other line of ours in that language, as far as the table has it."""
    bare = line.strip()
    if language == "english" or not bare:
        return line
    return line.replace(bare, _told(bare) or bare)


def _told(line: str) -> str:
    """The line in Chinese; "" where no form of the table fits."""
    for pattern, wording in _notes():
        if found := pattern.fullmatch(line):
            parts = {name: _told(text) or text for name, text in found.groupdict().items()}
            return wording.format(**parts)
    return ""


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
        shape = r"\d+(?:\.\d+)?%?" if len(name) == 1 else ".+?"
        made += [f"(?P<{name}>{shape})", re.escape(text)]
    end = "" if form.endswith((".", ":", ")")) else r"\.?"
    return re.compile("".join(made) + end)
