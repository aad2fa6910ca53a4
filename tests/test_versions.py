"""Nothing of a conversation is ever lost, and every take knows what it shows."""

from __future__ import annotations

from random import Random

import pytest

from limner.agent.conversation.patch import Add, Change, Keep, Remove, Restyle, apply, patch, words
from limner.agent.conversation.versions import Tree
from limner.agent.language.locks import stated
from limner.agent.records import Brief, Relation, Thing
from limner.errors import BadInput


def brief(chance: Random) -> Brief:
    things = tuple(
        Thing(
            chance.choice(("cat", "dog", "car")),
            chance.randint(1, 3),
            chance.choice(("", "red", "blue")),
            chance.choice(("", "small")),
            chance.choice(("", "left", "right")),
        )
        for _ in range(chance.randint(0, 4))
    )
    links = tuple(
        Relation("cat", chance.choice(("above", "below")), chance.choice(("dog", "car")))
        for _ in range(chance.randint(0, 2))
    )
    avoid = tuple(chance.sample(("bird", "tree", "sun"), chance.randint(0, 3)))
    where, light = chance.choice(("", "grass")), chance.choice(("day", "night"))
    return Brief("r", "p", "", things, links, where, light, "", avoid)


def structure(one: Brief) -> tuple[object, ...]:
    return one.things, one.relations, one.where, one.light, one.style, one.avoid


def test_a_patch_leads_from_one_brief_to_the_other() -> None:
    for seed in range(700):
        chance = Random(seed)
        one, other = brief(chance), brief(chance)
        made = patch(one, other)
        assert structure(apply(made, one)) == structure(other), seed
        assert (made == (Keep(),)) == (structure(one) == structure(other))
        assert all("\n" not in line and line for line in words(made))


def test_a_patch_says_what_changed() -> None:
    cat, dog = Thing("cat", 1, "red"), Thing("dog")
    one = Brief("r", "p", things=(cat, dog), light="day", avoid=("bird",))
    car = Thing("car", 1, "blue", "", "left")
    other = Brief("r", "p", things=(Thing("cat", 1, "blue"), car), light="night", avoid=("tree",))
    made = patch(one, other)
    assert made == (
        Change(0, "cat", "colour", "red", "blue"),
        Remove(dog, 1),
        Add(car, 1),
        Restyle("light", "day", "night"),
        Remove("bird", 0),
        Add("tree", 0),
    )
    assert words(made) == [
        "cat: red → blue",
        "- a dog",
        "+ a blue car on the left",
        "light: day → night",
        "bird allowed again",
        "no tree",
    ]
    assert words(patch(one, one)) == ["nothing changed"]


def test_things_of_one_name_are_told_apart_by_colour() -> None:
    red, blue = Thing("cat", 1, "red"), Thing("cat", 1, "blue")
    one = Brief("r", "p", things=(red, blue))
    other = Brief("r", "p", things=(red, Thing("cat", 3, "blue")))
    assert patch(one, other) == (Change(1, "cat", "count", 1, 3),)
    assert words(patch(one, other)) == ["cat: 1 → 3"]


def test_a_patch_of_another_brief_is_refused() -> None:
    made = patch(Brief("r", "p", light="day"), Brief("r", "p", light="night"))
    with pytest.raises(ValueError, match="another brief"):
        apply(made, Brief("r", "p", light="rain"))


def turn(tree: Tree, chance: Random) -> None:
    """One turn by chance; undo and redo are each other's opposite."""
    head = tree.head
    what = chance.choice(("add", "add", "undo", "redo", "branch"))
    if what == "add":
        assert tree.add("a turn", brief(chance)) is tree.head
        assert tree.head and tree.head.parent == (head.id if head else None)
    elif what == "undo" and tree.undo():
        assert tree.redo() is head
        assert tree.undo() is not head
    elif what == "redo" and tree.redo():
        assert tree.undo() is head
        assert tree.redo() is not head
    elif what == "branch" and head:
        assert tree.branch(chance.randrange(len(tree.versions))) is tree.head


def test_any_sequence_of_turns_keeps_every_version() -> None:
    for seed in range(60):
        chance, tree = Random(seed), Tree()
        for _ in range(30):
            before = list(tree.versions)
            turn(tree, chance)
            assert tree.versions[: len(before)] == before
        for version in tree.versions:
            path = tree.path(version.id)
            assert path[0] is tree.root and path[-1] is version
            shown = path[0].brief
            for step in path[1:]:
                shown = apply(step.patch, shown)
            assert structure(shown) == structure(version.brief)


def test_undo_then_a_turn_makes_a_branch() -> None:
    tree = Tree()
    assert (tree.undo(), tree.redo(), tree.root, tree.head) == (None, None, None, None)
    first = tree.add("a cat", Brief("a cat", "a cat"))
    red = tree.add("make it red", Brief("make it red", "a red cat"))
    assert tree.undo() is first and tree.undo() is None and tree.head is first
    blue = tree.add("make it blue", Brief("make it blue", "a blue cat"))
    assert tree.path(blue.id) == (first, blue)
    tree.undo()
    assert tree.redo() is blue
    tree.branch(red.id)
    tree.undo()
    assert tree.redo() is red


def test_an_edit_of_a_take_goes_on_from_what_it_shows() -> None:
    tree = Tree()
    cat = tree.add("a cat", Brief("a cat", "a cat"), stated("a red cat"), seed=7)
    tree.bind(1, cat.id, 70)
    tree.bind(2, cat.id, 71)
    dog = tree.add("a dog", Brief("a dog", "a dog"))
    tree.bind(3, dog.id, 72)
    assert tree.version_of(2) is cat
    assert tree.branch(tree.version_of(2).id) is tree.head is cat
    with pytest.raises(BadInput, match="Take 2 already"):
        tree.bind(2, dog.id, 71)
    with pytest.raises(BadInput, match="no take #9") as caught:
        tree.version_of(9)
    assert caught.value.hint == "Takes: #1, #2, #3."
    with pytest.raises(BadInput, match="no version 5"):
        tree.branch(5)
