"""What English and Chinese have in common when a wish is put into words."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from limner.pipelines.pocket.language.lexicon import LANGUAGES, Wording, pick, table, wordings
from limner.pipelines.pocket.language.told import AnnotatedText, Row
from limner.pipelines.pocket.language.wishes import SEVERAL, Wish, WishedThing


class Speaker:
    """Speaks one language; all that it says of a picture is marked in `told`.

    `exam`: with wordings that training never uses.
    """

    language = ""
    glue = ", "

    def __init__(self, chance: Random, exam: bool = False) -> None:
        self.chance, self.exam, self.told = chance, exam, AnnotatedText()

    def request(self, wish: Wish, frame: str = "") -> str:
        """The whole request, as sloppy as requests are, with its marks."""
        raise NotImplementedError

    def piece(self, frame: str, said: str) -> str:
        """The request, marked from where it begins to say what is wanted."""
        before = frame.partition("{")[0]
        if not said.startswith(before):
            before = ""
        return before + self.told.mark(said[len(before) :], ("request", "", "", ""))

    def phrase(self, thing: WishedThing, bare: bool = False) -> str:
        """`two small red cats`, without the place, marked."""
        raise NotImplementedError

    def coloured(self, colour: str, noun: str) -> str:
        """A noun with its colour, marked."""
        raise NotImplementedError

    def colour_word(self, colour: str) -> str:
        """A word for the colour that can stand alone."""
        raise NotImplementedError

    def number(self, count: str) -> str:
        """The number word."""
        raise NotImplementedError

    def doing(self, thing: WishedThing) -> str:
        """What a thing does, marked."""
        raise NotImplementedError

    def noisy(self, text: str) -> str:
        """The text as somebody in a hurry types it."""
        raise NotImplementedError

    def one_of(self, *words: str) -> str:
        """One of some words."""
        return pick(self.chance, words)

    def words(self, part: str, value: str) -> str:
        """What people say for a value, of the world or not."""
        known = table("words")[self.language].get(part, {}).get(value)
        if known is None:
            table_part = {"where": "scene", "styles": "style"}.get(part, part)
            known = table("scenes")[table_part][value][LANGUAGES.index(self.language)]
        return str(pick(self.chance, known))

    def frame(self, *path: str, file: str = "words") -> str:
        """A wording: one that training knows, or for an exam one that it does not."""
        return pick(self.chance, wordings(file, self.language, *path, exam=self.exam))

    def fill(self, frame: str, *rows: Row, **words: str) -> str:
        """A frame with its words put in; what is in brackets is marked as what states the rows.

        Each bracket states one row in turn, the last one all that are left.
        """
        parts = re.split(r"[\[\]]", frame)
        last = len(parts) // 2 - 1
        for number in range(len(parts) // 2):
            at = 2 * number + 1
            for row in rows[number : number + 1] if number < last else rows[number:]:
                parts[at] = self.told.mark(parts[at], row)
        return re.sub(r"\{(\w+)\}", lambda m: words[m[1]], "".join(parts))

    def counted(self, words: str, thing: WishedThing) -> str:
        """The words marked as what states how many there are."""
        if thing.count == SEVERAL:
            return self.told.mark(words, ("object", thing.name, SEVERAL, ""))
        return self.told.mark(words, ("count", thing.name, thing.count, ""))

    def state(self, kind: str, value: str, words: str, thing: WishedThing | None = None) -> str:
        """The words marked as what states a value of a thing, or of the whole picture."""
        return self.told.mark(words, (kind, thing.name if thing else "", value, ""))

    def mixed(self, thing: WishedThing) -> str:
        """Two or three of a kind in different colours, marked."""
        colours = (thing.colour, thing.second, *([thing.third] if thing.third else []))
        said = (self.state("colour", c, self.colour_word(c), thing) for c in colours)
        row = ("count", thing.name, thing.count, "")
        words = dict(zip("cde", said, strict=False)) | self.forms(thing.saying)
        return self.fill(self.frame("triple" if thing.third else "pair"), row, **words)

    def view(self, wish: Wish) -> str:
        """A place, where no thing is asked for, marked."""
        words = table("scenes")["views"][self.language][wish.scene]
        return self.state("scene", wish.scene, str(pick(self.chance, words)))

    def lacking(self, words: str, thing: WishedThing) -> str:
        """The words with what the thing is without, marked."""
        if not thing.lacks:
            return words
        row = ("absent", thing.lacks.name, "", "")
        return self.fill(self.frame("lacks"), row, x=words, **self.forms(thing.lacks))

    def forbidden(self, wish: Wish) -> str:
        """What is not wanted, in words of its own."""
        kind, value = wish.never
        if value:
            words = self.words("where" if kind == "scene" else kind, value)
            return self.fill(self.frame("not_set"), ("absent", value, "", ""), s=words)
        one, *more = wish.avoid
        frame = self.frame("without")
        two = re.search(r"\{[NMq]\}", frame)
        while bool(two) != bool(more):
            frame = pick(self.chance, table("words")[self.language]["without"])
            two = re.search(r"\{[NMq]\}", frame)
        rows: list[Row] = [("absent", s.name, wish.avoid_colour, "") for s in wish.avoid]
        if wish.avoid_colour:
            word = self.colour_word(wish.avoid_colour)
            text, plural = (
                f"{word}{' ' if one.plural else '的'}{t}"
                for t in (one.text, one.plural or one.text)
            )
            one = replace(one, text=text, plural=plural)
        return self.fill(
            frame, *rows, **self.forms(one), **self.other_forms(more[0] if more else one)
        )

    def forms(self, saying: Wording) -> dict[str, str]:
        """The ways to name a thing that frames have room for."""
        raise NotImplementedError

    def other_forms(self, saying: Wording) -> dict[str, str]:
        """The same for a second thing."""
        given = self.forms(saying)
        return {"N": given["n"], "q": given["p"]}
