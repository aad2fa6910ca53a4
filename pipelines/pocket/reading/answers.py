"""Answers questions about what was asked, done and seen, from the conversation's own facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.phrases import phrases
from limner.pipelines.pocket.reading.replies import Painted, picture_in_chinese, say
from limner.pipelines.pocket.reading.steering import LONGEST_CONTROL, pattern

__all__ = ["answer", "is_question"]

_MOST = 6


def is_question(plain: str, line: str) -> bool:
    """Whether a line asks about the picture or the work, and for no change."""
    if any("\u3400" <= c <= "\u9fff" for c in plain):
        if _asks_in_chinese(plain, line):
            return True
        return bool(pattern("question_chinese").fullmatch(plain) or _asks(plain, line)) and not (
            pattern("request_chinese").fullmatch(plain)
            and not pattern("about_why").fullmatch(plain)
        )
    if pattern("question_tag").fullmatch(line.lower()[:LONGEST_CONTROL]):
        return True
    asks = pattern("question")
    return any(
        asks.match(said) is not None for said in (plain, line.lower().lstrip()[:LONGEST_CONTROL])
    )


def _asks_in_chinese(plain: str, line: str) -> bool:
    """Whether it has a word that asks, and none that changes anything."""
    rest = pattern("done_chinese").sub("", plain)
    ends = line.rstrip().endswith(("?", "？", "吗", "呢"))
    asks = pattern("asks_chinese").search(rest) or (
        ends and pattern("how_many_chinese").search(rest)
    )
    return bool(asks) and not pattern("changes_chinese").search(rest)


def _asks(plain: str, line: str) -> bool:
    """A Chinese line whose 吗 was taken off as polite."""
    return line.rstrip("?？ ").endswith(("吗", "么")) and bool(re.match(r".*[是有对].*", plain))


def answer(values: Mapping[str, Any], plain: str, language: str) -> str:
    """The answer, made of facts that are given; it says nothing that nobody has seen."""
    claims: Sequence[Mapping[str, Any]] = values.get("claims") or ()
    if not claims:
        return say(language, "nothing_there")
    if pattern("about_changes").fullmatch(plain) and not pattern("about_why").fullmatch(plain):
        return _changed(values, language)
    if pattern("about_many").fullmatch(plain) and (about := _about(plain, claims)):
        return say(language, "holding", claims=_joined(about, language))
    if pattern("about_why").fullmatch(plain) or _about(plain, claims):
        return _why(values, plain, language)
    if pattern("about_best").fullmatch(plain):
        return _best(values, language)
    if pattern("about_many").fullmatch(plain) or pattern("about_what").fullmatch(plain):
        return say(language, "holding", claims=_joined(claims, language))
    return say(language, "chat")


def _changed(values: Mapping[str, Any], language: str) -> str:
    versions = values.get("versions") or ()
    changes = (
        [str(c).rstrip(".。") for c in (versions[-1].get("changes") or ())] if versions else []
    )
    if not changes:
        return say(language, "unchanged")
    comma = "；" if language == "chinese" else "; "
    return say(language, "changed", changes=comma.join(changes[:_MOST]))


def _about(plain: str, claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The claims about what a question names."""
    named = {i.mention.subject for i in phrases(plain) if i.mention and i.mention.subject}
    kinds = {lexicon().nouns[n].like for n in named if n in lexicon().nouns}
    values = {i.value for i in phrases(plain) if i.kind in ("scene", "light", "style")}
    found = []
    for claim in claims:
        noun = lexicon().noun(str(claim["subject"]))
        alike = noun is not None and noun.like in kinds and bool(noun.like)
        if claim["subject"] in named or alike or (claim["value"] in values and values):
            found.append(claim)
    return found


def _why(values: Mapping[str, Any], plain: str, language: str) -> str:
    claims = values.get("claims") or ()
    about = _about(plain, claims)
    verdict = values.get("verdict") or {}
    said = _seen(about, verdict, language)
    if about:
        return say(language, "why", claims=_joined(about, language), said=said).strip()
    return say(language, "why_none", claims=_joined(claims, language)).strip()


_SEEN = {
    "english": {
        "holds": "Seen in the picture: {t}",
        "fails": "Not so in the picture, as far as the critic can tell: {t}",
        "cannot_tell": "Nobody could tell: {t}",
    },
    "chinese": {
        "holds": "画面里看到：{t}",
        "fails": "评审觉得画面里不是这样：{t}",
        "cannot_tell": "看不出来：{t}",
    },
}


def _seen(about: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any], language: str) -> str:
    parts = []
    for key, words in _SEEN[language].items():
        known = [c for c in about if c["text"] in (verdict.get(key) or ())]
        if known:
            parts.append(words.format(t=_joined(known, language)))
    return " ".join(parts)


def _best(values: Mapping[str, Any], language: str) -> str:
    known = [c for c in values.get("candidates") or () if c.get("holds") is not None]
    if not known:
        return say(language, "unknown_best")
    best = max(known, key=lambda c: int(c["holds"]))
    told = {
        key: str(best.get(name, ""))
        for key, name in (("n", "number"), ("holds", "holds"), ("of", "of"))
    }
    return say(language, "best", **told)


def _joined(claims: Sequence[Mapping[str, Any]], language: str) -> str:
    asked = [c for c in claims if c.get("source") != "invented"] or list(claims)
    if language == "chinese":
        return picture_in_chinese([_slots(c) for c in asked]) + "。"
    texts = list(dict.fromkeys(str(c["text"]) for c in asked))[:_MOST]
    return " ".join(texts)


def _slots(claim: Mapping[str, Any]) -> Painted:
    kind, subject, value, other = (str(claim[k]) for k in ("kind", "subject", "value", "object"))
    return kind, subject, value, other
