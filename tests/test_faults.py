"""Inputs that once went wrong, by kind, and more of each kind: what is asked, and what is not."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from limner.agent.brief.verdict import verdict_of
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, TurnHeard
from limner.agent.records import Brief, Claim, Settings, Verdict
from limner.agent.search.rounds import Rounds
from limner.agent.studio import Studio
from limner.benchmarks.conversations import Slots, slots_of
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.pocket.world import world
from limner.pipelines.registry import open_writer

# --- What of limner's own interfaces these tests use: the one place to mend where they change.


class WorldPainter(FakePainter):
    """Paints stripes in place of what a small world has."""

    def __init__(self, world: Any) -> None:
        super().__init__()
        self.world = world


class WorldCritic(FakeCritic):
    """Knows the words of a small world, and is pleased by everything."""

    def __init__(self, world: Any) -> None:
        super().__init__([[0.99]])
        self.world = world


def studio_of(writer: Any, world: Any = None) -> Studio:
    """A studio that paints stripes, with a critic who is pleased by everything."""
    painter = FakePainter() if world is None else WorldPainter(world)
    critic = FakeCritic([[0.99]]) if world is None else WorldCritic(world)
    return Studio(writer, painter, critic, Settings(images_per_round=2, budget=2.0), Rounds())


@pytest.fixture(scope="module")
def small() -> Studio:
    """The writer that ships, in the small world; no other model that ships."""
    from limner.pipelines.pocket.small_world import SmallWorld

    return studio_of(open_writer("pocket", {}), SmallWorld())


def drafted(studio: Studio, request: str) -> BriefReady:
    """The last event of a draft."""
    return [e for e in studio.expand(request, seed=1) if isinstance(e, BriefReady)][-1]


def verdict_on(studio: Studio, request: str) -> Verdict:
    """What is said of a picture in which the critic finds every claim that it is asked about."""
    best = studio.imagine(request, seed=1).best
    assert best
    return verdict_of(best)


class Talk:
    """A conversation with a session: each line is a turn."""

    def __init__(self, studio: Studio) -> None:
        self.session = Session(studio, 1)
        self.call: Any = None
        self.refused = ""

    def say(self, line: str) -> None:
        """One turn, painted to its end; what can't be done is told in one line, `refused`."""
        self.call, self.refused = None, ""
        try:
            for event in self.session.turn(line):
                self.call = event.call if isinstance(event, TurnHeard) else self.call
        except BadInput as problem:
            self.refused = problem.message

    @property
    def brief(self) -> Brief:
        """That of the version at hand."""
        assert self.session.brief
        return self.session.brief

    @property
    def reply(self) -> str:
        """What was said to the line."""
        return self.brief.reply

    @property
    def versions(self) -> int:
        return len(self.session.tree.versions)

    @property
    def pictures(self) -> int:
        return len(self.session.candidates)


# --- What is looked for. Claims are written as kind/subject/value/object, between semicolons.


def claims_in(text: str) -> Counter[Slots]:
    return Counter(slots_of(part.strip().split("/")) for part in text.split(";") if part.strip())


def asked_in(brief: Brief) -> list[Claim]:
    return [claim for claim in brief.claims if claim.source == "asked"]


def slots(claims: Iterable[Claim]) -> Counter[Slots]:
    return Counter(slots_of((c.kind, c.subject, c.value, c.object)) for c in claims)


def has(words: Iterable[str], wanted: str) -> bool:
    """Whether one of them is that, has it as a part, or is a part of it."""
    low = wanted.lower()
    return any(low in word.lower() or word.lower() in low for word in words if word)


@dataclass(frozen=True)
class Row:
    """A request, and what must come of it.

    `claims` are all that may be asked, but for those of the kinds in `free`. `absent` must be
    excluded, `told` be named as not shown, unchecked or dropped; `quiet` is nobody's wish.
    """

    request: str
    claims: str = ""
    free: tuple[str, ...] = ("absent",)
    absent: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.request.replace("\n", " / ")[:60]


def check(row: Row, brief: Brief) -> None:
    """The brief asks for what the row says and for nothing else."""
    claims = asked_in(brief)
    wanted, got = claims_in(row.claims), slots(claims)
    assert not wanted - got, f"lost: {wanted - got}"
    extra = [slot for slot in got - wanted if not is_free(slot, row)]
    assert not extra, f"made up: {extra}"
    assert all(claim.quote and claim.quote in row.request for claim in claims)
    named = (*brief.not_shown, *brief.unchecked, *brief.dropped)
    assert not [word for word in row.told if not has(named, word)], f"unsaid: {row.told}, {named}"
    assert not [word for word in row.quiet if has(named_wishes(brief), word)]
    for name in row.absent:
        excluded = [*brief.negative, *(c.subject for c in claims if c.kind == "absent")]
        assert has(excluded, name), f"{name} is not excluded"
    check_negative(brief)


