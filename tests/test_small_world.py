"""What the small painter can show, and how claims are worded for it and for its critics."""

from __future__ import annotations

import pytest

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.reading.claims import ReadClaim, texts
from limner.pipelines.pocket.small_world import SmallWorld, natural_colours, other_colour
from limner.pipelines.pocket.spec import Group, questions
from limner.pipelines.pocket.tokens import all_statements
from limner.pipelines.pocket.world import world

WORLD = SmallWorld()


def claim(
    kind: str, subject: str = "", value: str = "", other: str = "", text: str = ""
) -> ReadClaim:
    plural = kind == "count" and value not in ("1", "")
    return ReadClaim(
        text or texts(kind, subject, value, other, plural), kind, subject, value, other
    )


@pytest.mark.parametrize(
    ("kind", "subject", "value", "other", "shown"),
    [
        ("count", "cat", "1", "", True),
        ("count", "cat", "4", "", True),
        ("count", "cat", "6", "", False),
        ("count", "horse", "1", "", False),
        ("object", "cat", "several", "", True),
        ("object", "cat", "many", "", False),
        ("colour", "cat", "red", "", True),
        ("colour", "cat", "not red", "", True),
        ("colour", "cat", "grey", "", False),
        ("colour", "horse", "red", "", False),
        ("size", "cat", "small", "", True),
        ("place", "cat", "left", "", True),
        ("place", "cat", "top", "", False),
        ("relation", "cat", "left of", "dog", True),
        ("relation", "cat", "beside", "dog", False),
        ("relation", "cat", "above", "horse", False),
        ("scene", "", "grass", "", True),
        ("scene", "", "city", "", False),
        ("light", "", "night", "", True),
        ("light", "", "plain red", "", False),
        ("style", "", "pixel art", "", True),
        ("style", "", "oil painting", "", False),
        ("absent", "dog", "", "", True),
        ("absent", "people", "", "", True),
        ("action", "cat", "sleeping", "", False),
        ("text", "", "OPEN", "", False),
        ("other", "", "", "", False),
    ],
)
def test_what_can_be_shown(kind: str, subject: str, value: str, other: str, shown: bool) -> None:
    assert WORLD.shows(claim(kind, subject, value, other)) is shown


def test_every_phrase_is_one_that_the_critic_was_trained_on() -> None:
    known = set(all_statements())
    checked = 0
    for name in world().things:
        made = [claim("count", name, str(n)) for n in range(1, 5)]
        made += [claim("object", name, "several"), claim("absent", name)]
        made += [claim("colour", name, c) for c in (*world().colours, "natural", "not red")]
        made += [claim("size", name, s) for s in world().sizes]
        made += [claim("place", name, p) for p in (*world().places, "not left")]
        made += [claim("relation", name, how, _other(name)) for how in world().relations]
        for one in made:
            phrased = WORLD.phrased(one)
            assert phrased is not None, one
            true, foils = phrased
            assert {true, *foils} <= known
            assert foils and true not in foils
            checked += 1
    assert checked > 700


def _other(name: str) -> str:
    return "dog" if name != "dog" else "cat"


def test_phrases_have_all_the_foils_of_training() -> None:
    expected = dict(questions_of(Group("cat", 2, "green", "small", "left")))
    phrased = [
        WORLD.phrased(claim("count", "cat", "2")),
        WORLD.phrased(ReadClaim("The cats are green.", "colour", "cat", "green")),
        WORLD.phrased(ReadClaim("The cats are small.", "size", "cat", "small")),
        WORLD.phrased(ReadClaim("The cats are on the left.", "place", "cat", "left")),
    ]
    for found in phrased:
        assert found is not None
        assert set(found[1]) == set(expected[found[0]]) - {found[0]}
    assert "there are many cats" in expected["there are two cats"]


def questions_of(group: Group) -> list[tuple[str, list[str]]]:
    from limner.pipelines.pocket.spec import Spec

    return questions(Spec((group,)))


def test_a_natural_colour_has_no_foil_that_is_true() -> None:
    phrased = WORLD.phrased(claim("colour", "apple", "red"))
    assert phrased is not None
    assert "the apple is in natural colours" not in phrased[1]
    assert "the apple is green" in phrased[1]
    phrased = WORLD.phrased(claim("colour", "apple", "blue"))
    assert phrased is not None and "the apple is in natural colours" in phrased[1]
    assert set(natural_colours("banana")) == {"yellow"}


