"""Where the budget goes: seeds, repairs, rewordings, the plain request, and when it is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from faked import DRAWN, WISH, replying
from PIL import ImageStat
from PIL.Image import Image

from limner.agent.brief.claims import complete
from limner.agent.events import CandidateReady, Decided, Event, Finished
from limner.agent.records import Brief, Candidate, Claim, Critique, Result, Settings
from limner.agent.scoring.localize import region
from limner.agent.search.refine import Refine
from limner.agent.search.rounds import seed_of
from limner.agent.studio import Studio
from limner.pipelines.batch_split import BatchSplit
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.roles import ImageRequest


def worked(
    critic: Any, search: Refine | None = None, writer: FakeWriter | None = None, **settings: Any
) -> list[Event]:
    known = Settings(**{"images_per_round": 2, "budget": 6.0, **settings})
    studio = Studio(writer or FakeWriter(), FakePainter(), critic, known, search or Refine())
    return list(studio.stream(WISH, seed=1))


def decided(events: Sequence[Event]) -> list[str]:
    return [event.what for event in events if isinstance(event, Decided)]


def result(events: Sequence[Event]) -> Result:
    assert isinstance(events[-1], Finished)
    return events[-1].result


class Spotted:
    """A fake critic to whom a claim is true while its corner of the picture is dark enough."""

    name = "spotted"

    def __init__(self, corners: Sequence[tuple[int, int]]) -> None:
        self.corners = corners

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """One minus the brightness of each claim's corner."""
        return [[self._dark(picture, i) for i in range(len(claims))] for picture in pictures]

    def _dark(self, picture: Image, claim: int) -> float:
        x, y = self.corners[claim % len(self.corners)]
        corner = picture.convert("L").crop((x, y, x + 32, y + 32))
        return 1 - ImageStat.Stat(corner).mean[0] / 255


def test_it_stops_when_it_is_sure() -> None:
    events = worked(FakeCritic([[0.9, 0.95, 0.95, 0.9]]))
    assert decided(events) == ["done"]
    assert result(events).ended == "done"


def test_it_goes_on_while_all_holds_but_only_just() -> None:
    events = worked(FakeCritic([[0.6, 0.6, 0.6, 0.6]]))
    assert decided(events) == ["repaint", "repaint", "done"]
    assert result(events).ended == "done"
    assert result(events).spent == pytest.approx(6)
    why = next(event.why for event in events if isinstance(event, Decided))
    assert why == "22% sure that all claims hold; trying once more."


class Aimed(FakeCritic):
    """A fake critic who finds the cats at the lower right, and their colour wrong."""

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """Nine pictures are one with nine places covered."""
        if len(pictures) == 9:
            return [[0.9, 0.9, 0.2, 0.9]] * 8 + [[0.1, 0.9, 0.2, 0.9]]
        return super().look(pictures, claims, foils)


def test_what_fails_is_painted_over_then_worded_anew() -> None:
    critic = Aimed([[0.9, 0.9, 0.2, 0.9], [0.9, 0.9, 0.1, 0.9], [0.9, 0.9, 0.15, 0.9]])
    writer = replying(DRAWN, {"prompt": "two cats, both red, and a dog at night"})
    events = worked(critic, Refine(control=0), writer, budget=7.0)
    assert decided(events) == ["repair", "aim", "revise", "revise", "repaint", "stop"]
    repaired = [take for take in result(events).candidates if take.image_request.start]
    assert [take.round for take in repaired] == [1, 1]
    start = repaired[0].image_request.start
    assert start and start.image_request == result(events).candidates[0].image_request
    assert (start.box, start.strength) == ((32, 32, 64, 64), 0.9)
    assert repaired[0].image_request.prompt == start.image_request.prompt
    before = result(events).candidates[0].picture.crop((0, 0, 32, 32))
    assert repaired[0].picture.crop((0, 0, 32, 32)).tobytes() == before.tobytes()
    seeds = [take.image_request.seed for take in result(events).candidates]
    assert len(set(seeds)) == len(seeds)


def test_a_repair_costs_what_it_paints() -> None:
    events = worked(FakeCritic([[0.9, 0.1, 0.9, 0.9], [0.9, 0.2, 0.9, 0.9]]), Refine(control=0))
    spent = result(events).spent
    assert spent <= 6 + 1e-6
    starts = [take for take in result(events).candidates if take.image_request.start]
    whole = [take for take in result(events).candidates if not take.image_request.start]
    assert spent == pytest.approx(len(whole) + len(starts))  # 4 of 4 steps


