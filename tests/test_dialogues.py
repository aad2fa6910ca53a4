"""The writer's corpus: every answer keeps what was said, in both languages, and nothing leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from limner.pipelines.pocket.language import edits, revise
from limner.pipelines.pocket.language.brief_json import Facts, broken, dumps, spec_of
from limner.pipelines.pocket.language.dialogues import KINDS, Dialogue, dialogue
from limner.pipelines.pocket.language.draft import Draft
from limner.pipelines.pocket.language.lexicon import (
    LANGUAGES,
    absentees,
    article,
    kept_back,
    outsiders,
    sayings,
    wordings,
)
from limner.pipelines.pocket.language.odd import odd
from limner.pipelines.pocket.language.replies import FULL_CHINESE, FULL_ENGLISH, to_wish
from limner.pipelines.pocket.language.says import unsaid
from limner.pipelines.pocket.language.taste import completed
from limner.pipelines.pocket.language.wish import OPEN, Taste, Wish, plain_wish, trimmed
from limner.pipelines.pocket.spec import Group, Link, Spec, held_out, trainable
from limner.pipelines.pocket.world import MOST, world

KEYS = ["things", "relations", "where", "light", "style", "avoid", "prompt", "reply"]
GIVEN = [(kind, language) for kind in KINDS for language in LANGUAGES]


def drawn(kind: str, language: str, count: int = 250) -> list[Dialogue]:
    return [dialogue(Random(f"{kind}{language}{n}"), kind, Taste(language)) for n in range(count)]


def test_the_same_seed_says_the_same() -> None:
    assert dialogue(Random(3)) == dialogue(Random(3))
    assert len({dialogue(Random(n)).human for n in range(200)}) > 190


@pytest.mark.parametrize(("kind", "language"), GIVEN)
def test_answers_keep_what_was_said(kind: str, language: str) -> None:
    for one in drawn(kind, language):
        told = json.loads(one.answer)
        assert dumps(told) == one.answer
        assert list(told) == (["prompt", "reply"] if kind == "revise" else KEYS)
        assert unsaid(told["prompt"], one.spec) == [], one
        assert 0 < len(told["prompt"]) <= 600 and 0 < len(told["reply"]) <= 300
        if kind != "revise":
            assert broken(one.facts, told) == [], one


@pytest.mark.parametrize("language", LANGUAGES)
def test_briefs_stay_within_the_world(language: str) -> None:
    for one in drawn("expand", language) + drawn("edit", language):
        spec = one.spec
        assert trainable(spec)
        assert 1 <= sum(group.count for group in spec.groups) <= MOST
        linked = [name for link in spec.links for name in (link.thing, link.other)]
        assert len(linked) == len(set(linked))
        assert set(linked) <= {group.name for group in spec.groups} <= set(world().things)
        assert set(json.loads(one.answer)["avoid"]) <= set(world().things)


def test_human_texts_have_the_agreed_form() -> None:
    for kind, start in (
        ("expand", "draw: "),
        ("edit", 'brief: {"things":['),
        ("revise", "prompt: "),
    ):
        for one in drawn(kind, "english", 60):
            assert one.human.startswith(start)
            lines = one.human.split("\n")
            assert [line.partition(": ")[0] for line in lines] == {
                "expand": ["draw"],
                "edit": ["brief", "change"],
                "revise": ["prompt", "wrong", "right"],
            }[kind]
            if kind == "edit":
                assert list(json.loads(lines[0].removeprefix("brief: "))) == KEYS[:-2]


def test_replies_are_in_the_users_language() -> None:
    for language in LANGUAGES:
        for one in drawn("expand", language) + drawn("edit", language):
            reply = json.loads(one.answer)["reply"]
            assert any("一" <= c <= "鿿" for c in reply) == (one.language == "chinese")


def test_exams_use_wordings_that_training_never_sees() -> None:
    for language in LANGUAGES:
        known = set(wordings(language, "frames"))
        new = set(wordings(language, "frames", exam=True))
        assert known and new and not known & new
        words = {s.text for s in outsiders(language)}
        strangers = {s.text for s in outsiders(language, exam=True)}
        assert len(words) > 300 and len(strangers) > 30 and not words & strangers
        assert all(kept_back(word) for word in strangers)


def test_held_out_colours_appear_only_on_request() -> None:
    taste = Taste("english", pairs=True)
    seen = [g for n in range(60) for g in dialogue(Random(n), "expand", taste).facts.groups]
    coloured = [g for g in seen if g.colour]
    assert coloured and all(held_out(g.name, g.colour) for g in coloured)


def test_what_the_world_lacks_is_named_and_replaced() -> None:
    for language in LANGUAGES:
        tiger = next(s for s in outsiders(language) if s.text in ("tiger", "老虎", "shark", "鲨鱼"))
        wish = Wish([Group(tiger.name)], {tiger.name: tiger}, kind="short")
        spec = completed(wish, Random(0))
        assert tiger.text in to_wish(wish, spec, language, Random(0))
        assert tiger.name in world().things
    assert {s.name for s in absentees("english")} <= set(world().things)


def test_more_than_four_things_are_cut_and_said() -> None:
    wish = Wish([Group("cat", 4)], {"cat": sayings("english", "cat")[0]}, asked={"cat": 10})
    assert trimmed([Group("cat")], {"cat": 10}) == [Group("cat", 4)]
    assert trimmed([Group("cat"), Group("dog")], {"cat": 3, "dog": 3})[0].count == 2
    reply = to_wish(wish, completed(wish, Random(1)), "english", Random(1))
    assert any(note in reply for note in FULL_ENGLISH)
    assert any(
        n in to_wish(wish, completed(wish, Random(1)), "chinese", Random(1)) for n in FULL_CHINESE
    )


def test_some_means_more_than_one() -> None:
    facts = Facts((Group("cat", OPEN),))
    brief: dict[str, Any] = json.loads(drawn("expand", "english", 1)[0].answer)
    for count, fault in ((1, ["thing cat"]), (2, []), (3, [])):
        brief["things"] = [{"name": "cat", "count": count, "colour": "", "size": "", "place": ""}]
        brief["relations"] = []
        assert broken(facts, brief) == fault


def test_broken_facts_are_found() -> None:
    checked = 0
    for one in drawn("edit", "english", 80):
        told = json.loads(one.answer)
        told["things"][0]["colour"] = "red" if told["things"][0]["colour"] != "red" else "blue"
        assert f"thing {told['things'][0]['name']}" in broken(one.facts, told)
        told = json.loads(one.answer)
        told["where"] = "sea" if told["where"] != "sea" else "sand"
        assert "where" in broken(one.facts, told)
        told = json.loads(one.answer)
        told["avoid"].append(told["things"][0]["name"])
        assert broken(one.facts, told)
        checked += 1
    assert checked == 80
    assert broken(Facts(), {"things": "none"}) == ["form"]


def test_relations_may_be_told_from_either_side() -> None:
    one, other = Group("cat"), Group("dog")
    facts = Facts((one, other), (Link("cat", "left of", "dog"),))
    for link, kept in ((("dog", "right of", "cat"), True), (("dog", "left of", "cat"), False)):
        brief = dict.fromkeys(("where", "light", "style"), "") | {
            "things": [
                {"name": n, "count": 1, "colour": "", "size": "", "place": ""}
                for n in ("cat", "dog")
            ],
            "relations": [dict(zip(("thing", "how", "other"), link, strict=True))],
            "avoid": [],
        }
        assert (not broken(facts, brief)) == kept


def test_unsaid_and_added_words_of_a_prompt_are_found() -> None:
    spec = Spec((Group("cat", 2, "red", "small", "left"),), (), "grass", "night", "")
    assert unsaid("two tiny red cats on the left, in a meadow, under the stars", spec) == []
    assert unsaid("two red cats on the left, on grass, at night", spec) == ["cat"]
    assert unsaid("two small red cats on the left, on grass", spec) == ["light"]
    assert unsaid("two small red cats on the left and a dog, on grass, at night", spec) == [
        "added dog"
    ]
    assert "style" in unsaid("two small red cats on the left, on grass, at night, pixel art", spec)


def test_a_scene_outside_the_world_cannot_be_said() -> None:
    link = Link("cat", "left of", "dog")
    for spec in (
        Spec((Group("dragonfly"),)),
        Spec((Group("cat", 9),)),
        Spec((Group("cat"),), (link,)),
        Spec((Group("cat"), Group("dog")), (replace(link, how="inside"),)),
    ):
        assert unsaid("a cat", spec) == ["outside the world"]


def draft() -> Draft:
    groups = [Group("cat", place="left"), Group("dog", colour="red")]
    return Draft(groups, [], "grass", "day", "", ["fish"])


def test_what_is_removed_is_then_unwanted() -> None:
    one = draft()
    one.relate(Link("cat", "above", "dog"))
    assert one.groups[0].place == ""
    one.remove("dog")
    assert one.spec == Spec((Group("cat"),), (), "grass", "day") and one.avoid == ["fish", "dog"]
    one.add(Group("fish"))
    assert one.avoid == ["dog"] and one.room == 2


def test_swapping_mirrors_places_and_relations() -> None:
    one = draft()
    one.swap("cat", "dog")
    assert [g.place for g in one.groups] == ["right", "left"]
    one.relate(Link("cat", "left of", "dog"))
    one.swap("cat", "dog")
    assert one.links == [Link("cat", "right of", "dog")]


def test_moving_a_thing_ends_its_relations_and_renaming_keeps_them() -> None:
    one = draft()
    one.relate(Link("cat", "above", "dog"))
    one.rename("dog", "fish")
    assert one.links == [Link("cat", "above", "fish")] and one.groups[1] == Group(
        "fish", colour="red"
    )
    one.change("fish", place="right")
    assert one.links == []


def test_an_edit_changes_what_was_asked_and_says_so() -> None:
    spec = Spec((Group("cat"), Group("dog")), (), "grass", "day", "")
    seen = set()
    for number in range(120):
        made = edits.edited(spec, [], Random(number), Taste("english"))
        if made is None:
            continue
        left = "left everything" in made.reply or "only four" in made.reply or "no " in made.reply
        assert left or made.spec != spec, made
        seen.add(made.reply)
    assert len(seen) > 60


def test_odd_requests_still_get_a_picture() -> None:
    for number in range(200):
        wish, text, language = odd(Random(number))
        spec = completed(wish, Random(number))
        assert text and spec.groups and to_wish(wish, spec, language, Random(0))


def test_rewordings_differ_between_seeds_and_from_the_prompt() -> None:
    spec = Spec((Group("cat", 1, "red"), Group("house")), (), "grass", "night", "")
    prompt = "a red cat and a house, on grass, at night"
    new = {revise.reworded(spec, prompt, ["the cat is red"], Random(n))[0] for n in range(40)}
    assert len(new) > 5 and prompt not in new
    assert all(unsaid(text, spec) == [] for text in new)


def test_said_things_are_never_given_a_colour() -> None:
    for number in range(100):
        wish = plain_wish(Random(number), Taste("chinese"))
        spec = completed(wish, Random(number))
        named = {g.name: g for g in spec.groups}
        for group in wish.groups:
            assert replace(named[group.name], count=group.count) == group


def test_articles() -> None:
    assert [article(w) for w in ("apple", "ufo", "unicorn", "orange cat", "house")] == [
        "an",
        "a",
        "a",
        "an",
        "a",
    ]


def test_a_brief_reads_back_as_its_scene() -> None:
    for one in drawn("expand", "chinese", 50):
        assert spec_of(json.loads(one.answer)) == one.spec
