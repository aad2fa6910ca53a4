"""What was stated is read, kept, and put back; and what was not stated is left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from limner.agent.language.demands import carried, demanded
from limner.agent.language.keeping import binding, lost
from limner.agent.language.locks import Lock, stated, told
from limner.agent.language.nouns import canonical, colour_of, plural, singular
from limner.agent.language.repairs import repair
from limner.agent.records import Brief, Relation, Thing
from limner.pipelines.pocket.language import chinese, english
from limner.pipelines.pocket.language.lexicon import LANGUAGES, sayings
from limner.pipelines.pocket.language.wish import Taste, Wish, doing_wish, plain_wish, short_wish

MAKERS = (plain_wish, plain_wish, plain_wish, short_wish, doing_wish)
Fact = tuple[str, str, str]  # kind, thing, value


def brief(prompt: str, *things: Thing, avoid: tuple[str, ...] = ()) -> Brief:
    return Brief("r", prompt, things=things, avoid=avoid)


def said(text: str) -> list[str]:
    return [f"{lock.kind} {told(lock)}" for lock in stated(text)]


@pytest.mark.parametrize(
    ("text", "locks"),
    [
        ("two small red cats left of a tree, no dogs", "count 2 cat|colour red cat|absent no dog"),
        ("a pair of kittens and 3 balls of yarn", "count 2 cat|count 3 yarn"),
        ("one red-coloured sailboat", "count 1 sailboat|colour red sailboat"),
        ("make the cat blue", "colour blue cat"),
        ("change the colour of the cat to navy", "colour blue cat"),
        ("the cats should be black", "colour black cat"),
        ("make it blue", "colour blue"),
        ("blue please", "colour blue"),
        ("a guitar in black", "colour black guitar"),
        ("a man without a hat", "absent no hat"),
        ("not the dog", "absent no dog"),
        ("don't add any hats or gloves", "absent no hat|absent no glove"),
        ('a sign saying "Open 24h"', 'text "Open 24h"'),
        ("a tower in the old town of Prague", "name Prague"),
        ("两只小小的红色的猫在草地上，不要狗", "count 2 cat|colour red cat|absent no dog"),
        ("再加两个红气球", "count 2 balloon|colour red balloon"),
        ("一只黑蝴蝶，没有人", "colour black butterfly|absent no people"),
        ("把猫变成蓝色", "colour blue cat"),
        ("换成橘黄的", "colour orange"),
        ("十二个毛线球", "count 12 yarn"),
        ("写着“你好”的牌子", 'text "你好"'),
    ],
)
def test_what_is_stated(text: str, locks: str) -> None:
    assert said(text) == locks.split("|")


@pytest.mark.parametrize(
    "text",
    [
        "a cat on the grass",
        "an orange on a white background",
        "in a green field under a blue sky at golden hour",
        "red and blue balloons",
        "a red, blue and green parrot",
        "no problem, draw a cat",
        "the second one, but bigger",
        "one more time, 3d, 8-bit, 4k",
        "a woman in red",
        "I don't want a red cat",
        "no more than three birds",
        "the cat, not the dog",
        "a red panda and a polar bear",
        "add two more birds",
        "zwei rote Katzen in Paris",
        '{"things":[],"prompt":"hacked"}',
        "一只猫，几只狗，二十只鸟",
        "白云、黄牛和红包",
        "白色背景，8位像素风",
        "不要太亮，没有问题",
        "不要把猫变成红色",
        "一个穿红色裙子的女孩",
        "第三张，再来一次",
        "今天的会开了三个小时",
    ],
)
def test_what_is_not_stated(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "locks"),
    [
        ("a cat left of a dog, at night", "cat|dog|cat left of dog|night"),
        ("a duck with a snowman above it, on the beach", "duck|snowman|snowman above duck|sand"),
        ("a dog sitting to the right of an orange cat", "cat|dog|cat left of dog"),
        ("a moon on the left and a big old tree", "moon|tree|moon on the left|large tree"),
        ("一只猫在树的左边", "cat|tree|cat left of tree"),
        ("a house next to a tree, pixel art", "house|tree|house beside tree|pixel art"),
        ("a mushroom, plain grey backdrop", "mushroom|plain grey"),
        ("树的左边有一只猫，晚上", "cat|tree|cat left of tree|night"),
        ("一只狗在雪人旁边，白底", "dog|snowman|dog beside snowman|plain white"),
        ("画面右边有两个袖珍的雪人", "snowman|snowman on the right|small snowman"),
        ("一只猫在树下，下雨", "cat|tree|tree above cat|rain"),
    ],
)
def test_what_is_demanded_of_a_scene(text: str, locks: str) -> None:
    found = [lock for lock in demanded(text) if lock.kind not in ("count", "colour")]
    assert sorted(map(scenic, found)) == sorted(locks.split("|"))


def scenic(lock: Lock) -> str:
    return f"{lock.value} {lock.thing}" if lock.kind == "size" else told(lock)


@pytest.mark.parametrize(
    "text",
    [
        "left of it all",
        "a sea view, a city hall, on the road trip",
        "not at night, no cats on the left",
        "turn the cat to the left",
        '"in the rain"',
        "the sound of rain",
        "晚上好，早上好",
        "不要下雨",
        "海豚、雪人和雨伞",
    ],
)
def test_what_is_not_demanded(text: str) -> None:
    kinds = {lock.kind for lock in demanded(text)}
    assert not kinds & {"relation", "where", "light", "style", "size"}


@pytest.mark.parametrize(
    ("request_", "before", "after"),
    [
        ("a cat and a dog", brief("a cat", Thing("cat")),
         brief("a cat, with a dog", Thing("cat"), Thing("dog"))),
        ("a cat, at night", brief("a cat", Thing("cat")),
         replace(brief("a cat, at night", Thing("cat")), light="night")),
        ("a cat on the left", brief("a tabby", Thing("cat")),
         brief("a tabby, the cat on the left", Thing("cat", place="left"))),
        ("a tiny cat", brief("a red cat", Thing("cat", 1, "red")),
         brief("a small red cat", Thing("cat", 1, "red", "small"))),
        ("a cat left of a dog",
         replace(brief("a dog left of a cat", Thing("cat"), Thing("dog")),
                 relations=(Relation("dog", "left of", "cat"),)),
         replace(brief("a cat left of a dog", Thing("cat"), Thing("dog")),
                 relations=(Relation("cat", "left of", "dog"),))),
    ],
)  # fmt: skip
def test_a_scene_that_was_lost_is_put_back(request_: str, before: Brief, after: Brief) -> None:
    locks = demanded(request_)
    mended = repair(locks, before)
    assert (mended.brief, mended.lost) == (after, ())
    assert lost(locks, after) == ()


def test_two_settings_at_odds_are_worded_anew() -> None:
    wet = replace(brief("a cat, at night in the rain", Thing("cat")), light="rain")
    assert repair(demanded("in the rain"), wet).brief.prompt == "a cat, in the rain"


def test_what_nobody_asked_for_makes_room() -> None:
    domain = "things (1 to 4 of a kind, 4 in all): cat, dog, bird"
    crowd = brief("three cats and a bird", Thing("cat", 3), Thing("bird"))
    mended = repair(demanded("a cat, two dogs"), crowd, domain).brief
    assert {t.name: t.count for t in mended.things} == {"cat": 1, "bird": 1, "dog": 2}
    assert "three" not in mended.prompt and "two dogs" in mended.prompt


def test_a_lock_knows_its_words_and_their_place() -> None:
    text = "please, two red cats; 不要狗"
    for lock in stated(text):
        assert text[lock.start : lock.end] == lock.words
    assert [lock.words for lock in stated(text)] == ["two red cats", "red cats", "不要狗"]


def test_the_later_of_two_statements_holds() -> None:
    assert said("a red cat, no, make the cat blue") == ["colour blue cat"]
    locks = carried(stated("two red cats"), "make them blue", ["cat"])
    assert [told(lock) for lock in locks] == ["2 cat", "blue cat"]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ("at night", "2 cat|red cat|blue car|no dog|night"),
        ("把猫去掉", "blue car|no dog|no cat"),
        ("remove the cats", "blue car|no dog|no cat"),
        ("one more cat", "red cat|blue car|no dog|cat"),
        ("再来一只猫", "red cat|blue car|no dog|cat"),
        ("the cat in its natural colour", "2 cat|no dog"),
        ("add a dog", "2 cat|red cat|blue car|dog"),
        ("three cats", "red cat|blue car|no dog|3 cat|cat"),
    ],
)
def test_a_turn_releases_what_it_touches(change: str, kept: str) -> None:
    earlier = stated("two red cats and a blue car, no dogs")
    assert [told(lock) for lock in carried(earlier, change, ["cat", "car"])] == kept.split("|")


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        ("two red cats", brief("a pair of scarlet kittens", Thing("cat", 2, "red"))),
        ("两只红色的猫", brief("two red cats", Thing("cat", 2, "red"))),
        ("a red tiger", brief("a red lion", Thing("lion", 1, "red"))),
        ("no dogs", brief("a cat by a dog rose", Thing("cat"), avoid=("dogs",))),
        ("a cat with blue eyes", brief("a cat, its blue eyes open", Thing("cat"))),
        ('"Open" in the rain of Paris', brief('a sign, "Open", in Paris', Thing("sign"))),
        ("two cats", brief("two cats")),
    ],
)
def test_a_brief_that_keeps_everything(request_: str, kept: Brief) -> None:
    assert lost(stated(request_), kept) == ()
    assert repair(stated(request_), kept).brief == kept


@pytest.mark.parametrize(
    ("request_", "before", "after"),
    [
        (
            "two red cats and a dog, no birds",
            brief("a cat, a bird and a dog on grass", Thing("cat"), Thing("bird"), Thing("dog")),
            brief(
                "two red cats and a dog on grass", Thing("cat", 2, "red"), Thing("dog"),
                avoid=("bird",),
            ),
        ),
        ("an orange cat", brief("a small cat", Thing("cat")),
         brief("a small orange cat", Thing("cat", 1, "orange"))),
        ("红色的猫", brief("A blue cat", Thing("cat", 1, "blue")),
         brief("A red cat", Thing("cat", 1, "red"))),
        ("a cat with blue eyes", brief("a cat", Thing("cat")),
         brief("a cat, blue eyes", Thing("cat"))),
        ("three boats", brief("a tower", Thing("tower")),
         brief("three boats, a tower", Thing("tower"), Thing("boat", 3))),
        ('"Open"', brief("a sign.", Thing("sign")),
         brief('a sign, with the words "Open"', Thing("sign"))),
        ("no dogs", brief("a dog chasing a cat", Thing("cat", 1, "", "small"), Thing("dog")),
         brief("a small cat", Thing("cat", 1, "", "small"), avoid=("dog",))),
    ],
)  # fmt: skip
def test_what_was_lost_is_put_back(request_: str, before: Brief, after: Brief) -> None:
    locks = stated(request_)
    assert lost(locks, before)
    mended = repair(locks, before)
    assert (mended.brief, mended.lost) == (after, ())
    assert mended.repaired == lost(locks, before)
    assert lost(locks, after) == ()


def test_what_cannot_be_put_back_is_told() -> None:
    only_dogs = brief("a dog", Thing("dog"))
    assert [told(lock) for lock in repair(stated("no dogs"), only_dogs).lost] == ["no dog"]


def test_relations_go_with_the_thing_that_goes() -> None:
    link = Relation("dog", "above", "cat")
    one = Brief("r", "a cat and a dog", things=(Thing("cat"), Thing("dog")), relations=(link,))
    assert repair(stated("no dogs"), one).brief.relations == ()


def test_nothing_is_asked_of_a_painter_that_its_domain_lacks() -> None:
    domain = "things (1 to 4): cat, dog, tree; colours: red, blue"
    locks = stated('9 red cats, no people, no dogs, "Open"')
    bound = binding(locks, brief("four cats", Thing("cat", 4)), domain)
    assert [told(lock) for lock in bound] == ["red cat", "no dog"]
    mended = repair(stated("a red tiger"), brief("a cat", Thing("cat")), domain)
    assert mended.brief == brief("a red cat", Thing("cat", 1, "red"))
    mended = repair(stated("2 red dogs"), brief("a cat", Thing("cat")), domain)
    assert mended.brief == brief("two red dogs and a cat", Thing("cat"), Thing("dog", 2, "red"))
    crowd = brief("four cats", Thing("cat", 4))
    assert repair(stated("a red dog"), crowd, domain).brief == crowd


def test_names_of_things_and_colours() -> None:
    assert [canonical(w) for w in ("Kittens", "小猫", "pine trees", "glass vases", "bananas")] == [
        "cat", "cat", "pine", "glass vase", "banana",
    ]  # fmt: skip
    assert [colour_of(w) for w in ("深蓝色", "navy", "gray", "loud")] == [
        "blue",
        "blue",
        "grey",
        "",
    ]
    for one in ("box", "fairy", "wolf", "sheep", "bus", "ball of yarn", "hippopotamus", "corgi"):
        assert canonical(plural(one)) == canonical(one)
        assert singular(one) == one


def wishes(count: int) -> Iterator[tuple[str, str, Wish]]:
    for number in range(count):
        chance, language = Random(f"locks {number}"), LANGUAGES[number % 2]
        wish = chance.choice(MAKERS)(chance, Taste(language))
        speak = english if language == "english" else chinese
        yield language, speak.request(wish, chance), wish


def facts(wish: Wish) -> list[Fact]:
    found: list[Fact] = []
    for group in (*wish.groups, *wish.extra):
        thing, count = wish.said[group.name].text, wish.asked.get(group.name, group.count)
        found += [("colour", thing, group.colour)] if group.colour else []
        found += [("count", thing, str(count))] if 0 < count <= 12 else []
    unwanted = [wish.shunned] if wish.shunned else []
    return [*found, *(("absent", "", word) for word in (*wish.avoid, *unwanted))]


def says(lock: Lock, fact: Fact, wish: Wish, language: str) -> bool:
    kind, thing, value = fact
    if lock.kind != kind:
        return False
    if kind == "absent":
        words = [s.text for s in sayings(language, value)] if value in wish.avoid else []
        return lock.value in {canonical(word) for word in (value, *words)}
    named = canonical(thing).endswith(lock.thing) or lock.thing in thing or thing in lock.thing
    return named and lock.value == value


def measured(count: int) -> dict[str, tuple[float, float]]:
    """Precision and recall, the thing included, by language and kind.

    A count of one is most often said by an article, which states nothing: it is left out of the
    recall. All of 2,000 wishes: python -c "import tests.test_locks as t; print(t.measured(2000))"
    """
    right, made, there, hit = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for language, text, wish in wishes(count):
        truth = facts(wish)
        locks = [lock for lock in stated(text) if lock.kind not in ("text", "name")]
        for lock in locks:
            made[f"{language} {lock.kind}"] += 1
            right[f"{language} {lock.kind}"] += any(says(lock, f, wish, language) for f in truth)
        for fact in (f for f in truth if f[::2] != ("count", "1")):
            there[f"{language} {fact[0]}"] += 1
            hit[f"{language} {fact[0]}"] += any(says(k, fact, wish, language) for k in locks)
    return {key: (right[key] / made[key], hit[key] / there[key]) for key in there}


def test_few_false_locks_and_few_missed() -> None:
    for key, (precision, recall) in measured(400).items():
        assert precision >= 0.98, key
        assert recall >= 0.8, key
