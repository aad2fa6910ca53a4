"""Painting over a picture: all of it or a box, with the fake painter and a real tiny pipeline."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.init_image import check, pasted
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import (
    GeneratedImage,
    ImageRequest,
    InitImage,
    Painter,
    PainterSpec,
    Step,
)

BOX = (8, 16, 40, 48)


@pytest.fixture(params=["fake", "tiny"])
def painter(request: pytest.FixtureRequest, tiny: Path) -> Painter:
    if request.param == "fake":
        return open_painter("fake", {})
    return open_painter(tiny / "painter", {"device": "cpu", "steps": 4, "guidance": 5.0})


@pytest.fixture(scope="module")
def old() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def order(old: Image.Image, seed: int = 1, **changed: Any) -> ImageRequest:
    start = {"strength": 0.5, "box": BOX, **changed}
    return ImageRequest("a cat", seed, 64, 64, 4, 5.0, start=InitImage(old, **start))


def paint(painter: Painter, *orders: ImageRequest, **how: Any) -> tuple[list[Any], float]:
    with closing(painter.paint(orders, **how)) as painting:
        return list(painting), painting.spent


def picture(painter: Painter, one: ImageRequest) -> Image.Image:
    done: Image.Image = paint(painter, one)[0][-1].picture
    return done


def apart(one: Image.Image, other: Image.Image) -> Any:
    """How far each pixel is from the other picture's: [height, width], 0 to 255."""
    return np.abs(np.asarray(one, int) - np.asarray(other, int)).max(axis=2)


def test_outside_the_box_every_pixel_stays(painter: Painter, old: Image.Image) -> None:
    far = apart(picture(painter, order(old)), old)
    left, top, right, bottom = BOX
    assert far[top:bottom, left:right].mean() > 10
    far[top:bottom, left:right] = 0
    assert not far.any()


def test_without_a_box_all_of_it_is_painted_over(painter: Painter, old: Image.Image) -> None:
    far = apart(picture(painter, order(old, box=None)), old)
    assert all(part.mean() > 5 for part in (far[:8], far[-8:], far[:, :8], far[:, -8:]))


def test_only_the_steps_that_are_done_are_counted(painter: Painter, old: Image.Image) -> None:
    for strength, steps in ((0.5, 2), (1.0, 4), (0.7, 3), (0.05, 1)):
        one = order(old, strength=strength)
        done, spent = paint(painter, one)
        assert [s.number for s in done if isinstance(s, Step)] == list(range(1, steps + 1))
        assert spent == pytest.approx(steps / 4)
        assert painter.cost(one) == pytest.approx(spent)


def test_strength_prompt_seed_and_picture_matter(painter: Painter, old: Image.Image) -> None:
    one = order(old)
    plain = picture(painter, one)
    others = (
        order(old, strength=0.75),
        replace(one, prompt="a dog"),
        order(old, seed=2),
        order(old.rotate(90)),
    )
    for other in others:
        assert picture(painter, other).tobytes() != plain.tobytes(), other


def test_alone_or_in_company_it_is_the_same(painter: Painter, old: Image.Image) -> None:
    alone = picture(painter, order(old, 5))
    orders = [order(old.rotate(90), 3, box=None), order(old, 5), order(old, 9, box=(0, 0, 64, 8))]
    done, _ = paint(painter, *orders)
    assert apart(done[-2].picture, alone).max() <= 2


def test_dropping_leaves_the_others_as_they_are(painter: Painter, old: Image.Image) -> None:
    orders = [order(old, i, box=(8 * i, 0, 8 * i + 32, 64)) for i in range(3)]
    whole = [
        done.picture for done in paint(painter, *orders)[0] if isinstance(done, GeneratedImage)
    ]
    painting = painter.paint(orders)
    rest = {}
    for done in painting:
        if isinstance(done, Step) and done.number == 1:
            painting.drop(0)
        if isinstance(done, GeneratedImage):
            rest[done.index] = done.picture
    assert sorted(rest) == [1, 2]
    assert painting.spent == pytest.approx((3 + 2) / 4)
    assert all(apart(rest[i], whole[i]).max() <= 2 for i in rest)


