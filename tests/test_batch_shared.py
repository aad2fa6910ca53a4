"""Several requests paint in one batch, and none of them notices."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from batch_queue import FAKE, queued, run_group
from PIL import Image

from limner.agent.batch.queue import Lease
from limner.agent.batch.row_group import RowGroup, RowResult, Studios
from limner.agent.batch.shared_batch import SharedBatch
from limner.agent.brief.verdict import verdict_of
from limner.agent.events import PaintingStep
from limner.agent.studio import Studio
from limner.agent.tools.outputs import brief_dict, verdict_dict
from limner.pipelines import stamp
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.painter_diffusers import DiffusersPainter
from limner.pipelines.roles import GeneratedImage, ImageRequest, InitImage, Step

WISHES = ["a red cat", "two dogs in the snow", "a blue car left of a house", "a tree", "a castle"]


class Watched(FakePainter):
    """Remembers what was painted together; fails for what it is told to."""

    def __init__(self, poison: str = "") -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.poison = poison

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        self.batches.append([order.prompt for order in orders])
        if self.poison and any(self.poison in order.prompt for order in orders):
            raise RuntimeError("the brush broke")
        return super().paint(orders, preview_every)


def studio(painter: FakePainter, *scores: Sequence[float]) -> Studio:
    return Studio(FakeWriter(), painter, FakeCritic(scores), Studios(FAKE).studio().settings)


def pixels(made: RowResult) -> bytes:
    return Image.open(io.BytesIO(made.content)).tobytes()


def order(prompt: str, seed: int = 1, negative: str = "", steps: int = 4) -> ImageRequest:
    return ImageRequest(prompt, seed, 64, 64, steps, 5.0, negative)


def test_rows_fill_each_others_batches() -> None:
    painter = Watched()
    run_group(queued(WISHES[:4]), studio(painter, [1.0]))
    assert [len(batch) for batch in painter.batches] == [8, 8]
    assert painter.batches[0] == ["a red cat"] * 4 + ["two dogs in the snow"] * 4


def test_together_is_as_alone() -> None:
    rows = queued(WISHES)
    together, _ = run_group(rows, studio(FakePainter()))
    for row, made in zip(rows, together, strict=True):
        [alone], _ = run_group([row], studio(FakePainter()))
        assert pixels(alone) == pixels(made)
        assert alone.outcome.claims == made.outcome.claims
        assert alone.outcome.spent == pytest.approx(made.outcome.spent)


def test_a_row_is_worked_on_as_any_other_door_does() -> None:
    [row] = queued(WISHES[:1])
    [made], _ = run_group([row], studio(FakePainter()))
    best = studio(FakePainter()).imagine(row.row.request, seed=row.seed).best
    assert best
    assert pixels(made) == best.picture.tobytes()


def test_later_rounds_share_batches_too() -> None:
    painter = Watched()
    made, _ = run_group(queued(["a red cat", "a tree"]), studio(painter, [0.1]), FAKE)
    assert [len(batch) for batch in painter.batches] == [8, 8]  # a budget of 8: two rounds of 4
    assert [one.outcome.spent for one in made] == [8.0, 8.0]


def test_every_step_reaches_its_row() -> None:
    _, events = run_group(queued(WISHES[:3]), studio(FakePainter(), [1.0]))
    for number in (1, 2, 3):
        steps = [e.number for n, e in events if n == number and isinstance(e, PaintingStep)]
        assert steps == [1, 2, 3, 4]


def test_one_that_breaks_the_batch_breaks_alone() -> None:
    rows = queued(["a red cat", "a poison apple", "a tree"])
    made, _ = run_group(rows, studio(Watched("poison")))
    assert [one.outcome.status for one in made] == ["done", "failed", "done"]
    assert "brush" in made[1].outcome.error
    [alone], _ = run_group(rows[:1], studio(FakePainter()))
    assert pixels(made[0]) == pixels(alone)


def test_a_row_that_is_refused_does_not_hold_up_the_others() -> None:
    made, _ = run_group(queued(["x" * 5000, "a tree"]), studio(FakePainter()))
    assert [one.outcome.status for one in made] == ["failed", "done"]
    assert "4,000" in made[0].outcome.error


def test_only_what_is_alike_shares_a_batch() -> None:
    shared, painter = SharedBatch(), Watched()
    orders = [order("a"), order("b", negative="c"), order("d", steps=2), order("e")]
    paintings = [shared.slot(painter).paint([one]) for one in orders]
    while shared.advance():
        pass
    assert painter.batches == [["a", "e"], ["b"], ["d"]]
    assert all(painting.over for painting in paintings)


def test_what_is_painted_over_has_a_batch_for_each_strength() -> None:
    shared, painter = SharedBatch(), Watched()
    before = Image.new("RGB", (64, 64))
    over = [replace(order(f"over {s}"), start=InitImage(before, s)) for s in (0.5, 0.9, 0.5)]
    for one in (order("fresh"), *over, order("fresh too")):
        shared.slot(painter).paint([one])
    while shared.advance():
        pass
    assert painter.batches == [["fresh", "fresh too"], ["over 0.5", "over 0.5"], ["over 0.9"]]


def test_the_orders_of_one_request_stay_together() -> None:
    shared, painter = SharedBatch(most=4), Watched()
    for name, count in (("a", 3), ("b", 6), ("c", 1)):
        shared.slot(painter).paint([order(name, seed) for seed in range(count)])
    while shared.advance():
        pass
    assert [(batch[0], len(batch)) for batch in painter.batches] == [("a", 4), ("b", 6)]


def test_what_one_drops_it_alone_misses() -> None:
    shared, painter = SharedBatch(), FakePainter()
    one, other = (shared.slot(painter).paint([order(n, 1), order(n, 2)]) for n in "ab")
    shared.advance()
    one.drop(1)
    while shared.advance():
        pass
    assert [p.index for p in one.ready if isinstance(p, GeneratedImage)] == [0]
    assert [p.index for p in other.ready if isinstance(p, GeneratedImage)] == [0, 1]
    assert one.spent == pytest.approx(1.25)
    assert other.spent == pytest.approx(2.0)


def test_who_leaves_spends_no_more_and_the_others_go_on() -> None:
    shared, painter = SharedBatch(), FakePainter()
    one, other = (shared.slot(painter).paint([order(n)]) for n in "ab")
    shared.advance()
    one.close()
    while shared.advance():
        pass
    assert one.spent == pytest.approx(0.25)
    assert other.spent == pytest.approx(1.0)


def test_previews_reach_whoever_asked() -> None:
    shared, painter = SharedBatch(), FakePainter()
    one, other = (
        shared.slot(painter).paint([order("a")], 2),
        shared.slot(painter).paint([order("b")]),
    )
    while shared.advance():
        pass
    seen = [len(step.previews) for step in one.ready if isinstance(step, Step)]
    assert seen == [0, 1, 0, 1]
    assert not any(step.previews for step in other.ready if isinstance(step, Step))


def test_whoever_does_not_wait_is_painted_at_once() -> None:
    shared, painter = SharedBatch(), FakePainter()
    pieces = list(shared.slot(painter).paint([order("a")]))
    assert [piece.number for piece in pieces if isinstance(piece, Step) and piece.number] == [
        1, 2, 3, 4
    ]  # fmt: skip
    assert isinstance(pieces[-1], GeneratedImage)


def test_closing_the_group_stops_the_painter() -> None:
    painter = Watched()
    group = RowGroup(Lease(0, tuple(queued(WISHES[:4]))), Studios(FAKE, studio(painter)), FAKE)
    events = group.events()
    while not isinstance(next(events)[1], PaintingStep):
        pass
    events.close()
    assert len(painter.batches) == 1
    assert group.results == []


def test_style_negative_and_locked_words_reach_the_painter() -> None:
    rows = queued(["a red cat"], style="watercolour", negative="blurry", locked=("Marmalade",))
    [made], _ = run_group(rows, studio(FakePainter(), [1.0]))
    assert "Marmalade" in made.outcome.prompt
    assert "blurry" in made.outcome.brief["style_negative"]
    assert made.outcome.brief["style_prompt"]
    claims = {claim.text: claim.source for claim in made.outcome.claims}
    assert claims["The picture shows Marmalade."] == "asked"
    assert claims["The style is watercolour."] == "style"


def test_locked_words_that_are_claimed_already_are_claimed_once() -> None:
    rows = queued(["two red cats"], locked=("red cats", "four dogs"))
    [made], _ = run_group(rows, studio(FakePainter(), [0.9]))
    texts = [claim["text"] for claim in made.outcome.brief["claims"]]
    assert texts.count("There are four dogs.") == 1 and "four dogs" in made.outcome.prompt
    assert not [text for text in texts if text.endswith("shows red cats.")]


def test_a_manifest_has_the_verdict_that_every_door_has() -> None:
    [made], _ = run_group(queued(["a red cat"]), studio(FakePainter(), [0.9]))
    best = studio(FakePainter(), [0.9]).imagine("a red cat", seed=101).best
    assert best and made.outcome.verdict == verdict_dict(verdict_of(best))
    assert made.outcome.brief == brief_dict(best.brief)


def test_steps_and_guidance_that_were_pasted_are_used() -> None:
    rows = queued(["a red cat\nSteps: 2, CFG scale: 3, Sampler: x"])
    [made], _ = run_group(rows, studio(FakePainter()))
    order = json.loads(stamp.parse(made.content, Path()).recipe)["image_request"]
    assert (order["steps"], order["guidance"]) == (2, 3)


def test_nothing_in_the_picture_tells_of_the_clock(tmp_path: Path) -> None:
    [made], _ = run_group(queued(WISHES[:1]), studio(FakePainter()))
    path = tmp_path / "a.png"
    path.write_bytes(made.content)
    assert json.loads(stamp.read(path).recipe)["seconds"] == 0


def test_a_real_pipeline_paints_the_same_batch(tiny: Path) -> None:
    painter = DiffusersPainter(tiny / "painter", "tiny", size=(32, 32), steps=2)
    orders = [ImageRequest(f"a {n}", n, 32, 32, 2, 3.0) for n in range(4)]
    bare = {p.index: p.picture for p in painter.paint(orders) if isinstance(p, GeneratedImage)}
    shared = SharedBatch()
    one, other = (shared.slot(painter).paint(some) for some in (orders[:2], orders[2:]))
    while shared.advance():
        pass
    told = [p for p in [*one.ready, *other.ready] if isinstance(p, GeneratedImage)]
    assert [p.picture.tobytes() for p in told] == [bare[n].tobytes() for n in range(4)]
    assert one.spent == pytest.approx(other.spent)
    assert one.spent == pytest.approx(2.0)
