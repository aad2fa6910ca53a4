"""Reads one noun phrase: number, looks, unknown words, the noun, and what may follow it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.tokens import Token

__all__ = ["SETTINGS", "Look", "Mention", "NounPhrase", "look_of", "noun_phrase"]

SETTINGS = ("scene", "light", "style")
_MOST_UNKNOWN = 3  # words between a number and its noun that the reader does not know


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


def look_of(word: Token) -> Look | None:
    """What a word says of a thing; None where it says nothing of the kind."""
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
class NounPhrase:
    """What a noun phrase came to, and the word behind it."""

    mentions: list[Mention]
    settings: list[tuple[str, str, Token]]
    upto: int


def noun_phrase(words: Sequence[Token], at: int) -> NounPhrase | None:
    """The noun phrase that begins at that word; None where none does."""
    return _NounReader(words, at).read()


class _NounReader:
    """Reads one noun phrase from a word on: number, looks, unknown words, the noun, its plural."""

    def __init__(self, words: Sequence[Token], at: int) -> None:
        self.words = words
        self.first = self.at = at
        self.mention = Mention("", 0, 0)
        self.settings: list[tuple[str, str, Token]] = []
        self.unknown = 0
        self.counted = False
        self.last = ""

    def read(self) -> NounPhrase | None:
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
        after = _NounReader(self.words, self.at + 1)
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
        look = look_of(word)
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
        if not follows or (word.is_("comma") and not _NounReader(self.words, self.at + 1).read()):
            return False
        self.at += more - 1
        return self._go("join")

    def _modifier(self, word: Token) -> bool:
        """A setting right before a noun: `a snowy house`, 夜晚的城堡."""
        kind = next(k for k in SETTINGS if k in word.tags)
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

    def _head(self) -> NounPhrase | None:
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
            return NounPhrase([], [], self.at + 2)
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
        return NounPhrase([mention], self.settings, self.at)

    def _points(self) -> bool:
        """Whether colours or sizes before a `one` tell which, and no look comes behind it."""
        looks = [k for k in self.mention.looks if k.kind in ("colour", "size")]
        return bool(looks) and self.last == "look" and not self._ahead(1, "colour", "size")

    def _which(self, word: Token) -> NounPhrase | None:
        """`the red one`, 红色的那个: whichever looks like that."""
        mention, first = self.mention, self.words[self.first]
        mention.start, mention.end, mention.chinese = first.start, word.end, word.chinese
        mention.head, mention.pronoun = (word.start, word.end), "which"
        self.at += 1
        return NounPhrase([mention], [], self.at)

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

    def _owned(self) -> NounPhrase | None:
        upto = self.at + 2
        found = _NounReader(self.words, upto)
        found.counted = True
        read = found.read()
        doing = [k for k in self.mention.looks if k.kind == "action"]
        if doing and read is not None and read.mentions:
            return self._patient(doing, read)
        if read is None:
            return NounPhrase([], [], min(upto + 1, len(self.words)))
        for mention in read.mentions:
            mention.determiner = mention.determiner or "the"
        return read

    def _patient(self, doing: list[Look], read: NounPhrase) -> NounPhrase:
        """追蝴蝶的猫: a cat that does it, and a butterfly that it is done to."""
        word, mention = self.words[self.at], read.mentions[0]
        other = Mention(word.tags["noun"], word.start, word.end, (word.start, word.end))
        other.chinese = True
        mention.looks = [*self.mention.looks, *mention.looks]
        mention.count, mention.number = self.mention.count, self.mention.number
        if self.mention.number != (0, 0):
            mention.start = self.words[self.first].start
        return NounPhrase([other, *read.mentions], read.settings, read.upto)

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

    def _elliptic(self, word: Token) -> NounPhrase | None:
        """`a red and a blue balloon`: the first phrase borrows the noun of the second."""
        if not (self.mention.looks and self.counted and word.is_("and", "comma", "or")):
            return None
        after = self.at + (2 if self._ahead(1, "and") else 1)
        rest = _NounReader(self.words, after).read()
        if rest is None or len(rest.mentions) < 1 or rest.mentions[0].determiner == "the":
            return None
        other = rest.mentions[0]
        if not other.looks or other.count is None:
            return None
        mention, first = self.mention, self.words[self.first]
        mention.subject, mention.head = other.subject, other.head
        mention.start, mention.end = first.start, self.words[self.at - 1].end
        mention.plural, mention.chinese = other.plural, other.chinese
        return NounPhrase([mention, *rest.mentions], [*self.settings, *rest.settings], rest.upto)


_WHICH = frozenset("one ones thing things 那个 那只 那朵 那辆 那棵 那条 那把 的那个 的那只".split())
_INNER = ("noun", "colour", "size", "unknown", "number", "more_size")
_Take = Callable[[_NounReader, Token], bool]
_TAKES: tuple[tuple[tuple[str, ...], _Take], ...] = (
    (("one", "number", "several", "many", "times"), _NounReader._number),
    (("or",), _NounReader._range),
    (("there", "with"), _NounReader._having),
    (("measures",), _NounReader._measure),
    (("more", "all", "own", "det"), _NounReader._determiner),
    (("neg", "non"), _NounReader._inner_denial),
    (("colour", "size", "more_size", "action"), _NounReader._looks),
    (("colour_tail", "of"), _NounReader._tail),
    (("and", "comma"), _NounReader._join),
    (SETTINGS, _NounReader._modifier),
    (("adverb", "approx"), _NounReader._adverb),
    (("unknown",), _NounReader._unknown),
)
