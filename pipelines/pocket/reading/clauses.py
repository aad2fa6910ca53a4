"""Puts the phrases of a text together: which look, place and relation belongs to which thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from limner.pipelines.pocket.reading.noun_phrases import SETTINGS, Look, Mention
from limner.pipelines.pocket.reading.phrases import Item

__all__ = ["PhraseLink", "Reading", "Setting", "gather"]


@dataclass(slots=True)
class PhraseLink:
    """Where one thing is as seen from another, and the words that say how."""

    thing: Mention
    how: str
    other: Mention
    start: int
    end: int
    denied: bool = False


@dataclass(slots=True)
class Setting:
    """A ground, a sky or a style, wanted or not."""

    kind: str
    value: str
    start: int
    end: int
    denied: bool = False


@dataclass(slots=True)
class Reading:
    """All that a text says: what is there, what must not be, and what nobody could place.

    `loose` are looks and `places` places of nothing that was named; `unknown` are words without a
    meaning here.
    """

    mentions: list[Mention] = field(default_factory=list)
    links: list[PhraseLink] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    letterings: list[Item] = field(default_factory=list)
    loose: list[Look] = field(default_factory=list)
    places: list[Look] = field(default_factory=list)
    unknown: list[Item] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing was understood."""
        return not (self.mentions or self.settings or self.letterings or self.loose or self.places)


def gather(items: Sequence[Item]) -> Reading:
    """The whole reading of some phrases."""
    return _Gatherer(items).read()


