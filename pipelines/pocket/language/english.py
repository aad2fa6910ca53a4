"""A request as people type it in English."""

from __future__ import annotations

from limner.pipelines.pocket.language.annotated_text import bare as unmarked
from limner.pipelines.pocket.language.lexicon import ENGLISH, Wording, article, pick, table
from limner.pipelines.pocket.language.scene_requests import RequestedThing, SceneRequest
from limner.pipelines.pocket.language.speaker import Speaker

NUMERALS = "zero one two three four five six seven eight nine ten eleven twelve".split()


class English(Speaker):
    """Speaks English."""

    language = ENGLISH
    question_marks = "?"
    joints = (", ", " ", ", ", ". ")

    def phrase(self, thing: RequestedThing, bare: bool = False) -> str:
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
            return self.never_so(words, thing)
        return self.lacking(self.lettered(words, thing), thing)

    def coloured(self, colour: str, noun: str, thing: RequestedThing | None = None) -> str:
        """A noun with its colour, marked."""
        word = self.state("colour", colour, self.words("colours", colour), thing)
        return self.one_of(
            *("{c} {n}",) * 6, "{c}-coloured {n}", "{c}-colored {n}", "{n} in {c}"
        ).format(c=word, n=noun)

    def numeral(self, count: int) -> str:
        """A number word from five on, or the figure."""
        word = {100: "a hundred"}.get(count, str(count))
        word = NUMERALS[count] if count < len(NUMERALS) else word
        return self.one_of(str(count), word, {12: "a dozen", 6: "half a dozen"}.get(count, word))

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

    def scene(self, wanted: SceneRequest, bare: bool) -> str:
        if wanted.things:
            parts, later = self._things(wanted, bare)
        else:
            parts, later = self.view(wanted), []
        settings = self.around(wanted, bare)
        if settings and self.chance.random() < 0.15 and not bare:
            first = settings.pop(0)
            parts = f"{first}{self.one_of(', ', ' there is ', ', there is ', ' ')}{parts}"
        comma = self.chance.random()
        for setting in settings:
            parts += (", " if comma < 0.5 or bare else " ") + setting
        if later:
            parts += self.one_of(", ", ". ", "; ") + self.one_of(", ", " and ").join(later)
        return parts

    def _things(self, wanted: SceneRequest, bare: bool) -> tuple[str, list[str]]:
        """What is there, and what is said of it only afterwards."""
        later = []
        if not bare and self.chance.random() < 0.14:
            later = [clause for thing in wanted.things if (clause := self._afterwards(thing))]
        said = [self._one(thing, bare) for thing in wanted.things]
        if wanted.how:
            frame = self.frame("relations", wanted.how)
            row = ("relation", wanted.things[0].name, wanted.how, wanted.things[1].name)
            said[:2] = [self.fill(frame, row, a=said[0], b=said[1])]
        if len(said) == 1:
            return said[0], later
        glue = self.one_of(", ", ", ", " + ", " / ") if bare else ", "
        last = str(pick(self.chance, table("words")[ENGLISH]["join"]))
        return glue.join(said[:-1]) + last + said[-1], later

    def _one(self, thing: RequestedThing, bare: bool) -> str:
        words = self.phrase(thing, bare)
        if thing.deed:
            verb = "is" if thing.count == "1" else "are"
            link = self.one_of(" ", " ", " ", f" that {verb} ", f" who {verb} ")
            words += link + self.doing(thing)
        return f"{words} {self.place(thing, thing.place)}" if thing.place else words

    def colour_word(self, colour: str) -> str:
        """A word for the colour that can stand alone."""
        return self.words("colours", colour)

    def _afterwards(self, thing: RequestedThing) -> str:
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

    def around(self, wanted: SceneRequest, bare: bool = False) -> list[str]:
        """What is around the things, marked."""
        tags = table("turns")[ENGLISH] if bare and self.chance.random() < 0.5 else {}
        found = []
        for tag, part, kind, value in (
            ("grounds", "where", "scene", wanted.scene if wanted.things or wanted.other else ""),
            ("lights", "light", "light", wanted.light),
            ("lights", "light", "light", wanted.weather),
        ):
            if value:
                words = tags.get(tag, {}).get(value)
                found.append(
                    self.state(
                        kind, value, pick(self.chance, words) if words else self.words(part, value)
                    )
                )
        self.chance.shuffle(found)
        if wanted.style:
            found.insert(len(found) if self.chance.random() < 0.8 else 0, self.style(wanted))
        return found


def _slip(word: str, number: int) -> str:
    """Two neighbouring letters exchanged."""
    if len(word) < 5 or " " in word:
        return word
    at = 1 + number % (len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :] if at + 2 <= len(word) else word