def is_free(slot: Slots, row: Row) -> bool:
    """Whether a claim may be there or not: what is named as not shown, or as another colour."""
    values = [part for part in slot[1:] if part]
    told = any(has([word], value) for word in row.told for value in values)
    return slot[0] in row.free or told or any(value.startswith("not ") for value in values)


def named_wishes(brief: Brief) -> tuple[str, ...]:
    return (*brief.not_shown, *brief.unchecked)


def check_negative(brief: Brief) -> None:
    """Nothing that shall be seen is in the negative prompt."""
    shown = [c for c in brief.claims if c.kind != "absent"]
    seen = {part.lower() for c in shown for part in (c.subject, c.value, c.object) if part}
    assert not [term for term in brief.negative if term.lower().rstrip("s") in seen]


def check_unnamed(brief: Brief) -> None:
    """What nobody named appears neither among the claims nor in the prompt: of this world's."""
    shown = [c for c in asked_in(brief) if c.kind != "absent"]
    asked = {c.subject for c in shown} | {c.object for c in shown}
    claimed = {c.subject for c in brief.claims if c.kind in ("object", "count")}
    assert claimed <= asked
    words = set(re.findall(r"[a-z-]+", brief.prompt.lower()))
    things = world().things.values()
    painted = {noun.name for noun in things if {noun.name, noun.plural} & words}
    assert painted <= asked, f"the prompt names {painted - asked}"


# --- A. The syntax of other tools, and numbers that count nothing.

CAT, RED = "count/cat/1", "count/cat/1; colour/cat/red"
PASTED = "\nNegative prompt: dog, balloon\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, "
PASTED_TOO = (
    "\nNegative prompt: (cat:1.2), blurry\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 5.5, "
    "Seed: 77, Size: 640x384, Model: someMix_v4"
)

SYNTAX = [
    Row("a red cat, 4k, 8k uhd", RED, quiet=("4k", "8k", "uhd")),
    Row("a red cat, 35mm photo, f/1.8", RED, ("absent", "style"), quiet=("35mm", "f/1.8")),
    Row("3D render of a cat", CAT, ("absent", "style")),
    Row("a cat with 4 legs", CAT, ("absent", "attribute", "other")),
    Row("(red cat:1.3), grass", f"{RED}; scene//grass", quiet=("1.3",)),
    Row("a red cat <lora:dogSlider_v2:0.8> on the grass", f"{RED}; scene//grass"),
    Row("a red cat --ar 16:9 --v 6", RED, quiet=("16:9",)),
    Row("a red cat BREAK a blue balloon", f"{RED}; count/balloon/1; colour/balloon/blue"),
    Row(f"a red cat{PASTED}Size: 512x512", RED, absent=("dog", "balloon"), quiet=("Euler",)),
    # the rest of the kind
    Row(
        "a blue car, masterpiece, best quality, highres, absurdres",
        "count/car/1; colour/car/blue",
        quiet=("masterpiece", "best quality", "highres"),
    ),
    Row("a rabbit, 16k, ultra hd", "count/rabbit/1", quiet=("16k",)),
    Row("2D drawing of a fish", "count/fish/1", ("absent", "style")),
    Row("a robot with 2 arms", "count/robot/1", ("absent", "attribute", "other")),
    Row("a turtle on the beach, ISO 400, 1/200s", "count/turtle/1; scene//sand", quiet=("1/200",)),
    Row("a mushroom, 3 point lighting", "count/mushroom/1", ("absent", "other")),
    Row("((green apple)), sand", "count/apple/1; colour/apple/green; scene//sand"),
    Row("(a yellow duck:0.9), (night:1.4)", "count/duck/1; colour/duck/yellow; light//night"),
    Row("a turtle in the snow <lora:threeCatsXL:1>", "count/turtle/1; scene//snow"),
    Row("a ghost, embedding:manyFish_v3", "count/ghost/1"),
    Row("a castle at night --ar 2:3 --s 250 --chaos 3", "count/castle/1; light//night"),
    Row("a duck --seed 4 --no cat", "count/duck/1", absent=("cat",)),
    Row(
        "a yellow duck BREAK two red apples",
        "count/duck/1; colour/duck/yellow; count/apple/2; colour/apple/red",
    ),
    Row(
        f"a white rabbit in the snow{PASTED_TOO}",
        "count/rabbit/1; colour/rabbit/white; scene//snow",
        absent=("cat",),
    ),
    Row("1990s photo of a guitar", "count/guitar/1", ("absent", "style")),
    Row("一只红色的猫，8k，超高清", RED, quiet=("8k",)),
    Row("一只有四条腿的狗", "count/dog/1", ("absent", "attribute", "other")),
    Row("一辆蓝色的汽车，3D渲染", "count/car/1; colour/car/blue", ("absent", "style")),
]


