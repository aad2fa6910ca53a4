"""The loop, on fakes: every way it goes, and every way it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from PIL.Image import Image

from limner.agent.events import (
    BriefReady,
    BriefToken,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    TakeReady,
)
from limner.agent.records import Result, Settings
from limner.agent.run import Run
from limner.agent.search import Attempt, Rounds, seed_of
from limner.agent.studio import Studio
from limner.agent.styling import styled
from limner.errors import BadInput, ModelFailed
from limner.pipelines.fakes import FakeCritic, FakePainter, FakePainting, FakeWriter
from limner.pipelines.roles import Order, Painter
from limner.prompts.styles import style

WISH = "two red cats and a dog at night"  # claims: two cats, red; one dog; night


def studio(
    writer: FakeWriter | None = None,
    painter: FakePainter | None = None,
    critic: FakeCritic | None = None,
    **settings: Any,
) -> Studio:
    return Studio(
        writer or FakeWriter(),
        painter or FakePainter(),
        critic or FakeCritic(),
        Settings(**{"takes": 2, "budget": 6.0, **settings}),
        Rounds(),
    )


def never() -> FakeCritic:
    """A critic whom nothing pleases, though the third take pleases it more than the others."""
    return FakeCritic([[0.9, 0.2], [0.9, 0.1], [0.9, 0.3], [0.1]])


def result_of(events: Sequence[Event]) -> Result:
    assert isinstance(events[-1], Finished)
    return events[-1].result


def of_kind(kind: type[Any], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_request_that_succeeds_at_once() -> None:
    events = list(studio(critic=FakeCritic([[0.2], [0.9]])).takes(WISH, seed=1))
    kinds = [type(event) for event in events if not isinstance(event, BriefToken)]
    steps = [PaintingStep] * 4
    assert kinds == [BriefReady, *steps, TakeReady, TakeReady, Decided, Finished]
    result = result_of(events)
    assert result.ended == "done"
    assert result.best and result.best.number == 1
    assert result.spent == pytest.approx(2)
    assert result.notes == ()
    assert [event.best for event in of_kind(TakeReady, events)] == [True, True]
    said = "".join(event.text for event in of_kind(BriefToken, events))
    assert json.loads(said)["prompt"] == WISH


def test_it_rewords_what_went_wrong_until_the_budget_is_spent() -> None:
    events = list(studio(critic=never()).takes(WISH, seed=1))
    result = result_of(events)
    assert result.ended == "budget"
    assert result.spent == pytest.approx(6)
    assert [take.round for take in result.takes] == [0, 0, 1, 1, 2, 2]
    assert result.best and result.best.number == 2
    assert [d.what for d in of_kind(Decided, events)] == ["revise", "revise", "stop"]
    first, second = of_kind(PromptRevised, events)
    assert first.before == WISH
    assert first.after == f"{WISH}, really the cats are red; there is one dog; the sky shows night"
    assert second.before == first.after  # the best take is of the second round
    assert result.takes[2].order.prompt == result.takes[2].brief.prompt == first.after


def test_a_round_goes_back_to_the_best_wording() -> None:
    critic = FakeCritic([[0.9, 0.4], [0.1], [0.1], [0.1], [0.1]])
    events = list(studio(critic=critic).takes(WISH, seed=1))
    takes = result_of(events).takes
    assert [d.what for d in of_kind(Decided, events)] == ["revise", "revise", "repaint", "stop"]
    assert takes[2].order.prompt != WISH
    assert takes[4].order.prompt == WISH  # the rewording did worse and there is no other
    assert len({take.order.seed for take in takes}) == 6


def test_the_last_round_shrinks_to_what_is_left() -> None:
    result = studio(critic=never()).imagine(WISH, seed=1, budget=5)
    assert [take.round for take in result.takes] == [0, 0, 1, 1, 2]
    assert result.spent == pytest.approx(5)


def test_a_search_that_orders_nothing_more_ends_it() -> None:
    class Tired(Rounds):
        def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
            return [] if run.round else super().attempts(run, painter)

        def decide(self, run: Run, painter: Painter) -> Decided:
            return Decided(run.round, "repaint", "why not")

    result = Studio(FakeWriter(), FakePainter(), never(), search=Tired()).imagine(WISH, seed=1)
    assert result.ended == "budget"
    assert len(result.takes) == 4


def test_larger_pictures_cost_more() -> None:
    result = studio(critic=never()).imagine(WISH, seed=1, size=(128, 64), budget=5)
    assert len(result.takes) == 2
    assert result.spent == pytest.approx(4)
    assert result.takes[0].picture.size == (128, 64)


def test_one_round_without_refining() -> None:
    result = studio(critic=never()).imagine(WISH, seed=1, refine=False)
    assert len(result.takes) == 2
    assert result.ended == "budget"


def test_time_ends_it_between_steps() -> None:
    events: list[Event] = []
    for event in studio(critic=never(), seconds=1e-9).takes(WISH, seed=1):
        events.append(event)
    assert result_of(events).ended == "budget"
    assert len(result_of(events).takes) == 2  # the first round is always finished


def test_time_ends_a_later_round_half_way() -> None:
    loop = studio(critic=never())._loop(WISH, 1, {"seconds": 600})
    for event in loop.events():
        if isinstance(event, PaintingStep) and event.round == 1:
            loop.run.started -= 1000
    assert loop.run.ended == "budget"
    assert len(loop.run.takes) == 2
    assert loop.run.spent == pytest.approx(2.5)  # one more step of four, of two takes


def test_the_same_seed_gives_the_same_run() -> None:
    one, two = (studio(critic=never()).imagine(WISH, seed=7) for _ in range(2))
    assert [t.order for t in one.takes] == [t.order for t in two.takes]
    assert [t.picture.tobytes() for t in one.takes] == [t.picture.tobytes() for t in two.takes]
    other = studio(critic=never()).imagine(WISH, seed=8)
    assert {t.order.seed for t in one.takes}.isdisjoint(t.order.seed for t in other.takes)


def test_seeds_of_one_request_are_distinct_and_in_range() -> None:
    for seed in (0, 1, 2**31, 2**63):
        seeds = [seed_of(seed, number) for number in range(1000)]
        assert len(set(seeds)) == 1000
        assert 0 <= min(seeds) <= max(seeds) < 2**32


def test_equal_takes_keep_the_earlier() -> None:
    result = studio(critic=FakeCritic([[0.3]])).imagine(WISH, seed=1)
    assert result.best and result.best.number == 0


def test_closing_stops_the_painter() -> None:
    made: list[FakePainting] = []

    class Watched(FakePainter):
        def paint(self, orders: Sequence[Order], preview_every: int = 0) -> FakePainting:
            made.append(super().paint(orders, preview_every))
            return made[-1]

    events = studio(painter=Watched(), critic=never()).takes(WISH, seed=1)
    for event in events:
        if isinstance(event, PaintingStep) and event.number == 2:
            break
    events.close()
    assert made[0].spent == pytest.approx(1)  # two takes, two of four steps each
    assert next(iter(made[0]), None) is None


@pytest.mark.parametrize("when", ["draft", "paint", "look", "revise"])
def test_ctrl_c_keeps_the_best_so_far(when: str) -> None:
    class Writer(FakeWriter):
        def _stream(self, messages: Any, *_: Any, **__: Any) -> Iterator[Any]:
            if when == "draft" or (when == "revise" and "prompt: " in messages[-1].text):
                raise KeyboardInterrupt
            yield from super()._stream(messages)

    class Painter(FakePainter):
        batches = 0

        def paint(self, orders: Sequence[Order], preview_every: int = 0) -> FakePainting:
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
    assert len(result.takes) == (0 if when == "draft" else 2)
    assert (result.best is None) == (when == "draft")


def test_a_speechless_writer_costs_only_the_claims() -> None:
    events = list(studio(FakeWriter(replies=("no",)), critic=never()).takes(WISH, seed=1))
    (ready,) = of_kind(BriefReady, events)
    result = result_of(events)
    assert ready.fallback and ready.claims == ()
    assert result.best and result.best.order.prompt == WISH
    assert result.notes[0] == ready.fallback
    assert "unverified" in result.notes[1]
    assert [d.what for d in of_kind(Decided, events)] == ["stop"]


def test_a_writer_without_new_wording_gets_fresh_seeds() -> None:
    said = json.dumps({"things": [{"name": "cat"}], "prompt": "one cat"})
    for second in (json.dumps({"prompt": "one cat"}), "no", '{"prompt": ""}'):
        writer = FakeWriter(replies=(said, second))
        events = list(studio(writer, critic=FakeCritic([[0.2]])).takes("a cat", seed=1))
        result = result_of(events)
        assert len(result.takes) == 6
        assert len({take.order.seed for take in result.takes}) == 6
        assert {take.order.prompt for take in result.takes} == {"one cat"}
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
    assert len(result.takes) == 2
    assert result.best and not result.best.critique.verified
    assert set(result.best.critique.probabilities) == {None}
    assert result.notes[0].startswith("unverified: the critic failed")


def test_a_painter_that_breaks_at_once_is_an_error() -> None:
    with pytest.raises(ModelFailed, match="the brush broke"):
        list(studio(painter=FakePainter(breaks_at=2)).takes(WISH, seed=1))


def test_a_painter_that_breaks_later_leaves_the_best() -> None:
    class Tired(FakePainter):
        batches = 0

        def paint(self, orders: Sequence[Order], preview_every: int = 0) -> FakePainting:
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
        ({"takes": 0}, "takes"),
        ({"size": (65, 64)}, "65 x 64"),
    ],
)
def test_impossible_limits_are_named_before_anything_runs(limits: Any, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        studio().takes(WISH, seed=1, **limits)


@pytest.mark.parametrize("request_", ["", "  \n", "x" * 4001])
def test_requests_that_are_none(request_: str) -> None:
    with pytest.raises(BadInput):
        studio().takes(request_, seed=1)


def test_previews_on_demand() -> None:
    events = list(studio().takes(WISH, seed=1, preview_every=2))
    shown = [sorted(event.previews) for event in of_kind(PaintingStep, events)[:4]]
    assert shown == [[], [0, 1], [], [0, 1]]


def test_expanding_paints_nothing() -> None:
    events = list(studio().expand(WISH, seed=1))
    assert isinstance(events[-1], BriefReady)
    assert [c.text for c in events[-1].claims] == [
        "there are two cats",
        "the cats are red",
        "there is one dog",
        "the sky shows night",
    ]


def test_what_the_painter_cannot_read_is_left_out_and_noted() -> None:
    result = studio().imagine("a cat, a cosy armchair, " + "purr " * 80, seed=1)
    (note,) = [note for note in result.notes if "77 tokens" in note]
    assert note == "left out, for the painter reads 77 tokens: " + ("purr " * 80).strip()
    assert result.best and result.best.order.prompt == "a cat, a cosy armchair"


def test_a_search_that_says_more_than_the_painter_reads_is_noted() -> None:
    class Verbose(Rounds):
        def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
            found = super().attempts(run, painter)
            return [replace(a, order=replace(a.order, prompt="cat " * 99)) for a in found]

    one = Studio(FakeWriter(), FakePainter(), FakeCritic(), search=Verbose())
    assert "the painter reads 77 of the prompt's 99 tokens" in one.imagine(WISH, seed=1).notes


def test_a_style_follows_the_prompt_and_is_kept_through_rewording() -> None:
    class Painterly(Rounds):
        def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
            if not run.brief.manner:
                run.brief = styled(run.brief, style("watercolour"), painter.dialect)
            return super().attempts(run, painter)

    one = Studio(FakeWriter(), FakePainter(), never(), Settings(takes=2, budget=6), Painterly())
    orders = [take.order for take in one.imagine(WISH, seed=1).takes]
    assert len({order.prompt for order in orders}) == 3
    for order in orders:
        assert order.prompt.count("watercolour painting, soft washes, visible paper") == 1
        assert order.prompt.startswith(WISH)
        assert order.negative == "photo, hard outlines"


def test_what_the_writer_lost_is_told() -> None:
    said = json.dumps({"things": [{"name": "cat"}], "prompt": "a cat on grass"})
    events = list(studio(FakeWriter(replies=(said,))).takes("a red cat", seed=1))
    (ready,) = of_kind(BriefReady, events)
    assert ready.repaired == ("red cat",)
    assert [(span.text, span.origin) for span in ready.spans] == [
        ("a red ", "fix"),
        ("cat ", "user"),
        ("on grass", "inferred"),
    ]
    assert "the writer lost, and was corrected: red cat" in result_of(events).notes


def test_what_must_not_be_there_is_told_in_the_painters_dialect() -> None:
    said = json.dumps({"things": [{"name": "cat"}], "prompt": "a cat, no dogs", "avoid": ["dog"]})
    for heeds, negative in ((True, "dog"), (False, "")):
        painter = FakePainter()
        painter.dialect = replace(painter.dialect, negative=heeds)
        result = studio(FakeWriter(replies=(said,)), painter).imagine("a cat, no dogs", seed=1)
        assert {(t.order.prompt, t.order.negative) for t in result.takes} == {("a cat", negative)}


def test_editing_goes_on_from_a_brief() -> None:
    one = studio()
    *_, before = one.expand("a cat", seed=1)
    assert isinstance(before, BriefReady)
    *_, after = one.edit(before.brief, "at night", seed=1)
    assert isinstance(after, BriefReady)
    assert after.brief.things == before.brief.things
    assert after.brief.light == "night"


def test_repainting_gives_the_same_picture() -> None:
    one = studio()
    result = one.imagine(WISH, seed=1)
    assert result.best
    again: Image = one.repaint(result.best.order)
    assert again.tobytes() == result.best.picture.tobytes()


def test_objects_win_over_names() -> None:
    painter = FakePainter(size=32)
    opened = Studio.open("fake", painter=painter)
    assert opened.painter is painter
    assert opened.names == {"writer": "fake", "painter": "fake", "critic": "fake"}


def test_a_run_on_fakes_never_loads_torch() -> None:
    code = (
        "import sys; from limner.agent.studio import Studio; "
        "Studio.open('fake').imagine('a cat', seed=1); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'diffusers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_brief_is_painted_from_the_noise_of_an_earlier_picture() -> None:
    room = studio()
    before = room.imagine("a red cat", seed=3).takes[1]
    (*_, finished) = room.paint(
        replace(before.brief, prompt="a blue cat"),
        seed=4,
        first_seed=before.order.seed,
        first_number=4,
        takes=3,
        refine=False,
    )
    assert isinstance(finished, Finished)
    takes = finished.result.takes
    assert takes[0].order == replace(before.order, prompt="a blue cat")
    assert [take.number for take in takes] == [4, 5, 6]
    assert len({take.order.seed for take in takes}) == 3
