"""Nothing of a conversation is ever lost, and every take knows what it shows."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from limner.agent.brief.claims import complete
from limner.agent.brief.patch import AddClaim, KeepClaim, RemoveClaim, apply_patch, words
from limner.agent.history import VersionTree
from limner.agent.records import Brief, Claim
from limner.errors import BadInput

CAT = Claim("There is one cat.", "count", quote="a cat", subject="cat", value="1")
DOG = Claim("There is one dog.", "count", quote="a dog", subject="dog", value="1")
RED = Claim("The cat is red.", "colour", quote="red", subject="cat", value="red")
LEFT = Claim(
    "The cat is left of the dog.", "relation", "asked", "left of", "cat", "left of", "dog"
)  # fmt: skip
DAY = Claim("It is day.", "light", quote="by day", value="day")
NIGHT = Claim("It is night.", "light", quote="night", value="night")
BLUE = Claim("The cat is blue.", "colour", quote="blue", subject="cat", value="blue")
BIRD = Claim("There is no bird.", "absent", quote="no bird", subject="bird", value="0")
ALL = (CAT, DOG, RED, LEFT, DAY, NIGHT, BLUE, BIRD)


def brief(*claims: Claim) -> Brief:
    return Brief("r", "p", complete(claims))


def some(chance: Random) -> Brief:
    return brief(*chance.sample(ALL, chance.randint(0, 5)))


def texts(one: Brief) -> set[str]:
    return {claim.text for claim in one.claims}


def test_a_patch_leads_from_one_brief_to_the_other() -> None:
    for seed in range(700):
        chance = Random(seed)
        one, other = some(chance), some(chance)
        made, shown = apply_patch(one, other), texts(one)
        for step in made:
            gone = step.claim if isinstance(step, RemoveClaim) else getattr(step, "before", None)
            new = step.claim if isinstance(step, AddClaim) else getattr(step, "after", None)
            shown = (shown - {gone.text if gone else ""}) | ({new.text} if new else set())
        assert shown == texts(other), seed
        assert (made == (KeepClaim(),)) == (texts(one) == texts(other))
        assert all("\n" not in line and line for line in words(made))


def test_a_patch_says_what_changed() -> None:
    one, other = brief(CAT, RED, DOG, DAY, BIRD), brief(CAT, BLUE, NIGHT)
    assert words(apply_patch(one, other)) == [
        "The cat is red → The cat is blue",
        "It is day → It is night",
        "- There is one dog",
        "- There is no bird",
    ]
    assert words(apply_patch(brief(CAT), brief(CAT, RED)), "english") == ["+ The cat is red"]
    chinese = Claim("The cat is red.", "colour", quote="红色", subject="cat", value="red")
    assert words(apply_patch(brief(CAT), brief(CAT, chinese)), "chinese") == ["+ 红色"]
    assert words(apply_patch(one, one)) == ["nothing changed"]


def turn(tree: VersionTree, chance: Random) -> None:
    """One turn by chance; undo and redo are each other's opposite."""
    head = tree.head
    what = chance.choice(("add", "add", "undo", "redo", "branch"))
    if what == "add":
        assert tree.add("a turn", some(chance)) is tree.head
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
        chance, tree = Random(seed), VersionTree()
        for _ in range(30):
            before = list(tree.versions)
            turn(tree, chance)
            assert tree.versions[: len(before)] == before
        for version in tree.versions:
            path = tree.path(version.id)
            assert path[0] is tree.root and path[-1] is version
            for parent, step in pairwise(path):
                assert step.patch == apply_patch(parent.brief, step.brief)


def test_undo_then_a_turn_makes_a_branch() -> None:
    tree = VersionTree()
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
    tree = VersionTree()
    cat = tree.add("a cat", Brief("a cat", "a cat"), seed=7)
    tree.bind(1, cat.id, 70)
    tree.bind(2, cat.id, 71)
    dog = tree.add("a dog", Brief("a dog", "a dog"))
    tree.bind(3, dog.id, 72)
    assert tree.version_of(2) is cat
    assert tree.branch(tree.version_of(2).id) is tree.head is cat
    with pytest.raises(BadInput, match="#2 already"):
        tree.bind(2, dog.id, 71)
    with pytest.raises(BadInput, match="no picture #9") as caught:
        tree.version_of(9)
    assert caught.value.hint == "Pictures: #1, #2, #3."
    with pytest.raises(BadInput, match="no version 5"):
        tree.branch(5)
