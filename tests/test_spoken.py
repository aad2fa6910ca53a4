"""A prompt says all that its brief has, replies claim nothing, and what is left out is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from limner.agent.brief import Drafted, Scribe
from limner.agent.language.demands import carried
from limner.agent.language.locks import stated, told
from limner.agent.language.replies import honest, undoubled
from limner.agent.language.spoken import garbled, in_full, undisturbed
from limner.agent.language.wanted import left_out, wanted
from limner.agent.records import Brief, Claim, Critique, Relation, Thing
from limner.errors import LimnerError
from limner.pipelines.fakes import FakeWriter

DOMAIN = "things (4 in all): cat, dog, tree, car; colour: red, blue; where: grass, snow; light: day"


def run(steps: object) -> Drafted:
    try:
        while True:
            next(steps)  # type: ignore[call-overload]
    except StopIteration as end:
        drafted: Drafted = end.value
        return drafted


@pytest.mark.parametrize(
    ("prompt", "full"),
    [
        ("two red cats and a dog, on grass, at night", ""),
        ("Two scarlet kittens beside a puppy in a moonlit meadow by night", ""),
        ("a dog, on grass, at night", "a dog, on grass, at night, with two red cats"),
        ("red cats and a dog, on grass, at night", "two red cats and a dog, on grass, at night"),
        ("two cats and a dog on grass at night", "two red cats and a dog on grass at night"),
        ("two red cats and a dog", "two red cats and a dog, on grass, at night"),
    ],
)
def test_nothing_is_only_claimed(prompt: str, full: str) -> None:
    things = (Thing("cat", 2, "red"), Thing("dog"))
    brief, added = in_full(Brief("r", prompt, things=things, where="grass", light="night"))
    assert brief.prompt == (full or prompt) and bool(added) == bool(full)
    assert in_full(brief) == (brief, ())


@pytest.mark.parametrize(
    ("prompt", "is_garbled"),
    [
        ("two dogs and a tree, on grass, at night", False),
        ("two dogs left of a tree, the dogs on grass, by moonlight", False),
        ("two dogs and a tree, on grass, by day at night", True),
        ("two dogs and a tree, on sand, at night", True),
        ("two dogs, dogs and a tree, dogs on grass", True),
        ("two dogs and a red tree, on grass", True),
        ("three dogs and a tree, on grass", True),
        ("a tree and two dogs", False),
    ],
)
def test_a_prompt_that_contradicts_its_brief_is_found_out(prompt: str, is_garbled: bool) -> None:
    things, relation = (Thing("dog", 2), Thing("tree")), Relation("dog", "left of", "tree")
    brief = Brief("r", prompt, "", things, (relation,), where="grass", light="night")
    assert garbled(prompt, brief) is is_garbled


@pytest.mark.parametrize(
    ("request_", "dog"),
    [
        ("the second one, but with a blue car", Thing("dog", 2)),
        ("把车变成蓝色", Thing("dog", 2)),
        ("make the dogs red and the car blue", Thing("dog", 2, "red")),
        ("more colourful", Thing("dog", 2, "red")),
        ("a blue car, and all of it in bright colours", Thing("dog", 2, "red")),
    ],
)
def test_what_a_change_passes_over_stays_as_it_was(request_: str, dog: Thing) -> None:
    before = Brief("r", "two dogs and a car", things=(Thing("dog", 2), Thing("car")))
    things = (Thing("dog", 2, "red"), Thing("car", 1, "blue"))
    after = undisturbed(before, Brief(request_, "two red dogs and a blue car", things=things))
    assert after.things == (dog, Thing("car", 1, "blue"))


def test_a_change_that_brings_something_new_is_about_that_alone() -> None:
    before = Brief("r", "a red cat and two dogs", things=(Thing("cat", 1, "red"), Thing("dog", 2)))
    spoilt = (Thing("cat", 1, "blue"), Thing("dog", 2, "red"))
    after = undisturbed(before, Brief("with a blue car", "a blue cat, two red dogs", things=spoilt))
    assert after.things == before.things


def test_a_relation_that_is_not_said_is_added() -> None:
    things, relation = (Thing("cat"), Thing("car")), Relation("cat", "left of", "car")
    brief = Brief("r", "a cat and a car", things=things, relations=(relation,))
    assert in_full(brief)[0].prompt == "a cat and a car, the cat left of the car"
    said = replace(brief, prompt="a cat left of a car")
    assert in_full(said)[0] == said


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ("a cat and a dog playing in the snow, a tree", "cat dog tree"),
        ("the second one but with a blue car", "car"),
        ("two fluffy kittens under an umbrella", "cat umbrella"),
        ("make the cat blue, not the dog", ""),
        ("a tree house and an apple tree", "house tree"),
        ("a cloud shaped like a dog, no birds", "cloud"),
        ("turn the cat into a dog", ""),
        ("一只橙色的猫和两棵大树，不要狗", "cat tree"),
        ("再来一只猫", "cat"),
        ("三只熊猫", "panda"),
        ("两匹马车", ""),
    ],
)
def test_what_is_wished_for(request_: str, names: str) -> None:
    assert " ".join(sorted(wanted(request_))) == " ".join(sorted(names.split()))


def test_what_is_left_out_is_told_or_put_in() -> None:
    draft = {"things": [{"name": "cat"}], "prompt": "a cat", "reply": "A cat it will be."}
    writer = FakeWriter(replies=(json.dumps(draft),))
    one = run(Scribe(writer).expand("a cat and a dog", 1))
    assert one.brief.prompt == "a cat, with a dog" and left_out(one.brief) == ()
    other = run(Scribe(writer, DOMAIN).expand("a cat and a dog and a girl", 1))
    assert [thing.name for thing in other.brief.things] == ["cat", "dog"]
    assert other.brief.prompt == "a dog and a cat" and "dog" in other.repaired
    assert left_out(other.brief) == ("girl",)


@pytest.mark.parametrize(
    "reply",
    [
        "Done! The cat is blue.",
        "I've painted your cat.",
        "Here is your picture.",
        "OK, a dog instead, it is ready",
        "画好了！",
        "已经把猫变成蓝色。",
        "加上一个橙色的气球。",
        "Sure: a cat and a castle.",
        "Two red cats coming up.",
        "OK, a blue cat added.",
        "I can't paint a mff yet, so it will be a cat.",
    ],
)
def test_a_reply_that_is_not_so_is_not_shown(reply: str) -> None:
    assert honest(reply, Brief("r", "a blue cat", things=(Thing("cat", 1, "blue"),))) == ""


@pytest.mark.parametrize(
    "reply",
    [
        "I'll paint a blue cat.",
        "OK, at night.",
        "好的，我来画一只蓝色的小猫。",
        "I can't paint a castle yet, so it will be a cat.",
        "企鹅我还不会画，用猫代替。",
        "",
    ],
)
def test_a_reply_that_promises_is_shown(reply: str) -> None:
    said = "a blue cat in a castle with 企鹅"
    assert honest(reply, Brief(said, "a blue cat", things=(Thing("cat", 1, "blue"),))) == reply


@pytest.mark.parametrize(
    ("prompt", "once"),
    [
        ("a cat by day day on grass grass", "a cat by day on grass"),
        ("a cat. there is one cat. there is one cat", "a cat. there is one cat."),
        ("a very very big cat that had had enough", "a very very big cat that had had enough"),
    ],
)
def test_doubled_words_go(prompt: str, once: str) -> None:
    assert undoubled(prompt) == once
    assert undoubled("knock knock", "a knock knock joke") == "knock knock"


def test_a_rewording_that_loses_things_gives_way_to_plain_words() -> None:
    brief = Brief("r", "an orange cat near a tree", things=(Thing("cat"), Thing("tree")))
    critique = Critique((Claim("there is one cat", ("there is no cat",), "count"),), (0.1,))
    writer = FakeWriter(replies=('{"prompt":"an orange tree","reply":"Done."}',))
    revision = Scribe(writer).revise(brief.prompt, critique, 1, (), brief)
    assert (revision.prompt, revision.reply) == ("a cat and a tree", "")
    with pytest.raises(LimnerError, match="lost things"):
        Scribe(writer).revise(revision.prompt, critique, 1, (), brief)


def test_what_the_writer_loses_of_a_change_is_put_in_by_rule() -> None:
    before = Brief("r", "a red cat and a dog", things=(Thing("cat", 1, "red"), Thing("dog")))
    writer = FakeWriter(replies=('{"things":[{"name":"tree","count":4}],"prompt":"four trees"}',))
    result = run(Scribe(writer, DOMAIN).edit(before, "把猫变成蓝色", 1))
    assert result.brief.prompt == "a blue cat and a dog" and result.fallback
    assert result.repaired == ("blue cat",)


def test_what_was_there_before_stands_in_for_nothing() -> None:
    before = Brief("r", "a blue car", things=(Thing("car", 1, "blue"),))
    writer = FakeWriter(replies=('{"things":[{"name":"car"}],"prompt":"a blue car"}',))
    result = run(Scribe(writer, DOMAIN).edit(before, "add two penguins", 1))
    assert result.brief.things == (Thing("car", 1, "blue"),) and result.fallback


def test_a_change_that_strays_is_made_by_rule() -> None:
    before = Brief("r", "a cat and a dog, on grass", things=(Thing("cat"), Thing("dog")))
    stray = (
        '{"things":[{"name":"cat"},{"name":"dog","count":3}],"light":"night","prompt":"a cat and"'
        ' "three dogs at night","reply":"OK, a dog."}'
    )
    writer = FakeWriter(replies=(stray.replace('" "', " "),))
    result = run(Scribe(writer, DOMAIN).edit(before, "with a blue car at night", 1))
    assert result.brief.prompt == "a blue car and a cat and a dog, at night"
    assert "blue car" in result.repaired and not result.fallback


def test_a_colour_of_one_thing_leaves_the_other_alone() -> None:
    kept = carried(stated("an orange cat"), "put a red balloon above the cat", ["cat"])
    assert [told(lock) for lock in kept] == [
        "orange cat",
        "red balloon",
        "balloon",
        "cat",
        "balloon above cat",
    ]


def test_what_somebody_does_is_no_thing() -> None:
    line = "An elderly fisherman in a yellow raincoat mends his net"
    assert [told(lock) for lock in stated(line)] == ["yellow raincoat"]
    assert [told(lock) for lock in stated("a red balloon lifts the house")] == ["red balloon"]
    assert [told(lock) for lock in stated("two red cats")] == ["2 cat", "red cat"]