@pytest.mark.slow
@pytest.mark.parametrize("row", SYNTAX, ids=str)
def test_the_syntax_of_other_tools_asks_for_nothing(small: Studio, row: Row) -> None:
    brief = drafted(small, row.request).brief
    check(row, brief)
    check_unnamed(brief)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "dropped"),
    [
        ("a red cat <lora:dogSlider_v2:0.8> on the grass", "dogSlider_v2"),
        ("a turtle in the snow <lora:threeCatsXL:1>", "threeCatsXL"),
        ("a red cat --ar 16:9 --v 6", "--v"),
        ("a castle at night --ar 2:3 --chaos 3", "--chaos"),
    ],
)
def test_what_is_understood_and_not_used_is_named(
    small: Studio, request_: str, dropped: str
) -> None:
    assert has(drafted(small, request_).brief.dropped, dropped)


@pytest.mark.parametrize(
    ("request_", "wide"),
    [("a red cat --ar 16:9 --v 6", True), ("a castle --ar 2:3", False)],
)
def test_a_shape_that_was_asked_for_is_painted_or_named(request_: str, wide: bool) -> None:
    best = studio_of(FakeWriter()).imagine(request_, seed=1).best
    assert best
    order, shaped = best.image_request, best.image_request.width != best.image_request.height
    if shaped:
        assert (order.width > order.height) == wide
    assert shaped or has(best.brief.dropped, "--ar")


def test_pasted_settings_are_read() -> None:
    from limner.agent.syntax.reader import parse

    parsed = parse(f"a red cat{PASTED}Size: 512x512")
    assert parsed.seed == 5
    assert {"dog", "balloon"} <= set(parsed.negative)
    assert parsed.text == "a red cat"


# --- B. Negation.

NEGATIONS = [
    Row("a cat, not a dog", CAT, absent=("dog",)),
    Row("a cat but not a dog", CAT, absent=("dog",)),
    Row("a cat instead of a dog", CAT, absent=("dog",)),
    Row("a cat rather than a dog", CAT, absent=("dog",)),
    Row("everything except a dog: a cat", CAT, absent=("dog",)),
    Row("0 dogs and 1 cat", CAT, absent=("dog",)),
    Row("zero cats", "", absent=("cat",)),
    Row("dog-free meadow with a cat", f"{CAT}; scene//grass", absent=("dog",)),
    Row("a cat. Avoid dogs.", CAT, absent=("dog",)),
    Row("a cat and neither dog nor ball", CAT, absent=("dog", "ball")),
    Row("no dogs, only a red cat", RED, absent=("dog",)),
    # the rest of the kind
    Row("a rabbit, no cats please", "count/rabbit/1", absent=("cat",)),
    Row("two apples without a banana", "count/apple/2", absent=("banana",)),
    Row("a street minus the snowman", "scene//street", absent=("snowman",)),
    Row("a duck, never a fish", "count/duck/1", absent=("fish",)),
    Row("anything but a dog: a rabbit", "count/rabbit/1", absent=("dog",)),
    Row("cat-free garden with a dog", "count/dog/1; scene//grass", absent=("cat",)),
    Row("a castle, excluding ghosts", "count/castle/1", absent=("ghost",)),
    Row("no cats, no dogs, just a turtle", "count/turtle/1", absent=("cat", "dog")),
    Row("a car, but leave out the house", "count/car/1", absent=("house",)),
    Row("a tree with no birds or butterflies", "count/tree/1", absent=("bird", "butterfly")),
    Row("I don't want a robot, I want a guitar", "count/guitar/1", absent=("robot",)),
    Row("a sailboat, sans moon", "count/sailboat/1", absent=("moon",)),
    Row("there must not be a sun, only two pines", "count/pine/2", absent=("sun",)),
    Row("一只猫，不要狗", CAT, absent=("dog",)),
    Row("没有狗的草地上有一只猫", f"{CAT}; scene//grass", absent=("dog",)),
    Row("除了狗，画一只猫", CAT, absent=("dog",)),
    Row("一只鸭子，而不是一条鱼", "count/duck/1", absent=("fish",)),
    Row("零只狗和一只猫", CAT, absent=("dog",)),
    Row("画面里别出现气球，只要一个苹果", "count/apple/1", absent=("balloon",)),
    Row("一棵树，既没有鸟也没有蝴蝶", "count/tree/1", absent=("bird", "butterfly")),
]


@pytest.mark.slow
@pytest.mark.parametrize("row", NEGATIONS, ids=str)
def test_what_is_excluded_is_not_asked_for(small: Studio, row: Row) -> None:
    brief = drafted(small, row.request).brief
    check(row, brief)
    check_unnamed(brief)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "claims", "colour"),
    [
        ("a cat that is not red", CAT, "red"),
        ("a cat, no red", CAT, "red"),
        ("a car, any colour but blue", "count/car/1", "blue"),
        ("two rabbits that aren't white", "count/rabbit/2", "white"),
        ("一辆不是红色的汽车", "count/car/1", "red"),
        ("一只猫，不要黑色", CAT, "black"),
    ],
)
def test_a_colour_that_is_excluded_is_not_painted(
    small: Studio, request_: str, claims: str, colour: str
) -> None:
    brief = drafted(small, request_).brief
    check(Row(request_, claims), brief)
    assert colour not in brief.prompt.lower().split()
    excluded = [c.value for c in asked_in(brief) if c.kind == "absent"]
    excluded += [c.value for c in asked_in(brief) if c.value.startswith("not ")]
    assert has([*brief.negative, *excluded], colour) or named_wishes(brief)


