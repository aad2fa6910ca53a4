"""The loop, on fakes: every way it ends, and what never begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from faked import WISH, never, of_kind, replying, result_of, studio

from limner.agent.events import (
    BriefReady,
    Decided,
    Event,
    PaintingStep,
)
from limner.errors import BadInput, ModelFailed
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import ImageRequest


def test_time_ends_it_between_steps() -> None:
    events: list[Event] = []
    for event in studio(critic=never(), seconds=1e-9).stream(WISH, seed=1):
        events.append(event)
    assert result_of(events).ended == "budget"
    assert len(result_of(events).candidates) == 2  # the first round is always finished


def test_time_ends_a_later_round_half_way() -> None:
    loop = studio(critic=never())._loop(WISH, 1, {"seconds": 600})
    for event in loop.events():
        if isinstance(event, PaintingStep) and event.round == 1:
            loop.run.started -= 1000
    assert loop.run.ended == "budget"
    assert len(loop.run.candidates) == 2
    assert loop.run.spent == pytest.approx(2.5)  # one more step of four, of two takes


def test_closing_stops_the_painter() -> None:
    made: list[FakeImageStream] = []

    class Watched(FakePainter):
        def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
            made.append(super().paint(orders, preview_every))
            return made[-1]

    events = studio(painter=Watched(), critic=never()).stream(WISH, seed=1)
    for event in events:
        if isinstance(event, PaintingStep) and event.number == 2:
            break
    events.close()
    assert made[0].spent == pytest.approx(1)  # two takes, two of four steps each
    assert next(iter(made[0]), None) is None


@pytest.mark.parametrize("when", ["draft", "paint", "look", "revise"])
def test_ctrl_c_keeps_the_best_so_far(when: str) -> None:
    class Writer(FakeWriter):
        def _stream(self, messages: Any, *parts: Any, **call: Any) -> Iterator[Any]:
            rewords = "wrong: " in messages[-1].text.casefold()
            if when == "draft" or (when == "revise" and rewords):
                raise KeyboardInterrupt
            yield from super()._stream(messages, *parts, **call)

    class Painter(FakePainter):
        batches = 0

        def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
            self.batches += 1
            if when == "paint" and self.batches == 2:
                raise KeyboardInterrupt
            return super().paint(orders, preview_every)

    class Critic(FakeCritic):
        looks = 0

        def look(self, *seen: Any) -> list[list[float]]:
            self.looks += 1
            if when == "look" and self.looks == 2:
                raise KeyboardInterrupt
            return super().look(*seen)

    result = studio(Writer(), Painter(), Critic(never().scores)).imagine(WISH, seed=1)
    assert result.ended == "cancelled"
    assert len(result.candidates) == (0 if when == "draft" else 2)
    assert (result.best is None) == (when == "draft")


def test_a_speechless_writer_costs_only_its_words() -> None:
    events = list(studio(FakeWriter(replies=("no",)), critic=never()).stream(WISH, seed=1))
    (ready,) = of_kind(BriefReady, events)
    result = result_of(events)
    assert ready.fallback and result.notes[0] == ready.fallback
    assert "There are two red cats." in [claim.text for claim in ready.claims]
    assert {take.image_request.prompt for take in result.candidates} == {WISH}
    assert next(d.what for d in of_kind(Decided, events)) == "revise"


def test_a_writer_without_new_wording_gets_fresh_seeds() -> None:
    said = {"asked": [{"quote": "a cat", "text": "There is one cat."}], "prompt": "one cat"}
    for second in ({"prompt": "one cat"}, {}, {"prompt": ""}):
        events = list(
            studio(replying(said, second), critic=FakeCritic([[0.2]])).stream("a cat", seed=1)
        )
        result = result_of(events)
        assert len(result.candidates) == 6
        assert len({take.image_request.seed for take in result.candidates}) == 6
        assert {take.image_request.prompt for take in result.candidates} == {"one cat"}
        assert "repaint" in [d.what for d in of_kind(Decided, events)]


class BlindCritic(FakeCritic):
    """Breaks, or gives something that is not a number."""

    def __init__(self, broken: bool) -> None:
        super().__init__([[float("nan")]])
        self.broken = broken

    def look(self, *seen: Any) -> list[list[float]]:
        if self.broken:
            raise ValueError("no light\nat all")
        return super().look(*seen)


@pytest.mark.parametrize("broken", [True, False])
def test_a_critic_that_fails_leaves_takes_unverified(broken: bool) -> None:
    result = studio(critic=BlindCritic(broken)).imagine(WISH, seed=1)
    assert result.ended == "failed"
    assert len(result.candidates) == 2
    assert result.best and not result.best.critique.verified
    assert set(result.best.critique.probabilities) == {None}
    assert result.notes[0].startswith("unverified: the critic failed")


def test_a_painter_that_breaks_at_once_is_an_error() -> None:
    with pytest.raises(ModelFailed, match="the brush broke"):
        list(studio(painter=FakePainter(breaks_at=2)).stream(WISH, seed=1))


def test_a_painter_that_breaks_later_leaves_the_best() -> None:
    class Tired(FakePainter):
        batches = 0

        def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
            self.batches += 1
            self.breaks_at = 2 if self.batches > 1 else 0
            return super().paint(orders, preview_every)

    result = studio(painter=Tired(), critic=never()).imagine(WISH, seed=1)
    assert result.ended == "failed"
    assert result.best and result.best.number == 0
    assert result.notes == ("the painter failed: RuntimeError: the brush broke",)
    assert 2 < result.spent < 4


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"budget": 0.0}, "budget"),
        ({"budget": -1.0}, "budget"),
        ({"budget": 0.5}, "budget"),
        ({"seconds": 0.0}, "seconds"),
        ({"images_per_round": 0}, "images_per_round"),
        ({"size": (65, 64)}, "65 x 64"),
    ],
)
def test_impossible_limits_are_named_before_anything_runs(limits: Any, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        studio().stream(WISH, seed=1, **limits)


@pytest.mark.parametrize("request_", ["", "  \n", "x" * 4001])
def test_requests_that_are_none(request_: str) -> None:
    with pytest.raises(BadInput):
        studio().stream(request_, seed=1)
