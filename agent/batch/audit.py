"""Looks through the briefs of a batch for what a writer does to all of them, without painting."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter, ValidationError

from limner.agent.batch.audit_measures import Length, Spread, length, spread
from limner.agent.batch.audit_people import inserted
from limner.agent.batch.audit_phrases import Phrase, Phrases
from limner.agent.batch.rows import Outcome
from limner.agent.checking import said_in
from limner.agent.coverage import unchecked
from limner.agent.english import stem, words_of
from limner.agent.extract import extract, negated
from limner.agent.gate import word_count
from limner.agent.older_records import brief_now
from limner.agent.plain import one_line
from limner.agent.records import Brief, Claim
from limner.prompts.styles import styles

__all__ = ["Audit", "Insertion", "Loss", "audit"]

FIELDS = ("style", "light", "scene")
"""The kinds of claims of which a writer that is left free may always make the same."""

_EXAMPLES = 3
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
    repeated: tuple[Phrase, ...]
    lost: tuple[Loss, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to mend."""
        collapsed = any(spread.collapsed for spread in self.spreads)
        gone = any(loss.count for loss in self.lost)
        return not (collapsed or self.inserted or self.repeated or gone)


def audit(outcomes: Iterable[Outcome]) -> Audit:
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
    phrases: Phrases = field(default_factory=Phrases)
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
                Loss(kind, len(self.lost[kind]), count, tuple(self.lost[kind][:_EXAMPLES]))
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
    common = tuple(word for word, _ in words.most_common(_EXAMPLES))
    return Insertion(about, value, len(found), common, tuple(i for _, i in found[:_EXAMPLES]))
