"""Changes that put one thing, place or colour for another."""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.claims import row
from limner.pipelines.pocket.reading.counting import CountChanges
from limner.pipelines.pocket.reading.patches import Unclear
from limner.pipelines.pocket.reading.phrases import Mention
from limner.pipelines.pocket.reading.replies import chinese_name
from limner.pipelines.pocket.reading.saying import StatedChanges

__all__ = ["ExchangeChanges"]

_MOST = 100


class ExchangeChanges(CountChanges, StatedChanges):
    """A change that puts one thing, place or look for another, or leaves only some things."""

    def keep_only(self) -> bool:
        """`only the cat`, `remove everything except the dog`, 只留猫."""
        named = [m for m in self.reading.mentions if m.subject]
        kept = [m for m in named if self._kept(m)]
        if not kept:
            return False
        names = {self.held_of(m) for m in kept}
        if "" in names:
            return False
        self.topic = [n for n in self.held.subjects() if n in names]
        for subject in self.held.subjects():
            if subject not in names:
                self.patch.drop(self.held.about(subject))
        self.patch.heard = True
        for mention in kept:
            mention.denied = None
        self.say_of_things()
        return True

    def _kept(self, mention: Mention) -> bool:
        at = next((n for n, i in enumerate(self.items) if i.mention is mention), None)
        if at is None:
            return False
        if mention.count is not None and mention.determiner != "a":
            return False
        lead = self.items[max(0, at - 2) : at]
        if lead and lead[-1].is_("neg") and not lead[-1].is_("except"):
            return False
        if any(i.is_("only") for i in lead):
            return not self.has("set", "put") or self.has("keep")
        everything = self.has("remove", "post_neg") and any(i.is_("except") for i in self.items)
        return everything and bool(self.held_of(mention))

    def exchange(self) -> bool:
        """`swap them`, `swap their colours`, 猫和狗换个位置."""
        if not self.has("swap") or not self._swaps():
            return False
        named = [m for m in self.reading.mentions if m.subject and not m.denied]
        new = [m for m in named if not self.held_of(m)]
        if new and len(named) > 1:
            return False
        if self.has("to") and any(i.text in ("for", "with") for i in self.items) and len(named) > 1:
            other = named[1]
            if other.determiner == "a":
                return False
        if len(named) == 1:
            raise Unclear("which_two")
        pair = self._pair(named)
        if self.has("colours", "colour_of"):
            self._swap_looks(pair, "colour")
        elif self.has("sizes"):
            self._swap_looks(pair, "size")
        else:
            self._swap_places(pair)
        return True

    def _swaps(self) -> bool:
        """Whether things, places or colours are named, or the whole phrase says enough."""
        if self.has("thing", "it", "them", "positions", "colours", "sizes", "colour_of"):
            return True
        return not any(i.is_("set", "unknown", "light") for i in self.items)

    def _pair(self, named: Sequence[Mention]) -> tuple[str, str]:
        subjects = list(dict.fromkeys(self.held_of(m) for m in named if self.held_of(m)))
        if len(subjects) == 2:
            return subjects[0], subjects[1]
        known = self.held.subjects()
        if len(known) != 2:
            raise Unclear("which_two" if len(known) > 2 else "no_pair")
        return known[0], known[1]

    def _swap_looks(self, pair: tuple[str, str], kind: str) -> None:
        values = [self._value(kind, subject) for subject in pair]
        if not any(values):
            raise Unclear("no_colours" if kind == "colour" else "no_sizes")
        self.patch.heard = True
        for subject, value in zip(pair, reversed(values), strict=True):
            old = self.held.numbers(kind, subject)
            if value:
                made = row(kind, subject, value, plural=self.held.count(subject) > 1)
                self.patch.put(made, self.whole(), old)
            else:
                self.patch.drop(old)

    def _swap_places(self, pair: tuple[str, str]) -> None:
        done = False
        for claim in self.held.claims:
            both = {claim["subject"], claim["object"]} == set(pair)
            if claim["kind"] == "relation" and both:
                made = row("relation", claim["object"], claim["value"], claim["subject"])
                self.patch.put(made, self.whole(), [int(claim["number"])])
                done = True
        if any(self._value("place", subject) for subject in pair):
            self._swap_looks(pair, "place")
            done = True
        if not done:
            one, other = pair
            choices = [self._beside(one, other), self._beside(other, one)]
            if any(self._value("colour", s) for s in pair):
                choices.insert(0, "交换颜色" if self.chinese else "swap their colours")
            raise Unclear("no_places", choices)

    def _beside(self, one: str, other: str) -> str:
        if self.chinese:
            return f"把{self.name(one)}放在{self.name(other)}左边"
        return f"put {self.name(one)} left of {self.name(other)}"

    def exchange_things(self) -> bool:
        """`replace the cat with a dog`, `a dog instead of the cat`, 把猫换成狗."""
        old, new = self._old_and_new()
        if old is None or new is None:
            return False
        subject = self.held_of(old)
        if not subject or new.subject == subject:
            return False
        if self.held_of(new):
            self.patch.drop(self.held.about(subject))
            self.topic = [self.held_of(new)]
            return True
        self._replace(subject, old, new)
        return True

    def _old_and_new(self) -> tuple[Mention | None, Mention | None]:
        named = [m for m in self.reading.mentions if m.subject or m.pronoun]
        if len(named) == 1 and not named[0].pronoun:
            new = self._new_alone(named[0])
            return (self._old_alone(), new) if new else (None, None)
        if len(named) != 2:
            return None, None
        first, second = named
        if bool(first.denied) != bool(second.denied):
            old, new = (first, second) if first.denied else (second, first)
            known = bool(new.subject and (self.held_of(old) or old.pronoun))
            return (old, new) if known else (None, None)
        if first.denied or self.reading.links:
            return None, None
        return self._by_verb(first, second)

    def _old_alone(self) -> Mention | None:
        """What a thing named alone takes the place of: the only thing, or that last spoken of."""
        known = self.held.subjects()
        if not (self.has("instead") or (self.has("set", "but") and not self.has("add", "also"))):
            return None
        before = self.patch.gone or self.before
        subject = (before or known)[-1] if before or len(known) == 1 else ""
        if not subject and self.has("instead", "set"):
            names = [chinese_name(s) if self.chinese else s for s in known]
            raise Unclear("instead_of_which", names)
        return Mention(subject, *self._span(), determiner="the") if subject else None

    def _new_alone(self, mention: Mention) -> Mention | None:
        fresh = not self.held_of(mention) and not mention.denied
        return mention if fresh and mention.determiner not in ("the", "more") else None

    def _by_verb(self, first: Mention, second: Mention) -> tuple[Mention | None, Mention | None]:
        between = self._between(first, second)
        if any(i.is_("instead_of") for i in between):
            return second, first
        fits = self.held_of(first) or (first.pronoun == "it" and not self.held_of(second))
        other = second.subject != first.subject and second.determiner not in ("the", "more")
        joined = any(i.is_("and", "or", "comma", "with") and not i.is_("to") for i in between)
        verb = self.has("replace", "swap") or any(i.is_("to", "set") for i in between)
        straight = self.has("set", "want") or any(i.is_("be") for i in between)
        if fits and other and not joined and (verb or straight):
            return self._known(first), second
        return None, None

    def _known(self, mention: Mention) -> Mention:
        if not mention.subject:
            mention.subject = self.targets(mention)[0]
        return mention

    def _replace(self, subject: str, old: Mention, new: Mention) -> None:
        """The new thing stands where the old one stood; its looks are its own."""
        count = self._new_count(subject, new)
        quote = self.text[new.start : new.end]
        made = row("count", new.subject, str(count))
        if new.count is None and (new.quantity or (new.plural and count == 1)):
            made, count = row("object", new.subject, "several"), 2
        self.patch.put(made, quote, self._counts(subject))
        for number in self.held.about(subject):
            claim = self.held.claim(number)
            if number in self.patch.change:
                continue
            if claim["kind"] in ("place", "relation") and claim["subject"] in self._own(subject):
                self._retold(number, new.subject, str(claim["object"]), quote, count)
            elif claim["kind"] == "relation":
                self._retold(number, str(claim["subject"]), new.subject, quote, 1)
            else:
                self.patch.drop([number])
        self._drop_absent(new.subject)
        self.topic = [new.subject]
        self._looks_of(new, new.subject, count)

    @staticmethod
    def _own(subject: str) -> set[str]:
        return {subject}

    def _new_count(self, subject: str, new: Mention) -> int:
        if new.count is not None:
            return min(new.count, _MOST)
        return self.held.count(subject) if new.plural or new.chinese else 1

    def _retold(self, number: int, subject: str, other: str, quote: str, count: int) -> None:
        claim = self.held.claim(number)
        if other == subject:
            self.patch.drop([number])
            return
        made = row(claim["kind"], subject, claim["value"], other, count > 1)
        self.patch.put(made, quote, [number])
