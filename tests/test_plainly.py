"""Plain changes are made by rule, in both languages; what could mean two things is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limner.agent.brief import Drafted, Scribe
from limner.agent.language.demands import demanded
from limner.agent.language.locks import told
from limner.agent.language.plainly import plainly
from limner.agent.records import Brief, Relation, Thing
from limner.pipelines.fakes import FakeWriter

DOMAIN = "things (1 to 4 of a kind, 4 in all): cat, dog, tree, bird; where: grass; light: night"
BEFORE = Brief(
    "a red cat left of a dog, on grass",
    "a red cat left of a dog, on grass",
    things=(Thing("cat", 1, "red"), Thing("dog")),
    relations=(Relation("cat", "left of", "dog"),),
    where="grass",
)


def things(brief: Brief) -> str:
    return " ".join(f"{t.count}{t.colour}{t.name}" for t in brief.things)


@pytest.mark.parametrize("domain", ["", DOMAIN])
@pytest.mark.parametrize(
    ("words", "after"),
    [
        ("one more cat", "2redcat 1dog"),
        ("Please add two more dogs.", "1redcat 3dog"),
        ("another bird", "1redcat 1dog 1bird"),
        ("再来一只猫", "2redcat 1dog"),
        ("请再加两只狗吧！", "1redcat 3dog"),
        ("remove the dog", "1redcat"),
        ("把狗去掉", "1redcat"),
        ("不要狗了", "1redcat"),
        ("one less dog", "1redcat"),
        ("少一只狗", "1redcat"),
    ],
)
def test_a_plain_change(words: str, after: str, domain: str) -> None:
    ruled = plainly(words, BEFORE, demanded(BEFORE.request), domain)
    assert ruled and things(ruled.brief) == after and not ruled.why
    assert ruled.brief.where == "grass" and "grass" in ruled.brief.prompt
    gone = "dog" not in after
    assert bool(ruled.brief.relations) != gone and ("dog" in ruled.brief.avoid) == gone


@pytest.mark.parametrize(
    "words",
    [
        "one more time",
        "two more",
        "再来一只",
        "make it night",
        "remove the cat and the dog",
        "add a touch more colour",
        "三只猫",
    ],
)
def test_what_is_left_to_the_writer(words: str) -> None:
    assert plainly(words, BEFORE, ()) is None


def test_what_no_painter_of_the_domain_shows_is_left_to_the_writer() -> None:
    assert plainly("one more tiger", BEFORE, (), DOMAIN) is None
    full = plainly("three more cats", BEFORE, (), DOMAIN)
    assert full and full.brief == BEFORE and "no room" in full.why


def test_what_is_not_there_is_kept_out_and_nothing_else_changes() -> None:
    ruled = plainly("不要鸟", BEFORE, demanded(BEFORE.request), DOMAIN)
    assert ruled and ruled.brief == replace(BEFORE, avoid=("bird",))
    assert "no bird" in map(told, ruled.locks)
    assert plainly("no grass, please", BEFORE, ()) is None


def test_one_more_of_several_looks_is_the_plain_one() -> None:
    two = replace(BEFORE, things=(Thing("cat", 1, "red"), Thing("cat", 1, "blue")), relations=())
    ruled = plainly("one more cat", two, (), DOMAIN)
    assert ruled and things(ruled.brief) == "1redcat 1bluecat 1cat"
    assert [told(lock) for lock in ruled.locks] == ["3 cat"]
    again = plainly("再来一只猫", ruled.brief, ruled.locks, DOMAIN)
    assert again and things(again.brief) == "1redcat 1bluecat 2cat"


def test_less_busy_keeps_what_was_stated() -> None:
    crowd = replace(
        BEFORE,
        prompt="a red cat left of a dog, a tree, on grass",
        things=(*BEFORE.things, Thing("tree")),
    )
    for words in ("less busy", "简单一点"):
        ruled = plainly(words, crowd, demanded("a red cat and a dog"))
        assert ruled and things(ruled.brief) == "1redcat 1dog"
        assert ruled.brief.prompt == "a red cat left of a dog, on grass"
        assert ruled.brief.avoid == ()
    kept = plainly("less busy", crowd, demanded("a cat, a dog and a tree"))
    assert kept and kept.brief == crowd and kept.why.startswith("Nothing can go")
    vague = plainly("less busy", crowd, ())
    assert vague and things(vague.brief) == "1redcat"


def test_the_only_thing_needs_no_name() -> None:
    alone = Brief("a cat", "a fluffy cat at noon", things=(Thing("cat"),))
    for words in ("two more", "再来两只"):
        ruled = plainly(words, alone, demanded("a cat"))
        assert ruled and ruled.brief.prompt == "three fluffy cats at noon"
        assert "3 cat" in map(told, ruled.locks)


def test_the_writer_is_not_asked_and_the_number_holds() -> None:
    scribe = Scribe(FakeWriter(replies=("nonsense",)), DOMAIN)
    first = edited(scribe, BEFORE, "one more cat")
    assert first.brief.request == "one more cat" and not first.fallback
    assert first.brief.prompt == "two red cats left of a dog, on grass"
    again = edited(scribe, first.brief, "再来一只猫", first)
    assert things(again.brief) == "3redcat 1dog"


def edited(scribe: Scribe, before: Brief, words: str, earlier: Drafted | None = None) -> Drafted:
    steps = scribe.edit(before, words, 1, earlier.locks if earlier else demanded(before.request))
    try:
        while True:
            next(steps)
    except StopIteration as end:
        drafted: Drafted = end.value
        return drafted