# --- C. What can't be shown is said, and then nothing is reached.

UNSHOWN = [
    Row("six cats", "count/cat/6", told=("six",)),
    Row("a dozen red balloons", "count/balloon/12; colour/balloon/red", told=("dozen",)),
    Row("five red cats", "count/cat/5; colour/cat/red", told=("five",)),
    Row("cyberpunk city at night, neon, rain", told=("cyberpunk", "neon"), free=("light", "scene")),
    Row("my logo: a mountain with the letters ABC", told=("logo", "mountain", "ABC")),
    Row("an astronaut riding a horse", told=("astronaut", "horse")),
    Row("a unicorn", told=("unicorn",)),
    Row("a woman with an umbrella", told=("woman", "umbrella")),
    # the rest of the kind
    Row("seven apples on the beach", "count/apple/7; scene//sand", told=("seven",)),
    Row("20 rockets at night", "count/rocket/20; light//night", told=("20",)),
    Row("three cats and three dogs", "count/cat/3; count/dog/3", told=("three",)),
    Row("a dragon on a pile of gold coins", told=("dragon", "coins")),
    Row("a submarine under the moon", "count/moon/1", ("relation",), told=("submarine",)),
    Row("a striped cat", CAT, ("attribute",), told=("striped",)),
    Row("a sleeping dog", "count/dog/1", ("action",), told=("sleeping",)),
    Row("a turquoise car", "count/car/1", ("colour",), told=("turquoise",)),
    Row("a cat behind a house", f"{CAT}; count/house/1", ("relation",), told=("behind",)),
    Row("a poster with the word SALE", told=("poster", "SALE")),
    Row("a rabbit in a kitchen", "count/rabbit/1", ("scene", "relation"), told=("kitchen",)),
    Row("三个宇航员", told=("宇航员",)),
    Row("九只猫", "count/cat/9", told=("九",)),
    Row("一只正在睡觉的狗", "count/dog/1", ("action",), told=("睡觉",)),
    Row("海底的潜水艇", told=("潜水艇",), free=("scene",)),
]


def within(brief: Brief) -> Brief:
    """The brief without claims of things that this world does not have."""
    known = {"", *world().things}
    return replace(brief, claims=tuple(c for c in brief.claims if c.subject in known))


@pytest.mark.slow
@pytest.mark.parametrize("row", UNSHOWN, ids=str)
def test_what_cannot_be_shown_is_said(small: Studio, row: Row) -> None:
    check(row, within(drafted(small, row.request).brief))


@pytest.mark.slow
@pytest.mark.parametrize("row", UNSHOWN, ids=str)
def test_what_cannot_be_shown_is_never_reached(small: Studio, row: Row) -> None:
    seen = verdict_on(small, row.request)
    assert not seen.reached
    assert has([seen.said], row.told[0]) or has((*seen.not_shown, *seen.unchecked), row.told[0])


