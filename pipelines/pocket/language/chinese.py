"""A wish as people type it in Chinese."""

from __future__ import annotations

from limner.pipelines.pocket.language.lexicon import CHINESE, Wording, known_words, pick, table
from limner.pipelines.pocket.language.speaker import Speaker
from limner.pipelines.pocket.language.told import bare as unmarked
from limner.pipelines.pocket.language.wishes import SEVERAL, Wish, WishedThing

NUMERALS = "零一两三四五六七八九十"
SHORT_COLOURS = frozenset("雪白 漆黑 乌黑 火红 粉嫩 纯白 鲜红 翠绿 大红 金黄".split())


class Chinese(Speaker):
    """Speaks Chinese."""

    language = CHINESE
    glue = "，"

    def request(self, wish: Wish, frame: str = "") -> str:
        """The whole request, as sloppy as requests are, with its marks."""
        chance = self.chance
        frame = frame or self.frame("frames")
        if wish.other:
            frame, said = "{x}", self._other(wish)
            text = said
        else:
            bare = "{b}" in frame
            if bare and not _fits_bare(wish):
                frame, bare = "{x}", False
            text = self._scene(wish, bare)
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
            glue = self.one_of("，", "，", "，", "。", "")
            said = said.rstrip("？。") + glue + self.forbidden(wish)
        if chance.random() < 0.05:
            said += self.frame("tails")
        return self.noisy(self.piece(frame, said))

    def phrase(self, thing: WishedThing, bare: bool = False) -> str:
        """`两只小小的红色的猫`, without the place, marked."""
        if thing.second:
            return self.mixed(thing)
        noun = thing.saying.text
        if thing.colour:
            noun = self.coloured(thing.colour, noun, thing)
        if thing.trait:
            word = self.words(
                "living" if thing.trait in table("scenes")["living"] else "any", thing.trait
            )
            noun = f"{self.state('attribute', thing.trait, word.removesuffix('的'), thing)}的{noun}"
        if thing.part:
            word = self.words("parts", thing.part).removesuffix("的")
            noun = f"{self.state('attribute', thing.part, word, thing)}的{noun}"
        if thing.size:
            noun = self._sized(noun, thing)
        number = self.number(thing.count)
        if not (bare and number in ("一", "1")):
            plain = number.endswith(("些", "多", "群")) or number == "数"
            noun = f"{number}{'' if plain else thing.saying.measure}{noun}"
        if thing.lacks:
            return self.lacking(self.counted(noun, thing), thing)
        words = self.counted(noun, thing)
        if thing.never:
            colour = self.words("colours", thing.never)
            row = ("absent", thing.name, thing.never, "")
            return self.fill(self.frame("not_so"), row, n=words, v=colour)
        if thing.letters:
            written = self.state("text", thing.letters, thing.letters)
            return self.fill(self.frame("text"), n=words, t=written)
        return words

    def coloured(self, colour: str, noun: str, thing: WishedThing | None = None) -> str:
        """A noun with its colour before it, marked."""
        word = self.words("colours", colour)
        full, said = word if word.endswith("色") or word in SHORT_COLOURS else word + "色", word
        if len(word) == 1 and len(unmarked(noun)) < 3:
            return self.state("colour", colour, word, thing) + noun
        if not word.endswith("色") and word not in SHORT_COLOURS:
            said = full
        marked = self.state("colour", colour, said, thing)
        return (
            marked + noun if len(noun) > 1 and self.chance.random() < 0.3 else f"{marked}的{noun}"
        )

    def number(self, count: str) -> str:
        """The number word."""
        if count == SEVERAL:
            return str(pick(self.chance, table("words")[CHINESE]["several"]))
        asked = int(count)
        if asked < 5:
            return str(pick(self.chance, table("words")[CHINESE]["counts"][count]))
        return self.one_of(count, numeral(asked), numeral(asked))

    def forms(self, saying: Wording) -> dict[str, str]:
        """The ways to name a thing that frames have room for."""
        return {"n": saying.text, "p": saying.text, "k": saying.measure or "个"}

    def noisy(self, text: str) -> str:
        """Half-width or lost punctuation, a full stop, an emoji."""
        roll = self.chance.random()
        if roll < 0.12:
            text = text.replace("，", ",")
        elif roll < 0.22:
            text = text.replace("，", " ").replace("、", " ").replace("。", " ")
        elif roll < 0.27:
            text = text.replace("，", "、")
        if self.chance.random() < 0.22 and unmarked(text)[-1:] not in "？！。～?":
            text += self.one_of("。", "。", "！", "!", "～", "~", "...")
        return text + self.frame("emoji") if self.chance.random() < 0.05 else text

    def place(self, thing: WishedThing, place: str) -> str:
        """`左边`, marked."""
        return self.state("place", place, self.words("places", place), thing)

    def style(self, wish: Wish) -> str:
        """The style, marked."""
        return self.state("style", wish.style, self.words("styles", wish.style))

    def where(self, scene: str) -> str:
        """The ground without the preposition, marked."""
        return self.state("scene", scene, self.words("where", scene).removeprefix("在"))

    def light(self, wish: Wish) -> str:
        """The sky or backdrop, marked; nothing where it is open."""
        return (
            self.state("light", wish.light, self.words("light", wish.light)) if wish.light else ""
        )

    def _sized(self, noun: str, thing: WishedThing) -> str:
        short = {"small": "小", "large": "大"}[thing.size]
        alone = not (thing.colour or thing.trait or thing.part) and not noun.startswith(
            ("大", "小", "高")
        )
        if alone and short + noun not in known_words(CHINESE) and self.chance.random() < 0.45:
            return self.state("size", thing.size, short, thing) + noun
        word = self.words("sizes", thing.size).removesuffix("的")
        return f"{self.state('size', thing.size, word, thing)}的{noun}"

    def _scene(self, wish: Wish, bare: bool) -> str:
        """The things, what is around them, and what is said of them afterwards."""
        later = []
        if not bare and self.chance.random() < 0.14:
            later = [clause for thing in wish.things if (clause := self._afterwards(thing))]
        things = self._things(wish, bare) if wish.things else self.view(wish)
        light = self.light(wish)
        after = (
            [light]
            if light and ("背景" in light or "底" in light or self.chance.random() < 0.5)
            else []
        )
        time = light if light and not after else ""
        simple = not wish.how and not any(t.place or t.deed for t in wish.things)
        said, loose = self._at(things, wish, time, simple)
        after = [*loose, *after]
        if wish.weather:
            after.append(self.state("light", wish.weather, self.words("light", wish.weather)))
        if wish.style:
            after.insert(len(after) if self.chance.random() < 0.8 else 0, self.style(wish))
        if after and self.chance.random() < 0.12:
            said, after = self.glue.join([*after, said]), []
        return self.glue.join([said, *after, *later])

    def _at(self, things: str, wish: Wish, time: str, simple: bool) -> tuple[str, list[str]]:
        """The things at their ground and under their sky, and what is left to be said."""
        if not wish.scene or not wish.things:
            if not time:
                return things, []
            if simple and self.chance.random() < 0.5:
                return f"{time}的{things}", []
            return f"{time}{self.one_of('，', '')}{things}", []
        where, of = self.where(wish.scene), "的" if time else ""
        roll = self.chance.random()
        if simple and roll < 0.3:
            return f"{time}{of}{where}有{things}", []
        if simple and roll < 0.55:
            return f"{time}{of}{where}的{things}", []
        if simple and roll < 0.8:
            return f"{things}在{time}{of}{where}", []
        return things, [f"在{time}{of}{where}"]

    def _things(self, wish: Wish, bare: bool) -> str:
        said = [self._one(thing, bare) for thing in wish.things]
        if wish.how:
            row = ("relation", wish.things[0].name, wish.how, wish.things[1].name)
            said[:2] = [self.fill(self.frame("relations", wish.how), row, a=said[0], b=said[1])]
        if len(said) == 1:
            return said[0]
        if wish.how or any(t.place or t.deed for t in wish.things):
            return "，".join([said[0], *(self.one_of("", "还有", "") + p for p in said[1:])])
        return (
            "、".join(said[:-1])
            + str(pick(self.chance, table("words")[CHINESE]["join"]))
            + said[-1]
        )

    def _one(self, thing: WishedThing, bare: bool) -> str:
        words = self.phrase(thing, bare)
        if thing.deed:
            words += self.doing(thing)
        if not thing.place:
            return words
        where = self.place(thing, thing.place)
        frame = self.one_of("{w}有{t}", "{t}在{w}", "{w}是{t}", "{w}{t}", "{t}放在{w}")
        return frame.format(w=where, t=words)

    def doing(self, thing: WishedThing) -> str:
        """What it does, marked."""
        known = table("scenes")["deeds_with" if thing.patient else "deeds"][thing.deed][1]
        words = str(pick(self.chance, known))
        patient = ""
        if thing.patient:
            patient = thing.patient.name
            words = words.replace(
                "{o}", self.phrase(thing.patient, bare=self.chance.random() < 0.4)
            )
        return self.told.mark(words, ("action", thing.name, thing.deed, patient))

    def _afterwards(self, thing: WishedThing) -> str:
        """`猫是红色的`, said apart; the thing itself is then named without it."""
        if not thing.colour or thing.second or thing.never:
            return ""
        frame = self.frame("and_then")
        colour = self.colour_word(thing.colour)
        words = self.state("colour", thing.colour, colour, thing)
        thing.colour = ""
        return self.fill(frame, n=thing.saying.text, v=words)

    def colour_word(self, colour: str) -> str:
        """A word for the colour that can stand alone."""
        word = self.words("colours", colour)
        return (
            word
            if len(word) > 1 and (word.endswith("色") or word in SHORT_COLOURS)
            else word + "色"
        )

    def _other(self, wish: Wish) -> str:
        words = str(pick(self.chance, table("scenes")["other"][wish.other][1]))
        frame = pick(self.chance, table("scenes")["other_frames"][CHINESE])
        said = [self.fill(frame, ("other", "", wish.other, ""), o=words)]
        said += [self.where(wish.scene)] if wish.scene else []
        said += [self.light(wish)] if wish.light else []
        return self.glue.join([*said, *([self.style(wish)] if wish.style else [])])


def numeral(number: int) -> str:
    """`十二` for 12; up to a hundred."""
    if number <= 10:
        return NUMERALS[number]
    tens, ones = divmod(number, 10)
    if tens >= 10:
        return "一百" if number == 100 else str(number)
    tens_said = "" if tens == 1 else "二" if tens == 2 else NUMERALS[tens]
    return f"{tens_said}十{NUMERALS[ones].replace('零', '').replace('两', '二')}"


def _fits_bare(wish: Wish) -> bool:
    several = any(t.count != "1" or t.place for t in wish.things)
    return not (several or wish.how or wish.style)
