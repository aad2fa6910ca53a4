"""Looks through the briefs of a batch for what a writer does to all of them, without painting."""

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
    "InsertedTrait",
    "Insertion",
    "Length",
    "Loss",
    "RepeatedPhrase",
    "RepeatedPhrases",
    "Spread",
    "audit_briefs",
    "inserted",
    "length",
    "spread",
]


_FEW, _COLLAPSED = 5, 0.6
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """How varied one field of the briefs is.

    `commonest` is in `count` of `rows` that have any value; `bits` is the entropy over them, and
    `kinds` how many values in equal use would have it. `asked` of the rows have what their request
    says; of the others, `own` is the share of the writer's `favourite`, and `collapsed` says that
    it is most of at least five.
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


def spread(name: str, counts: Counter[tuple[str, bool]]) -> Spread:
    """The spread of a field: how often it has each value, and whether the request says so."""
    rows = counts.total()
    values: Counter[str] = Counter()
    for (value, _), count in counts.items():
        values[value] += count
    own = Counter({value: n for (value, asked), n in counts.items() if not asked})
    bits = -sum(n / rows * math.log2(n / rows) for n in values.values())
    favourite, most = max(own.items(), key=lambda one: one[1], default=("", 0))
    share = most / max(own.total(), 1)
    ((commonest, count),) = values.most_common(1)
    return Spread(
        field=name,
        commonest=commonest,
        count=count,
        rows=rows,
        bits=round(abs(bits), 3),
        kinds=round(2**bits, 2),
        asked=rows - own.total(),
        favourite=favourite,
        own=round(share, 4),
        collapsed=own.total() >= _FEW and share >= _COLLAPSED,
    )


def length(found: list[tuple[int, float, str]]) -> Length:
    """The length of prompts: words, words for each word of the request, and the row's id."""
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


_BETWEEN = r"(?: (?!(?:an?|the|and|or|of|with|in|on|near|beside|for) )[\w-]+){0,2}"


@dataclass(frozen=True, slots=True)
class InsertedTrait:
    """A word of a prompt that says of people what its request doesn't: gender, female, woman."""

    about: str
    value: str
    word: str


def inserted(request: str, prompt: str) -> tuple[InsertedTrait, ...]:
    """What a prompt says of people and its request doesn't, in whatever words or language.

    By word lists (`demographics.yaml`, English and Chinese): it finds what is said plainly, and
    nothing that takes a reader to understand.
    """
    asked = {(about, value) for about, value, _ in _said(request)}
    found = [InsertedTrait(*one) for one in _said(prompt) if one[:2] not in asked]
    return tuple({(one.about, one.value): one for one in reversed(found)}.values())


def _said(text: str) -> list[tuple[str, str, str]]:
    plain = text.casefold().replace("’", "'")
    found = []
    for (about, value), pattern in _patterns().items():
        match = pattern.search(plain)
        if match:
            found.append((about, value, " ".join(match[0].split())))
    return found


@cache
def _patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    table: dict[str, Any] = yaml.safe_load(
        files("limner.agent.batch").joinpath("demographics.yaml").read_text(encoding="utf-8")
    )
    people = _either(table.pop("people").split())
    return {
        (about, value): re.compile(_pattern(words, people))
        for about, values in table.items()
        for value, words in values.items()
    }


def _pattern(words: dict[str, Any], people: str) -> str:
    """English words stand alone; those of `beside` before a person, up to two words after it."""
    whole = _english(words.get("english", ""))
    parts = [rf"(?<![\w-])(?:{_either(whole)})(?![\w-])"] if whole else []
    if beside := words.get("beside", "").split():
        parts.append(rf"(?<![\w-])(?:{_either(beside)}){_BETWEEN} (?:{people})(?![\w-])")
    return "|".join([*parts, *map(re.escape, words.get("chinese", []))])