def test_previews_show_the_old_picture_outside(painter: Painter, old: Image.Image) -> None:
    one = order(old, strength=1.0)
    done, _ = paint(painter, one, preview_every=1)
    shown = [step.previews[0] for step in done if isinstance(step, Step) and step.previews]
    assert len(shown) >= 3
    assert all(not apart(preview, old)[48:].any() for preview in shown)
    assert apart(shown[-1], done[-1].picture).max() <= 2


def test_closing_half_way(painter: Painter, old: Image.Image) -> None:
    painting = painter.paint([order(old, strength=1.0)])
    next(iter(painting))
    painting.close()
    assert painting.spent == pytest.approx(0.25)
    again = ImageRequest("a cat", 1, 64, 64, 4, 5.0)
    assert picture(painter, again).tobytes() == picture(painter, again).tobytes()


def test_what_is_not_possible_is_refused(painter: Painter, old: Image.Image) -> None:
    wrong = (
        order(old, strength=0.0),
        order(old, strength=1.5),
        order(old, box=(0, 0, 65, 64)),
        order(old, box=(8, 8, 8, 16)),
        order(old.resize((32, 32))),
        replace(order(old), start=InitImage(None, 0.5)),
    )
    for one in wrong:
        with pytest.raises(BadInput) as caught:
            painter.paint([one])
        assert caught.value.hint
    with pytest.raises(BadInput):
        painter.paint([order(old), order(old, strength=0.6)])
    with pytest.raises(BadInput):
        painter.paint([order(old), ImageRequest("a cat", 1, 64, 64, 4, 5.0)])


def test_a_painter_that_cannot_says_so(old: Image.Image) -> None:
    with pytest.raises(BadInput, match="part of a picture"):
        check(order(old), PainterSpec((64, 64), starts=True))
    with pytest.raises(BadInput, match="a picture"):
        check(order(old, box=None), PainterSpec((64, 64)))


def test_the_edge_of_a_box_goes_over_gently(old: Image.Image) -> None:
    black, white = Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), "white")
    line = [
        pasted(InitImage(black, 0.5, (0, 16, 64, 48)), white).getpixel((0, y)) for y in range(64)
    ]
    grey = [pixel[0] for pixel in line if isinstance(pixel, tuple)]
    assert grey[:16] == [0] * 16
    assert grey[16:24] == sorted(grey[16:24])
    assert 0 < grey[16] < grey[18] < grey[22] == 255
    assert grey == grey[::-1]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    "sampler", ["PNDMScheduler", "DPMSolverMultistepScheduler", "EulerAncestralDiscreteScheduler"]
)
def test_other_samplers_hold_the_outside_too(sampler: str, tiny: Path, old: Image.Image) -> None:
    """What the pipeline itself gives outside the box is what its autoencoder makes of the old."""
    import diffusers

    painter: Any = open_painter(tiny / "painter", {"device": "cpu", "steps": 8})
    for pipe in (painter._palette.pipe, painter._palette.over):
        pipe.scheduler = getattr(diffusers, sampler)(steps_offset=1)
    one = replace(order(old, strength=0.5, box=(0, 0, 64, 32)), steps=8)
    *_, last, done = paint(painter, one, preview_every=1)[0]
    assert not apart(done.picture, old)[32:].any()
    assert last.of >= 4


@pytest.mark.slow
def test_the_pocket_painter_repairs_a_part(pocket: Studio) -> None:
    """Its latents have 16 channels, which the inpainting pipeline of diffusers refuses."""
    painter = pocket.painter
    assert painter.spec.repairs
    one = ImageRequest("a red cat, grass, day", 3, 128, 128, 8, 3.0)
    before = picture(painter, one)
    start = InitImage(before, 1.0, (64, 0, 128, 128), one)
    after = picture(painter, replace(one, prompt="a blue balloon on the right", start=start))
    far = apart(before, after)
    assert not far[:, :64].any()
    assert far[:, 64:].mean() > 2
