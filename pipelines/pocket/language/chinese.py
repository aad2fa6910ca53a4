"""A request as people type it in Chinese."""

from __future__ import annotations

from limner.pipelines.pocket.language.annotated_text import bare as unmarked
from limner.pipelines.pocket.language.lexicon import CHINESE, Wording, known_words, pick, table
from limner.pipelines.pocket.language.scene_requests import RequestedThing, SceneRequest
from limner.pipelines.pocket.language.speaker import Speaker

NUMERALS = "零一两三四五六七八九十"
SHORT_COLOURS = frozenset("雪白 漆黑 乌黑 火红 粉嫩 纯白 鲜红 翠绿 大红 金黄".split())


class Chinese(Speaker):
    """Speaks Chinese."""

    language = CHINESE
    glue = "，"
    question_marks = "？。"
    joints = ("，", "，", "，", "。", "")

    def phrase(self, thing: RequestedThing, bare: bool = False) -> str:
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
        return self.never_so(words, thing) if thing.never else self.lettered(words, thing)

    def coloured(self, colour: str, noun: str, thing: RequestedThing | None = None) -> str:
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

    def numeral(self, count: int) -> str:
        """A number word from five on, or the figure."""
        return self.one_of(str(count), numeral(count), numeral(count))

    def suffered(self, thing: RequestedThing) -> str:
        """What something is done to, marked."""
        return self.phrase(thing, bare=self.chance.random() < 0.4)

    def around(self, wanted: SceneRequest) -> list[str]:
        """What is around the things, marked."""
        said = [self.where(wanted.scene)] if wanted.scene else []
        said += [self.light(wanted)] if wanted.light else []
        return [*said, *([self.style(wanted)] if wanted.style else [])]

    def fits_bare(self, wanted: SceneRequest) -> bool:
        """Whether it can be said in a few bare words."""
        several = any(t.count != "1" or t.place for t in wanted.things)
        return not (several or wanted.how or wanted.style)

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

    def where(self, scene: str) -> str:
        """The ground without the preposition, marked."""
        return self.state("scene", scene, self.words("where", scene).removeprefix("在"))

    def light(self, wanted: SceneRequest) -> str:
        """The sky or backdrop, marked; nothing where it is open."""
        light = wanted.light
        return self.state("light", light, self.words("light", light)) if light else ""

    def _sized(self, noun: str, thing: RequestedThing) -> str:
        short = {"small": "小", "large": "大"}[thing.size]
        alone = not (thing.colour or thing.trait or thing.part) and not noun.startswith(
            ("大", "小", "高")
        )
        if alone and short + noun not in known_words(CHINESE) and self.chance.random() < 0.45:
            return self.state("size", thing.size, short, thing) + noun
        word = self.words("sizes", thing.size).removesuffix("的")
        return f"{self.state('size', thing.size, word, thing)}的{noun}"

    def scene(self, wanted: SceneRequest, bare: bool) -> str:
        """The things, what is around them, and what is said of them afterwards."""
        later = []
        if not bare and self.chance.random() < 0.14:
            later = [clause for thing in wanted.things if (clause := self._afterwards(thing))]
        things = self._things(wanted, bare) if wanted.things else self.view(wanted)
        light = self.light(wanted)
        after = (
            [light]
            if light and ("背景" in light or "底" in light or self.chance.random() < 0.5)
            else []
        )
        time = light if light and not after else ""
        simple = not wanted.how and not any(t.place or t.deed for t in wanted.things)
        said, loose = self._at(things, wanted, time, simple)
        after = [*loose, *after]
        if wanted.weather:
            after.append(self.state("light", wanted.weather, self.words("light", wanted.weather)))
        if wanted.style:
            after.insert(len(after) if self.chance.random() < 0.8 else 0, self.style(wanted))
        if after and self.chance.random() < 0.12:
            said, after = self.glue.join([*after, said]), []
        return self.glue.join([said, *after, *later])

    def _at(
        self, things: str, wanted: SceneRequest, time: str, simple: bool
    ) -> tuple[str, list[str]]:
        """The things at their ground and under their sky, and what is left to be said."""
        if not wanted.scene or not wanted.things:
            if not time:
                return things, []
            if simple and self.chance.random() < 0.5:
                return f"{time}的{things}", []
            return f"{time}{self.one_of('，', '')}{things}", []
        where, of = self.where(wanted.scene), "的" if time else ""
        roll = self.chance.random()
        if simple and roll < 0.3:
            return f"{time}{of}{where}有{things}", []
        if simple and roll < 0.55:
            return f"{time}{of}{where}的{things}", []
        if simple and roll < 0.8:
            return f"{things}在{time}{of}{where}", []
        return things, [f"在{time}{of}{where}"]

    def _things(self, wanted: SceneRequest, bare: bool) -> str:
        said = [self._one(thing, bare) for thing in wanted.things]
        if wanted.how:
            row = ("relation", wanted.things[0].name, wanted.how, wanted.things[1].name)
            said[:2] = [self.fill(self.frame("relations", wanted.how), row, a=said[0], b=said[1])]
        if len(said) == 1:
            return said[0]
        if wanted.how or any(t.place or t.deed for t in wanted.things):
            return "，".join([said[0], *(self.one_of("", "还有", "") + p for p in said[1:])])
        return (
            "、".join(said[:-1])
            + str(pick(self.chance, table("words")[CHINESE]["join"]))
            + said[-1]
        )

    def _one(self, thing: RequestedThing, bare: bool) -> str:
        words = self.phrase(thing, bare)
        if thing.deed:
            words += self.doing(thing)
        if not thing.place:
            return words
        where = self.place(thing, thing.place)
        frame = self.one_of("{w}有{t}", "{t}在{w}", "{w}是{t}", "{w}{t}", "{t}放在{w}")
        return frame.format(w=where, t=words)

    def _afterwards(self, thing: RequestedThing) -> str:
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


def numeral(number: int) -> str:
    """`十二` for 12; up to a hundred."""
    if number <= 10:
        return NUMERALS[number]
    tens, ones = divmod(number, 10)
    if tens >= 10:
        return "一百" if number == 100 else str(number)
    tens_said = "" if tens == 1 else "二" if tens == 2 else NUMERALS[tens]
    return f"{tens_said}十{NUMERALS[ones].replace('零', '').replace('两', '二')}"
