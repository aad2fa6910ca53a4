"""What every painter must do, held to by the fake one and by a real pipeline at tiny size."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from greenlet import getcurrent, greenlet
from PIL.Image import Image

from limner.errors import BadInput, OutOfMemory
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Painter, Step


@pytest.fixture(scope="session")
def tiny_painter(tiny: Path) -> Painter:
    return open_painter(tiny / "painter", {"device": "cpu", "steps": 4, "guidance": 5.0})


@pytest.fixture(params=["fake", "tiny"])
def painter(request: pytest.FixtureRequest) -> Painter:
    if request.param == "fake":
        return open_painter("fake", {})
    found: Painter = request.getfixturevalue("tiny_painter")
    return found


def order(seed: int = 1, prompt: str = "a cat", **changed: Any) -> ImageRequest:
    told = {"width": 64, "height": 64, "steps": 4, "guidance": 5.0, **changed}
    return ImageRequest(prompt=prompt, seed=seed, **told)


def finish(painting: Any) -> dict[int, Image]:
    with closing(painting):
        return {done.index: done.picture for done in painting if isinstance(done, GeneratedImage)}


def apart(one: Image, other: Image) -> int:
    """The greatest difference of any channel of any pixel, 0 to 255."""
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


def test_it_is_a_painter(painter: Painter) -> None:
    assert isinstance(painter, Painter)
    assert painter.spec.size == (64, 64)
    assert painter.spec.steps == 4
    assert painter.count_tokens("a cat and a dog") > painter.count_tokens("a cat") > 0


def test_steps_come_first_then_pictures(painter: Painter) -> None:
    done = list(painter.paint([order(1), order(2)]))
    assert [(s.number, s.of) for s in done if isinstance(s, Step)] == [(i, 4) for i in range(1, 5)]
    assert [type(d) for d in done] == [Step] * 4 + [GeneratedImage] * 2
    pictures = [d.picture for d in done if isinstance(d, GeneratedImage)]
    assert all(p.size == (64, 64) and p.mode == "RGB" for p in pictures)
    assert apart(*pictures) > 2


def test_an_order_is_painted_the_same_alone_and_in_company(painter: Painter) -> None:
    alone = finish(painter.paint([order(5)]))[0]
    again = finish(painter.paint([order(5)]))[0]
    together = finish(painter.paint([order(3, "a dog"), order(5), order(9)]))[1]
    assert alone.tobytes() == again.tobytes()
    assert apart(alone, together) <= 2  # batched sums are added up in another order


def test_spending_is_counted_step_by_step(painter: Painter) -> None:
    painting = painter.paint([order(1), order(2)])
    spent = [painting.spent]
    for done in painting:
        if isinstance(done, Step):
            spent.append(painting.spent)
    assert spent == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_cost_is_steps_times_area(painter: Painter) -> None:
    assert painter.cost(order()) == pytest.approx(1)
    assert painter.cost(order(steps=8)) == pytest.approx(2)
    assert painter.cost(order(width=128)) == pytest.approx(2)
    painting = painter.paint([order(steps=2, width=128)])
    (picture,) = finish(painting).values()
    assert picture.size == (128, 64)
    assert painting.spent == pytest.approx(1)


def test_a_dropped_order_costs_nothing_more(painter: Painter) -> None:
    whole = finish(painter.paint([order(i) for i in range(3)]))
    painting = painter.paint([order(i) for i in range(3)])
    pictures = {}
    for done in painting:
        if isinstance(done, Step) and done.number == 2:
            painting.drop(1)
        if isinstance(done, GeneratedImage):
            pictures[done.index] = done.picture
    assert sorted(pictures) == [0, 2]
    assert painting.spent == pytest.approx(3 * 0.5 + 2 * 0.5)
    assert all(apart(pictures[i], whole[i]) <= 2 for i in pictures)


def test_dropping_twice_and_at_different_steps(painter: Painter) -> None:
    whole = finish(painter.paint([order(i) for i in range(4)]))
    painting = painter.paint([order(i) for i in range(4)])
    pictures = {}
    for done in painting:
        if isinstance(done, Step) and done.number == 1:
            painting.drop(0)
            painting.drop(0)
        elif isinstance(done, Step) and done.number == 3:
            painting.drop(2)
        elif isinstance(done, GeneratedImage):
            pictures[done.index] = done.picture
    assert sorted(pictures) == [1, 3]
    assert painting.spent == pytest.approx((4 + 3 + 3 + 2) / 4)
    assert all(apart(pictures[i], whole[i]) <= 2 for i in pictures)


def test_dropping_before_the_first_step_and_after_the_last(painter: Painter) -> None:
    painting = painter.paint([order(1), order(2), order(3)])
    seen = []
    painting.drop(0)
    for done in painting:
        if isinstance(done, Step) and done.number == done.of:
            painting.drop(2)
        seen.append(done)
    assert [d.index for d in seen if isinstance(d, GeneratedImage)] == [1]


def test_dropping_all_ends_it(painter: Painter) -> None:
    painting = painter.paint([order(1), order(2)])
    steps = 0
    for done in painting:
        assert isinstance(done, Step)
        steps += 1
        painting.drop(0)
        painting.drop(1)
    assert steps == 1
    assert painting.spent == pytest.approx(0.5)


def test_closing_stops_between_two_steps(painter: Painter) -> None:
    painting = painter.paint([order()])
    steps = iter(painting)
    next(steps)
    next(steps)
    painting.close()
    painting.close()
    assert painting.spent == pytest.approx(0.5)
    assert next(steps, None) is None
    assert at_work() == 0
    assert len(finish(painter.paint([order()]))) == 1  # the painter is as good as new


def test_closing_before_the_start(painter: Painter) -> None:
    painting = painter.paint([order()])
    painting.close()
    assert list(painting) == []
    assert painting.spent == 0


def test_a_forgotten_painting_ends(painter: Painter) -> None:
    next(iter(painter.paint([order()])))
    gc.collect()
    assert at_work() == 0


def test_previews_at_the_asked_pace(painter: Painter) -> None:
    painting = painter.paint([order(1), order(2)], preview_every=2)
    shown = {}
    for done in painting:
        if isinstance(done, Step):
            shown[done.number] = done.previews
            if done.number == 2:
                painting.drop(0)
    assert [sorted(shown[n]) for n in range(1, 5)] == [[], [0, 1], [], [1]]
    assert all(p.size == (64, 64) for previews in shown.values() for p in previews.values())


def test_the_last_preview_is_the_picture(painter: Painter) -> None:
    *_, last, done = painter.paint([order(3)], preview_every=1)
    assert isinstance(last, Step)
    assert isinstance(done, GeneratedImage)
    assert apart(last.previews[0], done.picture) <= 2


def test_an_impossible_size_names_the_nearest(painter: Painter) -> None:
    for paint in (painter.cost, lambda o: painter.paint([o])):
        with pytest.raises(BadInput, match="100 x 64") as caught:
            paint(order(width=100))
        assert caught.value.hint


def test_nearest_size_is_one_that_works(tiny_painter: Painter) -> None:
    with pytest.raises(BadInput) as caught:
        tiny_painter.cost(order(width=100, height=9_000))
    assert "96x2048" in caught.value.hint


def test_a_batch_shares_its_settings(tiny_painter: Painter) -> None:
    with pytest.raises(BadInput):
        tiny_painter.paint([order(), order(steps=3)])
    with pytest.raises(BadInput):
        tiny_painter.paint([])


def test_prompt_guidance_steps_and_negative_matter(tiny_painter: Painter) -> None:
    plain = finish(tiny_painter.paint([order()]))[0]
    for changed in (
        order(prompt="a dog"),
        order(guidance=9.0),
        order(steps=3),
        order(negative="dog"),
    ):
        assert finish(tiny_painter.paint([changed]))[0].tobytes() != plain.tobytes(), changed


def test_without_guidance_dropping_works_too(tiny_painter: Painter) -> None:
    orders = [order(i, guidance=0.0) for i in range(3)]
    whole = finish(tiny_painter.paint(orders))
    painting = tiny_painter.paint(orders)
    painting.drop(0)
    rest = finish(painting)
    assert sorted(rest) == [1, 2]
    assert all(apart(rest[i], whole[i]) <= 2 for i in rest)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    "sampler", ["PNDMScheduler", "DPMSolverMultistepScheduler", "EulerAncestralDiscreteScheduler"]
)
def test_samplers_with_memory_or_noise_shrink_too(sampler: str, tiny: Path) -> None:
    import diffusers

    painter: Any = open_painter(tiny / "painter", {"device": "cpu", "steps": 6})
    painter._palette.pipe.scheduler = getattr(diffusers, sampler)(steps_offset=1)
    orders = [order(i, steps=6) for i in range(3)]
    whole = finish(painter.paint(orders, preview_every=3))
    painting = painter.paint(orders)
    rest = {}
    for done in painting:
        if isinstance(done, Step) and done.number == 3:
            painting.drop(0)
        if isinstance(done, GeneratedImage):
            rest[done.index] = done.picture
    assert sorted(rest) == [1, 2]
    assert all(apart(rest[i], whole[i]) <= 2 for i in rest)


def test_a_failure_inside_the_pipeline_reaches_the_listener(tiny: Path) -> None:
    painter: Any = open_painter(tiny / "painter", {"device": "cpu", "steps": 4})

    class Full:
        config = painter._palette.pipe.vae.config

        def decode(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    painter._palette.pipe.vae.decode = Full().decode
    with pytest.raises(OutOfMemory, match="out of memory on a single") as caught:
        finish(painter.paint([order()]))
    assert "smaller --size" in caught.value.hint
    assert at_work() == 0


def at_work() -> int:
    """How many paintings have begun and neither ended nor been given up."""
    gc.collect()
    living = [it for it in gc.get_objects() if type(it) is greenlet and it]
    return sum(it is not getcurrent() for it in living)


def test_gradients_are_on_or_off_as_the_listener_has_them(tiny_painter: Painter) -> None:
    import torch

    painting = iter(tiny_painter.paint([order()]))
    with torch.no_grad():
        next(painting)
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    for _ in painting:
        assert torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    cut_short = tiny_painter.paint([order()])
    next(iter(cut_short))
    cut_short.close()
    assert torch.is_grad_enabled()


def test_one_thread_may_forget_what_another_paints(tiny_painter: Painter) -> None:
    left: list[Any] = [iter(tiny_painter.paint([order()]))]
    thread = threading.Thread(target=lambda: next(left[0]))
    thread.start()
    thread.join()
    with pytest.raises(BadInput, match="another thread"):
        next(left[0])
    left.clear()
    assert len(finish(tiny_painter.paint([order()]))) == 1


def test_it_says_nothing_on_the_terminal(tiny: Path) -> None:
    code = (
        "import sys; from limner.pipelines.registry import *; "
        "from limner.pipelines.roles import ImageRequest; "
        f"painter = open_painter({str(tiny / 'painter')!r}, {{}}); "
        f"open_writer({str(tiny / 'writer')!r}, {{}}); open_critic({str(tiny / 'clip')!r}, {{}}); "
        "list(painter.paint([ImageRequest('cat ' * 200, 1, 64, 64, 2, 5.0)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == ""
    assert done.stderr == ""