@pytest.mark.parametrize(
    "unjudged",
    [
        claim("action", "cat", "sleeping"),
        claim("text", "", "OPEN"),
        claim("relation", "cat", "behind", "dog"),
        claim("count", "horse", "1"),
        claim("count", "cat", "6"),
        claim("colour", "cat", "red", text="One cat is red."),
        claim("colour", "cat", "red", text="Two cats are red."),
        claim("absent", "people"),
        claim("absent", "cat", "red"),
        claim("scene", "", "city"),
    ],
)
def test_what_the_critic_was_not_trained_on_is_not_judged(unjudged: ReadClaim) -> None:
    assert WORLD.phrased(unjudged) is None


def test_scenes_lights_and_styles_are_phrased() -> None:
    for value in world().where:
        assert WORLD.phrased(claim("scene", "", value)) == (
            f"the ground is {value}",
            tuple(s for s in statements.wheres() if s != f"the ground is {value}"),
        )
    plain = WORLD.phrased(claim("light", "", "plain blue"))
    assert plain is not None and plain[0] == "the backdrop is plain blue"
    style = WORLD.phrased(claim("style", "", "pastel"))
    assert style == ("the style is pastel", ("the style is flat", "the style is pixel art"))


@pytest.mark.parametrize(
    ("claims", "prompt"),
    [
        ([claim("count", "cat", "2"), claim("colour", "cat", "red")], "two red cats"),
        ([claim("count", "cat", "1"), claim("absent", "dog")], "a cat"),
        ([claim("object", "cat", "several")], "two cats"),
        ([claim("count", "horse", "1")], "a dog"),
        ([claim("count", "horse", "1"), claim("count", "dog", "2")], "two dogs"),
        ([claim("count", "cat", "1"), claim("scene", "", "city")], "a cat, on a street"),
        ([claim("count", "cat", "9")], "four cats"),
        (
            [
                claim("count", "cat", "1"),
                claim("light", "", "plain blue"),
                claim("scene", "", "sea"),
            ],
            "a cat, plain blue backdrop",
        ),
        (
            [
                claim("count", "cat", "1"),
                claim("count", "dog", "1"),
                claim("count", "tree", "1"),
                claim("relation", "cat", "left of", "dog"),
                claim("relation", "tree", "above", "dog"),
            ],
            "a cat left of a dog and a tree. the tree is above the dog",
        ),
        ([], ""),
    ],
)
def test_prompts_are_worded_as_in_training(claims: list[ReadClaim], prompt: str) -> None:
    assert WORLD.prompt(claims) == prompt


def test_a_prompt_says_what_its_rows_say() -> None:
    claims = [
        claim("count", "horse", "6"),
        claim("colour", "horse", "grey"),
        claim("scene", "", "city"),
    ]
    assert WORLD.painted(claims) == [
        ("count", "dog", "4", ""),
        ("colour", "dog", "white", ""),
        ("scene", "", "street", ""),
    ]


def test_what_does_not_fit_together() -> None:
    cats, dogs = claim("count", "cat", "3"), claim("count", "dog", "2")
    assert WORLD.fits([cats, dogs]) == [cats]
    assert WORLD.fits([claim("count", "cat", "2"), dogs]) == []
    night, rain = claim("light", "", "night"), claim("light", "", "rain")
    assert WORLD.fits([night, rain]) == [rain]
    grass, snow = claim("scene", "", "grass"), claim("scene", "", "snow")
    assert WORLD.fits([grass, snow]) == [snow]
    plain = claim("light", "", "plain blue")
    assert WORLD.fits([grass, plain]) == [plain]
    assert WORLD.fits([plain, grass]) == [grass]
    red, blue = claim("colour", "cat", "red"), claim("colour", "cat", "blue")
    assert WORLD.fits([red, blue]) == [blue]
    one = claim("colour", "cat", "red", text="One cat is red.")
    assert WORLD.fits([one, blue]) == []


def test_another_colour_is_its_own_where_that_will_do() -> None:
    assert other_colour("cat", "red") == ""
    assert other_colour("balloon", "red") == "blue"
    assert other_colour("fish", "blue") == "green"


def test_the_description_names_all_that_there_is() -> None:
    for words in (world().things, world().colours, world().where, world().light, world().styles):
        assert all(word in WORLD.description for word in words)
    assert "limner doctor" in WORLD.larger
