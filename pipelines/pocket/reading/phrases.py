"""Finds the phrases of a text: things with number and looks, places, settings, small words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from limner.pipelines.pocket.reading.lexicon import lexicon, table
from limner.pipelines.pocket.reading.tokens import Token, tokens

__all__ = ["Item", "Look", "Mention", "phrases"]

_MOST_UNKNOWN = 3  # words between a number and its noun that the reader does not know
_STARTS = frozenset(
    "one number several many det own all more approx colour size more_size noun times "
    "scene light style action adverb".split()
)
_COLOUR, _SETTINGS = "colour", ("scene", "light", "style")
_CUES = frozenset(
    "and or comma stop with be which there prep neg except except_end post_neg away only also "
    "remove keep take add set colour_of size_of number_of put replace swap to positions colours "
    "sizes instead more fewer double triple halve want from but then rest same whole ground_word "
    "sky_word style_change it them one_of own_relation relation place bare_place natural too_size "
    "backdrop instead_of all where person wants genitive ordinal times junk foreign unknown idiom "
    "for like called says neutral_verbs free non link adverb number several many approx one more "
    "unwanted colour_tail verb action det own measures of than correct size_verb".split()
)


@dataclass(slots=True)
class Look:
    """What a word says of a thing: a colour, a size, what it does.

    `more` marks a comparison ("bigger"), `denied` what is excluded ("not red").
    """

    kind: str
    value: str
    start: int
    end: int
    more: bool = False
    denied: bool = False

    def claimed(self) -> tuple[str, str]:
        """The kind and the value of the claim that it makes: what is not small is large."""
        kind = "colour" if self.kind == "natural" else self.kind
        if self.denied and kind == "size":
            return kind, "large" if self.value == "small" else "small"
        return kind, f"not {self.value}" if self.denied else self.value or "natural"


@dataclass(slots=True)
class Mention:
    """A noun phrase: what it names, how many, how they look, and where it stands in the text.

    `count` is None where no number was said; `quantity` is "several" or "many" where some was.
    `determiner` is "a", "the", "own", "all" or "more". Of "it", "them" and "one" `subject` is "".
    """

    subject: str
    start: int
    end: int
    head: tuple[int, int] = (0, 0)
    number: tuple[int, int] = (0, 0)
    count: int | None = None
    quantity: str = ""
    plural: bool = False
    determiner: str = ""
    looks: list[Look] = field(default_factory=list)
    place: Look | None = None
    pronoun: str = ""
    option: bool = False
    denied: tuple[int, int] | None = None
    chinese: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """Where the words for it stand."""
        return self.start, self.end


@dataclass(slots=True)
class Item:
    """One phrase of a text and what it can do there."""

    kind: str
    start: int
    end: int
    value: str = ""
    tags: frozenset[str] = frozenset()
    mention: Mention | None = None
    look: Look | None = None
    text: str = ""
    chinese: bool = False

    def is_(self, *names: str) -> bool:
        """Whether it is, or can be, one of these."""
        return self.kind in names or not self.tags.isdisjoint(names)


def phrases(text: str) -> list[Item]:
    """The phrases of a text in order."""
    return _Phrases(text).read()


class _Phrases:
    """Walks over the words of a text, always taking the longest phrase."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = tokens(text)
        self.items: list[Item] = []
        self.at = 0

    def read(self) -> list[Item]:
        while self.at < len(self.words):
            if not any(step() for step in self._steps()):
                self._cue()
        return self.items

    def _steps(self) -> Sequence[Callable[[], bool]]:
        return (
            self._lettering,
            self._on_behalf,
            self._aside,
            self._backdrop,
            self._thing,
            self._setting,
            self._look,
        )

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def _ahead(self, steps: int) -> Token | None:
        to = self.at + steps
        return self.words[to] if 0 <= to < len(self.words) else None

    def _is(self, steps: int, *tags: str) -> bool:
        word = self._ahead(steps)
        return word is not None and word.is_(*tags)

    def _emit(self, kind: str, upto: int, value: str = "", **more: object) -> None:
        """An item of the words from here up to that one."""
        first, last = self.word, self.words[upto - 1]
        item = Item(kind, first.start, last.end, value, chinese=first.chinese)
        item.text = self.text[first.start : last.end].lower()
        for name, content in more.items():
            setattr(item, name, content)
        self.items.append(item)
        self.at = upto

    def _lettering(self) -> bool:
        """`that says "OPEN"`: what stands in the picture as letters."""
        if not self.word.is_("says"):
            return False
        upto = self._quoted(self.at + 1) or self._capitals(self.at + 1)
        if not upto:
            return False
        inner = self.text[self.words[self.at].end : self.words[upto - 1].end]
        self._emit("lettering", upto, inner.strip(" :：\"'“”‘’「」『』«»,，"))
        return True

    def _quoted(self, at: int) -> int:
        """The word behind a closing quotation mark, where one opens there; else 0."""
        while at < len(self.words) and self.words[at].text in ":：":
            at += 1
        if at >= len(self.words) or self.words[at].text not in "\"“”'‘「『«":
            return 0
        for close in range(at + 2, min(at + 24, len(self.words))):
            if self.words[close].text in "\"”“'’」』»":
                return close + 1
        return 0

    def _capitals(self, at: int) -> int:
        upto = at
        while upto < len(self.words) and self._written(self.words[upto]).isupper():
            upto += 1
        return upto if upto > at else 0

    def _written(self, word: Token) -> str:
        return self.text[word.start : word.end]

    def _on_behalf(self) -> bool:
        """`my daughter wants`, `for my kid`: who asks or gets it is not in the picture."""
        at = 1 if self.word.is_("own", "one", "det") else 0
        if self.word.is_("for") and self._addressed():
            return True
        if self._is(at, "person") and self._is(at + 1, "wants"):
            self._emit("aside", self.at + at + 2)
            return True
        return False

    def _addressed(self) -> bool:
        at = 2 if self._is(1, "own", "one", "det") else 1
        if self._is(at, "person") or (self._is(1, "own") and self._ahead(2)):
            self._emit("aside", min(self.at + at + 1, len(self.words)))
            return True
        return False

    def _aside(self) -> bool:
        """`like a tiger`, `named Apple`: a comparison or a name, nothing that stands there."""
        if not self.word.is_("like", "called"):
            return False
        if any(self._is(ahead, "style") for ahead in range(1, 5)):
            return False  # `like an old video game`
        found = _Noun(self, self.at + 1).read()
        named = self.at + 2 if self.word.is_("called") and self._ahead(1) else self.at + 1
        quoted = self._quoted(self.at + 1)
        self._emit("unknown", quoted or (found.upto if found else named))
        return True

    def _backdrop(self) -> bool:
        """`a blue background`, `background: pink`, `no background`."""
        if self.word.is_("backdrop_plain"):
            self._emit("light", self.at + 1, "plain white")
            return True
        if self.word.is_("backdrop"):
            return self._backdrop_first()
        at = 0
        while self._is(at, "one", "det", "adverb", "unknown") and at < 4:
            at += 1
        colour = at
        if not self._is(colour, _COLOUR):
            return False
        at += 1
        while self._is(at, "colour_tail", "of"):
            at += 1
        if not self._is(at, "backdrop"):
            return False
        value = self.words[self.at + colour].tags[_COLOUR]
        self._emit("light", self.at + at + 1, f"plain {value}")
        return True

    def _backdrop_first(self) -> bool:
        at = 1
        while self._is(at, *_BEFORE_BACKDROP) and at < 6:
            at += 1
        if self._is(1, "stop") and self._is(2, _COLOUR):
            at = 2
        follows = self._is(at + 1, "noun")
        if not self._is(at, _COLOUR) or follows:
            return False
        value = self.words[self.at + at].tags[_COLOUR]
        upto = self.at + at + 1
        self._emit("light", upto, f"plain {value}")
        return True

    def _thing(self) -> bool:
        if not self.word.is_(*_STARTS) and not self._described():
            return False
        if self._said_before():
            return False
        found = _Noun(self, self.at).read()
        if found is None:
            return False
        for kind, value, word in found.settings:
            item = Item(kind, word.start, word.end, value, text=word.text)
            self.items.append(item)
        for mention in found.mentions:
            self.items.append(_item_of(mention, self.text))
        if not found.mentions:
            self._emit("unknown", found.upto)
        self.at = found.upto
        return True

    def _said_before(self) -> bool:
        """Whether a word goes with the thing before it: `the cat bigger`, `a duck wearing …`."""
        behind = bool(self.items) and self.items[-1].kind == "thing" and not self.word.chinese
        return behind and self.word.is_("more_size", "action") and not self._is(0, "noun")

    def _described(self) -> bool:
        """Whether an unknown Chinese word stands before a noun with 的: 可爱的小猫."""
        return self.word.chinese and self.word.is_("unknown") and self._is(1, "of")

    def _setting(self) -> bool:
        for kind in _SETTINGS:
            if kind in self.word.tags:
                self._emit(kind, self.at + 1, self.word.tags[kind], tags=frozenset(self.word.tags))
                return True
        return False

    def _look(self) -> bool:
        look = _look_of(self.word)
        if look is None:
            return False
        if self._of_the_ground():
            return True
        if self._of_a_part():
            self._emit("unknown", self.at + 2)
            return True
        upto = self.at + 1
        while upto < len(self.words) and self.words[upto].is_("colour_tail"):
            upto += 1
        self._emit("look", upto, look.value, look=look, tags=frozenset(self.word.tags))
        return True

    def _of_the_ground(self) -> bool:
        """`green grass`: a colour that the ground has anyway, or one that it can't have."""
        after = self._ahead(1)
        if after is None or not after.is_("scene", "light") or not self.word.is_("colour", "size"):
            return False
        value = after.tags.get("scene") or after.tags.get("light") or ""
        usual = table("words")["ground_colours"].get(value, ())
        kind = "aside" if self.word.tags.get("colour") in usual else "unknown"
        self._emit(kind, self.at + 1)
        return True

    def _of_a_part(self) -> bool:
        """`green eyes`: a look of something that the reader has no word for."""
        after = self._ahead(1)
        if after is None or self.word.is_("more_size", "too_size", "action", "natural"):
            return False
        joined = after.start - self.word.end <= 1 and not self.word.chinese
        return joined and after.is_("unknown") and not after.text.endswith(("ing", "ly", "ed"))

    def _cue(self) -> None:
        tags = frozenset(self.word.tags)
        if self.word.text in _POINTING and not (self.items and self.items[-1].kind == "thing"):
            tags |= {"it" if self.word.text in ("that", "this") else "them"}
        if "measures" in tags and self.items and self.items[-1].end == self.word.start:
            tags = frozenset(("measures",)) if self.items[-1].is_("number", "several") else tags
        if self.word.text == "both":
            tags = frozenset(("them",))
        known = tags & _CUES
        kind = next(iter(sorted(known)), "filler" if "filler" in tags else "unknown")
        if kind == "filler" and not known:
            kind = "filler"
        value = next((v for v in self.word.tags.values() if v), "")
        self._emit(kind, self.at + 1, value, tags=tags)


