"""Finds the words in a request that praise a picture or say how it was made: 4k, 35mm photo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from limner.prompts.phrases import Phrase, Phrases, lowered

__all__ = ["PraisePhrase", "about_quality", "asides"]

Span = tuple[int, int]

_KINDS = ("media", "lens", "exposure", "source", "resolution", "dimension", "praise", "faults")
_LEADS = frozenset({"resolution"})  # these alone may begin a phrase: "4k red lantern"
_ENDS = frozenset({"exposure", "source", "resolution", "dimension"})  # these alone may end one
_MARKS = re.compile(r"[,，、;；|。！？!?\n()（）\[\]{}：\"“”]+|[.:](?=\s|$)")
_ARTICLE = re.compile(r"(?:^|(?<=\s))(?:a|an|the|one|some)\s{1,3}$")
_OF = re.compile(r"\s{1,3}of\s{1,3}(?=\w)")
_LOOK = 60  # characters to each side that decide what a phrase is to its neighbours


@dataclass(frozen=True, slots=True)
class PraisePhrase:
    """A piece of a text, from `start` to `end`, that can go; `words` are the phrases in it."""

    start: int
    end: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    phrases: Phrases
    model: re.Pattern[str]
    joins: frozenset[str]
    through: re.Pattern[str]
    before: re.Pattern[str]
    never_after: re.Pattern[str]
    pictures: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Run:
    """Phrases of quality side by side, within a part of a text between commas."""

    part: Span
    tags: list[Phrase]
    words: list[str]

    @property
    def start(self) -> int:
        return self.tags[0].start

    @property
    def end(self) -> int:
        return self.tags[-1].end

    @property
    def kinds(self) -> list[str]:
        return [tag.kind for tag in self.tags]

    @property
    def several(self) -> bool:
        """More than one phrase, and not just adjectives: "sharp professional knives"."""
        plain = all(kind == "praise" for kind in self.kinds) and all(map(str.isalpha, self.words))
        return len(self.tags) > 1 and not plain


def asides(text: str, kept: Sequence[Span] = ()) -> list[PraisePhrase]:
    """What can go from a text because it only praises or says how the picture was made.

    Taken is what stands between commas, leads or ends a phrase, or comes before "of" or a word such
    as "photo"; never what another word needs ("a 4k monitor"), nor what overlaps with `kept`.
    """
    lower = lowered(text)
    found = []
    for run in _runs(lower, kept):
        span = _gone(lower, run)
        if span:
            found.append(PraisePhrase(*span, tuple(text[tag.start : tag.end] for tag in run.tags)))
    return found


def about_quality(phrase: str) -> bool:
    """Whether a phrase names nothing but quality or a fault of it: "best quality", "lowres"."""
    lower = lowered(phrase[:200])
    rest = list(lower)
    for tag in _tags(lower):
        rest[tag.start : tag.end] = " " * (tag.end - tag.start)
    return any(map(str.isalnum, lower)) and _table().joins.issuperset("".join(rest).split())


def _tags(lower: str) -> Iterator[Phrase]:
    """The phrases in a text; a maker of cameras takes the name of the camera with it."""
    end = 0
    for tag in _table().phrases.find(lower):
        if tag.start < end:
            continue
        model = _table().model.match(lower, tag.end) if tag.kind == "maker" else None
        end = model.end() if model else tag.end
        yield Phrase(tag.start, end, "lens" if model else tag.kind)


def _runs(lower: str, kept: Sequence[Span]) -> list[_Run]:
    runs: list[_Run] = []
    parts = _parts(lower)
    barred = iter([*kept, (len(lower) + 1, len(lower) + 1)])
    part, bar = next(parts), next(barred)
    for tag in _tags(lower):
        while part[1] < tag.start:
            part = next(parts)
        while bar[1] <= tag.start:
            bar = next(barred)
        if tag.start < part[0] or part[1] < tag.end or bar[0] < tag.end or tag.kind == "faults":
            continue
        last = runs[-1] if runs and runs[-1].part == part else None
        between = lower[last.end : tag.start].strip() if last else ""
        if not last or (between and between not in _table().joins):
            last = _Run(part, [], [])
            runs.append(last)
        last.tags.append(tag)
        last.words.append(lower[tag.start : tag.end])
    return runs


def _parts(lower: str) -> Iterator[Span]:
    at = 0
    for mark in _MARKS.finditer(lower):
        yield at, mark.start()
        at = mark.end()
    yield at, len(lower)


def _gone(lower: str, run: _Run) -> Span | None:
    """What goes with a run, and None where the run must stay."""
    before = lower[max(run.part[0], run.start - _LOOK) : run.start]
    after = lower[run.end : min(run.part[1], run.end + _LOOK)]
    if run.kinds == ["maker"] and not _table().through.search(before):
        return None
    return (
        _of(run, before, after)
        or _adjective(run, before, after)
        or _whole(lower, run, before, after)
        or _leading(run, before, after)
        or _trailing(run, before, after)
    )


def _of(run: _Run, before: str, after: str) -> Span | None:
    """(a 3D render of) a lantern; of a fine (3D) render of a lantern only so much."""
    of = _OF.match(after)
    if not of or run.kinds[-1] != "media":
        return None
    article = _ARTICLE.search(before)
    if article or not before.strip():
        return run.start - (len(before) - article.start() if article else 0), run.end + of.end()
    return run.start, run.end - len(run.words[-1].split()[-1])


def _adjective(run: _Run, before: str, after: str) -> Span | None:
    """An (8k) photo; the article goes too where it would no longer fit."""
    word = _table().pictures.match(after)
    if not word or "source" in run.kinds or "exposure" in run.kinds:
        return None
    article = re.search(r"(?:^|(?<=\s))an?\s{1,3}$", before)
    vowel = (word["noun"] or "")[:1] in tuple("aeiou")
    misfit = article is not None and vowel != article[0].startswith("an")
    return run.start - (len(article[0]) if article and misfit else 0), run.end + len(
        word["of"] or ""
    )


def _whole(lower: str, run: _Run, before: str, after: str) -> Span | None:
    """All that stands between two commas, and the brackets around it."""
    rest = _table().through.sub("", before)
    rest = _ARTICLE.sub("", _table().before.sub("", rest))
    if rest.strip() or after.strip(" 的") or run.start - run.part[0] > _LOOK:
        return None
    start, end = run.part
    if run.part[1] - run.end >= _LOOK:
        return None
    bracketed = lower[max(0, start - 1) : start] + lower[end : end + 1]
    return (start - 1, end + 1) if bracketed in ("()", "[]", "（）") else (start, end)


def _leading(run: _Run, before: str, after: str) -> Span | None:
    """(8k uhd) a red lantern; (8K画质的)红灯笼."""
    if before.strip() or not after.strip():
        return None
    if after.startswith("的") and run.kinds[-1] != "praise":
        return run.start, run.end + 1
    alone = run.several or set(run.kinds) <= _LEADS
    return (run.start, run.end) if alone and set(run.kinds) - {"lens"} else None


def _trailing(run: _Run, before: str, after: str) -> Span | None:
    """A red lantern (in 4k)."""
    if after.strip(" 的") or not before.strip():
        return None
    glue = _table().through.search(before)
    if glue:
        return run.start - len(before) + glue.start(), run.end
    clear = run.several or set(run.kinds) & _ENDS
    roomy = "media" in run.kinds and len(before.split()) > (2 if _starts(before) else 1)
    glue = _table().before.search(before)
    start = run.start - (len(before) - glue.start() if glue else 0)
    if not (clear or roomy) or _table().never_after.search(before[: start - run.start or None]):
        return None
    return start, run.end


def _starts(before: str) -> bool:
    return before.split()[0] in ("a", "an", "the", "one")


@cache
def _table() -> _Table:
    source = files(__package__).joinpath("quality.yaml").read_text(encoding="utf-8")
    # The fast loader where PyYAML has it: this is read for every request.
    words: dict[str, Any] = yaml.load(source, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    slots = words["slots"]
    kinds = {kind: words[kind] for kind in _KINDS} | {"maker": slots["maker"]}
    any_of = {name: "|".join(words[name]) for name in words if name not in ("slots", *_KINDS)}
    through, never = any_of["through"], any_of["never_after"]
    nouns, charts = any_of["pictures"], any_of["pictures_chinese"]
    return _Table(
        phrases=Phrases(kinds, slots),
        model=re.compile(rf"(?:[ -](?:[a-z]{{0,4}}\d[a-z\d]{{0,6}}|{any_of['models']})\b){{1,5}}"),
        joins=frozenset(words["joins"]),
        through=re.compile(rf"(?:^|(?<=\s))(?:{through})\s(?:an?\s|the\s)?\s?$"),
        before=re.compile(rf"(?:^|(?<=\s))(?:{any_of['before']})\s{{1,3}}$"),
        never_after=re.compile(
            rf"(?:(?:^|[\s\"'])(?:{never})|{any_of['never_after_chinese']}|[$€£¥])\s{{0,3}}$"
        ),
        pictures=re.compile(rf"(?:\s{{1,3}}(?=(?P<noun>(?:{nouns})s?)\b)|(?P<of>的?)(?={charts}))"),
    )