def _english(words: str) -> list[str]:
    """Words, and, after the first comma, phrases."""
    single, *phrases = [part.strip() for part in words.split(",")]
    return [*single.split(), *phrases]


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+(?:['’-][^\W_]+)*")
_SHORTEST, _LONGEST = 3, 6  # words
_MOST = 200_000
_SIMILAR = 0.8

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepeatedPhrase:
    """Words in a row, and in how many prompts they are though their requests lack them."""

    text: str
    count: int


@dataclass(slots=True)
class RepeatedPhrases:
    """Counts runs of three to six words in prompts; a request's own are left out.

    Of more than 200,000 different runs, those met once so far are forgotten: the counts of what is
    frequent are too low by that, at most (lossy counting).
    """

    _counts: Counter[Words] = field(default_factory=Counter)
    _prompts: int = 0

    def see(self, request: str, prompt: str) -> None:
        """Count the runs of one prompt, each once."""
        self._prompts += 1
        self._counts.update(_runs(_words(prompt)) - _runs(_words(request)))
        if len(self._counts) > _MOST:
            self._counts = Counter({run: n for run, n in self._counts.items() if n > 1})

    def repeated(
        self, share: float = 0.2, least: int = 3, most: int = 12
    ) -> tuple[RepeatedPhrase, ...]:
        """The phrases in at least this share of the prompts and so many of them, commonest first.

        A phrase that is nearly always a part of a longer one is told with that.
        """
        bar = max(least, share * self._prompts)
        found = {run: count for run, count in self._counts.items() if count >= bar}
        kept = _apart(_joined(found))
        ranked = sorted(kept.items(), key=lambda one: (-one[1], -len(one[0]), one[0]))
        return tuple(RepeatedPhrase(_shown(run), count) for run, count in ranked[:most])


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.casefold()))


def _runs(words: Words) -> set[Words]:
    return {
        words[start : start + size]
        for size in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(words) - size + 1)
    }


def _joined(found: dict[Words, int]) -> dict[Words, int]:
    """The runs with those of the greatest length put together where they overlap."""
    chains = dict(found)
    long = {run: n for run, n in found.items() if len(run) == _LONGEST}
    following: dict[Words, Words] = {}
    starts = {run[:-1]: run for run in long}
    for run in long:
        after = starts.get(run[1:])
        if after and after != run and _alike(long[run], long[after]):
            following[run] = after
    for run in long.keys() - set(following.values()):
        chain, at, seen = run, run, {run}
        while (at := following.get(at, ())) and at not in seen:
            seen.add(at)
            chain += at[-1:]
        chains[chain] = min(long[one] for one in seen)
    return chains


def _apart(found: dict[Words, int]) -> dict[Words, int]:
    """The phrases without those that a longer one explains."""
    kept: dict[Words, int] = {}
    for run in sorted(found, key=len, reverse=True):
        longer = (count for other, count in kept.items() if _within(run, other))
        if not any(count >= _SIMILAR * found[run] for count in longer):
            kept[run] = found[run]
    return kept


def _alike(one: int, other: int) -> bool:
    return min(one, other) >= _SIMILAR * max(one, other)


def _within(run: Words, other: Words) -> bool:
    size = len(run)
    return any(other[i : i + size] == run for i in range(len(other) - size + 1))


def _shown(run: Words) -> str:
    return "".join(run) if any("぀" <= word[0] <= "힯" for word in run) else " ".join(run)


FIELDS = ("style", "light", "scene")
"""The kinds of claims of which a writer that is left free may always make the same."""

_EXAMPLES_AUDIT = 3
_BRIEF = TypeAdapter(Brief)


@dataclass(frozen=True, slots=True)
class Insertion:
    """What prompts say of people and their requests don't: in how many, with which words."""

    about: str
    value: str
    count: int
    words: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """What was stated in requests and lost: how often of how many times, with examples.

    Of the kind "unchecked" it is words that no claim speaks for, of all that name something.
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
    inserted: tuple[Insertion, ...]
    repeated: tuple[RepeatedPhrase, ...]
    lost: tuple[Loss, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to mend."""
        collapsed = any(spread.collapsed for spread in self.spreads)
        gone = any(loss.count for loss in self.lost)
        return not (collapsed or self.inserted or self.repeated or gone)


def audit_briefs(outcomes: Iterable[Outcome]) -> Audit:
    """The audit of the outcomes, which need no pictures; they are gone through once."""
    desk = _Desk()
    seen: set[bytes] = set()
    same = 0
    for outcome in outcomes:
        if not outcome.prompt.strip():
            continue
        before = len(seen)
        seen.add(_digest(outcome))
        if len(seen) == before:
            same += 1
        else:
            desk.see(outcome)
    return desk.audit(same)