FOREIGN = [
    ("zwei Hunde im Schnee", "count/dog/2; scene//snow"),
    ("ein rotes Auto bei Nacht", "count/car/1; colour/car/red; light//night"),
    ("deux chats noirs sur la plage", "count/cat/2; colour/cat/black; scene//sand"),
    ("un perro azul y tres manzanas", "count/dog/1; colour/dog/blue; count/apple/3"),
    ("красный воздушный шар", "count/balloon/1; colour/balloon/red"),
    ("雪の中の犬とロケット", "count/dog/1; count/rocket/1; scene//snow"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("request_", "right"), FOREIGN)
def test_other_languages_are_understood_or_said_to_be_unread(
    small: Studio, request_: str, right: str
) -> None:
    brief = drafted(small, request_).brief
    got = slots(asked_in(brief))
    assert not [slot for slot in got - claims_in(right) if slot[0] != "other"]
    assert got == claims_in(right) or named_wishes(brief)
    assert got == claims_in(right) or not verdict_on(small, request_).reached


def test_nothing_is_reached_where_nobody_looked() -> None:
    """The same with a painter of anything: the words that no claim speaks for are named."""
    asked = [{"quote": "at night", "text": "It is night.", "kind": "light", "value": "night"}]
    request = "cyberpunk city at night, neon, rain"
    writer = FakeWriter(replies=(json.dumps({"asked": asked, "prompt": request}),))
    seen = verdict_on(studio_of(writer), request)
    assert not seen.reached
    assert has(seen.unchecked, "neon") and has(seen.unchecked, "cyberpunk")


# --- D. What a line of a conversation does.


@dataclass(frozen=True)
class Turns:
    """Lines; of the last, the tools that are right, and all that is then asked for.

    `claims` None: as they were before. `number` is the candidate or version that is meant. `free`
    are kinds of claims that may be there besides.
    """

    lines: tuple[str, ...]
    tools: tuple[str, ...]
    claims: str | None = None
    number: int | None = None
    free: tuple[str, ...] = ("absent",)

    def __str__(self) -> str:
        return " / ".join(self.lines)[-70:]


def t(*lines: str, to: str, claims: str | None = None, number: int | None = None) -> Turns:
    """A row of the table: the last line leads to one of these tools, between spaces."""
    return Turns(lines, tuple(to.split()), claims, number)


HOUSE = "count/house/1; colour/house/pink"
PAIR = "count/cat/1; colour/cat/{}; count/balloon/1; colour/balloon/{}"
BALL = "count/cat/1; count/football/1; colour/football/red"
MEADOW = "count/cat/1; colour/cat/red; scene//{}; light//night"

HEARD = [
    *(
        t("a red cat", line, to="select", number=number)
        for line, number in {
            "pick 2": 2, "go with the 2nd": 2, "the first one please": 1, "I like the second": 2,
            "option 1": 1, "2": 2, "number two it is": 2, "let's take the 1st": 1,
            "I prefer picture 2": 2, "#1": 1, "the last one": -1,
        }.items()
    ),
    *(
        t("一只红色的猫", line, to="select", number=number)
        for line, number in {"第二张": 2, "我喜欢第一张": 1, "就选2号": 2, "用第二个吧": 2}.items()
    ),
    t("a red cat", "#1 and #2 combined", to="ask answer refused"),
    t("a red cat", "the ninth one", to="ask answer refused"),
    t("a red cat", "take number 40", to="ask answer refused"),
    t("一只红色的猫", "第九张", to="ask answer refused"),
    t("a red cat on grass", "I don't want grass", to="edit", claims=RED),
    t("a red cat on grass", "lose the lawn", to="edit", claims=RED),
    t("a red cat", "make it not red", to="edit", claims=CAT),
    t("a blue car at night", "it shouldn't be blue", to="edit", claims="count/car/1; light//night"),
    t("two cats", "double them", to="edit", claims="count/cat/4"),
    t("three cats", "only one", to="edit", claims=CAT),
    t("four apples", "half as many", to="edit", claims="count/apple/2"),
    t("two cats", "three instead", to="edit", claims="count/cat/3"),
    t("two rabbits", "one more", to="edit", claims="count/rabbit/3"),
    t("三只兔子", "少一只", to="edit", claims="count/rabbit/2"),
    t("两只猫", "改成三只", to="edit", claims="count/cat/3"),
    t(
        "a cat left of a dog", "swap them", to="edit",
        claims="count/cat/1; count/dog/1; relation/dog/left of/cat",
    ),
    t("a cat", "now the cat should be large", to="edit", claims=f"{CAT}; size/cat/large"),
    t("a large robot", "shrink it", to="edit", claims="count/robot/1; size/robot/small"),
    t(
        "a red cat and a blue dog", "swap their colours", to="edit",
        claims="count/cat/1; colour/cat/blue; count/dog/1; colour/dog/red",
    ),
    t(
        "一只红猫和一只蓝狗", "它们的颜色换一下", to="edit",
        claims="count/cat/1; colour/cat/blue; count/dog/1; colour/dog/red",
    ),
    t(
        "a red cat on grass at night", "change the background to snow", to="edit",
        claims=MEADOW.format("snow"),
    ),
    t("a red cat on grass at night", "on sand instead", to="edit", claims=MEADOW.format("sand")),
    t("草地上有一只红猫，夜晚", "地面换成雪地", to="edit", claims=MEADOW.format("snow")),
    t("a cat", "add a red ball", to="edit", claims=BALL),
    t("a cat", "add a red ball", "remove the ball", to="edit", claims=CAT),
    t("a house", "add a boat", "take the boat out again", to="edit undo", claims="count/house/1"),
    t(
        "a cat", "add a red ball", "remove the ball", "go back to the version with the ball",
        to="back_to undo", claims=BALL,
    ),
    t("a cat", "make it black", "make it white", "back to version 1", to="back_to", claims=CAT),
    t(
        "a pink house", "something completely different: three ducks on the sea",
        to="draw", claims="count/duck/3; scene//sea",
    ),
    t("a pink house", "scrap that, draw two rockets", to="draw", claims="count/rocket/2"),
    t("一座粉色的房子", "换一个主题：海上的三只鸭子", to="draw", claims="count/duck/3; scene//sea"),
    *(
        t("a pink house", line, to="answer")
        for line in (
            "what did you change?", "why do you think the house is pink?", "ok", "thanks", "help",
            "is that a house?", "which things are in the picture?", "cool", "who are you?",
            "thank you so much, it's lovely",
        )
    ),
    *(
        t("一座粉色的房子", line, to="answer")
        for line in ("你改了什么？", "为什么房子是粉色的？", "谢谢", "好的", "画里有几座房子？")
    ),
    t("a pink house", "clear", to="answer ask refused"),
    t("a pink house", "save it", to="save"),
    t("a pink house", "keep this one on disk please, save", to="save"),
    t("一座粉色的房子", "保存吧", to="save"),
    t(
        "a cat and a balloon", "the cat green and the balloon red", to="edit",
        claims=PAIR.format("green", "red"),
    ),
    t(
        "a red cat and a red balloon", "night and the balloon green", to="edit",
        claims=PAIR.format("red", "green") + "; light//night",
    ),
    t(
        "a white cat and a red balloon", "cat black, balloon yellow", to="edit",
        claims=PAIR.format("black", "yellow"),
    ),
    t(
        "一只白猫和一个红气球", "猫要黑的，气球要黄的", to="edit",
        claims=PAIR.format("black", "yellow"),
    ),
    t("a cat", "make it black", "undo", to="undo", claims=CAT),
    t("a cat", "make it black", "undo", "redo", to="redo", claims=f"{CAT}; colour/cat/black"),
    t("a pink house", "try again", to="draw", claims=HOUSE),
    t("a pink house", "a little brighter", to="adjust", claims=HOUSE),
    t("a red cat", "the second one, but at night", to="select edit", claims=f"{RED}; light//night"),
]  # fmt: skip

STILL = {"answer", "ask", "save", "select", "adjust", "undo", "redo", "back_to"}
"""What these do makes no version."""


@pytest.mark.slow
@pytest.mark.parametrize("row", HEARD, ids=str)
def test_a_line_does_what_it_says(small: Studio, row: Turns) -> None:
    talk = Talk(small)
    for line in row.lines[:-1]:
        talk.say(line)
    before, versions, pictures = talk.brief, talk.versions, talk.pictures
    talk.say(row.lines[-1])
    if "refused" not in row.tools or not talk.refused:
        assert talk.call.tool in row.tools
    wanted = slots(asked_in(before)) if row.claims is None else claims_in(row.claims)
    got = slots(asked_in(talk.brief))
    assert not wanted - got, f"lost: {wanted - got}"
    extra = [slot for slot in got - wanted if slot[0] not in row.free]
    assert not [slot for slot in extra if not any(part.startswith("not ") for part in slot)]
    if talk.call.tool in STILL and talk.call.then is None:
        assert talk.versions == versions
        assert talk.call.tool == "adjust" or talk.pictures == pictures
    if row.number is not None:
        assert talk.call.candidate in (row.number, row.number % (pictures + 1))
    check_negative(talk.brief)
    if talk.call.tool in ("edit", "draw"):
        check_reply(talk, before, row.lines[-1])


def check_reply(talk: Talk, before: Brief, line: str) -> None:
    """A reply speaks of what was said, of what was there, and of what is there now: no more."""
    reply = talk.reply.lower()
    if slots(asked_in(before)) != slots(asked_in(talk.brief)):
        assert "left everything" not in reply
    known = line.lower().split() + [
        word for brief in (before, talk.brief) for c in brief.claims for word in c.text.split()
    ]
    stems = {re.sub(r"\W", "", word.lower()).rstrip("s") for word in known}
    vocabulary = {*world().things, *world().colours, "pastel", "pixel"}
    named = {word.rstrip("s") for word in re.findall(r"[a-z]+", reply)} & vocabulary
    heard = slots(asked_in(talk.brief))
    assert named <= stems | {part for slot in heard for part in slot}


# --- E. A writer's reply is read for what it is.

TWO = {"quote": "two cats", "text": "There are two cats.", "kind": "count"}
ON = {"quote": "on a mat", "text": "The cats are on a mat.", "kind": "relation"}
ASKED = [
    {**TWO, "subject": "cat", "value": "2"},
    {**ON, "subject": "cat", "value": "on", "object": "mat"},
]
REQUEST = "two cats on a mat"
PROMPT = "Two cats rest on a woven mat."
REPLY = json.dumps({"asked": ASKED, "prompt": PROMPT})
ARGUMENTS = json.dumps({"name": "draw", "arguments": {"asked": ASKED, "prompt": PROMPT}})
CALLED = {"tool_calls": [{"type": "function", "function": {"name": "draw", "arguments": REPLY}}]}
EMPTY = '{"asked": [], "prompt": ""}'

READ = {
    "as it should be": REPLY,
    "reasoning": f"<think>The user wants cats.</think>{REPLY}",
    "reasoning with an object in it": f"<think>maybe {EMPTY} or so</think>{REPLY}",
    "reasoning whose beginning is missing": f"cats {EMPTY}\n</think>\n{REPLY}",
    "other tags of reasoning": f"<thinking>{EMPTY}</thinking>\n{REPLY}",
    "prose around": f"Sure! Here is the brief:\n{REPLY}\nAnything else?",
    "a fence": f"```json\n{REPLY}\n```",
    "trailing commas": REPLY.replace("}]", "},]").replace('."}', '.",}'),
    "single quotes": REPLY.replace('"', "'"),
    "line comments": REPLY.replace('"prompt"', '// the prompt\n"prompt"'),
    "block comments": REPLY.replace('"prompt"', '/* what to paint */ "prompt"'),
    "a number as a number": REPLY.replace('"value": "2"', '"value": 2'),
    "a number as a word": REPLY.replace('"value": "2"', '"value": "two"'),
    "a bare newline in a text": REPLY.replace("rest on", "rest\non"),
    "wrapped in an object": json.dumps({"brief": {"asked": ASKED, "prompt": PROMPT}}),
    "wrapped in a list": f"[{REPLY}]",
    "arguments of a call": ARGUMENTS,
    "arguments of a call as text": json.dumps({"name": "draw", "arguments": REPLY}),
    "a call as servers write it": json.dumps(CALLED),
    "a call in tags": f"<tool_call>\n{ARGUMENTS}\n</tool_call>",
    "keys that nobody asked for": json.dumps({"mood": 1, "asked": ASKED, "prompt": PROMPT}),
    "null for what is empty": REPLY[:-1] + ', "negative": null, "reply": null}',
    "a mark of byte order": f"\ufeff{REPLY}",
}


def quoted_curly() -> str:
    """The reply with “curly” marks, each pair round a text."""
    at = iter("“”" * REPLY.count('"'))
    return "".join(next(at) if sign == '"' else sign for sign in REPLY)


@pytest.mark.parametrize("said", [*READ.values(), quoted_curly()], ids=[*READ, "curly quotes"])
def test_a_reply_is_read_leniently(said: str) -> None:
    ready = drafted(studio_of(FakeWriter(replies=(said,))), REQUEST)
    assert slots(asked_in(ready.brief)) == claims_in("count/cat/2; relation/cat/on/mat")
    assert " ".join(ready.brief.prompt.split()) == PROMPT
    assert ready.fallback == ""
    assert ready.brief.unchecked == ()


def test_statements_without_their_keys_are_read_too() -> None:
    said = json.dumps({"asked": ["two cats", "on a mat"], "prompt": PROMPT})
    ready = drafted(studio_of(FakeWriter(replies=(said,))), REQUEST)
    assert ready.fallback == ""
    assert {"two cats", "on a mat"} <= {claim.quote for claim in asked_in(ready.brief)}


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, I can't do that.",
        "",
        f"<think>{EMPTY}</think>",
        "{" * 5_000,
        "null",
        '{"asked": 3}',
        '{"prompt": {"a": 1}}',
    ],
    ids=lambda said: said[:30] or "nothing",
)
def test_a_reply_that_says_nothing_is_named(said: str) -> None:
    ready = drafted(studio_of(FakeWriter(replies=(said,))), REQUEST)
    assert ready.fallback
    assert asked_in(ready.brief)
    assert ready.brief.prompt == REQUEST


