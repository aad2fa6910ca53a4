"""Every family of painters, as tiny models of its real classes, saved and opened as any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_families import BUILDERS, tiny

from limner.pipelines.registry import open_painter
from limner.pipelines.roles import GeneratedImage, ImageRequest, InitImage, Painter, Step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SETTINGS = {"device": "cpu", "size": [64, 64], "steps": 4}
SLOW = {"deepfloyd-if", "kandinsky22"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(key, marks=[pytest.mark.slow] * (key in SLOW)) for key in BUILDERS],
)
def family(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Painter]]:
    folder = tiny(request.param, tmp_path_factory.mktemp("family"))
    second = {"second": str(folder.parent / "second")} if request.param == "deepfloyd-if" else {}
    yield request.param, open_painter(folder, SETTINGS | second)


def order(painter: Painter, seed: int, **more: Any) -> ImageRequest:
    return ImageRequest("a cat", seed, 64, 64, 4, painter.spec.guidance, **more)


def paint(
    painter: Painter, *orders: ImageRequest, **how: Any
) -> tuple[dict[int, Any], list[Step], float]:
    with closing(painter.paint(orders, **how)) as painting:
        done = list(painting)
        pictures = {d.index: d.picture for d in done if isinstance(d, GeneratedImage)}
        return pictures, [step for step in done if isinstance(step, Step)], painting.spent


def apart(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


def test_it_is_known_for_what_it_is(family: tuple[str, Painter]) -> None:
    key, painter = family
    assert painter.family.key == key  # type: ignore[attr-defined]
    assert painter.spec.size == (64, 64)
    assert painter.count_tokens("a cat and a dog") > painter.count_tokens("a cat") > 0


@pytest.fixture(scope="module")
def alone(family: tuple[str, Painter]) -> tuple[dict[int, Any], list[Step], float]:
    """What the family paints of one order."""
    return paint(family[1], order(family[1], 5))


def test_alone_or_in_company_the_picture_is_the_same(
    family: tuple[str, Painter], alone: tuple[dict[int, Any], list[Step], float]
) -> None:
    _, painter = family
    one, steps, spent = alone
    both, _, _ = paint(painter, order(painter, 3), order(painter, 5))
    assert spent == pytest.approx(1)
    assert [step.number for step in steps] == list(range(1, steps[0].of + 1))
    assert one[0].size == (64, 64)
    assert apart(one[0], both[1]) <= 2
    assert apart(both[0], both[1]) > 2


def test_a_dropped_order_costs_nothing_more(family: tuple[str, Painter]) -> None:
    key, painter = family
    orders = [order(painter, seed) for seed in (3, 5, 7)]
    whole, _, _ = paint(painter, *orders)
    parts = _denoisers(painter)
    with _counting(parts) as rows:
        painting = painter.paint(orders)
        rest = {}
        for done in painting:
            if isinstance(done, Step) and done.number == done.of // 2:
                painting.drop(1)
            if isinstance(done, GeneratedImage):
                rest[done.index] = done.picture
    assert sorted(rest) == [0, 2]
    assert all(apart(rest[i], whole[i]) <= 2 for i in rest)
    assert painting.spent == pytest.approx(3 * 0.5 + 2 * 0.5)
    assert rows[-1] * 3 == rows[0] * 2, key  # the denoiser really had two thirds of the work


def test_closing_leaves_the_painter_as_it_was(
    family: tuple[str, Painter], alone: tuple[dict[int, Any], list[Step], float]
) -> None:
    _, painter = family
    before, steps, _ = alone
    painting = painter.paint([order(painter, 5)])
    next(iter(painting))
    painting.close()
    assert painting.spent == pytest.approx(1 / steps[0].of)
    assert apart(paint(painter, order(painter, 5))[0][0], before[0]) == 0


def test_painting_over_a_box_leaves_the_rest(family: tuple[str, Painter]) -> None:
    key, painter = family
    old = Image.effect_noise((64, 64), 90).convert("RGB")
    start = InitImage(old, 0.5, (0, 0, 32, 64))
    if not painter.spec.repairs:
        assert key in {"deepfloyd-if", "flux2-klein", "pixart-sigma", "sana", "sana-sprint"}
        with pytest.raises(Exception, match="cannot paint over"):
            painter.paint([order(painter, 5, start=start)])
        return
    alone, steps, spent = paint(painter, order(painter, 5, start=start))
    whole = order(painter, 3, start=InitImage(old, 0.5))
    both, _, _ = paint(painter, whole, order(painter, 5, start=start))
    assert len(steps) == 2
    assert spent == pytest.approx(0.5)
    assert apart(alone[0].crop((32, 0, 64, 64)), old.crop((32, 0, 64, 64))) == 0
    assert apart(alone[0], old) > 20
    assert apart(alone[0], both[1]) <= 2


def test_outside_the_box_the_latents_are_held(family: tuple[str, Painter]) -> None:
    """Not only the finished picture: else seams would show, and inside would not fit outside."""
    _, painter = family
    if not painter.spec.repairs:
        pytest.skip("paints over no part")
    old = Image.effect_noise((64, 64), 90).convert("RGB")
    starts = [InitImage(old, strength, (0, 0, 8, 8)) for strength in (0.25, 1.0)]
    little, much = (_latents(painter, order(painter, 5, start=start)) for start in starts)
    same = np.isclose(little, much, atol=1e-3)
    assert same.mean() >= 0.9  # all but the one latent, or the one token of 16
    assert not same.all()


def _latents(painter: Painter, one: ImageRequest) -> Any:
    """What the pipeline decodes at the end."""
    painting: Any = painter.begin([one], 0, tiled=False)  # type: ignore[attr-defined]
    list(painting)
    return painting._batch._before.float().numpy()


def _denoisers(painter: Any) -> list[Any]:
    from limner.pipelines.active_rows import denoisers

    return denoisers(painter._palette.pipe)


class _counting:
    """Notes how many rows each denoiser really gives, before what was spared is filled in."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts, self.hooks = parts, list[Any]()

    def __enter__(self) -> list[int]:
        rows: list[int] = []

        def note(_: Any, __: Any, made: Any) -> None:
            rows.append(len(made[0]))

        self.hooks = [part.register_forward_hook(note) for part in self.parts]
        return rows

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()
