"""Reads a change of a picture as a patch: claims to add, to remove, and to change by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from limner.pipelines.pocket.reading.claims import Row, row, some, texts
from limner.pipelines.pocket.reading.clauses import Link, Reading, Setting, gather
from limner.pipelines.pocket.reading.lexicon import lexicon, plural_of
from limner.pipelines.pocket.reading.phrases import Item, Look, Mention
from limner.pipelines.pocket.reading.replies import chinese_name, counted_in_chinese

__all__ = ["Held", "Patch", "Unclear", "edit"]

_VERBS = ("set", "add", "remove", "put", "replace", "swap", "keep", "double", "triple", "halve")
_CONTENT = ("thing", "look", "scene", "light", "style", "place", "relation", "it", "them")
_MOST = 100


class Unclear(Exception):
    """A change that could mean two things, or means nothing; `choices` are ways to say it."""

    def __init__(self, key: str, choices: Sequence[str] = (), **told: str) -> None:
        super().__init__(key)
        self.key = key
        self.choices = list(choices)
        self.told = told


@dataclass(slots=True)
class Held:
    """The claims of the version at hand."""

    claims: Sequence[Mapping[str, Any]]

    def subjects(self) -> list[str]:
        """The things of the picture, as they were asked for, in their order."""
        named = [c for c in self.claims if c["kind"] in ("count", "object") and c["subject"]]
        asked = [str(c["subject"]) for c in named if c.get("source") != "invented"]
        stand_ins = {_like(subject) for subject in asked}
        more = [str(c["subject"]) for c in named if c.get("source") == "invented"]
        return list(dict.fromkeys([*asked, *(s for s in more if s not in stand_ins)]))

    def resolve(self, subject: str) -> str:
        """The thing of the picture that a name stands for; "" for none."""
        known = self.subjects()
        if subject in known:
            return subject
        noun = lexicon().noun(subject)
        if noun is None:
            return ""
        for other in known:
            held = lexicon().noun(other)
            alike = held is not None and held.kind == noun.kind and held.painted == noun.painted
            if alike or (noun.painted and _like(other) == noun.like and self._shown(noun.like)):
                return other
        return ""

    def _shown(self, name: str) -> bool:
        invented = [c for c in self.claims if c.get("source") == "invented"]
        return any(c["kind"] == "count" and c["subject"] == name for c in invented)

    def count(self, subject: str) -> int:
        """How many there are; some are two."""
        for claim in self.claims:
            if claim["subject"] == subject and claim["kind"] in ("count", "object"):
                value = str(claim["value"])
                return int(value) if value.isdecimal() else 1 if not value else 2
        return 1

    def numbers(self, kind: str, subject: str = "", value: str = "") -> list[int]:
        """The numbers of claims of a kind, and of a subject and a value where these are given."""
        return [
            int(c["number"])
            for c in self.claims
            if c["kind"] == kind
            and (not subject or c["subject"] == subject)
            and (not value or c["value"] == value)
        ]

    def about(self, subject: str) -> list[int]:
        """The numbers of all claims that speak of a thing, or of what stands in for it."""
        noun = lexicon().noun(subject)
        names = {subject} if noun is None or noun.painted else {subject, noun.like}
        other = {s for s in self.subjects() if s != subject}
        names -= other
        return [
            int(c["number"])
            for c in self.claims
            if c["kind"] != "absent" and (c["subject"] in names or c["object"] in names)
        ]

    def claim(self, number: int) -> Mapping[str, Any]:
        """The claim of that number."""
        return next(c for c in self.claims if int(c["number"]) == number)

    def looking(self, kind: str, value: str) -> list[str]:
        """The things of which a look is claimed."""
        found = [
            str(c["subject"])
            for c in self.claims
            if c["kind"] == kind and c["value"] == value and c["subject"]
        ]
        return list(dict.fromkeys(found))


def _like(subject: str) -> str:
    noun = lexicon().noun(subject)
    return noun.like if noun else ""


@dataclass(slots=True)
class Patch:
    """What changes; `heard` is True once something was understood, even if it is so already."""

    held: Held
    add: list[Row] = field(default_factory=list)
    remove: list[int] = field(default_factory=list)
    change: dict[int, Row] = field(default_factory=dict)
    heard: bool = False
    gone: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.add or self.remove or self.change)

    def drop(self, numbers: Iterable[int]) -> None:
        """Claims that go."""
        self.heard = True
        for number in numbers:
            self.change.pop(number, None)
            if number not in self.remove:
                self.remove.append(number)

    def put(self, made: Row, quote: str, instead_of: Sequence[int] = ()) -> None:
        """A claim, in the place of others where these are given."""
        self.heard = True
        made["quote"] = quote
        old = [n for n in instead_of if n not in self.remove]
        if any(self._same(self.held.claim(n), made) for n in old):
            self.drop(n for n in old if not self._same(self.held.claim(n), made))
            return
        if old:
            self.change[old[0]] = made
            self.drop(old[1:])
        elif made not in self.add:
            rest = [a for a in self.add if not _rival(a, made)]
            self.add = [*rest, made]

    @staticmethod
    def _same(claim: Mapping[str, Any], made: Row) -> bool:
        slots = ("kind", "subject", "value", "object", "text")
        told: Mapping[str, object] = made
        return all(str(claim[s]) == told[s] for s in slots) and claim.get("source") != "invented"


def _rival(old: Row, new: Row) -> bool:
    """Whether a claim of this very line takes the place of another of it."""
    one_of = ("count", "object", "colour", "size", "place")
    same = old["subject"] == new["subject"] and old["kind"] == new["kind"]
    partial = not new["text"].startswith("The ") and new["kind"] in one_of[2:]
    return same and new["kind"] in one_of and not partial


def edit(items: Sequence[Item], text: str, held: Held) -> Patch:
    """The patch that a line means. Raises `Unclear` where it could mean more than one thing."""
    patch = Patch(held)
    topic: list[str] = []
    for clause in _clauses(items):
        worker = _Clause(clause, text, held, patch, topic)
        worker.run()
        topic = worker.topic or topic
    return patch


def _clauses(items: Sequence[Item]) -> list[list[Item]]:
    """The parts of a line that are changes of their own."""
    parts: list[list[Item]] = [[]]
    for at, item in enumerate(items):
        rest = items[at + 1 :]
        ended = item.is_("stop", "then", "but") and not item.is_("set")
        if ended and item.is_("but") and _corrects(parts[-1], rest):
            parts[-1].append(item)
        elif ended or (item.is_("comma", "and") and _begins(parts[-1], rest, item)):
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


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


class _Clause:
    """Reads one change: its verb, what it is about, and what is said of that."""

    def __init__(
        self, items: list[Item], text: str, held: Held, patch: Patch, topic: Sequence[str]
    ) -> None:
        self.items = items
        self.text = text
        self.held = held
        self.patch = patch
        self.before = list(topic)
        self.topic: list[str] = []
        self.begun = self.marks()
        self.reading: Reading = gather([i for i in items if not _dropped(i)])
        self.chinese = any(i.chinese for i in items)

    def changed(self) -> bool:
        """Whether this clause changed anything yet."""
        return self.marks() != self.begun

    def marks(self) -> tuple[int, int, int]:
        return len(self.patch.add), len(self.patch.remove), len(self.patch.change)

    def has(self, *kinds: str) -> bool:
        return any(i.is_(*kinds) for i in self.items)

    def run(self) -> None:
        self._resolve_which()
        for rule in _RULES:
            if rule(self):
                return

    # what things are meant

    def quote(self, *parts: tuple[int, int]) -> str:
        """The words of the line from the first to the last of some parts."""
        start, end = min(p[0] for p in parts), max(p[1] for p in parts)
        return self.text[start:end]

    def whole(self) -> str:
        """All that this clause says, without small words at its ends."""
        core = [
            i for i in self.items if not i.is_("filler", "comma", "aside", "sign")
        ] or self.items
        return self.text[core[0].start : core[-1].end]

    def _whole_of(self) -> str:
        return f"{{thing}}{self.whole()}" if self.chinese else f"{{thing}}: {self.whole()}"

    def _resolve_which(self) -> None:
        """`the red one` is the thing that is red."""
        for mention in self.reading.mentions:
            if mention.pronoun != "which":
                continue
            known = None
            for look in [k for k in mention.looks if k.start < mention.head[0]]:
                found = self.held.looking(look.kind, look.value)
                known = found if known is None else [s for s in known if s in found]
            if not known:
                raise Unclear("no_such", what=self.text[mention.start : mention.end])
            mention.subject, mention.pronoun = known[0], ""
            mention.determiner = "the"

    def held_of(self, mention: Mention) -> str:
        return self.held.resolve(mention.subject) if mention.subject else ""

    def targets(self, mention: Mention | None, why: str) -> list[str]:
        """The things that a mention, a pronoun or nothing at all is about."""
        known = self.held.subjects()
        if mention is not None and mention.pronoun == "them":
            return self.topic if len(self.topic) > 1 else known
        if mention is not None and mention.subject:
            found = self.held_of(mention)
            return [found] if found else []
        topic = [s for s in self.topic or self.before if s not in self.patch.gone]
        if topic:
            return topic[-1:]
        if len(known) == 1:
            return known
        if not known:
            raise Unclear("nothing_there")
        raise Unclear("which", [why.format(thing=self.name(s)) for s in known])

    def name(self, subject: str) -> str:
        """What a thing is called in the language of the line."""
        return chinese_name(subject) if self.chinese else f"the {subject}"

    # rules, in the order in which they are tried

    def keep_only(self) -> bool:
        """`only the cat`, `remove everything except the dog`, 只留猫."""
        kept = [m for m in self.reading.mentions if m.subject and self._kept(m)]
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

    def _value(self, kind: str, subject: str) -> str:
        found = self.held.numbers(kind, subject)
        return str(self.held.claim(found[0])["value"]) if found else ""

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
            return (old, new) if self.held_of(old) or old.pronoun else (None, None)
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
            said = self.whole().removesuffix(" instead")
            choices = [self._instead(said, s) for s in known]
            raise Unclear("instead_of_which", choices)
        return Mention(subject, *self._span(), determiner="the") if subject else None

    def _instead(self, said: str, subject: str) -> str:
        if self.chinese:
            return f"用{said}代替{self.name(subject)}"
        return f"{said} instead of {self.name(subject)}"

    def _span(self) -> tuple[int, int]:
        return self.items[0].start, self.items[-1].end

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
            second = next(m for m in self.reading.mentions if m.subject)
            said = self.text[second.start : second.end]
            why = f"用{said}代替{{thing}}" if self.chinese else f"{said} instead of {{thing}}"
            mention.subject = self.targets(mention, why)[0]
        return mention

    def _between(self, first: Mention, second: Mention) -> list[Item]:
        return [i for i in self.items if first.end <= i.start and i.end <= second.start]

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

    def _counts(self, subject: str) -> list[int]:
        return self.held.numbers("count", subject) + self.held.numbers("object", subject)

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

    def _drop_absent(self, subject: str) -> None:
        wrong = [n for n in self.held.numbers("absent", subject) if not self.held.claim(n)["value"]]
        if wrong:
            self.patch.drop(wrong)

    def multiply(self) -> bool:
        """`double them`, `half as many cats`, 翻倍."""
        factor = next((f for k, f in _FACTORS.items() if self.has(k)), 0.0)
        if not factor:
            return False
        named = next((m for m in self.reading.mentions), None)
        for subject in self.targets(named, "{thing}翻倍" if self.chinese else "double {thing}"):
            self._set_count(subject, max(1, int(self.held.count(subject) * factor)), self.whole())
        return True

    def _set_count(self, subject: str, count: int, quote: str) -> None:
        if count < 1:
            self.patch.drop(self.held.about(subject))
            return
        made = row("count", subject, str(min(count, _MOST)))
        old = self._counts(subject)
        self.patch.put(made, quote, old)
        self.topic = [subject]
        self._renumber(subject, count)

    def _renumber(self, subject: str, count: int) -> None:
        """What was said of some of several is said of none when one is left."""
        for claim in self.held.claims:
            mine = claim["subject"] == subject and claim["kind"] in _OF_ONE
            if count == 1 and mine and not str(claim["text"]).startswith("The "):
                self.patch.drop([int(claim["number"])])

    def fewer(self) -> bool:
        """`one less`, `remove one of the cats`, 少一只."""
        taken = self._taken()
        if not taken:
            return False
        named = next((m for m in self.reading.mentions if not m.pronoun), None)
        for subject in self.targets(named, self._whole_of()):
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
        named = [m for m in self.reading.mentions if m.subject and m.pronoun != "one"]
        if any(m.pronoun == "one" for m in self.reading.mentions):
            return False
        held = [self.held_of(m) for m in named]
        behind = len(named) == 1 and held[0] and loose and loose[0].start >= named[0].end
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

    def _numbered(self, item: Item) -> list[str]:
        """The thing that a number alone is about."""
        try:
            return self.targets(None, "{thing}")
        except Unclear as unclear:
            known = self.held.subjects()
            if unclear.key == "which" and not self.chinese:
                unclear.choices = [f"{item.text} {plural_of(s)}" for s in known]
            elif unclear.key == "which":
                unclear.choices = [counted_in_chinese(s, int(item.value)) for s in known]
            raise

    def _denied_number(self, item: Item) -> bool:
        at = self.items.index(item)
        return at > 0 and self.items[at - 1].is_("neg")

    def say_of_things(self) -> bool:
        """Everything else: what is added, removed, recoloured, moved, and what is around it."""
        for mention in list(self.reading.mentions):
            self._mention(mention)
        for link in self.reading.links:
            self._link(link)
        for setting in self.reading.settings:
            self._setting(setting)
        for lettering in self.reading.letterings:
            quote = self.text[lettering.start : lettering.end]
            self.patch.put(row("text", "", lettering.value), quote, self.held.numbers("text"))
        if self.reading.loose:
            self._loose(self.reading.loose)
        for place in self.reading.places:
            self._loose_place(place)
        self._trait()
        return True

    def _mention(self, mention: Mention) -> None:
        if mention.pronoun == "one":
            self._some_of(mention)
        elif mention.denied:
            self._unwanted(mention)
        elif mention.pronoun:
            self._said_of_it(mention)
        elif subject := self.held_of(mention):
            self._said_of(mention, subject)
        else:
            self._new(mention)

    def _some_of(self, mention: Mention) -> None:
        """`one red, one yellow`: looks of some of several."""
        subject = self.held_of(mention) or mention.subject
        looks = [*mention.looks, *([mention.place] if mention.place else [])]
        for look in looks:
            made = row(look.kind, subject, look.value, plural=(mention.count or 1) > 1)
            made["text"] = some(made["text"], mention, subject)
            start, end = min(mention.start, look.start), max(mention.end, look.end)
            whole = [
                n
                for n in self.held.numbers(look.kind, subject)
                if str(self.held.claim(n)["text"]).startswith("The ")
            ]
            self.patch.drop(whole)
            self.patch.put(made, self.text[start:end])

    def _unwanted(self, mention: Mention) -> None:
        if mention.pronoun:
            why = "去掉{thing}" if self.chinese else "remove {thing}"
            unwanted = self.targets(mention, why)
            if len(unwanted) > 1 and len(unwanted) == len(self.held.subjects()):
                raise Unclear("see_what")
            for subject in unwanted:
                self.patch.drop(self.held.about(subject))
            return
        subject, looks = self.held_of(mention), mention.looks
        if subject and not self._not_so(mention, subject):
            self.patch.drop(self.held.about(subject))
            self.patch.gone.append(subject)
        elif not subject and self.has("remove", "post_neg", "take") and not self.has("neg"):
            raise Unclear("not_there", what=self.text[slice(*mention.head)])
        if (self.has("neg") or not subject) and not (subject and looks):
            value = " ".join(k.value for k in looks if k.kind in ("colour", "size"))
            span = mention.denied or mention.span
            self.patch.put(row("absent", mention.subject, value), self.text[slice(*span)])

    def _not_so(self, mention: Mention, subject: str) -> bool:
        """`not a red cat`, of a cat: it shall not be red."""
        colours = [k for k in mention.looks if k.kind == "colour"]
        if not colours or mention.determiner == "the" or self.has("remove", "post_neg"):
            return False
        look = colours[0]
        look.denied = True
        look.start, look.end = mention.denied or (look.start, look.end)
        self._look(look, subject, self.held.count(subject))
        return True

    def _said_of_it(self, mention: Mention) -> None:
        looks = mention.looks
        linked = any(mention in (k.thing, k.other) for k in self.reading.links)
        if not (looks or mention.place or linked):
            return
        why = self._why(looks[0] if looks else mention.place)
        for subject in self.targets(mention, why):
            self._looks_of(mention, subject, self.held.count(subject))
            mention.subject = subject

    def _why(self, look: Look | None) -> str:
        said = self.text[look.start : look.end] if look else ""
        kind = look.kind if look else ""
        if self.chinese:
            lead = {"place": "把{thing}移到", "colour": "把{thing}变成"}.get(kind, "{thing}")
            return lead + said
        return f"{'move' if kind == 'place' else 'make'} {{thing}} {said}"

    def _said_of(self, mention: Mention, subject: str) -> None:
        self._describing(mention, subject)
        self.patch.heard = self.patch.heard or self.has("add", "keep")
        count, old = mention.count, self.held.count(subject)
        at = next((n for n, i in enumerate(self.items) if i.mention is mention), len(self.items))
        after = self.items[at + 1] if at + 1 < len(self.items) else None
        seen_from = count is None and any(mention is k.other for k in self.reading.links)
        adds = self.has("add") and mention.determiner != "the" and not seen_from
        adds = adds and (count is not None or not mention.chinese)
        adds = adds or bool(count and after is not None and after.is_("more") and not after.look)
        more = mention.determiner == "more" or adds
        quote = self.text[mention.start : mention.end]
        if more and not (self.has("set") and mention.determiner != "more"):
            plus = count if count is not None else 1
            self._set_count(subject, old + min(plus, _MOST), quote)
        elif mention.quantity:
            self._several(mention, subject, quote)
        elif count is not None and (mention.determiner != "a" or self.has("only", "set")):
            self._set_count(subject, min(count, _MOST), quote)
        elif mention.plural and old == 1 and mention.determiner == "":
            self._several(mention, subject, quote)
        self.topic = list(dict.fromkeys([*self.topic, subject]))
        self._looks_of(mention, subject, self._count_now(subject))

    def _several(self, mention: Mention, subject: str, quote: str) -> None:
        value = "many" if mention.quantity == "many" else "several"
        self.patch.put(row("object", subject, value), quote, self._counts(subject))
        self._renumber(subject, 2)

    def _count_now(self, subject: str) -> int:
        changed = [m for m in self.patch.change.values() if m["subject"] == subject]
        for made in [*changed, *(a for a in self.patch.add if a["subject"] == subject)]:
            if made["kind"] in ("count", "object"):
                return int(made["value"]) if made["value"].isdecimal() else 2
        return self.held.count(subject)

    def _describing(self, mention: Mention, subject: str) -> None:
        """Drop looks that only say which thing is meant: `make the red cat bigger`."""
        before = [k for k in mention.looks if k.start < mention.head[0]]
        after = [k for k in mention.looks if k not in before]
        linked = any(mention in (k.thing, k.other) for k in self.reading.links)
        more = bool(after or mention.place or linked or self.has("swap", "add"))
        told = [k for k in before if k.value in self._looks_held(k.kind, subject)]
        if mention.determiner == "the" and more:
            told = before
        mention.looks = [k for k in mention.looks if k not in told]
        self.patch.heard = self.patch.heard or bool(told)

    def _looks_held(self, kind: str, subject: str) -> set[str]:
        return {str(self.held.claim(n)["value"]) for n in self.held.numbers(kind, subject)}

    def _new(self, mention: Mention) -> None:
        """A thing that is not in the picture yet."""
        back = any(i.text.startswith(("bring", "put")) for i in self.items) and "back" in self.text
        definite = mention.determiner == "the" and not mention.count and not back
        if definite and not mention.chinese:
            raise Unclear("not_there", what=self.text[slice(*mention.head)])
        if mention.chinese and not self._asks_for(mention):
            raise Unclear("not_there", what=self.text[slice(*mention.head)])
        if mention.quantity or (mention.plural and mention.count is None):
            made = row(
                "object", mention.subject, "many" if mention.quantity == "many" else "several"
            )
            count = 2
        else:
            count = 1 if mention.count is None else mention.count
            made = row("count", mention.subject, str(count))
        self.patch.put(made, self.text[mention.start : mention.end])
        self._drop_absent(mention.subject)
        self.topic = list(dict.fromkeys([*self.topic, mention.subject]))
        self._looks_of(mention, mention.subject, count)

    def _asks_for(self, mention: Mention) -> bool:
        """Whether a Chinese noun that is not in the picture is asked for: 把狗变红 is not."""
        return not (self.has("take", "put", "set") and not self.has("add", "also", "want")) or (
            mention.count is not None
        )

    def _looks_of(self, mention: Mention, subject: str, count: int) -> None:
        for look in mention.looks:
            self._look(look, subject, count)
        if mention.place:
            self._look(mention.place, subject, count)

    def _look(self, look: Look, subject: str, count: int) -> None:
        kind = "colour" if look.kind == "natural" else look.kind
        value = f"not {look.value}" if look.denied else look.value or "natural"
        if look.denied and kind == "size":
            value = "large" if look.value == "small" else "small"
        old = self.held.numbers(kind, subject)
        quote = self.text[look.start : look.end]
        if look.denied and kind in ("colour", "place"):
            old = [n for n in old if self.held.claim(n)["value"] in (look.value, value)] or []
        made = row(kind, subject, value, plural=count > 1)
        self.patch.put(made, quote, old)
        if kind == "place":
            self._against(subject, value)

    def _against(self, subject: str, place: str) -> None:
        """A thing that moves to the right is no longer left of another."""
        wrong = {"right": "left of", "left": "right of"}.get(place)
        for claim in self.held.claims:
            if claim["kind"] != "relation" or claim["value"] not in ("left of", "right of"):
                continue
            own = claim["subject"] == subject and claim["value"] == wrong
            turned = claim["object"] == subject and claim["value"] == f"{place} of"
            if own or turned:
                self.patch.drop([int(claim["number"])])

    def _link(self, link: Link) -> None:
        if link.denied:
            return
        one, other = (self._linked(m) for m in (link.thing, link.other))
        if not one or not other or one == other:
            return
        old = [
            int(c["number"])
            for c in self.held.claims
            if c["kind"] == "relation" and {c["subject"], c["object"]} == {one, other}
        ]
        made = row("relation", one, link.how, other)
        self.patch.put(made, self.text[link.start : link.end], old)
        wrong = {"left of": "right", "right of": "left"}.get(link.how)
        sides = self.held.numbers("place", one, wrong or "-")
        self.patch.drop(sides) if sides else None

    def _linked(self, mention: Mention) -> str:
        if mention.subject:
            return self.held_of(mention) or mention.subject
        return (self.targets(mention, "{thing}") or [""])[0]

    def _setting(self, setting: Setting) -> None:
        quote = self.text[setting.start : setting.end]
        old = self.held.numbers(setting.kind)
        if self._turned(setting):
            return
        if any(n in self.patch.change for n in old):
            old = []  # `a rainy night`: both are asked for
        if setting.denied:
            wrong = [n for n in old if self.held.claim(n)["value"] == setting.value]
            self.patch.drop(wrong)
            if not self._removing():
                self.patch.put(row("absent", setting.value, ""), quote)
            return
        self.patch.put(row(setting.kind, "", setting.value), quote, old)
        self._drop_absent(setting.value)
        if setting.kind == "scene":
            plain = self.held.numbers("light")
            self.patch.drop(n for n in plain if self._plain(n))
        elif setting.value.startswith("plain"):
            self.patch.drop(self.held.numbers("scene"))

    def _turned(self, setting: Setting) -> bool:
        """In `turn day into night` the day is what there was."""
        after = [s for s in self.reading.settings if s.start >= setting.end]
        other = next((s for s in after if s.kind == setting.kind), None)
        return other is not None and any(
            i.is_("to") and not i.is_("with") and setting.end <= i.start < other.start
            for i in self.items
        )

    def _removing(self) -> bool:
        return self.has("remove", "post_neg") and not self.has("neg")

    def _plain(self, number: int) -> bool:
        return str(self.held.claim(number)["value"]).startswith("plain")

    def _loose(self, looks: Sequence[Look]) -> None:
        """`red please`: a look of nothing that is named."""
        first = looks[0]
        looking = self.held.looking(first.kind, first.value) if first.denied else []
        subjects = looking if len(looking) == 1 else self.targets(None, self._why(first))
        self.topic = subjects
        for subject in subjects:
            for look in looks:
                self._look(look, subject, self.held.count(subject))

    def _loose_place(self, place: Look) -> None:
        for subject in self.targets(None, self._why(place)):
            self._look(place, subject, self.held.count(subject))

    def _trait(self) -> None:
        """`make the cat happy`: a look that the reader has no word for, said of a thing."""
        if self.has("keep"):
            self.patch.heard = True
        core = [i for i in self.items if not i.is_("adverb", "filler", "sign")]
        plain = [i.kind for i in core] == ["thing", "unknown"]
        said_so = self.has("set", "be", "want", "more") or plain
        if not said_so or not self.reading.unknown or self.changed():
            return
        held = [self.held_of(m) for m in self.reading.mentions if m.subject and not m.denied]
        last = self.items[-1]
        words = [i for i in self.reading.unknown if i.kind == "unknown"]
        said = words[-1] if words else None
        pronoun = next((m for m in self.reading.mentions if m.pronoun == "it"), None)
        if not held and pronoun is not None and said is not None:
            held = self.targets(pronoun, f"make {{thing}} {self.text[said.start : said.end]}")
        if len(held) != 1 or not held[0] or said is None or not _ends_with(self.items, said):
            return
        quote = (
            self.text[said.start : last.end] if last is said else self.text[said.start : said.end]
        )
        doing = quote.lower().endswith("ing")
        made = row("action" if doing else "attribute", held[0], quote.lower())
        made["text"] = texts(made["kind"], held[0], quote.lower(), "", self.held.count(held[0]) > 1)
        self.patch.put(made, quote)


def _ends_with(items: Sequence[Item], said: Item) -> bool:
    after = [i for i in items if i.start > said.start]
    return all(i.is_("filler", "sign", "adverb", "comma") for i in after)


def _dropped(item: Item) -> bool:
    return item.kind == "filler"


_FACTORS = {"double": 2.0, "triple": 3.0, "halve": 0.5}
_OF_ONE = ("colour", "size", "place", "action", "attribute")
_Rule = Callable[[_Clause], bool]
_RULES: tuple[_Rule, ...] = (
    _Clause.keep_only,
    _Clause.exchange,
    _Clause.exchange_things,
    _Clause.multiply,
    _Clause.fewer,
    _Clause.number,
    _Clause.say_of_things,
)
