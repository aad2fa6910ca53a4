"""Reads a change of a picture as a patch: claims to add, to remove, and to change by number.

A line is cut into clauses; each clause is a `Change`, and the first rule that fits it fills the
patch: rules about number (`edit_counts`), about one thing for another (`edit_exchanges`), and of
what is there and how it looks (`edit_things`).
"""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.change import Change
from limner.pipelines.pocket.reading.edit_counts import (
    complain,
    complains,
    fewer,
    multiply,
    set_number,
    share,
)
from limner.pipelines.pocket.reading.edit_exchanges import exchange_things, keep_only, swap
from limner.pipelines.pocket.reading.edit_things import say_of_things
from limner.pipelines.pocket.reading.patches import Held, Patch
from limner.pipelines.pocket.reading.phrases import Item

__all__ = ["edit"]

_RULES = (
    complain,
    keep_only,
    swap,
    exchange_things,
    share,
    multiply,
    fewer,
    set_number,
    say_of_things,
)
_VERBS = ("set", "add", "remove", "put", "replace", "swap", "keep", "double", "triple", "halve")
_CONTENT = ("thing", "look", "scene", "light", "style", "place", "relation", "it", "them")


def edit(items: Sequence[Item], text: str, held: Held, topic: Sequence[str] = ()) -> Patch:
    """The patch that a line means, said after something about the things of `topic`.

    Raises `Unclear` where it could mean more than one thing.
    """
    patch = Patch(held)
    clauses, named = _named_apart(_clauses_of(items), held)
    topic = named or [subject for subject in topic if subject in held.subjects()]
    for clause in clauses:
        change = Change(clause, text, held, patch, topic)
        change.tell_apart()
        any(rule(change) for rule in _RULES)
        topic = change.topic or topic
    return patch


def _clauses_of(items: Sequence[Item]) -> list[list[Item]]:
    """The parts of a line that are changes of their own."""
    parts: list[list[Item]] = [[]]
    for at, item in enumerate(items):
        rest = items[at + 1 :]
        ended = item.is_("stop", "then", "but") and not item.is_("set")
        ended = ended or (item.is_("comma") and complains(parts[-1]))
        if ended and item.is_("but") and _corrects(parts[-1], rest):
            parts[-1].append(item)
        elif ended or (item.is_("comma", "and") and _begins(parts[-1], rest, item)):
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


def _named_apart(clauses: list[list[Item]], held: Held) -> tuple[list[list[Item]], list[str]]:
    """The clauses without one that only names a thing, and that: `bigger! the ducks I mean`."""
    bare = [clause for clause in clauses if _names(clause, held)]
    rest = [clause for clause in clauses if clause not in bare]
    if len(bare) != 1 or not rest or bare[0] is clauses[0]:
        return clauses, []
    things = [i.mention for clause in rest for i in clause if i.mention]
    if any(m.pronoun or held.resolve(m.subject) for m in things):
        return clauses, []
    named = next(i.mention for i in bare[0] if i.mention)
    return rest, [held.resolve(named.subject)]


def _names(clause: Sequence[Item], held: Held) -> bool:
    core = [i for i in clause if not i.is_("filler", "correct", "comma", "sign", "aside", "want")]
    mention = core[0].mention if len(core) == 1 else None
    bare = mention is not None and not (mention.looks or mention.place or mention.denied)
    return bare and mention is not None and bool(held.resolve(mention.subject))


def _corrects(before: Sequence[Item], rest: Sequence[Item]) -> bool:
    """`not a balloon but a rocket`."""
    after = next((i for i in rest if not i.is_("filler")), None)
    denied = any(i.is_("neg") for i in before) and not any(i.is_(*_VERBS) for i in before)
    return denied and after is not None and after.kind == "thing"


def _begins(before: Sequence[Item], rest: Sequence[Item], join: Item) -> bool:
    """Whether a new change begins behind a comma or an `and`."""
    after = next((i for i in rest if not i.is_("filler", "then", "also", "aside")), None)
    if after is None or not any(i.is_(*_CONTENT, *_VERBS, "neg", "number") for i in before):
        return False
    if join.text == "，":
        return not after.is_("number", "one_of") or after.kind == "thing"
    if after.is_("neg", "instead_of", "except"):
        return False
    return after.is_("set", "add", "put", "remove", "replace", "swap", "take", "keep", "want")