def test_some_of_the_budget_goes_to_the_plain_request() -> None:
    writer = replying({**DRAWN, "prompt": "two red cats beside a dog at night"})
    settings = Settings(images_per_round=4, budget=8)
    critic = FakeCritic([[0.1], [0.1], [0.1], [0.9]])
    studio = Studio(writer, FakePainter(), critic, settings, Refine(stop_confidence=0))
    done = studio.imagine(WISH, seed=1)
    assert [take.image_request.prompt for take in done.candidates][:4].count(WISH) == 1
    assert done.best and done.best.brief.prompt == done.best.image_request.prompt == WISH
    assert any("as you typed it" in note for note in done.notes)


def test_a_request_that_painters_cannot_read_is_not_tried_as_it_is() -> None:
    writer = replying({"prompt": "a red cat"})
    studio = Studio(writer, FakePainter(), FakeCritic(), Settings(images_per_round=4, budget=8))
    assert {t.image_request.prompt for t in studio.imagine("一只红色的猫", seed=1).candidates} == {
        "a red cat"
    }


def test_the_best_sketch_is_painted_on() -> None:
    """Four sketches of one step in four, of which one goes on, are worth 1.75 pictures."""
    critic = FakeCritic([[0.2], [0.6], [0.3], [0.1], [0.2], [0.1], [0.1], [0.9]])
    events = worked(critic, Refine(drafts=4, drop_at=0.25, control=0), images_per_round=1, budget=4)
    assert decided(events) == ["drop", "repaint", "drop", "done"]
    done = result(events)
    assert [take.image_request.seed - seed_of(1, 0) for take in done.candidates] == [1, 7]
    assert {take.image_request.steps for take in done.candidates} == {4}
    assert done.spent == pytest.approx(3.5)


def test_a_take_tells_who_was_dropped_from_its_batch() -> None:
    critic = FakeCritic([[0.2], [0.6], [0.3], [0.9]])
    done = result(worked(critic, Refine(drafts=4, drop_at=0.25, control=0), budget=3))
    assert [take.image_request.seed for take in done.candidates] == [seed_of(1, 3)]
    assert {take.batch_seeds for take in done.candidates} == {
        tuple(seed_of(1, n) for n in range(4))
    }
    assert {take.dropped_at for take in done.candidates} == {(1, 1, 1, 0)}


def test_as_many_are_painted_on_as_the_budget_is_worth() -> None:
    search = Refine(drafts=9, drop_at=0.25, control=0)
    for budget, kept, spent in ((4, 2, 3.75), (3, 1, 3), (2, 1, 2)):
        done = result(worked(FakeCritic([[0.9, 0.9, 0.9, 0.9]]), search, budget=budget))
        assert len(done.candidates) == kept
        assert done.spent == pytest.approx(spent)


def test_a_wording_has_so_many_rounds_before_anything_else_is_tried() -> None:
    search = Refine(patience=2, control=0)
    assert decided(worked(FakeCritic([[0.4]]), search, budget=9))[:2] == ["repaint", "repair"]
    without = worked(FakeCritic([[0.4]]), replace(search, repairs=False), budget=9)
    assert decided(without)[:4] == ["repaint", "revise", "repaint", "revise"]


def test_what_stands_in_the_wrong_place_is_not_painted_over() -> None:
    wish = "a cat left of a dog"
    said = {"a cat": "There is one cat.", "a dog": "There is one dog."}
    said[wish] = "The cat is left of the dog."
    asked = [{"quote": quote, "text": text} for quote, text in said.items()]
    writer = replying({"asked": asked, "prompt": wish})
    critic = FakeCritic([[0.9, 0.9, 0.4]])
    studio = Studio(writer, FakePainter(), critic, Settings(images_per_round=2, budget=6))
    assert "repair" not in decided(list(studio.stream(wish, seed=1)))


def test_what_is_left_pays_for_fewer_sketches_or_none() -> None:
    search = Refine(drafts=6, drop_at=0.25, control=0)
    for budget, spent, what in ((1.6, 1.5, ["drop", "done"]), (1.2, 1, ["done"])):
        events = worked(FakeCritic([[0.6]]), search, budget=budget)
        assert result(events).spent == pytest.approx(spent)
        assert decided(events)[: len(what)] == what


class Short(FakePainter):
    """A fake painter with room for two pictures at once."""

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> Any:
        """The real rationing of a batch, over fake batches."""
        easel = SimpleNamespace(
            begin=lambda few, tiled: FakePainter.paint(self, few, preview_every), ease=bool
        )
        return BatchSplit(easel, orders, 2)