@pytest.mark.parametrize(
    "made_up",
    [
        {"quote": "a dog", "text": "There is a dog.", "kind": "object", "subject": "dog"},
        {"quote": "", "text": "The cats are red.", "kind": "colour", "value": "red"},
        {"quote": "two cats", "text": "There are three cats.", "kind": "count", "value": "3"},
    ],
    ids=["a quote that nobody typed", "no quote", "another number"],
)
def test_what_nobody_asked_for_is_not_asked(made_up: dict[str, str]) -> None:
    said = json.dumps({"asked": [*ASKED, made_up], "prompt": PROMPT})
    brief = drafted(studio_of(FakeWriter(replies=(said,))), REQUEST).brief
    assert made_up["text"] not in [claim.text for claim in asked_in(brief)]
    assert slots(asked_in(brief)) == claims_in("count/cat/2; relation/cat/on/mat")


# --- F. Any request, any writer: nothing of the small world.


def repeated(request: str) -> Brief:
    """The brief where the writer only says the request once more."""
    said = json.dumps({"asked": [], "prompt": request})
    return drafted(studio_of(FakeWriter(replies=(said,))), request).brief


OPEN = [
    "portrait of a woman in a field of lavender at dawn",
    "the city glowing at golden hour",
    "an astronaut on the lunar surface, Earth rising",
    "two fishermen mending nets",
    "an oil painting of an old fisherman at dawn",
    "cyberpunk city at night, neon, rain",
    "a fox reading a book under a street lamp",
    "my logo: a mountain with the letters ABC",
    "an astronaut riding a horse",
    "a woman with an umbrella",
    "zwei Hunde im Schnee",
    # the rest of the kind
    "three geese beside a frozen canal, gouache",
    "five women in saris cooking over an open fire",
    "a sheep among wolves, charcoal drawing",
    "dusk over a salt flat, a lone cyclist",
    "a child's birthday in 1970s Lagos, snapshot",
    "two oxen ploughing, mist, early morning",
    "a violinist on a balcony after the storm",
    "art nouveau poster of a glass of absinthe",
    "夜里的码头，两个渔民在修网",
    "雨上がりの路地、赤い傘の少女",
]
FRAME = frozenset(
    "there that this picture shows image scene several can be read text with and the are is a an "
    "one two three five style has have not from".split()
)


