"""Changes of number: more, fewer, twice as many, one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.pipelines.pocket.reading.change import MOST, Change, dropped
from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.noun_phrases import Look, Mention
from limner.pipelines.pocket.reading.phrases import Item

__all__ = ["complain", "complains", "fewer", "multiply", "set_number", "share"]

_TOO_MANY = re.compile("太多|太少|不够(?![大小])|too ?many|too ?few")
_SOME_OF = re.compile(r"\b(?:one|two|three|some) of (?:the|them|my|these|those)\b|其中")
_JUST = re.compile(r"just|only|exactly|a single|single|a lone|只")
_OTHERS = ("others", "rest", "ones", "其他", "其余", "其余的", "其他的", "别的")
_FACTORS = {"double": 2.0, "triple": 3.0, "halve": 0.5}


def complains(clause: Sequence[Item]) -> bool:
    """`too many balloons`: that says of what, and the next part says how many."""
    return bool(_TOO_MANY.search("".join(i.text for i in clause)))


def complain(change: Change) -> bool:
    """`too many balloons`: the next clause says how many; alone, nobody knows."""
    if not complains(change.items) or change.has("number"):
        return False
    named = [change.held_of(m) for m in change.reading.mentions if m.subject]
    change.topic = [subject for subject in named if subject]
    return True


def share(change: Change) -> bool:
    """`one green, the other pink`, 一个气球要绿的，另一个要粉的: looks of some of several."""
    parts = _parts(change)
    one_of = bool(_SOME_OF.search(change.whole().lower()))
    if not parts or not (one_of or len(parts) > 1 or _some_alone(change, parts[0][0])):
        return False
    if not (one_of or parts[-1][0].is_("one_of", "rest") or _numbers(change, parts)):
        return False
    subject = _shared(change, parts)
    if not subject or (len(parts) == 1 and _counted(parts[0][0]) >= change.held.count(subject)):
        return False
    rest = change.held.count(subject)
    for mark, looks in parts:
        mention = Mention(subject, mark.start, mark.end, pronoun="one", looks=looks)
        mention.count = _counted(mark)
        if mark.text.endswith(_OTHERS):
            mention.count = max(rest, 1)
        rest -= mention.count
        change.put_some(mention, rest if len(parts) == 1 else 0)
    change.topic = [subject]
    return True


def _some_alone(change: Change, mark: Item) -> bool:
    """`and the other one white`, 一艘改成红色: the clause begins with some of several."""
    first = next((i for i in change.items if not i.is_("filler", "and", "set", "also")), None)
    if mark is not first or change.has("only", "add", "more") or _JUST.match(mark.text):
        return False
    return mark.mention is None or any(k.start >= mark.end for k in mark.mention.looks)


def _counted(mark: Item) -> int:
    said = str(mark.mention.count if mark.mention else mark.value)
    return int(said) if said.isdecimal() else 1


def _parts(change: Change) -> list[tuple[Item, list[Look]]]:
    """Numbers and `the other`, each with the looks that follow."""
    parts: list[tuple[Item, list[Look]]] = []
    for item in change.items:
        counted = item.mention and item.mention.count and item.mention.determiner in ("", "one")
        if item.is_("one_of", "rest") or (item.is_("number") and not item.look) or counted:
            looks = [k for k in item.mention.looks if k.end <= item.end] if item.mention else []
            joined = parts and not parts[-1][1] and parts[-1][0].end == item.start
            if not joined or parts[-1][0].mention:
                parts.append((item, list(looks)))
        elif parts and item.look is not None:
            parts[-1][1].append(item.look)
        elif parts and item.is_("place"):
            parts[-1][1].append(Look("place", item.value, item.start, item.end))
    return [part for part in parts if part[1]]


def _numbers(change: Change, parts: Sequence[tuple[Item, list[Look]]]) -> bool:
    """Whether nothing but bare numbers is named: `two red, one blue`."""
    return all(mark.mention is None or change.held_of(mark.mention) for mark, _ in parts)


def _shared(change: Change, parts: Sequence[tuple[Item, list[Look]]]) -> str:
    """The several things that the parts are some of."""
    named = {change.held_of(i.mention) for i in change.items if i.mention and i.mention.subject}
    if len(named) > 1 or "" in named:
        return ""
    several = [s for s in change.held.subjects() if change.held.count(s) > 1]
    if named:
        return next(iter(named & set(several)), "")
    topic = [s for s in change.subjects_spoken_of() if s in several]
    return topic[-1] if topic else several[0] if len(several) == 1 else ""


def multiply(change: Change) -> bool:
    """`double them`, `half as many cats`, 翻倍."""
    factor = next((f for k, f in _FACTORS.items() if change.has(k)), 0.0)
    if not factor:
        return False
    named = next((m for m in change.reading.mentions), None)
    for subject in change.targets(named):
        change.put_count(subject, max(1, int(change.held.count(subject) * factor)), change.whole())
    return True


def fewer(change: Change) -> bool:
    """`one less`, `remove one of the cats`, 少一只."""
    taken = _taken(change)
    if not taken:
        return False
    named = next((m for m in change.reading.mentions if not m.pronoun), None)
    for subject in change.targets(named):
        change.put_count(subject, change.held.count(subject) - taken, change.whole())
    return True


def _taken(change: Change) -> int:
    named = [m for m in change.reading.mentions if m.subject and m.pronoun != "one"]
    number = next((m.count for m in named if m.count), None)
    if number is None:
        loose = [i for i in change.items if i.is_("number", "one_of") and i.kind != "thing"]
        number = int(loose[0].value) if loose and loose[0].value.isdecimal() else None
    if change.has("fewer"):
        return 0 if change.reading.unknown and not named else number or 1
    held = [change.held_of(m) for m in named]
    some = number is not None and change.has("remove", "post_neg", "take")
    counted = [m for m in named if m.determiner != "a" or m.number != (0, 0)]
    if some and number and held and held[0] and counted:
        return number if change.held.count(held[0]) > number else 0
    return number or 0 if some and not named and change.has("number") else 0


def set_number(change: Change) -> bool:
    """`three instead`, `make it two`, `only one`: a number of nothing that is named."""
    loose = [i for i in change.items if i.kind in ("number", "one_of") or i.is_("number")]
    loose = [i for i in loose if i.value.isdecimal() and int(i.value) <= MOST]
    if not loose and [i.kind for i in change.items if not dropped(i)] == ["more"]:
        return _one_more(change)
    named = [m for m in change.reading.mentions if m.subject and m.pronoun != "one"]
    if any(m.pronoun == "one" for m in change.reading.mentions):
        return False
    held = [change.held_of(m) for m in named]
    behind = len(named) == 1 and held[0] and loose and _goes_with(change, loose[0], named[0])
    if not loose or (named and not behind) or change.reading.settings or change.reading.loose:
        return False
    wanted = [i for i in loose if not _denied_number(change, i)]
    if not wanted:
        return False
    for subject in held if behind else _numbered(change, wanted[-1]):
        count = int(wanted[-1].value)
        more = change.has("more", "add") and not change.has("set", "instead", "only")
        count += change.held.count(subject) if more else 0
        change.put_count(subject, count, change.whole())
    return True


def _goes_with(change: Change, number: Item, named: Mention) -> bool:
    """`the cats, two`, `make two of the cats`."""
    at = change.items.index(number) + 1
    of = change.has("set") and at < len(change.items) and change.items[at].is_("of")
    return number.start >= named.end or of


def _one_more(change: Change) -> bool:
    """`one more`: of what there are several, or of the only thing."""
    known = change.held.subjects()
    several = [s for s in known if change.held.count(s) > 1]
    few = several if len(several) == 1 and not change.subjects_spoken_of() else []
    for subject in few or change.targets(None):
        change.put_count(subject, change.held.count(subject) + 1, change.whole())
    return True


def _numbered(change: Change, item: Item) -> list[str]:
    """The thing that a number alone is about: one that is counted so, and of another number."""
    at = change.items.index(item) + 1
    measure = change.items[at] if at < len(change.items) else None
    known = change.held.subjects()
    if measure is not None and measure.is_("measures") and measure.text != "个":
        known = [s for s in known if _measure(s) == measure.text] or known
    others = [s for s in known if change.held.count(s) != int(item.value)]
    if len(known) == 1 or (len(others) == 1 and not change.subjects_spoken_of()):
        return known if len(known) == 1 else others
    return change.targets(None)


def _denied_number(change: Change, item: Item) -> bool:
    at = change.items.index(item)
    return at > 0 and change.items[at - 1].is_("neg")


def _measure(subject: str) -> str:
    noun = lexicon().noun(subject)
    return noun.measure if noun else ""
