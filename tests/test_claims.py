"""A brief's claims say what the pocket critic was taught, in its very words."""

from __future__ import annotations

import pytest

from limner.agent.claims import claims_of
from limner.agent.records import Brief, Claim, Relation, Thing
from limner.pipelines.pocket import statements
from limner.pipelines.pocket.world import MOST, world
from limner.prompts import claims as wording


def made(**parts: object) -> dict[str, Claim]:
    return {c.kind: c for c in claims_of(Brief("", "", **parts))}  # type: ignore[arg-type]


def says(claim: Claim, expected: str, among: list[str]) -> None:
    assert claim.text == expected
    assert {claim.text, *claim.foils} == set(among)
    assert claim.text not in claim.foils
    assert len(set(claim.foils)) == len(claim.foils)


@pytest.mark.parametrize("count", range(1, MOST + 1))
@pytest.mark.parametrize("name", world().things)
def test_things_are_claimed_as_the_critic_was_taught(name: str, count: int) -> None:
    for i, colour in enumerate(world().colours):
        claims = made(things=(Thing(name, count, colour),))
        says(claims["count"], statements.counts(name)[count], statements.counts(name))
        colours = statements.colours(name, count)
        own = [colours[-2]] if colour in wording().natural.get(name, ()) else []
        says(claims["colour"], colours[i], [said for said in colours if said not in own])
    for i, size in enumerate(world().sizes):
        sizes = statements.sizes(name, count)
        says(made(things=(Thing(name, count, size=size),))["size"], sizes[i], sizes)
    for i, place in enumerate(world().places):
        places = statements.places(name, count)
        says(made(things=(Thing(name, count, place=place),))["place"], places[i], places)


def test_its_own_colour_does_not_contradict_a_colour() -> None:
    own = "the apples are in natural colours"
    assert own in made(things=(Thing("apple", 2, "blue"),))["colour"].foils
    assert own not in made(things=(Thing("apple", 2, "red"),))["colour"].foils


def test_relations_are_claimed_as_the_critic_was_taught() -> None:
    things = (Thing("cat"), Thing("dog"))
    among = statements.relations("cat", "dog")
    for i, how in enumerate(world().relations):
        claims = claims_of(Brief("", "", things=things, relations=(Relation("cat", how, "dog"),)))
        says(claims[2], among[i], among)
        assert claims[2].needs == 0


def test_the_scene_is_claimed_as_the_critic_was_taught() -> None:
    for i, where in enumerate(world().where):
        says(made(where=where)["where"], statements.wheres()[i], statements.wheres())
    for i, light in enumerate(world().light):
        says(made(light=light)["light"], statements.lights()[i], statements.lights())
    for i, style in enumerate(world().styles):
        says(made(style=style)["style"], statements.styles()[i], statements.styles())


def test_what_must_not_be_there_is_claimed() -> None:
    counts = statements.counts("dog")
    says(made(avoid=("dog",))["avoid"], counts[0], counts)


def test_parents_come_first() -> None:
    brief = Brief("", "", things=(Thing("dog"), Thing("cat", 2, "red", "small", "left")))
    claims = claims_of(brief)
    assert [c.kind for c in claims] == ["count", "count", "colour", "size", "place"]
    assert [c.needs for c in claims] == [None, None, 1, 1, 1]


def test_an_empty_brief_claims_nothing() -> None:
    assert claims_of(Brief("hm", "hm")) == ()


def test_unknown_words_are_claimed_against_the_known() -> None:
    claims = made(things=(Thing("fox", 7, "mauve", "", "top"),), where="moon dust")
    assert claims["count"].text == "there are 7 foxes"
    assert claims["count"].foils[0] == "there is no fox"
    assert claims["colour"].text == "the foxes are mauve"
    assert "the foxes are red" in claims["colour"].foils
    assert claims["place"].text == "the foxes are top"
    assert claims["where"].text == "the ground is moon dust"
    assert "the ground is grass" in claims["where"].foils


def test_braces_in_words_are_only_words() -> None:
    assert made(things=(Thing("{s}"),))["count"].text == "there is one {s}"


def test_things_of_one_name_are_counted_together() -> None:
    claims = claims_of(Brief("", "", things=(Thing("cat", 1, "red"), Thing("cat", 1, "blue"))))
    assert [c.text for c in claims] == ["there are two cats"]


def test_nothing_is_claimed_twice_and_nothing_wanted_is_denied() -> None:
    link = Relation("cat", "above", "dog")
    brief = Brief(
        "",
        "",
        things=(Thing("cat"), Thing("dog")),
        relations=(link, link, Relation("cat", "above", "cat")),
        avoid=("cat", "cow", "cow"),
    )
    texts = [c.text for c in claims_of(brief)]
    assert texts == [
        "there is one cat",
        "there is one dog",
        "the cat is above the dog",
        "there is no cow",
    ]
