"""What English and Chinese have in common when a request is put into words."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from limner.pipelines.pocket.language.annotated_text import AnnotatedText, Row
from limner.pipelines.pocket.language.lexicon import LANGUAGES, Wording, pick, table, wordings
from limner.pipelines.pocket.language.scene_requests import SEVERAL, RequestedThing, SceneRequest


class Speaker:
    """Speaks one language; all that it says of a picture is marked in `annotated`.

    `exam`: with wordings that training never uses.
    """

    language = ""
    glue = ", "
    question_marks = ""
    joints: tuple[str, ...] = ()

    def __init__(self, chance: Random, exam: bool = False) -> None:
        self.chance, self.exam, self.annotated = chance, exam, AnnotatedText()

    def request(self, wanted: SceneRequest, frame: str = "") -> str:
        """The whole request, as sloppy as requests are, with its marks."""
        frame = frame or self.frame("frames")
        if wanted.other or ("{b}" in frame and not self.fits_bare(wanted)):
            frame = "{x}"
        text = self._other(wanted) if wanted.other else self.scene(wanted, "{b}" in frame)
        said = frame.replace("{x}", text).replace("{b}", text)
        alone = len(wanted.avoid) == 1 and not wanted.avoid_colour and frame == "{x}"
        if alone and self.chance.random() < 0.4:
            row = ("absent", wanted.avoid[0].name, "", "")
            forms = self.forms(wanted.avoid[0])
            said = self.fill(self.frame("without_first"), row, x=text, **forms)
        elif wanted.avoid or wanted.never[1]:
            joint = self.one_of(*self.joints)
            said = said.rstrip(self.question_marks) + joint + self.forbidden(wanted)
        if self.chance.random() < 0.05:
            said += self.frame("tails")
        return self.noisy(self.piece(frame, said))

    def _other(self, wanted: SceneRequest) -> str:
        """A mood or a subject without a thing, marked."""
        table_rows = table("scenes")
        words = str(pick(self.chance, table_rows["other"][wanted.other][self._column]))
        frame = pick(self.chance, table_rows["other_frames"][self.language])
        said = self.fill(frame, ("other", "", wanted.other, ""), o=words)
        return self.glue.join([said, *self.around(wanted)])

    @property
    def _column(self) -> int:
        """Where the tables have the words of this language."""
        return LANGUAGES.index(self.language)

    def fits_bare(self, wanted: SceneRequest) -> bool:
        """Whether it can be said in a few bare words."""
        return True

    def scene(self, wanted: SceneRequest, bare: bool) -> str:
        """The things, what is around them, and what is said of them afterwards."""
        raise NotImplementedError

    def around(self, wanted: SceneRequest) -> list[str]:
        """What is around the things, marked."""
        raise NotImplementedError

    def piece(self, frame: str, said: str) -> str:
        """The request, marked from where it begins to say what is wanted."""
        before = frame.partition("{")[0]
        if not said.startswith(before):
            before = ""
        return before + self.annotated.mark(said[len(before) :], ("request", "", "", ""))

    def phrase(self, thing: RequestedThing, bare: bool = False) -> str:
        """`two small red cats`, without the place, marked."""
        raise NotImplementedError

    def colour_word(self, colour: str) -> str:
        """A word for the colour that can stand alone."""
        raise NotImplementedError

    def number(self, count: str) -> str:
        """The number word."""
        if count == SEVERAL:
            return str(pick(self.chance, table("words")[self.language]["several"]))
        if int(count) < 5:
            return str(pick(self.chance, table("words")[self.language]["counts"][count]))
        return self.numeral(int(count))

    def numeral(self, count: int) -> str:
        """A number word from five on, or the figure."""
        raise NotImplementedError

    def doing(self, thing: RequestedThing) -> str:
        """What a thing does, marked."""
        known = table("scenes")["deeds_with" if thing.patient else "deeds"][thing.deed]
        words = str(pick(self.chance, known[self._column]))
        if thing.patient:
            words = words.replace("{o}", self.suffered(thing.patient))
        patient = thing.patient.name if thing.patient else ""
        return self.annotated.mark(words, ("action", thing.name, thing.deed, patient))

    def suffered(self, thing: RequestedThing) -> str:
        """What something is done to, marked."""
        return self.phrase(thing)

    def place(self, thing: RequestedThing, place: str) -> str:
        """`on the left`, marked."""
        return self.state("place", place, self.words("places", place), thing)

    def style(self, wanted: SceneRequest) -> str:
        """The style, marked."""
        return self.state("style", wanted.style, self.words("styles", wanted.style))

    def never_so(self, words: str, thing: RequestedThing) -> str:
        """The words with the colour that the thing must not have, marked."""
        row = ("absent", thing.name, thing.never, "")
        colour = self.words("colours", thing.never)
        return self.fill(self.frame("not_so"), row, n=words, v=colour)

    def lettered(self, words: str, thing: RequestedThing) -> str:
        """The words with the letters that are written on the thing, marked."""
        if not thing.letters:
            return words
        written = self.state("text", thing.letters, thing.letters)
        return self.fill(self.frame("text"), n=words, t=written)

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
            known = table("scenes")[table_part][value][self._column]
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
                parts[at] = self.annotated.mark(parts[at], row)
        return re.sub(r"\{(\w+)\}", lambda m: words[m[1]], "".join(parts))

    def counted(self, words: str, thing: RequestedThing) -> str:
        """The words marked as what states how many there are."""
        if thing.count == SEVERAL:
            return self.annotated.mark(words, ("object", thing.name, SEVERAL, ""))
        return self.annotated.mark(words, ("count", thing.name, thing.count, ""))

    def state(self, kind: str, value: str, words: str, thing: RequestedThing | None = None) -> str:
        """The words marked as what states a value of a thing, or of the whole picture."""
        return self.annotated.mark(words, (kind, thing.name if thing else "", value, ""))

    def mixed(self, thing: RequestedThing) -> str:
        """Two or three of a kind in different colours, marked."""
        colours = (thing.colour, thing.second, *([thing.third] if thing.third else []))
        said = (self.state("colour", c, self.colour_word(c), thing) for c in colours)
        row = ("count", thing.name, thing.count, "")
        words = dict(zip("cde", said, strict=False)) | self.forms(thing.saying)
        return self.fill(self.frame("triple" if thing.third else "pair"), row, **words)

    def view(self, wanted: SceneRequest) -> str:
        """A place, where no thing is asked for, marked."""
        words = table("scenes")["views"][self.language][wanted.scene]
        return self.state("scene", wanted.scene, str(pick(self.chance, words)))

    def lacking(self, words: str, thing: RequestedThing) -> str:
        """The words with what the thing is without, marked."""
        if not thing.lacks:
            return words
        row = ("absent", thing.lacks.name, "", "")
        return self.fill(self.frame("lacks"), row, x=words, **self.forms(thing.lacks))

    def forbidden(self, wanted: SceneRequest) -> str:
        """What is not wanted, in words of its own."""
        kind, value = wanted.never
        if value:
            words = self.words("where" if kind == "scene" else kind, value)
            return self.fill(self.frame("not_set"), ("absent", value, "", ""), s=words)
        one, *more = wanted.avoid
        frame = self.frame("without")
        two = re.search(r"\{[NMq]\}", frame)
        while bool(two) != bool(more):
            frame = pick(self.chance, table("words")[self.language]["without"])
            two = re.search(r"\{[NMq]\}", frame)
        rows: list[Row] = [("absent", s.name, wanted.avoid_colour, "") for s in wanted.avoid]
        if wanted.avoid_colour:
            word = self.colour_word(wanted.avoid_colour)
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
