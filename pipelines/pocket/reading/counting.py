"""Changes of number: more, fewer, twice as many, one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.pipelines.pocket.reading.change import Change, dropped
from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.partition import complains
from limner.pipelines.pocket.reading.phrases import Item, Look, Mention

__all__ = ["CountChanges"]

_MOST = 100
_SOME_OF = re.compile(r"\b(?:one|two|three|some) of (?:the|them|my|these|those)\b|其中")
_JUST = re.compile(r"just|only|exactly|a single|single|a lone|只")
_OTHERS = ("others", "rest", "ones", "其他", "其余", "其余的", "其他的", "别的")
_FACTORS = {"double": 2.0, "triple": 3.0, "halve": 0.5}


class CountChanges(Change):
    """A change of how many there are, or of some of several."""

    def complain(self) -> bool:
        """`too many balloons`: the next clause says how many; alone, nobody knows."""
        if not complains(self.items) or self.has("number"):
            return False
        named = [self.held_of(m) for m in self.reading.mentions if m.subject]
        self.topic = [subject for subject in named if subject]
        return True

    def share(self) -> bool:
        """`one green, the other pink`, 一个气球要绿的，另一个要粉的: looks of some of several."""
        parts = self._parts()
        one_of = bool(_SOME_OF.search(self.whole().lower()))
        if not parts or not (one_of or len(parts) > 1 or self._some_alone(parts[0][0])):
            return False
        if not (one_of or parts[-1][0].is_("one_of", "rest") or self._numbers(parts)):
            return False
        subject = self._shared(parts)
        if not subject or (
            len(parts) == 1 and self._counted(parts[0][0]) >= self.held.count(subject)
        ):
            return False
        rest = self.held.count(subject)
        for mark, looks in parts:
            mention = Mention(subject, mark.start, mark.end, pronoun="one", looks=looks)
            mention.count = self._counted(mark)
            if mark.text.endswith(_OTHERS):
                mention.count = max(rest, 1)
            rest -= mention.count
            self._some_of(mention, rest if len(parts) == 1 else 0)
        self.topic = [subject]
        return True

    def _some_alone(self, mark: Item) -> bool:
        """`and the other one white`, 一艘改成红色: the clause begins with some of several."""
        first = next((i for i in self.items if not i.is_("filler", "and", "set", "also")), None)
        if mark is not first or self.has("only", "add", "more") or _JUST.match(mark.text):
            return False
        return mark.mention is None or any(k.start >= mark.end for k in mark.mention.looks)

    @staticmethod
    def _counted(mark: Item) -> int:
        said = str(mark.mention.count if mark.mention else mark.value)
        return int(said) if said.isdecimal() else 1

    def _parts(self) -> list[tuple[Item, list[Look]]]:
        """Numbers and `the other`, each with the looks that follow."""
        parts: list[tuple[Item, list[Look]]] = []
        for item in self.items:
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

    def _numbers(self, parts: Sequence[tuple[Item, list[Look]]]) -> bool:
        """Whether nothing but bare numbers is named: `two red, one blue`."""
        return all(mark.mention is None or self.held_of(mark.mention) for mark, _ in parts)

    def _shared(self, parts: Sequence[tuple[Item, list[Look]]]) -> str:
        """The several things that the parts are some of."""
        named = {self.held_of(i.mention) for i in self.items if i.mention and i.mention.subject}
        if len(named) > 1 or "" in named:
            return ""
        several = [s for s in self.held.subjects() if self.held.count(s) > 1]
        if named:
            return next(iter(named & set(several)), "")
        topic = [s for s in self._topic() if s in several]
        return topic[-1] if topic else several[0] if len(several) == 1 else ""

    def multiply(self) -> bool:
        """`double them`, `half as many cats`, 翻倍."""
        factor = next((f for k, f in _FACTORS.items() if self.has(k)), 0.0)
        if not factor:
            return False
        named = next((m for m in self.reading.mentions), None)
        for subject in self.targets(named):
            self._set_count(subject, max(1, int(self.held.count(subject) * factor)), self.whole())
        return True

    def fewer(self) -> bool:
        """`one less`, `remove one of the cats`, 少一只."""
        taken = self._taken()
        if not taken:
            return False
        named = next((m for m in self.reading.mentions if not m.pronoun), None)
        for subject in self.targets(named):
            self._set_count(subject, self.held.count(subject) - taken, self.whole())
        return True

    def _taken(self) -> int:
        named = [m for m in self.reading.mentions if m.subject and m.pronoun != "one"]
        number = next((m.count for m in named if m.count), None)
        if number is None:
            loose = [i for i in self.items if i.is_("number", "one_of") and i.kind != "thing"]
            number = int(loose[0].value) if loose and loose[0].value.isdecimal() else None
        if self.has("fewer"):
            return 0 if self.reading.unknown and not named else number or 1
        held = [self.held_of(m) for m in named]
        some = number is not None and self.has("remove", "post_neg", "take")
        counted = [m for m in named if m.determiner != "a" or m.number != (0, 0)]
        if some and number and held and held[0] and counted:
            return number if self.held.count(held[0]) > number else 0
        return number or 0 if some and not named and self.has("number") else 0

    def number(self) -> bool:
        """`three instead`, `make it two`, `only one`: a number of nothing that is named."""
        loose = [i for i in self.items if i.kind in ("number", "one_of") or i.is_("number")]
        loose = [i for i in loose if i.value.isdecimal() and int(i.value) <= _MOST]
        if not loose and [i.kind for i in self.items if not dropped(i)] == ["more"]:
            return self._one_more()
        named = [m for m in self.reading.mentions if m.subject and m.pronoun != "one"]
        if any(m.pronoun == "one" for m in self.reading.mentions):
            return False
        held = [self.held_of(m) for m in named]
        behind = len(named) == 1 and held[0] and loose and self._goes_with(loose[0], named[0])
        if not loose or (named and not behind) or self.reading.settings or self.reading.loose:
            return False
        wanted = [i for i in loose if not self._denied_number(i)]
        if not wanted:
            return False
        for subject in held if behind else self._numbered(wanted[-1]):
            count = int(wanted[-1].value)
            more = self.has("more", "add") and not self.has("set", "instead", "only")
            count += self.held.count(subject) if more else 0
            self._set_count(subject, count, self.whole())
        return True

    def _goes_with(self, number: Item, named: Mention) -> bool:
        """`the cats, two`, `make two of the cats`."""
        at = self.items.index(number) + 1
        of = self.has("set") and at < len(self.items) and self.items[at].is_("of")
        return number.start >= named.end or of

    def _one_more(self) -> bool:
        """`one more`: of what there are several, or of the only thing."""
        known = self.held.subjects()
        several = [s for s in known if self.held.count(s) > 1]
        few = several if len(several) == 1 and not self._topic() else []
        for subject in few or self.targets(None):
            self._set_count(subject, self.held.count(subject) + 1, self.whole())
        return True

    def _numbered(self, item: Item) -> list[str]:
        """The thing that a number alone is about: one that is counted so, and of another number."""
        at = self.items.index(item) + 1
        measure = self.items[at] if at < len(self.items) else None
        known = self.held.subjects()
        if measure is not None and measure.is_("measures") and measure.text != "个":
            known = [s for s in known if _measure(s) == measure.text] or known
        others = [s for s in known if self.held.count(s) != int(item.value)]
        if len(known) == 1 or (len(others) == 1 and not self._topic()):
            return known if len(known) == 1 else others
        return self.targets(None)

    def _denied_number(self, item: Item) -> bool:
        at = self.items.index(item)
        return at > 0 and self.items[at - 1].is_("neg")


def _measure(subject: str) -> str:
    noun = lexicon().noun(subject)
    return noun.measure if noun else ""
