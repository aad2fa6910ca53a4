"""Finds the phrases of a text: things with number and looks, places, settings, small words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from limner.pipelines.pocket.reading.lexicon import table
from limner.pipelines.pocket.reading.noun_phrases import (
    SETTINGS,
    Look,
    Mention,
    look_of,
    noun_phrase,
)
from limner.pipelines.pocket.reading.tokens import Token, tokens

__all__ = ["Item", "phrases"]

_STARTS = frozenset(
    "one number several many det own all more approx colour size more_size noun times "
    "scene light style action adverb".split()
)
_COLOUR = "colour"
_BEFORE_BACKDROP = "be set to colours prep colour_tail filler adverb all put det one".split()
_POINTING = frozenset("that this these those".split())
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
        found = noun_phrase(self.words, self.at + 1)
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
        found = noun_phrase(self.words, self.at)
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
        for kind in SETTINGS:
            if kind in self.word.tags:
                self._emit(kind, self.at + 1, self.word.tags[kind], tags=frozenset(self.word.tags))
                return True
        return False

    def _look(self) -> bool:
        look = look_of(self.word)
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
