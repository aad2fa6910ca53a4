"""Finds, in the briefs of a batch, what a writer does to all requests; pictures are not needed."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from statistics import mean, median
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from limner.agent.batch.columns import sorted_cells
from limner.agent.batch.rows import Outcome
from limner.agent.brief.coverage import unchecked
from limner.agent.brief.enforce import said_in
from limner.agent.brief.english import stem, words_of
from limner.agent.brief.expansion import word_count
from limner.agent.brief.extract import extract, negated
from limner.agent.brief.older import brief_now
from limner.agent.plain import one_line
from limner.agent.records import Brief, Claim
from limner.prompts.styles import styles

__all__ = [
    "Audit",
    "Length",
    "Loss",
    "RepeatedPhrase",
    "RepeatedPhrases",
    "Spread",
    "TraitCount",
    "audit_briefs",
    "inserted",
]

_FIELDS = ("style", "light", "scene")  # kinds of claims that a writer may always make the same
_FEW, _COLLAPSED = 5, 0.6
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """How varied one field of the briefs is.

    `commonest` is in `count` of `rows` that have any value; `bits` is the entropy over them, and
    `kinds` how many values in equal use would have it. `asked` of the rows have what their request
    or their columns say; of the others, `own` is the share of the writer's `favourite`, and
    `collapsed` says that it is most of at least five.
    """

    field: str
    commonest: str
    count: int
    rows: int
    bits: float
    kinds: float
    asked: int
    favourite: str
    own: float
    collapsed: bool


@dataclass(frozen=True, slots=True)
class Length:
    """How many words a prompt has for each word of its request, and the longest ones."""

    words: float
    ratio_mean: float
    ratio_median: float
    longest: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TraitCount:
    """What prompts say of people that nobody asked for, such as gender: female, and how often."""

    about: str
    value: str
    count: int
    words: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepeatedPhrase:
    """Words in a row, and in how many prompts they are though their requests lack them."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What requests state and briefs lost: how often of how many times, with examples.

    Of the kind "unchecked" it is words that no claim covers, of all that name something.
    """

    kind: str
    count: int
    stated: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in the briefs of a batch.

    `rows` counts the prompts that were looked at; `same` those left out, since a row before has the
    same request and the same prompt, as in a sweep of seeds.
    """

    rows: int
    same: int
    spreads: tuple[Spread, ...]
    length: Length
    inserted: tuple[TraitCount, ...]
    repeated: tuple[RepeatedPhrase, ...]
    lost: tuple[Loss, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to mend."""
        collapsed = any(spread.collapsed for spread in self.spreads)
        lost = any(loss.count for loss in self.lost)
        return not (collapsed or self.inserted or self.repeated or lost)


def audit_briefs(outcomes: Iterable[Outcome]) -> Audit:
    """The audit of the outcomes, which are gone through once."""
    counts = _Counts()
    for outcome in outcomes:
        if outcome.prompt.strip():
            counts.add(outcome)
    return counts.audit()


@dataclass(slots=True)
class _Counts:
    seen: set[bytes] = field(default_factory=set)
    same: int = 0
    values: dict[str, Counter[tuple[str, bool]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    lengths: list[tuple[int, float, str]] = field(default_factory=list)
    traits: dict[tuple[str, str], list[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    phrases: RepeatedPhrases = field(default_factory=lambda: RepeatedPhrases())
    stated: Counter[str] = field(default_factory=Counter)
    lost: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, outcome: Outcome) -> None:
        request, prompt = outcome.request, outcome.prompt
        text = f"{request}\0{prompt}".encode(errors="replace")
        if (digest := hashlib.blake2b(text, digest_size=8).digest()) in self.seen:
            self.same += 1
            return
        self.seen.add(digest)
        brief, columns = _brief(outcome), sorted_cells(outcome.columns)[0]
        locked = re.split("[;；]", columns.get("locked", ""))
        asked = ". ".join([request, columns.get("style", ""), columns.get("negative", ""), *locked])
        for claim in brief.claims:
            if claim.kind in _FIELDS:
                value = one_line(claim.value or claim.text, 60).casefold()
                own = not (claim.quote or claim.source == "style" or _says(asked, value))
                self.values[claim.kind][value, own] += 1
        words = word_count(prompt)
        self.lengths.append((words, words / max(word_count(request), 1), outcome.id))
        for trait, word in inserted(asked, prompt).items():
            self.traits[trait].append((word, outcome.id))
        for part in filter(None, map(str.strip, locked)):  # what was asked for is no habit
            prompt = re.sub(re.escape(part), "\n", prompt, flags=re.IGNORECASE)
        self.phrases.add(asked, prompt)
        for claim in [stated for part in (request, *locked) for stated in extract(part)]:
            self.stated[claim.kind] += 1
            if not _kept(claim, brief):
                self.lost[claim.kind].append(f"{one_line(claim.text, 60)} ({outcome.id})")
        self.stated["unchecked"] += len(unchecked(request, ()))
        self.lost["unchecked"] += [f"{one_line(w, 60)} ({outcome.id})" for w in brief.unchecked]

    def audit(self) -> Audit:
        return Audit(
            rows=len(self.lengths),
            same=self.same,
            spreads=tuple(_spread(n, self.values[n]) for n in _FIELDS if self.values[n]),
            length=_length(self.lengths),
            inserted=tuple(_trait(*key, found) for key, found in sorted(self.traits.items())),
            repeated=self.phrases.repeated(),
            lost=tuple(
                Loss(kind, len(self.lost[kind]), count, tuple(self.lost[kind][:_EXAMPLES]))
                for kind, count in sorted(self.stated.items())
                if count
            ),
        )


def _spread(name: str, counts: Counter[tuple[str, bool]]) -> Spread:
    rows = counts.total()
    values: Counter[str] = Counter()
    for (value, _), count in counts.items():
        values[value] += count
    left_open = Counter({value: n for (value, own), n in counts.items() if own})
    bits = -sum(n / rows * math.log2(n / rows) for n in values.values())
    favourite, most = max(left_open.items(), key=lambda one: one[1], default=("", 0))
    share = most / max(left_open.total(), 1)
    ((commonest, count),) = values.most_common(1)
    return Spread(
        field=name,
        commonest=commonest,
        count=count,
        rows=rows,
        bits=round(abs(bits), 3),
        kinds=round(2**bits, 2),
        asked=rows - left_open.total(),
        favourite=favourite,
        own=round(share, 4),
        collapsed=left_open.total() >= _FEW and share >= _COLLAPSED,
    )


def _length(found: list[tuple[int, float, str]]) -> Length:
    words = [words for words, _, _ in found] or [0]
    ratios = [ratio for _, ratio, _ in found] or [0.0]
    top = sorted(found, key=lambda one: -one[1])[:_EXAMPLES]
    return Length(
        words=round(mean(words), 1),
        ratio_mean=round(mean(ratios), 2),
        ratio_median=round(median(ratios), 2),
        longest=max(words),
        examples=tuple(f"{id_} (× {ratio:.1f})" for _, ratio, id_ in top),
    )


def _trait(about: str, value: str, found: list[tuple[str, str]]) -> TraitCount:
    common = Counter(word for word, _ in found).most_common(_EXAMPLES)
    words, examples = (word for word, _ in common), (id_ for _, id_ in found[:_EXAMPLES])
    return TraitCount(about, value, len(found), tuple(words), tuple(examples))


def inserted(request: str, prompt: str) -> dict[tuple[str, str], str]:
    """What a prompt says of people and its request doesn't: {("gender", "female"): "woman"}.

    By word lists (`demographics.yaml`, English and Chinese): it finds what is said plainly, and
    nothing that takes a reader to understand.
    """
    asked, plain = (text.casefold().replace("’", "'") for text in (request, prompt))
    return {
        trait: " ".join(match[0].split())
        for trait, pattern in _patterns().items()
        if (match := pattern.search(plain)) and not pattern.search(asked)
    }


_BETWEEN = r"(?: (?!(?:an?|the|and|or|of|with|in|on|near|beside|for) )[\w-]+){0,2}"


@cache
def _patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    source = files("limner.agent.batch").joinpath("demographics.yaml")
    table: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    people = _either(table.pop("people").split())
    return {
        (about, value): re.compile(_pattern(words, people))
        for about, values in table.items()
        for value, words in values.items()
    }


def _pattern(words: dict[str, Any], people: str) -> str:
    """English words stand alone; those of `beside` before a person, up to two words after it.

    After the first comma of the English ones come phrases.
    """
    single, *more = [part.strip() for part in words.get("english", "").split(",")]
    parts = []
    if whole := [*single.split(), *more]:
        parts.append(rf"(?<![\w-])(?:{_either(whole)})(?![\w-])")
    if beside := words.get("beside", "").split():
        parts.append(rf"(?<![\w-])(?:{_either(beside)}){_BETWEEN} (?:{people})(?![\w-])")
    return "|".join([*parts, *map(re.escape, words.get("chinese", []))])


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+(?:['’-][^\W_]+)*")
_SHORTEST, _LONGEST = 3, 12  # words
_MOST = 200_000
_SIMILAR = 0.8

Words = tuple[str, ...]


@dataclass(slots=True)
class RepeatedPhrases:
    """Counts runs of three to twelve words in prompts; a request's own are left out.

    Of more than 200,000 different runs, those met once so far are forgotten: the counts of what is
    frequent are too low by that, at most (lossy counting).
    """

    _counts: Counter[Words] = field(default_factory=Counter)
    _prompts: int = 0

    def add(self, request: str, prompt: str) -> None:
        """Count the runs of one prompt, each once."""
        self._prompts += 1
        self._counts.update(_runs(prompt) - _runs(request))
        if len(self._counts) > _MOST:
            self._counts = Counter({run: n for run, n in self._counts.items() if n > 1})

    def repeated(
        self, share: float = 0.2, least: int = 3, most: int = 12
    ) -> tuple[RepeatedPhrase, ...]:
        """The phrases in at least this share of the prompts and so many of them, commonest first.

        A phrase that is nearly always a part of a longer one is left to that.
        """
        bar = max(least, share * self._prompts)
        found = {run: count for run, count in self._counts.items() if count >= bar}
        kept: dict[Words, int] = {}
        for run in sorted(found, key=len, reverse=True):
            longer = (count for other, count in kept.items() if _within(run, other))
            if not any(count >= _SIMILAR * found[run] for count in longer):
                kept[run] = found[run]
        ranked = sorted(kept.items(), key=lambda one: (-one[1], -len(one[0]), one[0]))
        return tuple(RepeatedPhrase(_shown(run), count) for run, count in ranked[:most])


def _runs(text: str) -> set[Words]:
    return {
        words[start : start + size]
        for line in text.casefold().splitlines()
        for words in [tuple(_WORD.findall(line))]
        for size in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(words) - size + 1)
    }


def _within(run: Words, other: Words) -> bool:
    size = len(run)
    return any(other[i : i + size] == run for i in range(len(other) - size + 1))


def _shown(run: Words) -> str:
    return "".join(run) if any("぀" <= word[0] <= "힯" for word in run) else " ".join(run)


def _kept(claim: Claim, brief: Brief) -> bool:
    """Whether the brief's claims and its prompt both have what a request states beyond doubt."""
    if claim.kind == "text":
        claimed = any(claim.value in other.text for other in brief.claims)
        return claimed and claim.value in brief.prompt
    if claim.kind == "absent":
        prompt = brief.prompt
        for start, end in reversed(negated(prompt)):
            prompt = f"{prompt[:start]} {prompt[end:]}"
        absent = (other.subject for other in brief.claims if other.kind == "absent")
        claimed = any(_has(claim.subject, subject) for subject in absent)
        return claimed and not _has(prompt, claim.subject)
    claimed = any(said_in(claim.text, other.text) for other in brief.claims)
    return claimed and said_in(claim.text, brief.prompt)


def _has(text: str, words: str) -> bool:
    """Whether all of the words are in the text, in any form."""
    return {stem(word) for word in words_of(words)} <= {stem(word) for word in words_of(text)}


def _says(text: str, value: str) -> bool:
    """Whether a text has a value, by its name or any other that the style has."""
    names = styles()[value].words if value in styles() else (value,)
    return any(name in text.casefold() for name in names)


_BRIEF = TypeAdapter(Brief)


def _brief(outcome: Outcome) -> Brief:
    """The brief of a manifest, of any version, as far as it is one, with the painter's prompt."""
    now = brief_now({**outcome.brief})
    known = {name: now[name] for name in now if name in Brief.__dataclass_fields__}
    try:
        return replace(_BRIEF.validate_python(known), prompt=outcome.prompt)
    except ValidationError:
        return Brief(outcome.request, outcome.prompt)