@pytest.mark.parametrize("request_", OPEN)
def test_nothing_is_named_that_was_not_asked(request_: str) -> None:
    brief = repeated(request_)
    claims = asked_in(brief)
    assert claims
    assert request_ in brief.prompt
    assert all(claim.quote in request_ for claim in claims)
    typed = set(re.findall(r"[^\W\d_]+", request_.lower()))
    for word in (w for c in claims for w in re.findall(r"[^\W\d_]+", c.text.lower())):
        same = [w for w in typed if w.startswith(word[:3]) or word in w or w in word]
        assert word in FRAME or same, f"{word} in {[c.text for c in claims]}"


@pytest.mark.parametrize("request_", OPEN)
def test_foils_are_of_no_toy(request_: str) -> None:
    brief = repeated(request_)
    foils = " ".join(foil for claim in brief.claims for foil in claim.foils).lower()
    for word in ("pixel art", "pastel", "the sky shows", "backdrop", "on sand", "fishermans"):
        assert word in request_ or word not in foils + " ".join(c.text for c in brief.claims)
    assert not brief.negative


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ("two fishermen mending nets", "count/fisherman/2"),
        ("six cats", "count/cat/6"),
        ("three geese beside a frozen canal", "count/goose/3"),
        ("five women in saris", "count/woman/5"),
        ("a dozen wolves in the snow", "count/wolf/12"),
        ("two oxen ploughing", "count/ox/2"),
    ],
)
def test_numbers_are_kept_whatever_the_writer_does(request_: str, count: str) -> None:
    brief = repeated(request_)
    assert not claims_in(count) - slots(asked_in(brief))
    assert "mans." not in " ".join(claim.text for claim in brief.claims)


