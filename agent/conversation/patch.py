"""What changed from one brief to the next: things added, removed and changed, and the setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from limner.agent.language.wording import phrase
from limner.agent.records import Brief, Relation, Thing
from limner.prompts import claims

__all__ = [
    "Add",
    "Change",
    "Keep",
    "Operation",
    "Patch",
    "Remove",
    "Restyle",
    "apply",
    "patch",
    "words",
]

Value = str | int
_LOOKS = ("count", "colour", "size", "place")
_SETTING = ("where", "light", "style")


@dataclass(frozen=True, slots=True)
class Add:
    """A thing, a relation, or a name of what must not be there, at its place in its list."""

    what: Thing | Relation | str
    at: int
    op: Literal["add"] = "add"


@dataclass(frozen=True, slots=True)
class Remove:
    """What is there no more; `at` is the place in its list that it had."""

    what: Thing | Relation | str
    at: int
    op: Literal["remove"] = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """Another look of the thing at a place in the list: its count, colour, size or place."""

    at: int
    thing: str
    field: Literal["count", "colour", "size", "place"]
    before: Value
    after: Value
    op: Literal["change"] = "change"


@dataclass(frozen=True, slots=True)
class Restyle:
    """Another ground, light or style."""

    field: Literal["where", "light", "style"]
    before: str
    after: str
    op: Literal["restyle"] = "restyle"


@dataclass(frozen=True, slots=True)
class Keep:
    """Everything stays as it was."""

    op: Literal["keep"] = "keep"


Operation = Annotated[Add | Remove | Change | Restyle | Keep, Field(discriminator="op")]
Patch = tuple[Operation, ...]


def patch(before: Brief, after: Brief) -> Patch:
    """The difference in structure of two briefs, so that `apply` leads from the one to the other.

    Things are the same that have one name; where a name occurs twice, that have one colour too.
    """
    pairs = _pairs(before.things, after.things)
    made: list[Operation] = []
    for at, number in pairs.items():
        made += _changes(at, before.things[at], after.things[number])
    gone = [i for i in range(len(before.things)) if i not in pairs]
    stayed = [after.things[pairs[i]] for i in sorted(pairs)]
    made += [Remove(before.things[i], i) for i in reversed(gone)]
    made += _listed(stayed, after.things)
    made += _listed(before.relations, after.relations)
    made += [
        Restyle(part, getattr(before, part), getattr(after, part))  # type: ignore[arg-type]
        for part in _SETTING
        if getattr(before, part) != getattr(after, part)
    ]
    made += _listed(before.avoid, after.avoid)
    return tuple(made) or (Keep(),)


def apply(changes: Patch, before: Brief) -> Brief:
    """The brief with the changes made in its structure; words stay as they were.

    Raises `ValueError` for a patch of another brief.
    """
    brief = before
    for change in changes:
        match change:
            case Change(at, name, field, old, new):
                brief = _changed(brief, at, name, field, old, new)
            case Restyle(field, old, new):
                _check(getattr(brief, field) == old)
                brief = _with(brief, field, new)
            case Remove(what, at):
                values = list(getattr(brief, _list_of(what)))
                _check(at < len(values) and values.pop(at) == what)
                brief = _with(brief, _list_of(what), tuple(values))
            case Add(what, at):
                values = list(getattr(brief, _list_of(what)))
                values.insert(at, what)
                brief = _with(brief, _list_of(what), tuple(values))
    return brief


def words(changes: Patch) -> list[str]:
    """One short line for each change: `+ a blue car on the left`, `cat: red → blue`."""
    moved = Counter(c.what for c in changes if isinstance(c, Remove))
    moved &= Counter(c.what for c in changes if isinstance(c, Add))
    return [
        line
        for change in changes
        if not (isinstance(change, Add | Remove) and change.what in moved)
        for line in [_line(change)]
    ]


def _line(change: Operation) -> str:
    match change:
        case Add(what):
            return f"no {what}" if isinstance(what, str) else f"+ {_said(what)}"
        case Remove(what):
            return f"{what} allowed again" if isinstance(what, str) else f"- {_said(what)}"
        case Change(thing=name, field=_, before=old, after=new):
            return f"{name}: {old or 'open'} → {new or 'open'}"
        case Restyle(field, old, new):
            return f"{field}: {old or 'open'} → {new or 'open'}"
    return "nothing changed"


def _said(what: Thing | Relation) -> str:
    if isinstance(what, Relation):
        return f"{what.thing} {what.how} {what.other}"
    looks = " ".join(filter(None, (what.size, what.colour)))
    place = claims().places.get(what.place, what.place)
    return f"{phrase(what.count, looks, what.name)} {place}".rstrip()


def _pairs(before: Sequence[Thing], after: Sequence[Thing]) -> dict[int, int]:
    """Which thing of the later list each of the earlier is: by looks, colour and name, in turn."""
    found: dict[int, int] = {}
    for same in (
        lambda a, b: a == b,
        lambda a, b: (a.name, a.colour) == (b.name, b.colour),
        lambda a, b: a.name == b.name,
    ):
        for i, one in enumerate(before):
            free = (n for n in range(len(after)) if n not in found.values())
            match = next((n for n in free if same(one, after[n])), None)
            if i not in found and match is not None:
                found[i] = match
    return found


def _changes(at: int, old: Thing, new: Thing) -> list[Operation]:
    return [
        Change(at, old.name, look, getattr(old, look), getattr(new, look))  # type: ignore[arg-type]
        for look in _LOOKS
        if getattr(old, look) != getattr(new, look)
    ]


def _listed(
    old: Sequence[Thing | Relation | str], new: Sequence[Thing | Relation | str]
) -> list[Operation]:
    """What leads from one list to the other: removals, and additions at their places."""
    made: list[Operation] = []
    now = list(old)
    for at in reversed(range(len(now))):
        if Counter(now)[now[at]] > Counter(new)[now[at]]:
            made.append(Remove(now.pop(at), at))
    for at, value in enumerate(new):
        if at < len(now) and now[at] == value:
            continue
        if value in now[at:]:
            place = now.index(value, at)
            made.append(Remove(now.pop(place), place))
        now.insert(at, value)
        made.append(Add(value, at))
    return made


def _changed(brief: Brief, at: int, name: str, field: str, old: Value, new: Value) -> Brief:
    things = list(brief.things)
    _check(at < len(things) and things[at].name == name and getattr(things[at], field) == old)
    things[at] = replace(things[at], **{field: new})  # type: ignore[arg-type]
    return replace(brief, things=tuple(things))


def _with(brief: Brief, field: str, value: Any) -> Brief:
    return replace(brief, **{field: value})


def _list_of(what: Thing | Relation | str) -> str:
    return {Thing: "things", Relation: "relations"}.get(type(what), "avoid")


def _check(fits: bool) -> None:
    if not fits:
        raise ValueError("the patch belongs to another brief")