@dataclass(slots=True)
class _Desk:
    """The counts so far."""

    values: dict[str, Counter[tuple[str, bool]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    lengths: list[tuple[int, float, str]] = field(default_factory=list)
    people: dict[tuple[str, str], list[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    phrases: RepeatedPhrases = field(default_factory=RepeatedPhrases)
    stated: Counter[str] = field(default_factory=Counter)
    lost: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def see(self, outcome: Outcome) -> None:
        request, prompt = outcome.request, outcome.prompt
        brief = _brief(outcome)
        for name in FIELDS:
            for claim in (claim for claim in brief.claims if claim.kind == name):
                value = one_line(claim.value or claim.text, 60).casefold()
                asked = bool(claim.quote) or _says(request, value)
                self.values[name][value, asked] += 1
        words = word_count(prompt)
        self.lengths.append((words, words / max(word_count(request), 1), outcome.id))
        for one in inserted(request, prompt):
            self.people[one.about, one.value].append((one.word, outcome.id))
        self.phrases.see(request, prompt)
        for claim in extract(request):
            self.stated[claim.kind] += 1
            if not _kept(claim, brief):
                self.lost[claim.kind].append(f"{one_line(claim.text, 60)} ({outcome.id})")
        self.stated["unchecked"] += len(unchecked(request, ()))
        self.lost["unchecked"] += [f"{one_line(w, 60)} ({outcome.id})" for w in brief.unchecked]

    def audit(self, same: int) -> Audit:
        return Audit(
            rows=len(self.lengths),
            same=same,
            spreads=tuple(spread(name, self.values[name]) for name in FIELDS if self.values[name]),
            length=length(self.lengths),
            inserted=tuple(_insertion(*key, found) for key, found in sorted(self.people.items())),
            repeated=self.phrases.repeated(),
            lost=tuple(
                Loss(kind, len(self.lost[kind]), count, tuple(self.lost[kind][:_EXAMPLES_AUDIT]))
                for kind, count in sorted(self.stated.items())
                if count
            ),
        )


def _digest(outcome: Outcome) -> bytes:
    both = f"{outcome.request}\0{outcome.prompt}".encode(errors="replace")
    return hashlib.blake2b(both, digest_size=8).digest()


def _kept(claim: Claim, brief: Brief) -> bool:
    """Whether the brief's claims and its prompt both have what a request states beyond doubt."""
    if claim.kind == "text":
        claimed = any(claim.value in other.text for other in brief.claims)
        return claimed and claim.value in brief.prompt
    if claim.kind == "absent":
        gone = any(c.kind == "absent" and _same(c.subject, claim.subject) for c in brief.claims)
        return gone and not _same(claim.subject, _plainly(brief.prompt))
    claimed = any(said_in(claim.text, other.text) for other in brief.claims)
    return claimed and said_in(claim.text, brief.prompt)


def _same(some: str, others: str) -> bool:
    """Whether all words of the one, in any form, are among the other's."""
    return {stem(word) for word in words_of(some)} <= {stem(word) for word in words_of(others)}


def _plainly(prompt: str) -> str:
    """The prompt without what it says must not be seen."""
    for start, end in reversed(negated(prompt)):
        prompt = f"{prompt[:start]} {prompt[end:]}"
    return prompt


def _brief(outcome: Outcome) -> Brief:
    """The brief that the manifest has, as far as it is one, with what the painter was told."""
    plain = Brief(outcome.request, outcome.prompt)
    try:
        kept = _BRIEF.validate_python(_fields(outcome.brief)) if outcome.brief else plain
    except ValidationError:
        return plain
    return replace(kept, prompt=outcome.prompt)


def _fields(told: dict[str, object]) -> object:
    """What a manifest has of a brief, in this limner's form, without what follows from it."""
    now = brief_now(told)
    return {name: now[name] for name in now if name in Brief.__dataclass_fields__}


def _says(request: str, value: str) -> bool:
    """Whether a request has a value itself, by its name or any other that the style has."""
    said = request.casefold()
    names = styles()[value].words if value in styles() else (value,)
    return any(name in said for name in names)


def _insertion(about: str, value: str, found: list[tuple[str, str]]) -> Insertion:
    words = Counter(word for word, _ in found)
    common = tuple(word for word, _ in words.most_common(_EXAMPLES_AUDIT))
    return Insertion(about, value, len(found), common, tuple(i for _, i in found[:_EXAMPLES_AUDIT]))
