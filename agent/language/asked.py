"""What somebody asks of a picture in plain words, as claims that a critic can weigh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from limner.agent.claims import claims_of
from limner.agent.language.nouns import plural
from limner.agent.language.sentence import Understood, named, understood
from limner.agent.plain import request_line
from limner.agent.records import Brief, Claim
from limner.errors import BadInput
from limner.prompts import claims as wording

__all__ = ["MOST", "asked"]

MOST = 64
"""Claims that one picture is asked about at a time."""

_ELSE = ("this is a picture of something else", "nothing of the kind can be seen")


def asked(said: str | Sequence[str] | Brief) -> tuple[Claim, ...]:
    """The claims of a brief, or of one or several sentences.

    An English sentence of which every word is understood by rule ("the cat is red", "two red cats
    left of a dog, at night") makes the claims that a brief would, with their foils. Any other is
    claimed as it is, against there being nothing of what it names. Raises `BadInput` for an empty
    sentence, and for no claims or more than 64.
    """
    if isinstance(said, Brief):
        made = claims_of(said)
    else:
        sentences = [said] if isinstance(said, str) else said
        made = _together(_claims(request_line(sentence)) for sentence in sentences)
    if not 0 < len(made) <= MOST:
        raise BadInput(
            f"There are {len(made)} claims to check; 1 to {MOST} are possible.",
            'Say what should be true of the picture, for instance "the cat is red".',
        )
    return made


def _claims(line: str) -> tuple[Claim, ...]:
    meant = understood(line)
    return _of(meant) if meant else (_as_said(line),)


def _of(meant: Understood) -> tuple[Claim, ...]:
    """The claims of the brief; where no number was said, none is claimed."""
    made = claims_of(meant.brief)
    kinds = dict.fromkeys(thing.name for thing in meant.brief.things)
    counts = [at for at, claim in enumerate(made) if claim.kind == "count"]
    about = dict(zip(counts, kinds, strict=True))
    kept: dict[int, Claim] = {}
    for at, claim in enumerate(made):
        name = about.get(at, "")
        if name not in meant.uncounted:
            kept[at] = _moved(claim, {old: new for new, old in enumerate(kept)})
        elif not _told_of(meant.brief, name):
            kept[at] = Claim(f"there are {plural(name)}", (_absence(name), *_ELSE), "said")
    return tuple(kept.values())


def _told_of(brief: Brief, name: str) -> bool:
    """Whether anything else is said of a thing, which is then there by that alone."""
    related = any(name in (r.thing, r.other) for r in brief.relations)
    return related or any(t.name == name and (t.colour or t.size or t.place) for t in brief.things)


def _as_said(line: str) -> Claim:
    """The sentence itself, against there being nothing of what it names."""
    foils = (*map(_absence, named(line)), *_ELSE)
    return Claim(line, tuple(foil for foil in foils if foil != line), "said")


def _absence(name: str) -> str:
    return wording().count.format(be="is", n=wording().numbers[0], s=name)


def _together(groups: Iterable[tuple[Claim, ...]]) -> tuple[Claim, ...]:
    """All claims in one list; what a claim needs is counted within its own sentence."""
    made: list[Claim] = []
    for group in groups:
        start = len(made)
        made += [_moved(claim, {n: n + start for n in range(len(group))}) for claim in group]
    return tuple(made)


def _moved(claim: Claim, places: Mapping[int, int]) -> Claim:
    """The claim with its parents in their new places; those that have none are forgotten."""
    needs = None if claim.needs is None else places.get(claim.needs)
    things = tuple(places[thing] for thing in claim.things if thing in places)
    whole = len(things) == len(claim.things)
    return replace(
        claim, needs=needs, how=claim.how if whole else "", things=things if whole else ()
    )
