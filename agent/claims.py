"""What a brief claims about its picture, one checkable statement each, and what contradicts it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from limner.agent.records import Brief, Claim, Relation, Thing
from limner.prompts import Wording, claims

__all__ = ["claims_of"]


def claims_of(brief: Brief) -> tuple[Claim, ...]:
    """Every claim of the brief, by rule; parents come before the claims that need them.

    Things of one name are counted together. Where they differ from one another in colour, size or
    place, no claim is made of those: a statement about "the cat" could not say which cat is meant.
    """
    say = claims()
    made: list[Claim] = []
    counted: dict[str, int] = {}
    for name, things in _by_name(brief.things).items():
        counted[name] = len(made)
        made += _of_thing(say, name, things, needs=len(made))
    made += [_relation(say, r, counted) for r in brief.relations if r.thing != r.other]
    made += _of_scene(say, brief)
    made += [_absence(say, name) for name in brief.avoid if name not in counted]
    return tuple({claim.text: claim for claim in made}.values())


def _by_name(things: Iterable[Thing]) -> dict[str, list[Thing]]:
    grouped: dict[str, list[Thing]] = {}
    for thing in things:
        grouped.setdefault(thing.name, []).append(thing)
    return grouped


def _of_thing(say: Wording, name: str, things: list[Thing], needs: int) -> list[Claim]:
    count = sum(thing.count for thing in things)
    noun, be = _counted(say, name, count), "are" if count > 1 else "is"
    made = [Claim(_count(say, name, count), _other_counts(say, name, count), "count")]
    none = _count(say, name, 0)
    values = {
        "colour": (say.colour, {c: c for c in say.colours}, [_own(say, noun, be), none]),
        "size": (say.size, {s: s for s in say.sizes}, [none]),
        "place": (say.place, say.places, [none]),
    }
    for kind, (wording, known, more) in values.items():
        said = {getattr(thing, kind) for thing in things}
        if len(said) == 1 and (value := said.pop()):
            texts = {v: wording.format(s=noun, be=be, value=known[v]) for v in known}
            text = texts.get(value) or wording.format(s=noun, be=be, value=value)
            foils = _others(text, [*texts.values(), *more])
            if value in say.natural.get(name, ()):  # a red apple is in its natural colours, too
                foils = tuple(foil for foil in foils if foil != _own(say, noun, be))
            claim = Claim(text, foils, kind, needs)
            made.append(replace(claim, how=value, things=(needs,)) if kind == "place" else claim)
    return made


def _relation(say: Wording, relation: Relation, counted: Mapping[str, int]) -> Claim:
    def said(how: str) -> str:
        return say.relation.format(thing=relation.thing, how=how, other=relation.other)

    missing = [_count(say, relation.thing, 0), _count(say, relation.other, 0)]
    foils = _others(said(relation.how), [*map(said, say.relations), *missing])
    things = tuple(counted[name] for name in (relation.thing, relation.other) if name in counted)
    where = (relation.how, things) if len(things) == 2 else ("", ())
    return Claim(said(relation.how), foils, "relation", counted.get(relation.thing), *where)


def _of_scene(say: Wording, brief: Brief) -> list[Claim]:
    made = []
    if brief.where:
        texts = [say.where.format(value=value) for value in say.wheres]
        made.append(_scene("where", say.where.format(value=brief.where), [*texts, say.nowhere]))
    if brief.light:
        made.append(_scene("light", _light(say, brief.light), [_light(say, x) for x in say.lights]))
    if brief.style:
        texts = [say.style.format(value=value) for value in say.styles]
        made.append(_scene("style", say.style.format(value=brief.style), texts))
    return made


def _scene(kind: str, text: str, texts: list[str]) -> Claim:
    return Claim(text, _others(text, texts), kind)


def _light(say: Wording, value: str) -> str:
    return (say.plain if value.startswith("plain") else say.light).format(value=value)


def _absence(say: Wording, name: str) -> Claim:
    return Claim(_count(say, name, 0), _other_counts(say, name, 0), "avoid")


def _count(say: Wording, name: str, count: int) -> str:
    number = say.numbers[count] if count < len(say.numbers) else str(count)
    be = "are" if count > 1 else "is"
    return say.count.format(be=be, n=number, s=_counted(say, name, max(count, 1)))


def _other_counts(say: Wording, name: str, count: int) -> tuple[str, ...]:
    everything = [_count(say, name, n) for n in range(len(say.numbers))]
    if count < len(say.numbers):  # else many may be just that number
        everything.append(say.many.format(s=_counted(say, name, 2)))
    return _others(_count(say, name, count), everything)


def _counted(say: Wording, name: str, count: int) -> str:
    if count == 1:
        return name
    ending = "es" if name.endswith(("s", "x", "ch", "sh")) else "s"
    return say.plurals.get(name, name + ending)


def _own(say: Wording, noun: str, be: str) -> str:
    return say.own_colour.format(s=noun, be=be)


def _others(text: str, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(other for other in dict.fromkeys(texts) if other != text)