class _Gatherer:
    """Goes through the phrases once, remembering the last thing and what waits for the next."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.at = 0
        self.reading = Reading()
        self.last: Mention | None = None
        self.group: list[Mention] = []
        self.denial: Item | None = None
        self.denied: Mention | None = None  # the last excluded thing of a list
        self.denier: Item | None = None  # the word that excludes the things of a list
        self.size: Look | None = None
        self.how: Item | None = None
        self.of: Mention | None = None  # what the relation that waits is seen from
        self.subject: Mention | None = None
        self.place: Look | None = None
        self.broken = True
        self.corrected = False
        self.listed = True  # only commas so far between the things of the group

    def read(self) -> Reading:
        for at, item in enumerate(self.items):
            self.at = at
            self._take(item)
        self._leave_place()
        return self.reading

    def _take(self, item: Item) -> None:
        for kinds, take in _TAKES:
            if item.is_(*kinds) and take(self, item):
                return

    def _next(self, *kinds: str, skip: tuple[str, ...] = ()) -> Item | None:
        """The next item, where it is one of these; items to skip are passed over."""
        for item in self.items[self.at + 1 : self.at + 6]:
            if item.is_(*skip) and not item.is_(*kinds):
                continue
            return item if item.is_(*kinds) else None
        return None

    def _before(self) -> Item | None:
        return self.items[self.at - 1] if self.at else None

    # things

    def _thing(self, item: Item) -> bool:
        mention = item.mention
        if item.kind != "thing" or mention is None:
            return False
        if self._one_that(mention):
            return True
        self._correct(mention)
        self._exclude(mention)
        self._choice(mention)
        self._enlarge(mention)
        if self.place and not mention.denied:
            mention.place, self.place = self.place, None
        if not self._waits(mention):
            self._relate(mention)
        self._join(mention)
        return True

    def _enlarge(self, mention: Mention) -> None:
        """`enlarge the cat`: the size that a verb said before."""
        if self.size:
            mention.looks.append(self.size)
            self.size = None

    def _one_that(self, mention: Mention) -> bool:
        """`not a red one`, `a red one and a blue one`: of what was named before."""
        if mention.pronoun != "which" or mention.determiner == "the" or self.last is None:
            return False
        if self.denial:
            for look in mention.looks:
                look.denied, look.start = True, self.denial.start
            self.last.looks += mention.looks
            self.denial = None
            return True
        several = self.last.plural or (self.last.count or 1) > 1 or self.last.pronoun == "one"
        mention.subject, mention.pronoun = self.last.subject, "one" if several else ""
        self.reading.mentions.append(mention)
        self.last = mention
        return True

    def _correct(self, mention: Mention) -> None:
        """`a dog, no, a cat`: the last one is meant, and says so with all of these words."""
        if self.corrected and self.last is not None and not self.last.denied:
            self.last.option = True
            mention.start = self.last.start
        self.corrected = False

    def _correction(self, item: Item) -> bool:
        self.corrected = bool(self._next("thing", skip=("comma", "filler", "stop")))
        return True

    def _choice(self, mention: Mention) -> None:
        """`a cat, a dog or a rabbit`: the first will do, and its words are all of these."""
        before = self._before()
        if before is None or not before.is_("or") or mention.denied or self.last is None:
            return
        chain = [m for m in self.group if not m.denied] or [self.last]
        first = chain[0] if self.listed else chain[-1]
        for other in [*chain[chain.index(first) + 1 :], mention]:
            other.option = True
        first.end = max(first.end, mention.end)

    def _join(self, mention: Mention) -> None:
        if self.broken:
            self.group, self.listed = [], True
        before = self._before()
        if before is not None and before.is_("and") and self.group:
            self.listed = False
        self.broken = False
        self.group.append(mention)
        self.reading.mentions.append(mention)
        self.last = mention

    def _exclude(self, mention: Mention) -> None:
        """Mark it as not wanted where a `no` or `without` reaches it."""
        if mention.count == 0:
            mention.denied = mention.span
        elif self.denial:
            mention.denied = (self.denial.start, mention.end)
        elif self._goes_on(mention):
            mention.denied = mention.span
        self.denier = self.denial or (self.denier if mention.denied else None)
        self.denial, self.denied = None, mention if mention.denied else None

    def _goes_on(self, mention: Mention) -> bool:
        """Whether a list of what must not be there goes on: `no cats or dogs`."""
        join = self._before()
        bare = mention.count is None and not mention.quantity and mention.determiner != "the"
        if join is None or self.denier is None or not join.is_("or", "and", "comma"):
            return False
        if join.is_("or") or (self.denier.is_("remove") and not join.is_("comma")):
            return True
        same = self.denied is not None and self.denied.determiner == mention.determiner
        if join.is_("and"):
            return bare or (same and mention.determiner in ("a", "the"))
        alike = bare and not mention.looks and mention.plural and bool(self.denied)
        alike = alike and self.denied is not None and self.denied.plural
        return join.text == "、" or alike

    def _relate(self, mention: Mention) -> None:
        """Finish a relation that waits for what it is seen from."""
        how, self.how = self.how, None
        if how is None or mention.denied:
            return
        if self.subject is None:
            self.of = mention
            self.how = how
            return
        self._link(self.subject, how, mention)

    def _waits(self, mention: Mention) -> bool:
        """Finish a relation that waits for its thing: `left of the dog is a cat`."""
        if self.how is None or self.of is None or mention.denied:
            return False
        how, of, self.how, self.of = self.how, self.of, None, None
        self._link(mention, how, of)
        return True

    def _link(self, thing: Mention, how: Item, other: Mention) -> None:
        value = how.value
        if how.chinese and value in ("left", "right"):
            value = f"{value} of"
        denied = bool(thing.denied or other.denied)
        self.reading.links.append(PhraseLink(thing, value, other, how.start, how.end, denied))

    def _pronoun(self, item: Item) -> bool:
        before = self._before()
        one = before is not None and before.kind == "thing" and len(self.group) == 1
        if item.text in _ALL and one:
            return True  # 气球都变蓝
        mention = Mention("", item.start, item.end, pronoun="them" if item.is_("them") else "it")
        mention.chinese = item.chinese
        self._enlarge(mention)
        if self.denial and not self._next("look", skip=("be", "filler", "adverb", "all")):
            mention.denied, self.denial = (self.denial.start, item.end), None
        if not self._waits(mention):
            self._relate(mention)
        self._join(mention)
        return True

    def _part(self, item: Item) -> bool:
        """`two cats, one on the left`: some of those that were named."""
        after = ("look", "place", "prep", "be")
        if self.last is None or not self._next(*after, skip=("measures", "of")):
            return False
        if not (self.last.plural or (self.last.count or 0) > 1 or self.last.pronoun == "one"):
            return False
        mention = Mention(self.last.subject, item.start, item.end, pronoun="one")
        mention.count = int(item.value) if item.value.isdecimal() else 1
        mention.chinese = item.chinese
        self.reading.mentions.append(mention)
        self.last, self.broken = mention, True
        return True

    # looks, places, relations

    def _look(self, item: Item) -> bool:
        look = item.look
        if look is None:
            return False
        if item.is_("size_verb") and self._next("thing", "it", "them", skip=("filler",)):
            self.size = look
            return True
        if self.denial and item.is_("too_size"):
            self.denial = None  # 别太大: smaller
        self._deny_look(look)
        target = self.last
        if target is not None and target.denied and not self.broken:
            target = next((m for m in reversed(self.reading.mentions) if not m.denied), None)
        if target is None:
            self.reading.loose.append(look)
        else:
            target.looks.append(look)
            target.end = max(target.end, look.end) if target.pronoun else target.end
        return True

    def _deny_look(self, look: Look) -> None:
        """Mark a look as not wanted where a `not` waits for one."""
        if self.denial:
            look.denied, look.start, self.denial = True, self.denial.start, None

    def _place(self, item: Item) -> bool:
        if item.chinese and self._chinese_side(item):
            return True
        look = Look("place", item.value, item.start, item.end)
        self._deny_look(look)
        before = self._before()
        near = before is not None and not before.is_("comma", "stop", "and", "but")
        ahead = self._next("thing", skip=("there", "be", "stop", "comma", "add", "put", "filler"))
        if self.last and self.last.place is None and (near or not ahead):
            self.last.place = look
        elif ahead:
            self._leave_place()
            self.place = look
        else:
            self.reading.places.append(look)
        return True

    def _leave_place(self) -> None:
        if self.place:
            self.reading.places.append(self.place)
            self.place = None

    def _chinese_side(self, item: Item) -> bool:
        """猫在狗左边, 狗左边有猫: a side of the thing right before it."""
        side = self._owner_before()
        if side is None and item.is_("relation") and not item.is_("place"):
            side = self.last if self._next("thing", skip=("there", "be", "add", "put")) else None
        if side is None:
            return False
        subject = self._subject_before(side)
        if subject is not None:
            self._link(subject, item, side)
            return True
        if self._next(
            "thing", "it", skip=("there", "be", "add", "put", "also", "set", "of", "filler")
        ):
            self.how, self.of, self.subject = item, side, None
            self.broken = True
            return True
        return False

    def _owner_before(self) -> Mention | None:
        """The thing that stands right before this item, with nothing but 的 between."""
        at = self.at - 1
        while at >= 0 and self.items[at].text == "的":
            at -= 1
        return self.items[at].mention if at >= 0 and self.items[at].kind == "thing" else None

    def _subject_before(self, side: Mention) -> Mention | None:
        """In 猫在狗左边 the cat: what comes before the 在 or 放到 that comes before the dog."""
        at = next(n for n, i in enumerate(self.items) if i.mention is side) - 1
        placed = False
        while at >= 0 and self._between(self.items[at]):
            placed = placed or self.items[at].is_("prep", "put", "neutral_verbs")
            placed = placed or self.items[at].text.endswith("在")
            at -= 1
        if not placed or at < 0:
            return None
        before = self.items[at]
        if before.mention is not None:
            return before.mention
        pronoun = [m for m in self.reading.mentions if m.pronoun and m.start == before.start]
        return pronoun[0] if pronoun else None

    @staticmethod
    def _between(item: Item) -> bool:
        """Whether it may stand between a thing and where it is: 猫坐在狗左边."""
        doing = item.look is not None and item.look.kind == "action"
        small = ("prep", "put", "be", "adverb", "neutral_verbs", "filler", "there")
        return doing or item.is_(*small)

    def _relation(self, item: Item) -> bool:
        if item.chinese:
            return self._chinese_side(item)
        if item.text == "over" and self._than(item) and self.denial is item:
            return True  # `I'd prefer a turtle over the duck`
        seen = self._next("thing", "it", "them", skip=("filler", "there"))
        if item.is_("prep") and not seen:
            return False
        if not seen:
            return self._own_relation(item)
        before = self._before()
        opening = before is None or before.is_("comma", "stop", "and", "there", "put")
        if self.last is None or (opening and self._answered()):
            self.how, self.of, self.subject = item, None, None
        else:
            self.how, self.of, self.subject = item, None, self.last
        return True

    def _answered(self) -> bool:
        """Whether two things follow: then the second is `left of a dog`."""
        things = 0
        for item in self.items[self.at + 1 :]:
            if item.is_("stop", "relation"):
                break
            things += item.kind == "thing"
        return things > 1

    def _own_relation(self, item: Item) -> bool:
        """`with a dog on its left`: of the last thing, seen from the one before."""
        if self._next("thing", skip=("there", "be", "comma", "add", "one", "filler")):
            self.how, self.of, self.subject = item, self.last, None
            return True
        known = [m for m in self.reading.mentions if not m.denied]
        if len(known) > 1:
            self._link(known[-1], item, known[-2])
        return True

    # around them

    def _setting(self, item: Item) -> bool:
        if self.how is not None and self.subject is not None:
            self.how = None
        start = item.start
        join = self._before()
        listed = self.denier is not None and join is not None and join.is_("or")
        listed = listed or bool(
            self.denier and join and join.is_("and") and self.denier.is_("remove")
        )
        denied = self.denial is not None or listed
        if self.denial:
            start, self.denier = self.denial.start, self.denial
        self.denial = self.denied = None
        self.denier = self.denier if denied else None
        setting = Setting(item.kind, item.value, start, item.end, denied)
        self.reading.settings.append(setting)
        return True

    def _lettering(self, item: Item) -> bool:
        self.reading.letterings.append(item)
        return True

    # small words

    def _deny(self, item: Item) -> bool:
        after = self._next("comma", "stop")
        if after is not None and item.text in ("no", "不", "别", "不是"):
            return self._correction(item) if self.last else True
        if item.is_("except") and item.text == "除了" and self._inclusive():
            return True
        if self.group and self._closes() and self._said_last():
            return self._deny_after(item)
        self.denial = item
        return True

    def _said_last(self) -> bool:
        """Whether it ends what is said of a thing: 那棵松树我不想要了."""
        before = [i for i in self.items[: self.at] if not i.is_("filler", "it", "adverb")]
        asks = any(word in self.items[self.at].text for word in ("要", "想", "喜欢", "画"))
        return asks and bool(before) and before[-1].kind == "thing" and before[-1].chinese

    def _inclusive(self) -> bool:
        """除了猫还有狗: besides."""
        return any(
            i.text in ("还", "也", "还有", "还要") for i in self.items[self.at : self.at + 8]
        )

    def _deny_after(self, item: Item) -> bool:
        """`the dog has to go`, `dog-free`, 狗不要了."""
        if not self.group and self.reading.settings and self._closes():
            self.reading.settings[-1].denied = True  # 草地不要了
            return True
        if not self.group or (item.is_("neg", "remove") and not self._closes()):
            return False
        for mention in self.group if not item.is_("free") else self.group[-1:]:
            mention.denied = mention.denied or (mention.start, item.end)
        return True

    def _out(self, item: Item) -> bool:
        """`take the balloon out`."""
        return any(i.is_("take") for i in self.items[: self.at]) and self._deny_after(item)

    def _than(self, item: Item) -> bool:
        """`rather a dog than a cat`; any other `than` compares."""
        said = " ".join(i.text for i in self.items[: self.at])
        if "rather" in said or "prefer" in said:
            self.denial = item
        return True

    def _bare_place(self, item: Item) -> bool:
        """`the cat left, the balloon right`."""
        before = self._before()
        follows = self._next("thing")
        opens = before is None or before.is_("comma", "stop", "and")
        leads = opens and follows and follows.mention and follows.mention.count
        if leads or (before is not None and before.is_("thing", "be", "it", "them")):
            return self._place(item)
        return False

    def _deed(self, item: Item) -> bool:
        """`let the cat sleep`: a plain verb right behind a thing."""
        before = self._before()
        if before is None or self.last is None or not before.is_("thing", "to", "it", "be"):
            return False
        self.last.looks.append(Look("action", item.value, item.start, item.end))
        return True

    def _closes(self) -> bool:
        """Whether nothing that could be excluded comes behind it."""
        kinds = ("thing", "look", "place", *SETTINGS, "it", "them", "unwanted")
        after = self._next(*kinds, skip=("filler", "adverb", "any"))
        return after is None

    def _break(self, item: Item) -> bool:
        self.denial = self.denied = self.denier = None
        if item.is_("stop"):
            self.how = self.of = None
        self.broken = True
        return True

    def _comma(self, item: Item) -> bool:
        self.denial = None if item.text != "、" else self.denial
        return True

    def _unwanted(self, item: Item) -> bool:
        if self.denial is None and not self.denied:
            return False
        mention = Mention(item.value, item.start, item.end)
        mention.plural = True
        self._exclude(mention)
        if mention.denied:
            self.reading.mentions.append(mention)
        return True

    def _unknown(self, item: Item) -> bool:
        ing = item.text.endswith("ing") and len(item.text) > 5 and not item.chinese
        if ing and item.kind == "unknown" and self._after_thing():
            look = Look("action", item.text, item.start, item.end)
            if self.last is not None:
                self.last.looks.append(look)
                return True
        self.reading.unknown.append(item)
        return True

    def _and(self, item: Item) -> bool:
        self.denial = None
        return True

    def _after_thing(self) -> bool:
        before = self._before()
        return before is not None and before.is_("thing", "be", "which") and self.last is not None


_ALL = frozenset("都 全 全部 全都 all both".split())
_Take = Callable[[_Gatherer, Item], bool]
_TAKES: tuple[tuple[tuple[str, ...], _Take], ...] = (
    (("thing",), _Gatherer._thing),
    (("lettering",), _Gatherer._lettering),
    (("post_neg", "free"), _Gatherer._deny_after),
    (("away",), _Gatherer._out),
    (("than",), _Gatherer._than),
    (("correct",), _Gatherer._correction),
    (("bare_place",), _Gatherer._bare_place),
    (("verb",), _Gatherer._deed),
    (("neg", "remove", "except", "non"), _Gatherer._deny),
    (("look",), _Gatherer._look),
    (("own_relation",), _Gatherer._own_relation),
    (("place",), _Gatherer._place),
    (("relation",), _Gatherer._relation),
    (SETTINGS, _Gatherer._setting),
    (("unwanted",), _Gatherer._unwanted),
    (("one_of", "number"), _Gatherer._part),
    (("it", "them"), _Gatherer._pronoun),
    (("stop", "but", "only", "instead", "where"), _Gatherer._break),
    (("comma",), _Gatherer._comma),
    (("and",), _Gatherer._and),
    (("unknown", "junk", "foreign", "number", "several", "many"), _Gatherer._unknown),
)
