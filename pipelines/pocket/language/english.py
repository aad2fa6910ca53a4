"""A wish as people type it in English."""

from __future__ import annotations

from limner.pipelines.pocket.language.lexicon import ENGLISH, Wording, article, pick, table
from limner.pipelines.pocket.language.speaker import Speaker
from limner.pipelines.pocket.language.told import bare as unmarked
from limner.pipelines.pocket.language.wishes import SEVERAL, Wish, WishedThing

NUMERALS = "zero one two three four five six seven eight nine ten eleven twelve".split()


class English(Speaker):
    """Speaks English."""

    language = ENGLISH

    def request(self, wish: Wish, frame: str = "") -> str:
        """The whole request, as sloppy as requests are, with its marks."""
        chance = self.chance
        frame = frame or self.frame("frames")
        if wish.other:
            frame, text = "{x}", self._other(wish)
        else:
            text = self._scene(wish, "{b}" in frame)
        said = frame.replace("{x}", text).replace("{b}", text)
        if (
            len(wish.avoid) == 1
            and not wish.avoid_colour
            and frame == "{x}"
            and chance.random() < 0.4
        ):
            row = ("absent", wish.avoid[0].name, "", "")
            said = self.fill(self.frame("without_first"), row, x=text, **self.forms(wish.avoid[0]))
        elif wish.avoid or wish.never[1]:
            said = said.rstrip("?") + self.one_of(", ", " ", ", ", ". ") + self.forbidden(wish)
        if chance.random() < 0.05:
            said += self.frame("tails")
        return self.noisy(self.piece(frame, said))

    def phrase(self, thing: WishedThing, bare: bool = False) -> str:
        """`two small red cats`, without the place, marked."""
        chance, many = self.chance, thing.count != "1"
        noun = thing.saying.plural if many else thing.saying.text
        if thing.saying.known and chance.random() < 0.015:
            noun = _slip(noun, chance.randrange(9))
        if thing.second:
            return self.mixed(thing)
        if thing.colour:
            noun = self.coloured(thing.colour, noun, thing)
        if thing.trait:
            trait = self.words(
                "living" if thing.trait in table("scenes")["living"] else "any", thing.trait
            )
            noun = f"{self.state('attribute', thing.trait, trait, thing)} {noun}"
        if thing.size:
            noun = (
                f"{self.state('size', thing.size, self.words('sizes', thing.size), thing)} {noun}"
            )
        number = "" if bare and not many else self.number(thing.count)
        words = f"{article(unmarked(noun)) if number == 'a' else number} {noun}".strip()
        words = self.counted(words, thing)
        if thing.part:
            words += " " + self.state(
                "attribute", thing.part, self.words("parts", thing.part), thing
            )
        if thing.never:
            colour = self.words("colours", thing.never)
            row = ("absent", thing.name, thing.never, "")
            return self.fill(self.frame("not_so"), row, n=words, v=colour)
        return self.lacking(self._with_letters(words, thing), thing)

    def coloured(self, colour: str, noun: str, thing: WishedThing | None = None) -> str:
        """A noun with its colour, marked."""
        word = self.state("colour", colour, self.words("colours", colour), thing)
        return self.one_of(
            *("{c} {n}",) * 6, "{c}-coloured {n}", "{c}-colored {n}", "{n} in {c}"
        ).format(c=word, n=noun)

    def number(self, count: str) -> str:
        """The number word."""
        if count == SEVERAL:
            return str(pick(self.chance, table("words")[ENGLISH]["several"]))
        asked = int(count)
        if asked < 5:
            return str(pick(self.chance, table("words")[ENGLISH]["counts"][count]))
        word = NUMERALS[asked] if asked < len(NUMERALS) else {100: "a hundred"}.get(asked, count)
        return self.one_of(count, word, {12: "a dozen", 6: "half a dozen"}.get(asked, word))

    def forms(self, saying: Wording) -> dict[str, str]:
        """The ways to name a thing that frames have room for."""
        one = saying.text
        return {"n": one, "p": saying.plural or one, "a": f"{article(one)} {one}"}

    def noisy(self, text: str) -> str:
        """Lower case, capitals, lost or gained punctuation, an emoji."""
        chance = self.chance
        text = " ".join(text.split())
        roll = chance.random()
        if roll < 0.3:
            text = text.lower()
        elif roll < 0.55:
            first = next((at for at, letter in enumerate(text) if letter.isalpha()), 0)
            text = text[:first] + text[first : first + 1].upper() + text[first + 1 :]
        elif roll < 0.565:
            text = text.upper()
        if chance.random() < 0.12:
            text = text.replace(",", "").replace("?", "").replace(". ", " ")
        elif chance.random() < 0.2 and unmarked(text)[-1:].isalnum():
            text += self.one_of(".", ".", "!", "...", "!!")
        if chance.random() < 0.03:
            words = text.split(" ")
            at = chance.randrange(len(words))
            if words[at].isascii() and words[at].isalpha():
                words[at] = _slip(words[at], chance.randrange(9))
            text = " ".join(words)
        return text + self.frame("emoji") if chance.random() < 0.05 else text

    def place(self, thing: WishedThing, place: str) -> str:
        """`on the left`, marked."""
        return self.state("place", place, self.words("places", place), thing)

    def style(self, wish: Wish) -> str:
        """The style, marked."""
        return self.state("style", wish.style, self.words("styles", wish.style))

    def _scene(self, wish: Wish, bare: bool) -> str:
        if wish.things:
            parts, later = self._things(wish, bare)
        else:
            parts, later = self.view(wish), []
        settings = self._settings(wish, bare)
        if settings and self.chance.random() < 0.15 and not bare:
            first = settings.pop(0)
            parts = f"{first}{self.one_of(', ', ' there is ', ', there is ', ' ')}{parts}"
        comma = self.chance.random()
        for setting in settings:
            parts += (", " if comma < 0.5 or bare else " ") + setting
        if later:
            parts += self.one_of(", ", ". ", "; ") + self.one_of(", ", " and ").join(later)
        return parts

    def _things(self, wish: Wish, bare: bool) -> tuple[str, list[str]]:
        """What is there, and what is said of it only afterwards."""
        later = []
        if not bare and self.chance.random() < 0.14:
            later = [clause for thing in wish.things if (clause := self._afterwards(thing))]
        said = [self._one(thing, bare) for thing in wish.things]
        if wish.how:
            frame = self.frame("relations", wish.how)
            row = ("relation", wish.things[0].name, wish.how, wish.things[1].name)
            said[:2] = [self.fill(frame, row, a=said[0], b=said[1])]
        if len(said) == 1:
            return said[0], later
        glue = self.one_of(", ", ", ", " + ", " / ") if bare else ", "
        last = str(pick(self.chance, table("words")[ENGLISH]["join"]))
        return glue.join(said[:-1]) + last + said[-1], later

    def _one(self, thing: WishedThing, bare: bool) -> str:
        words = self.phrase(thing, bare)
        if thing.deed:
            verb = "is" if thing.count == "1" else "are"
            link = self.one_of(" ", " ", " ", f" that {verb} ", f" who {verb} ")
            words += link + self.doing(thing)
        return f"{words} {self.place(thing, thing.place)}" if thing.place else words

    def doing(self, thing: WishedThing) -> str:
        """What it does, marked."""
        known = table("scenes")["deeds_with" if thing.patient else "deeds"][thing.deed][0]
        words = str(pick(self.chance, known))
        patient = ""
        if thing.patient:
            patient = thing.patient.name
            words = words.replace("{o}", self.phrase(thing.patient))
        return self.told.mark(words, ("action", thing.name, thing.deed, patient))

    def colour_word(self, colour: str) -> str:
        """A word for the colour that can stand alone."""
        return self.words("colours", colour)

    def _afterwards(self, thing: WishedThing) -> str:
        """`the cat is red`, said apart; the thing itself is then named without it."""
        if not thing.colour or thing.second or thing.never or thing.count not in "1234":
            return ""
        frame = self.frame("and_then")
        colour = self.state("colour", thing.colour, self.words("colours", thing.colour), thing)
        thing.colour = ""
        noun = thing.saying.text if thing.count == "1" else thing.saying.plural
        if thing.count != "1":
            frame = frame.replace(" is ", " are ")
        return self.fill(frame, n=noun, v=colour)

    def _with_letters(self, words: str, thing: WishedThing) -> str:
        if not thing.letters:
            return words
        written = self.state("text", thing.letters, thing.letters)
        return self.fill(self.frame("text"), n=words, t=written)

    def _settings(self, wish: Wish, bare: bool) -> list[str]:
        tags = table("turns")[ENGLISH] if bare and self.chance.random() < 0.5 else {}
        found = []
        for tag, part, kind, value in (
            ("grounds", "where", "scene", wish.scene if wish.things or wish.other else ""),
            ("lights", "light", "light", wish.light),
            ("lights", "light", "light", wish.weather),
        ):
            if value:
                words = tags.get(tag, {}).get(value)
                found.append(
                    self.state(
                        kind, value, pick(self.chance, words) if words else self.words(part, value)
                    )
                )
        self.chance.shuffle(found)
        if wish.style:
            found.insert(len(found) if self.chance.random() < 0.8 else 0, self.style(wish))
        return found

    def _other(self, wish: Wish) -> str:
        words = str(pick(self.chance, table("scenes")["other"][wish.other][0]))
        frame = pick(self.chance, table("scenes")["other_frames"][ENGLISH])
        said = [
            self.fill(frame, ("other", "", wish.other, ""), o=words),
            *self._settings(wish, False),
        ]
        return ", ".join(said)


def _slip(word: str, number: int) -> str:
    """Two neighbouring letters exchanged."""
    if len(word) < 5 or " " in word:
        return word
    at = 1 + number % (len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :] if at + 2 <= len(word) else word
