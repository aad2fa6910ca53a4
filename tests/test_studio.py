"""The loop, on fakes: every way it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from faked import DRAWN, WISH, never, of_kind, replying, result_of, studio
from PIL.Image import Image

from limner.agent.brief.prompt import styled
from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Finished,
    PaintingStep,
    PromptRevised,
)
from limner.agent.records import Settings
from limner.agent.search.rounds import Attempt, Rounds, seed_of
from limner.agent.search.run import Run
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.roles import Painter
from limner.prompts.styles import style


def test_a_request_that_succeeds_at_once() -> None:
    events = list(studio(critic=FakeCritic([[0.2], [0.9]])).stream(WISH, seed=1))
    kinds = [type(event) for event in events if not isinstance(event, BriefToken)]
    steps = [PaintingStep] * 4
    assert kinds == [BriefReady, *steps, CandidateReady, CandidateReady, Decided, Finished]
    result = result_of(events)
    assert result.ended == "done"
    assert result.best and result.best.number == 1
    assert result.spent == pytest.approx(2)
    assert result.notes == ()
    assert [event.best for event in of_kind(CandidateReady, events)] == [True, True]
    said = "".join(event.text for event in of_kind(BriefToken, events))
    assert json.loads(said)["prompt"] == WISH


def test_it_rewords_what_went_wrong_until_the_budget_is_spent() -> None:
    better, other = f"{WISH}, one dog", f"{WISH}, a dark sky"
    writer = replying(DRAWN, {"prompt": better}, {"prompt": other})
    events = list(studio(writer, critic=never()).stream(WISH, seed=1))
    result = result_of(events)
    assert result.ended == "budget"
    assert result.spent == pytest.approx(6)
    assert [take.round for take in result.candidates] == [0, 0, 1, 1, 2, 2]
    assert result.best and result.best.number == 2
    assert [d.what for d in of_kind(Decided, events)] == ["revise", "revise", "stop"]
    first, second = of_kind(PromptRevised, events)
    assert first.before == WISH
    assert first.after == better
    assert second.before == first.after  # the best take is of the second round
    assert (
        result.candidates[2].image_request.prompt
        == result.candidates[2].brief.prompt
        == first.after
    )


def test_a_round_goes_back_to_the_best_wording() -> None:
    critic = FakeCritic([[0.9, 0.4], [0.1], [0.1], [0.1], [0.1]])
    events = list(studio(critic=critic).stream(WISH, seed=1))
    takes = result_of(events).candidates
    assert [d.what for d in of_kind(Decided, events)] == ["revise", "revise", "repaint", "stop"]
    assert takes[2].image_request.prompt != WISH
    assert takes[4].image_request.prompt == WISH  # the rewording did worse and there is no other
    assert len({take.image_request.seed for take in takes}) == 6


def test_the_last_round_shrinks_to_what_is_left() -> None:
    result = studio(critic=never()).imagine(WISH, seed=1, budget=5)
    assert [take.round for take in result.candidates] == [0, 0, 1, 1, 2]
    assert result.spent == pytest.approx(5)


def test_a_search_that_orders_nothing_more_ends_it() -> None:
    class Tired(Rounds):
        def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
            return [] if run.round else super().attempts(run, painter)

        def decide(self, run: Run, painter: Painter) -> Decided:
            return Decided(run.round, "repaint", "why not")

    result = Studio(FakeWriter(), FakePainter(), never(), search=Tired()).imagine(WISH, seed=1)
    assert result.ended == "budget"
    assert len(result.candidates) == 4


def test_larger_pictures_cost_more() -> None:
    result = studio(critic=never()).imagine(WISH, seed=1, size=(128, 64), budget=5)
    assert len(result.candidates) == 2
    assert result.spent == pytest.approx(4)
    assert result.candidates[0].picture.size == (128, 64)


def test_one_round_without_refining() -> None:
    result = studio(critic=never()).imagine(WISH, seed=1, refine=False)
    assert len(result.candidates) == 2
    assert result.ended == "budget"


def test_the_same_seed_gives_the_same_run() -> None:
    one, two = (studio(critic=never()).imagine(WISH, seed=7) for _ in range(2))
    assert [t.image_request for t in one.candidates] == [t.image_request for t in two.candidates]
    assert [t.picture.tobytes() for t in one.candidates] == [
        t.picture.tobytes() for t in two.candidates
    ]
    other = studio(critic=never()).imagine(WISH, seed=8)
    assert {t.image_request.seed for t in one.candidates}.isdisjoint(
        t.image_request.seed for t in other.candidates
    )


def test_seeds_of_one_request_are_distinct_and_in_range() -> None:
    for seed in (0, 1, 2**31, 2**63):
        seeds = [seed_of(seed, number) for number in range(1000)]
        assert len(set(seeds)) == 1000
        assert 0 <= min(seeds) <= max(seeds) < 2**32


def test_equal_takes_keep_the_earlier() -> None:
    result = studio(critic=FakeCritic([[0.3]])).imagine(WISH, seed=1)
    assert result.best and result.best.number == 0


def test_previews_on_demand() -> None:
    events = list(studio().stream(WISH, seed=1, preview_every=2))
    shown = [sorted(event.previews) for event in of_kind(PaintingStep, events)[:4]]
    assert shown == [[], [0, 1], [], [0, 1]]


def test_expanding_paints_nothing() -> None:
    events = list(studio().expand(WISH, seed=1))
    assert isinstance(events[-1], BriefReady)
    assert [c.text for c in events[-1].claims] == [
        "There are two red cats.",
        "The picture shows dog.",
        "The picture shows night.",
    ]


def test_what_the_painter_cannot_read_is_left_out_and_noted() -> None:
    more = " ".join(f"purr{n}" for n in range(80))
    result = studio().imagine(f"a cat, a cosy armchair, {more}", seed=1)
    (note,) = [note for note in result.notes if "77 tokens" in note]
    assert note == f"left out, for the painter reads 77 tokens: {more}"
    assert result.best and result.best.image_request.prompt == "a cat, a cosy armchair"


def test_a_search_that_says_more_than_the_painter_reads_is_noted() -> None:
    class Verbose(Rounds):
        def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
            found = super().attempts(run, painter)
            return [
                replace(a, image_request=replace(a.image_request, prompt="cat " * 99))
                for a in found
            ]

    one = Studio(FakeWriter(), FakePainter(), FakeCritic(), search=Verbose())
    assert "the painter reads 77 of the prompt's 99 tokens" in one.imagine(WISH, seed=1).notes


def test_a_style_follows_the_prompt_and_is_kept_through_rewording() -> None:
    class Painterly(Rounds):
        def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
            if not run.brief.style_prompt:
                run.brief = styled(run.brief, style("watercolour"), painter.spec)
            return super().attempts(run, painter)

    writer = replying(DRAWN, {"prompt": f"{WISH}, one dog"}, {"prompt": f"{WISH}, a dark sky"})
    one = Studio(
        writer, FakePainter(), never(), Settings(images_per_round=2, budget=6), Painterly()
    )
    orders = [take.image_request for take in one.imagine(WISH, seed=1).candidates]
    assert len({order.prompt for order in orders}) == 3
    for order in orders:
        assert order.prompt.count("watercolour painting, soft washes, visible paper") == 1
        assert order.prompt.startswith(WISH)
        assert order.negative == "photo, hard outlines"


def test_what_the_writer_got_wrong_is_told_and_mended() -> None:
    said = {"red cats": "There are two cats.", "a dog": "There is one dog."}
    asked = [{"quote": quote, "text": text} for quote, text in said.items()]
    writer = replying({"asked": asked, "prompt": "cats on grass"})
    events = list(studio(writer).stream("three red cats", seed=1))
    (ready,) = of_kind(BriefReady, events)
    assert [claim.text for claim in ready.claims] == ["There are three red cats."]
    assert ready.brief.prompt == "three red cats"  # the writer's own says none of it
    assert ready.repaired == (
        "a number that nobody asked for: There are two cats.",
        "not in the request: The picture shows a dog.",
    )
    assert any(ready.repaired[0] in note for note in result_of(events).notes)


def test_what_must_not_be_there_is_told_in_the_painters_dialect() -> None:
    asked = [{"quote": "a cat", "text": "There is one cat."}]
    said = {"asked": asked, "prompt": "a cat, no dogs"}
    for heeds, negative in ((True, "dog"), (False, "")):
        painter = FakePainter()
        painter.spec = replace(painter.spec, negative=heeds)
        result = studio(replying(said), painter).imagine("a cat, no dogs", seed=1)
        assert {(t.image_request.prompt, t.image_request.negative) for t in result.candidates} == {
            ("a cat", negative)
        }


def test_editing_goes_on_from_a_brief() -> None:
    one = studio()
    *_, before = one.expand("a cat", seed=1)
    assert isinstance(before, BriefReady)
    *_, after = one.edit(before.brief, "at night", seed=1)
    assert isinstance(after, BriefReady)
    assert after.claims[: len(before.claims)] == before.claims
    assert [c.text for c in after.claims[len(before.claims) :]] == ["The picture shows night."]


def test_repainting_gives_the_same_picture() -> None:
    one = studio()
    result = one.imagine(WISH, seed=1)
    assert result.best
    again: Image = one.repaint(result.best.image_request)
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
    before = room.imagine("a red cat", seed=3).candidates[1]
    (*_, finished) = room.paint(
        replace(before.brief, prompt="a blue cat"),
        seed=4,
        first_seed=before.image_request.seed,
        first_number=4,
        images_per_round=3,
        refine=False,
    )
    assert isinstance(finished, Finished)
    takes = finished.result.candidates
    assert takes[0].image_request == replace(before.image_request, prompt="a blue cat")
    assert [take.number for take in takes] == [4, 5, 6]
    assert len({take.image_request.seed for take in takes}) == 3