def _item_of(mention: Mention, text: str) -> Item:
    item = Item("thing", mention.start, mention.end, mention.subject, mention=mention)
    item.text = text[mention.start : mention.end].lower()
    item.chinese = mention.chinese
    return item


def _look_of(word: Token) -> Look | None:
    tags = word.tags
    if "colour" in tags:
        return Look("colour", tags["colour"], word.start, word.end)
    if "size" in tags:
        return Look("size", tags["size"], word.start, word.end)
    for kind in ("more_size", "too_size"):
        if kind in tags:
            return Look("size", tags[kind], word.start, word.end, True)
    if "action" in tags and _doing(word):
        return Look("action", tags["action"], word.start, word.end)
    return Look("natural", "", word.start, word.end) if "natural" in tags else None


def _doing(word: Token) -> bool:
    return word.chinese or "filler" not in word.tags


@dataclass(slots=True)
class _Found:
    """What a noun phrase came to, and the word behind it."""

    mentions: list[Mention]
    settings: list[tuple[str, str, Token]]
    upto: int


class _Noun:
    """Reads one noun phrase from a word on: number, looks, unknown words, the noun, its plural."""

    def __init__(self, around: _Phrases, at: int) -> None:
        self.around = around
        self.words = around.words
        self.first = self.at = at
        self.mention = Mention("", 0, 0)
        self.settings: list[tuple[str, str, Token]] = []
        self.unknown = 0
        self.counted = False
        self.last = ""

    def read(self) -> _Found | None:
        while self.at < len(self.words):
            word = self.words[self.at]
            if "noun" in word.tags and not self._rather_colour(word):
                return self._head()
            if word.text in _WHICH and self._points():
                return self._which(word)
            if not self._before(word):
                return self._elliptic(word)
        return None

    def _rather_colour(self, word: Token) -> bool:
        """Whether `orange` is meant as a colour: a noun follows, or nothing makes it a noun."""
        if "colour" not in word.tags or word.is_("plural"):
            return False
        after = _Noun(self.around, self.at + 1)
        after.counted = True
        if after._ahead(0, "noun", "size", "colour", "unknown") and after.read():
            return True
        return not self.counted

    def _ahead(self, steps: int, *tags: str) -> bool:
        to = self.at + steps
        return to < len(self.words) and self.words[to].is_(*tags)

    def _before(self, word: Token) -> bool:
        """Take a word that may stand before a noun; False where it may not."""
        return any(word.is_(*tags) and take(self, word) for tags, take in _TAKES)

    def _number(self, word: Token) -> bool:
        early = word.chinese or not (self.settings or self.mention.looks or self.unknown)
        if self.counted or not early:
            return False
        tags = word.tags
        self.mention.number = (word.start, word.end)
        if "one" in tags:
            self.mention.count, self.mention.determiner = 1, self.mention.determiner or "a"
        elif "number" in tags:
            self.mention.count = int(tags["number"])
        elif "times" in tags:
            self.mention.count = int(tags["times"])
        else:
            self.mention.quantity = "many" if "many" in tags else "several"
        if "several" in tags and word.text == "different" and not self.mention.looks:
            self.mention.quantity = ""
            self.mention.count = None
        self.counted = True
        return self._go("number")

    def _range(self, word: Token) -> bool:
        """`two or three cats`: the first number stands for both."""
        if self.last == "number" and self._ahead(1, "number") and self._ahead(2, *_INNER):
            self.at += 1
            return self._go("number")
        return False

    def _determiner(self, word: Token) -> bool:
        if self.mention.looks or self.unknown:
            return False
        kind = next(k for k in ("more", "all", "own", "det") if k in word.tags)
        if kind == "more" and self.counted and self.last != "number":
            return False
        self.mention.determiner = "the" if kind == "det" else kind
        if kind == "more" and not self.counted and not word.chinese:
            self.mention.count = 1 if word.text not in ("more", "extra", "additional") else None
            self.counted = self.mention.count == 1 and "second" not in word.text
            self.counted = False if self._ahead(1, "number") else self.counted
        return self._go("determiner")

    def _measure(self, word: Token) -> bool:
        return self.last in ("number", "determiner") and self._go("measure")

    def _looks(self, word: Token) -> bool:
        look = _look_of(word)
        if look is None:
            return False
        if look.kind == "action" and not self._acting(word):
            return False
        look.denied = self.last == "neg"
        if look.denied:
            look.start = self.words[self.at - 1].start
        self.mention.looks.append(look)
        return self._go("look")

    def _acting(self, word: Token) -> bool:
        """Whether what is done stands before a noun: `a sleeping cat`, 追蝴蝶的猫."""
        if not word.chinese:
            return word.text.endswith(("ing", "asleep")) and self._ahead(1, "noun", *_INNER)
        return self._ahead(1, "of") or (self._ahead(1, "noun") and self._ahead(2, "of"))

    def _inner_denial(self, word: Token) -> bool:
        """`a non-red cat`, 一只不是红色的猫."""
        begun = self.counted or self.mention.determiner
        plain = word.text in ("not", "non", "不是", "非", "不")
        return bool(begun) and plain and self._ahead(1, "colour", "size") and self._go("neg")

    def _having(self, word: Token) -> bool:
        """一只有四条腿的狗: what it has is counted, and not the dog."""
        if not word.chinese or self.last not in ("number", "measure", "determiner"):
            return False
        for to in range(self.at + 1, min(self.at + 8, len(self.words))):
            inner = self.words[to]
            if inner.is_("of") and to > self.at + 1:
                self.unknown += 1
                self.at = to
                return self._go("unknown")
            if not inner.is_("number", "measures", "unknown", "several", "many"):
                return False
        return False

    def _tail(self, word: Token) -> bool:
        return self.last in ("look", "unknown", "measure", "setting", "adverb") and self._go(
            "look" if self.last == "look" else self.last
        )

    def _join(self, word: Token) -> bool:
        """`red and small cat`: a sign or an `and` between two looks."""
        if self.last not in ("look", "unknown") or not self.mention.looks:
            return False
        more = 2 if self._ahead(1, "and", "adverb") else 1
        follows = self._ahead(more, "colour", "size", "more_size")
        if not follows or (word.is_("comma") and not _Noun(self.around, self.at + 1).read()):
            return False
        self.at += more - 1
        return self._go("join")

    def _modifier(self, word: Token) -> bool:
        """A setting right before a noun: `a snowy house`, 夜晚的城堡."""
        kind = next(k for k in _SETTINGS if k in word.tags)
        if word.text == "dark":
            return self._unknown(word)
        self.settings.append((kind, word.tags[kind], word))
        return self._go("setting")

    def _adverb(self, word: Token) -> bool:
        follows = self._ahead(1, "colour", "size", "more_size", "unknown", "adverb", "action")
        return follows and self._go("adverb")

    def _unknown(self, word: Token) -> bool:
        self.unknown += 1
        begun = self.counted or self.mention.determiner or self.mention.looks or word.chinese
        if not begun or self.unknown > _MOST_UNKNOWN or (word.chinese and len(word.text) > 8):
            return False
        return self._go("unknown")

    def _go(self, last: str) -> bool:
        self.last = last
        self.at += 1
        return True

    def _head(self) -> _Found | None:
        """The noun itself; of two in a row the last is what the phrase is about."""
        word = self.words[self.at]
        if self._ahead(1, "unknown", "action") and self.words[self.at + 1].hyphen:
            self.unknown += 1  # `horse-drawn`
            self.at += 2
            return self.read()
        noun = word
        while self._compound(word):
            self.at += 1
            word = self.words[self.at]
        if self._of_something(word):
            return _Found([], [], self.at + 2)
        if self._owner():
            return self._owned()
        mention = self.mention
        first = self.words[self.first] if word is noun else word
        mention.subject, mention.start, mention.end = word.tags["noun"], first.start, word.end
        mention.head, mention.chinese = (word.start, word.end), word.chinese
        mention.plural = word.tags.get("plural") == "yes" or (
            word.tags.get("plural") == "either"
            and (mention.count or 2) > 1
            and bool(mention.count or mention.quantity)
        )
        self.at += 1
        self._after()
        return _Found([mention], self.settings, self.at)

    def _points(self) -> bool:
        """Whether colours or sizes before a `one` tell which, and no look comes behind it."""
        looks = [k for k in self.mention.looks if k.kind in ("colour", "size")]
        return bool(looks) and self.last == "look" and not self._ahead(1, "colour", "size")

    def _which(self, word: Token) -> _Found | None:
        """`the red one`, 红色的那个: whichever looks like that."""
        mention, first = self.mention, self.words[self.first]
        mention.start, mention.end, mention.chinese = first.start, word.end, word.chinese
        mention.head, mention.pronoun = (word.start, word.end), "which"
        self.at += 1
        return _Found([mention], [], self.at)

    def _compound(self, word: Token) -> bool:
        """Whether the next noun takes the phrase over: `dog house`, not `cat dog`."""
        if word.is_("plural") and word.tags["plural"] == "yes":
            return False
        after = self.words[self.at + 1] if self.at + 1 < len(self.words) else None
        if after is None or "noun" not in after.tags or "colour" in after.tags or word.chinese:
            return False
        pair = {word.tags["noun"], after.tags["noun"]}
        return not pair <= lexicon().animals and not after.is_("person")

    def _of_something(self, word: Token) -> bool:
        """Whether a word follows that makes it something else: `cat food`, 猫粮."""
        after = self.words[self.at + 1] if self.at + 1 < len(self.words) else None
        if after is None or after.start - word.end > 1 or word.tags.get("plural") == "yes":
            return False
        if word.chinese:
            known = lexicon().compound_chinese
            return after.is_("unknown") and any(after.text.startswith(end) for end in known)
        return after.text in lexicon().compound and not after.is_("noun", "colour")

    def _owner(self) -> bool:
        """Whether what follows belongs to the noun: `the cat's house`, 猫的房子."""
        if self._ahead(1, "genitive") and not self._ahead(2, "colours", "positions", "sizes"):
            return self._ahead(2, "noun", "unknown") or self._ahead(3, "noun", "unknown")
        if self.first and self.words[self.first - 1].is_("neg"):
            return False  # 没有人的城堡
        return (
            self.words[self.at].chinese
            and self._ahead(1, "of")
            and self._ahead(2, "noun", "unknown")
        )

    def _owned(self) -> _Found | None:
        upto = self.at + 2
        found = _Noun(self.around, upto)
        found.counted = True
        read = found.read()
        doing = [k for k in self.mention.looks if k.kind == "action"]
        if doing and read is not None and read.mentions:
            return self._patient(doing, read)
        if read is None:
            return _Found([], [], min(upto + 1, len(self.words)))
        for mention in read.mentions:
            mention.determiner = mention.determiner or "the"
        return read

    def _patient(self, doing: list[Look], read: _Found) -> _Found:
        """追蝴蝶的猫: a cat that does it, and a butterfly that it is done to."""
        word, mention = self.words[self.at], read.mentions[0]
        other = Mention(word.tags["noun"], word.start, word.end, (word.start, word.end))
        other.chinese = True
        mention.looks = [*self.mention.looks, *mention.looks]
        mention.count, mention.number = self.mention.count, self.mention.number
        if self.mention.number != (0, 0):
            mention.start = self.words[self.first].start
        return _Found([other, *read.mentions], read.settings, read.upto)

    def _after(self) -> None:
        """What may follow a noun and still count it: 猫们, 猫三只, `cats x3`."""
        if self._ahead(0, "plural_mark"):
            self.mention.plural, self.at = True, self.at + 1
        if self.counted or not self.at < len(self.words):
            return
        if self._ahead(0, "times"):
            self.mention.count = int(self.words[self.at].tags["times"])
        elif (
            self._ahead(0, "number") and self._ahead(1, "measures") and not self._ahead(2, *_INNER)
        ):
            self.mention.count = int(self.words[self.at].tags["number"])
            self.at += 1
        else:
            return
        self.counted = True
        self.mention.end = self.words[self.at].end
        self.at += 1

    def _elliptic(self, word: Token) -> _Found | None:
        """`a red and a blue balloon`: the first phrase borrows the noun of the second."""
        if not (self.mention.looks and self.counted and word.is_("and", "comma", "or")):
            return None
        after = self.at + (2 if self._ahead(1, "and") else 1)
        rest = _Noun(self.around, after).read()
        if rest is None or len(rest.mentions) < 1 or rest.mentions[0].determiner == "the":
            return None
        other = rest.mentions[0]
        if not other.looks or other.count is None:
            return None
        mention, first = self.mention, self.words[self.first]
        mention.subject, mention.head = other.subject, other.head
        mention.start, mention.end = first.start, self.words[self.at - 1].end
        mention.plural, mention.chinese = other.plural, other.chinese
        return _Found([mention, *rest.mentions], [*self.settings, *rest.settings], rest.upto)


_BEFORE_BACKDROP = "be set to colours prep colour_tail filler adverb all put det one".split()
_POINTING = frozenset("that this these those".split())
_WHICH = frozenset("one ones thing things 那个 那只 那朵 那辆 那棵 那条 那把 的那个 的那只".split())
_INNER = ("noun", "colour", "size", "unknown", "number", "more_size")
_Take = Callable[[_Noun, Token], bool]
_TAKES: tuple[tuple[tuple[str, ...], _Take], ...] = (
    (("one", "number", "several", "many", "times"), _Noun._number),
    (("or",), _Noun._range),
    (("there", "with"), _Noun._having),
    (("measures",), _Noun._measure),
    (("more", "all", "own", "det"), _Noun._determiner),
    (("neg", "non"), _Noun._inner_denial),
    (("colour", "size", "more_size", "action"), _Noun._looks),
    (("colour_tail", "of"), _Noun._tail),
    (("and", "comma"), _Noun._join),
    (_SETTINGS, _Noun._modifier),
    (("adverb", "approx"), _Noun._adverb),
    (("unknown",), _Noun._unknown),
)
