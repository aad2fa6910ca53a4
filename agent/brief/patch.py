"""Changes to what a picture is claimed to show: how an edit is applied, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from limner.agent.brief.claims import complete
from limner.agent.brief.coverage import find
from limner.agent.brief.english import content, stem, words_of
from limner.agent.brief.tool_call import Call
from limner.agent.i18n import Language, claim_in, phrase
from limner.agent.records import Brief, Claim

__all__ = [
    "AddClaim",
    "ChangeClaim",
    "KeepClaim",
    "Operation",
    "Patch",
    "RemoveClaim",
    "apply_patch",
    "edited",
    "taken_out",
    "words",
]


_ONE_OF_A_KIND = ("light", "scene", "style")  # a picture has one at a time, unless more are named
_ONE_EACH = ("colour", "size", "place")  # of each thing
_THERE = ("object", "count")
_REMOVING = re.compile(
    r"(?:\b(?:remove|delete|erase|drop|lose|get rid of|take (?:away|out)|without|no more)\b"
    r"|去掉|删掉|删除|移除|拿掉|不要)([^,.;!?，。；！？]{1,60})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AddClaim:
    """A claim that is new."""

    claim: Claim
    op: Literal["add"] = "add"


@dataclass(frozen=True, slots=True)
class RemoveClaim:
    """A claim that is there no more."""

    claim: Claim
    op: Literal["remove"] = "remove"


@dataclass(frozen=True, slots=True)
class ChangeClaim:
    """A claim that says something else of the same."""

    before: Claim
    after: Claim
    op: Literal["change"] = "change"


@dataclass(frozen=True, slots=True)
class KeepClaim:
    """Everything stays as it was."""

    op: Literal["keep"] = "keep"


Operation = Annotated[AddClaim | RemoveClaim | ChangeClaim | KeepClaim, Field(discriminator="op")]
Patch = tuple[Operation, ...]


def edited(before: Sequence[Claim], call: Call, *, trusted: bool = False) -> tuple[Claim, ...]:
    """The claims after an edit; whatever its line does not name stays as it was.

    A claim goes that an added or changed one contradicts (another colour of the same thing), that
    is about a thing which goes, or that the call removes: but that only where the line names it,
    for small models remove too much. A `trusted` writer removes what it says.
    """
    gone: set[int] = set()
    for number in call.remove:
        at = number - 1
        if 0 <= at < len(before) and (trusted or _named(before[at], call.line)):
            gone.add(at)
    changed = {n - 1: claim for n, claim in call.change.items() if 0 < n <= len(before)}
    fresh = [*changed.values(), *call.add]
    for at, claim in enumerate(before):
        if at not in changed and any(_contradicts(new, claim, fresh) for new in fresh):
            gone.add(at)
    lost = _subjects(before[at] for at in gone if before[at].kind in _THERE)
    lost -= _subjects(claim for claim in fresh if claim.kind != "absent")
    lost |= {new.subject for new in fresh if new.kind == "absent"}
    kept = [
        changed.get(at, claim)
        for at, claim in enumerate(before)
        if at not in gone and (at in changed or not _about(claim, lost))
    ]
    return complete([*kept, *call.add])


def taken_out(line: str, claims: Sequence[Claim]) -> tuple[int, ...]:
    """The numbers, from 1, of the claims about what a line says shall go: "remove the birches"."""
    spans = [found[1] for found in _REMOVING.finditer(line)]
    said = {stem(word) for span in spans for word in words_of(span)}
    return tuple(
        number
        for number, claim in enumerate(claims, start=1)
        if claim.kind != "absent"
        and (
            any(stem(word) in said for word in content(words_of(claim.subject)))
            or any(claim.quote and claim.quote in span for span in spans)
        )
    )


def apply_patch(before: Brief, after: Brief) -> Patch:
    """What leads from the claims of one brief to those of another: changed, removed, added."""
    old = [claim for claim in before.claims if claim.text not in {c.text for c in after.claims}]
    new = [claim for claim in after.claims if claim.text not in {c.text for c in before.claims}]
    made: list[Operation] = []
    for claim in [*old]:
        same = [c for c in new if _slot(c) == _slot(claim)]
        if len(same) == 1 and sum(_slot(c) == _slot(claim) for c in old) == 1:
            made.append(ChangeClaim(claim, same[0]))
            old.remove(claim)
            new.remove(same[0])
    made += [RemoveClaim(claim) for claim in old]
    made += [AddClaim(claim) for claim in new]
    return tuple(made) or (KeepClaim(),)


def words(changes: Patch, language: Language = "english") -> list[str]:
    """The changes in a line each: "+ There are two cats", "The cat is red → The cat is blue"."""
    return [_line(change, language) for change in changes]


def _line(change: Operation, language: Language) -> str:
    match change:
        case AddClaim(claim):
            return phrase(language, "added", text=claim_in(claim, language))
        case RemoveClaim(claim):
            return phrase(language, "removed", text=claim_in(claim, language))
        case ChangeClaim(before, after):
            one, other = (claim_in(claim, language) for claim in (before, after))
            return phrase(language, "changed", before=one, after=other)
    return phrase(language, "nothing")


def _slot(claim: Claim) -> tuple[str, str, str]:
    """What a claim says something about: two with one slot say different things of the same."""
    kind = "count" if claim.kind in _THERE else claim.kind
    if kind in ("attribute", "action", "other", "text") and not claim.subject:
        return kind, claim.text, ""
    return kind, claim.subject, claim.object


def _named(claim: Claim, line: str) -> bool:
    """Whether a line names what a claim is about, in the claim's words or in the user's."""
    said = {stem(word) for word in words_of(line)}
    about = [claim.subject, claim.object, claim.value, claim.text]
    if any(stem(word) in said for text in about for word in content(words_of(text))):
        return True
    return bool(claim.quote) and bool(find(claim.quote, line))


def _contradicts(new: Claim, old: Claim, fresh: Sequence[Claim]) -> bool:
    """Whether both can't hold of one picture, as far as their slots tell."""
    if new.kind == "absent":
        return old.kind != "absent" and bool(new.subject) and new.subject == old.subject
    if old.kind == "absent":
        return bool(old.subject) and old.subject == new.subject and new.kind in _THERE
    if new.text == old.text or any(claim.text == old.text for claim in fresh):
        return False
    if new.kind in _ONE_OF_A_KIND:
        return new.kind == old.kind
    if new.kind in _THERE and old.kind in _THERE:
        return bool(new.subject) and new.subject == old.subject
    if new.kind in _ONE_EACH:
        return new.kind == old.kind and bool(new.subject) and new.subject == old.subject
    if new.kind == old.kind == "relation":
        return {new.subject, new.object} == {old.subject, old.object}
    return False


def _subjects(claims: Iterable[Claim]) -> set[str]:
    return {claim.subject for claim in claims if claim.subject}


def _about(claim: Claim, subjects: set[str]) -> bool:
    return claim.kind != "absent" and bool({claim.subject, claim.object} & (subjects - {""}))
