"""A conversation on fakes: changes, takes that are named, steps back, finishing, and going on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from limner.agent import reproduce
from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.brief.tool_call import Call
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, Event, Finished, Replied, TurnHeard
from limner.agent.records import Brief, Settings
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def session(archive: Archive | None = None, *replies: str) -> Session:
    writer = FakeWriter(replies=replies)
    room = Studio(writer, FakePainter(), FakeCritic(), Settings(images_per_round=2, budget=4))
    return Session(room, 5, recorder=SessionRecorder(archive, "fake") if archive else None)


def say(talk: Session, words: str, take: int | None = None) -> list[Event]:
    return [*talk.draft(words, take), *talk.paint()]


def says(brief: Brief | None, word: str) -> bool:
    return brief is not None and any(word in claim.text for claim in brief.claims)


def test_nothing_is_there_before_the_first_request() -> None:
    talk = session()
    assert (talk.brief, talk.claims, talk.version, talk.meant) == (None, (), 0, None)
    for ask in (
        talk.picture,
        talk.undo,
        talk.redo,
        lambda: talk.candidate(1),
        lambda: talk.save(Path()),
    ):
        with pytest.raises(BadInput):
            ask()
    with pytest.raises(BadInput):
        list(talk.paint())
    (heard,) = (e for e in talk.turn("a cat", paint=False) if isinstance(e, TurnHeard))
    assert heard.call.tool == "draw"


def test_a_turn_does_what_was_heard_and_says_so() -> None:
    talk = session()
    events = [*talk.turn("a red cat")]
    kinds = [type(event) for event in events]
    assert kinds.index(TurnHeard) < kinds.index(BriefReady) < kinds.index(Finished)
    events = [*talk.turn("make it night")]
    (ready,) = (event for event in events if isinstance(event, BriefReady))
    assert ready.brief.reply == "+ The picture shows night" and talk.version == 2
    for line, tool in (("undo", "undo"), ("redo", "redo"), ("thanks", "answer"), ("#1", "select")):
        heard, replied = talk.turn(line)
        assert isinstance(heard, TurnHeard) and heard.call.tool == tool
        assert isinstance(replied, Replied) and replied.text
    assert talk.meant == 1 and talk.version == 1
    before = len(talk.candidates)
    assert isinstance([*talk.turn("again")][-1], Finished) and len(talk.candidates) > before


def test_a_call_is_made_without_a_line_too() -> None:
    talk = session()
    say(talk, "a red cat")
    say(talk, "make it night")
    assert [*talk.do(Call("back_to", version=1))] and talk.version == 1
    assert [*talk.do(Call("adjust", instruction="brighter"))] == [Replied("brightness +20%")]
    for call in (Call("select", candidate=99), Call("back_to", version=9)):
        with pytest.raises(BadInput):
            list(talk.do(call))
    assert talk.version == 1


def test_an_answer_takes_the_place_of_what_was_unclear() -> None:
    asks = '{"tool": "ask", "question": "Which one?", "choices": ["the cat", "the dog"]}'
    add = '{"tool": "edit", "add": [{"quote": "the dog blue", "text": "The dog is blue."}]}'
    draw = '{"tool": "draw", "request": "a cat and a dog"}'
    brief = '{"asked": [{"quote": "a dog", "text": "There is a dog."}], "prompt": "a dog"}'
    talk = session(None, draw, brief, asks, add, brief)
    list(talk.turn("a cat and a dog"))
    *_, asked = talk.turn("make it blue")
    assert asked == Replied("Which one?", ("the cat", "the dog"))
    list(talk.turn("2"))
    assert talk.tree.head and talk.tree.head.words == "make the dog blue"
    assert says(talk.brief, "blue")


def test_a_change_goes_on_from_the_take_that_is_meant() -> None:
    talk = session()
    events = say(talk, "a red cat and a dog on grass")
    assert isinstance(events[-1], Finished)
    first = talk.meant
    assert first and talk.version == 1
    base = talk.candidate(first).image_request
    say(talk, "make it night")
    assert talk.version == 2 and says(talk.brief, "night")
    fresh = talk.candidate(len(talk.versions()[0].candidates) + 1).image_request
    assert fresh.seed == base.seed and fresh.prompt != base.prompt
    assert [take.number for take in talk.candidates] == list(range(len(talk.candidates)))
    assert talk.meant in talk.versions()[1].candidates


def test_a_named_take_brings_back_its_own_version() -> None:
    talk = session()
    say(talk, "a red cat")
    say(talk, "make it night")
    say(talk, "on sand", 1)
    assert says(talk.brief, "sand") and not says(talk.brief, "night")
    assert talk.versions()[2].parent == 1
    assert talk.candidate(-1) is talk.candidates[-1]
    with pytest.raises(BadInput, match="no picture #99"):
        talk.pick(99)


def test_undo_and_redo_bring_version_and_picture() -> None:
    talk = session()
    say(talk, "a red cat")
    one = talk.meant
    say(talk, "make it night")
    two = talk.meant
    assert not says(talk.undo(), "night") and talk.meant == one
    assert says(talk.redo(), "night") and talk.meant == two
    talk.undo()
    say(talk, "on snow")
    assert [past.parent for past in talk.versions()] == [None, 1, 1]
    assert says(talk.branch(2), "night") and talk.meant == two
    assert any("night" in line for line in talk.diff(1, 2))


def test_again_keeps_the_best_and_paints_from_fresh_seeds() -> None:
    talk = session()
    say(talk, "a red cat")
    list(talk.again())
    seeds = [take.image_request.seed for take in talk.candidates]
    assert len(set(seeds)) == len(seeds)
    scores = [talk.candidate(n).critique.score for n in talk.versions()[0].candidates]
    assert talk.candidate(talk.meant or 0).critique.score == max(scores)


def test_stopped_in_the_middle_it_keeps_what_there_is() -> None:
    talk = session()
    list(talk.draft("a red cat"))
    painting = talk.paint()
    for event in painting:
        if isinstance(event, Finished) or talk.candidates:
            break
    painting.close()
    assert talk.meant == 1 and talk.picture().size == talk.candidate(1).picture.size


def test_a_file_tells_how_its_run_ended(tmp_path: Path) -> None:
    talk = session()
    list(talk.draft("a red cat"))
    painting = talk.paint()
    while not talk.candidates:
        next(painting)
    painting.close()
    assert pictures.read_recipe(talk.save(tmp_path / "one.png")).ended == "cancelled"
    (*_, finished) = talk.again()
    assert isinstance(finished, Finished)
    talk.pick(-1)
    recipe = pictures.read_recipe(talk.save(tmp_path / "two.png"))
    assert recipe.ended == finished.result.ended
    assert recipe.seconds == 0  # the same request and seed are the same file, whatever the clock


def test_a_seed_that_is_set_again_paints_the_same_pictures() -> None:
    talk = session()
    say(talk, "a red cat")
    first = [take.image_request for take in talk.candidates]
    say(talk, "make it night")
    talk.reseed(5)
    list(talk.draft("a red cat", anew=True))
    before = len(talk.candidates)
    list(talk.paint())
    assert [take.image_request for take in talk.candidates[before:]] == first


def test_a_change_never_paints_one_picture_twice() -> None:
    talk = session()
    say(talk, "a red cat")
    talk.pick(2)  # its seed is that of the second order of this run and of the next
    talk.reseed(5)
    before = len(talk.candidates)
    say(talk, "make it night")
    orders = [
        (take.image_request.prompt, take.image_request.seed) for take in talk.candidates[before:]
    ]
    assert orders[0][1] == talk.candidate(2).image_request.seed and len(set(orders)) == len(orders)


def test_a_draft_that_is_closed_leaves_no_version() -> None:
    talk = session()
    drafting = talk.draft("a red cat")
    next(iter(drafting))
    drafting.close()
    assert talk.version == 0


def test_finishing_is_kept_with_the_take_and_saved_with_it(tmp_path: Path) -> None:
    talk = session()
    say(talk, "a red cat")
    plain = talk.picture()
    assert talk.finish("brighter") and talk.finish("upscale x2")
    assert talk.picture().width == 2 * plain.width
    path = talk.save(tmp_path / "cat.png", "fake")
    recipe = pictures.read_recipe(path)
    assert len(recipe.finishes) == 2 and recipe.request == "a red cat"
    _, identical = reproduce.again(path, talk.studio)
    assert identical
    with pytest.raises(BadInput):
        talk.finish("resize 333x444")  # another shape
    assert len(talk.history.finishes(talk.meant or 0)) == 2


def test_a_style_is_put_on_and_taken_off() -> None:
    talk = session()
    list(talk.draft("a red cat"))
    talk.style = "watercolour"
    list(talk.paint())
    assert "watercolour" in talk.candidates[0].image_request.prompt
    talk.style = ""
    list(talk.again())
    assert "watercolour" not in talk.candidates[-1].image_request.prompt


def test_a_style_brings_its_shape_where_no_size_was_asked_for() -> None:
    talk = session()
    list(talk.draft("a red cat"))
    talk.style = "game scene"
    list(talk.paint())
    order = talk.candidates[0].image_request
    assert order.width > order.height
    talk.limits["size"] = talk.studio.painter.spec.size
    list(talk.again())
    assert (
        talk.candidates[-1].image_request.width,
        talk.candidates[-1].image_request.height,
    ) == talk.limits["size"]


def test_it_goes_on_where_it_was_left(archive: Archive) -> None:
    talk = session(archive)
    say(talk, "a red cat")
    say(talk, "make it night")
    talk.undo()
    assert talk.recorder and talk.recorder.number and talk.recorder.problem is None
    again = Session.resumed(talk.studio, archive, talk.recorder.number)
    assert again.tree.head == talk.tree.head and again.tree.versions == talk.tree.versions
    assert [take.image_request for take in again.candidates] == [
        take.image_request for take in talk.candidates
    ]
    assert again.meant == talk.meant and again.versions() == talk.versions()
    assert [run.numbers for run in again.history.runs] == [run.numbers for run in talk.history.runs]
    assert again.why()
    (*_, ready) = again.draft("on sand")
    assert isinstance(ready, BriefReady) and again.version == 3
    assert Session.resumed(talk.studio, archive, talk.recorder.number).version == 3


def test_an_archive_that_fails_costs_no_picture(archive: Archive) -> None:
    talk = session(archive)
    archive.close()
    say(talk, "a red cat")
    assert talk.meant and talk.recorder and talk.recorder.problem


def test_any_walk_leaves_every_take_with_its_version(archive: Archive) -> None:
    chance, talk = Random(3), session(archive)
    say(talk, "a red cat and a dog")
    lines = ["make it night", "on sand", "add a tree", "without the dog", "make the cat blue"]
    moves: dict[str, Callable[[], object]] = {
        "say": lambda: say(talk, chance.choice(lines)),
        "pick": lambda: talk.pick(chance.randint(1, len(talk.candidates))),
        "branch": lambda: talk.branch(chance.randint(1, len(talk.tree.versions))),
        "again": lambda: list(talk.again()),
        "undo": talk.undo,
        "redo": talk.redo,
    }
    for _ in range(14):
        move = chance.choice(list(moves))
        try:
            moves[move]()
        except BadInput:
            assert move in {"undo", "redo"}
    for past in talk.versions():
        for number in past.candidates:
            shown = talk.candidate(number).brief
            assert shown.claims == talk.tree.versions[past.number - 1].brief.claims
    assert talk.recorder and talk.recorder.number and talk.recorder.problem is None
    again = Session.resumed(talk.studio, archive, talk.recorder.number)
    assert again.versions() == talk.versions() and again.meant == talk.meant