def test_of_each_part_of_a_batch_its_share_is_painted_on() -> None:
    settings = Settings(images_per_round=2, budget=4.0)
    search = Refine(drafts=4, drop_at=0.25, control=0)
    critic = FakeCritic([[0.9], [0.2], [0.1], [0.8]])
    events = list(Studio(FakeWriter(), Short(), critic, settings, search).stream(WISH, seed=1))
    assert decided(events)[:2] == ["drop", "drop"]
    takes = result(events).candidates[:2]
    first = [tuple(seed_of(1, n) for n in pair) for pair in ((0, 1), (2, 3))]
    assert [take.batch_seeds for take in takes] == first
    assert [take.dropped_at for take in takes] == [(0, 1), (1, 0)]
    assert [take.image_request.seed for take in takes] == [seed_of(1, 0), seed_of(1, 3)]


def test_a_brief_without_claims_is_not_sketched() -> None:
    settings = Settings(images_per_round=2, budget=4, drafts=6, drop_at=0.25)
    studio = Studio(FakeWriter(), FakePainter(), FakeCritic(), settings)
    *_, done = studio.paint(Brief("hm", "hm"), seed=1)
    assert isinstance(done, Finished)
    assert len(done.result.candidates) == 2 and done.result.spent <= 4


def test_a_single_round_is_not_sketched() -> None:
    studio = Studio(
        FakeWriter(), FakePainter(), FakeCritic(), Settings(images_per_round=3, drafts=6)
    )
    assert len(studio.imagine(WISH, seed=1, refine=False).candidates) == 3


def test_a_critic_that_breaks_over_sketches_costs_no_picture() -> None:
    class Failing(FakeCritic):
        def look(self, *_: Any) -> list[list[float]]:
            raise RuntimeError("no eyes")

    done = result(worked(Failing(), Refine(drafts=6, drop_at=0.25, control=0)))
    assert len(done.candidates) == 2 and done.best is not None


def test_what_never_comes_near_is_given_up() -> None:
    critic = FakeCritic([[0.9, 0.01, 0.9, 0.9]])
    events = worked(critic, budget=40.0)
    last = [event for event in events if isinstance(event, Decided)][-1]
    assert last.what == "stop" and last.why.startswith("Given up, for none of 6 pictures came near")
    assert result(events).spent < 7


def test_the_same_seed_takes_the_same_way() -> None:
    one, other = (worked(Spotted([(0, 0), (32, 32)])) for _ in range(2))
    assert decided(one) == decided(other)
    takes = [
        [e.candidate.image_request for e in events if isinstance(e, CandidateReady)]
        for events in (one, other)
    ]
    assert takes[0] == takes[1]


def test_a_critic_that_breaks_while_aiming_costs_only_the_repair() -> None:
    class Shy(FakeCritic):
        def look(self, pictures: Any, claims: Any, foils: Any) -> list[list[float]]:
            if len(pictures) == 9:
                raise RuntimeError("nine are too many")
            return super().look(pictures, claims, foils)

    events = worked(Shy([[0.9, 0.3, 0.9, 0.9]]))
    assert decided(events)[:2] == ["repair", "repaint"]
    assert result(events).ended == "budget"


CLAIMS = complete([Claim("There is one dog."), Claim("The dog is red.")])


def picture(dark: tuple[int, int]) -> Image:
    from PIL import Image as images

    found = images.new("RGB", (64, 64), "white")
    found.paste((0, 0, 0), (dark[0], dark[1], dark[0] + 32, dark[1] + 32))
    return found


def take(shown: Image, claims: tuple[Claim, ...], probabilities: tuple[float, ...]) -> Candidate:
    order = ImageRequest("a dog", 1, 64, 64, 4, 5.0)
    return Candidate(0, 0, Brief("a dog", "a dog"), order, shown, Critique(claims, probabilities))


def test_what_is_wrong_is_where_the_thing_is() -> None:
    """The dog is the dark corner; its colour fails wherever one looks."""

    class Dog(Spotted):
        def _dark(self, picture: Image, claim: int) -> float:
            return 0.1 if claim else super()._dark(picture, claim)

    shown = picture((32, 0))
    found = region(Dog([(32, 0)]), take(shown, CLAIMS, (0.9, 0.1)), Settings(), 1)
    assert found and found.box == (32, 0, 64, 32)


def test_what_is_missing_goes_where_it_harms_least() -> None:
    claims = complete([*CLAIMS[:1], Claim("There is one cat.")])

    class Dog(Spotted):
        def _dark(self, picture: Image, claim: int) -> float:
            return 0.1 if claim else super()._dark(picture, claim)

    found = region(Dog([(0, 0)]), take(picture((0, 0)), claims, (0.9, 0.1)), Settings(), 1)
    assert found and max(found.box[:2]) >= 32 and found.why == "there is room for it"


def test_where_nothing_tells_there_is_no_place() -> None:
    shown = take(picture((0, 0)), CLAIMS, (0.5, 0.1))
    assert region(FakeCritic([[0.5, 0.1]]), shown, Settings(), 1) is None