KEPT = [
    ("a lighthouse at dawn", "at dawn", "It is dawn.", "light", "", "dawn"),
    ("the city at golden hour", "golden hour", "It is golden hour.", "light", "", "golden hour"),
    ("an oil painting of a barn", "oil painting", "It is an oil painting.", "style", "", "oil"),
    ("a kitchen with a stove", "a kitchen", "The scene is a kitchen.", "scene", "", "kitchen"),
    ("an ochre scarf", "ochre", "The scarf is ochre.", "colour", "scarf", "ochre"),
]


@pytest.mark.parametrize(("request_", "quote", "text", "kind", "subject", "value"), KEPT)
def test_what_a_writer_quotes_stays_as_it_is(
    request_: str, quote: str, text: str, kind: str, subject: str, value: str
) -> None:
    asked = {"quote": quote, "text": text, "kind": kind, "subject": subject, "value": value}
    said = json.dumps({"asked": [asked], "prompt": f"{request_}, in much detail"})
    brief = drafted(studio_of(FakeWriter(replies=(said,))), request_).brief
    kept = [c for c in asked_in(brief) if c.quote == quote]
    assert [(c.text, c.kind, c.value) for c in kept] == [(text, kind, value)]
    assert all(foil != text for claim in kept for foil in claim.foils)


@pytest.mark.parametrize(
    ("request_", "excluded"),
    [
        ("a street in Lisbon, no cars", "car"),
        ("a park without people", "people"),
        ("a piano, not a guitar", "guitar"),
        ("crowd-free beach at noon", "crowd"),
        ("a forest with neither roads nor houses", "road"),
        ("一条没有汽车的街道", "汽车"),
    ],
)
def test_exclusions_hold_with_any_writer(request_: str, excluded: str) -> None:
    brief = repeated(request_)
    absent = [c for c in asked_in(brief) if c.kind == "absent"]
    assert has([part for c in absent for part in (c.subject, c.value, c.quote)], excluded)
    seen: Sequence[Claim] = [c for c in asked_in(brief) if c.kind in ("object", "count")]
    assert not [claim for claim in seen if claim.subject == excluded]
    check_negative(brief)


@pytest.mark.parametrize(
    ("request_", "gone"),
    [
        ("a lighthouse, 4k, 8k uhd, masterpiece", ("4k", "8k", "masterpiece")),
        ("(a lighthouse:1.3), storm", ("1.3", "(")),
        ("a lighthouse <lora:ships_v2:0.8>", ("ships_v2", "<")),
        ("a lighthouse --ar 16:9 --v 6", ("16:9", "--v")),
        ("a lighthouse BREAK a storm", ("BREAK",)),
        (f"a lighthouse{PASTED}Size: 512x512", ("Euler", "512", "Steps")),
    ],
)
def test_the_syntax_of_other_tools_reaches_no_claim(request_: str, gone: tuple[str, ...]) -> None:
    brief = repeated(request_)
    said = " ".join([*(c.text for c in brief.claims), *named_wishes(brief)])
    assert "lighthouse" in said
    assert not [part for part in gone if part in said]
    assert not [c for c in brief.claims if c.kind == "count" and c.value not in ("", "1")]
