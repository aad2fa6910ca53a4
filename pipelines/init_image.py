"""What it means to paint over a picture: what is possible, how many steps, and what stays as is."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from limner.errors import BadInput
from limner.pipelines.roles import ImageRequest, InitImage, PainterSpec

__all__ = [
    "check",
    "check_batch",
    "pasted",
    "runs",
]


FEATHER = 6
"""Pixels within a box over which old goes over into new."""


def check(order: ImageRequest, spec: PainterSpec) -> None:
    """Raises `BadInput` for a start that the painter cannot take, or that does not fit."""
    start = order.start
    if start is None:
        return
    if not (spec.repairs if start.box else spec.starts):
        what = "a part of a picture" if start.box else "a picture"
        raise BadInput(f"The painter cannot paint over {what}.", "Let it begin from nothing.")
    if not 0 < start.strength <= 1:
        raise BadInput(f"A strength of {start.strength:g} is not possible.", "For instance: 0.6")
    if start.picture is None or start.picture.size != (order.width, order.height):
        there = "none" if start.picture is None else "{} x {}".format(*start.picture.size)
        raise BadInput(
            f"The picture to paint over must be {order.width} x {order.height} pixels: {there}.",
            "Paint at the picture's own size.",
        )
    if start.box:
        _check_box(start.box, order)


def check_batch(orders: Sequence[ImageRequest]) -> None:
    """Raises `BadInput` unless the orders can share a batch."""
    if not orders:
        raise BadInput("There is no order to paint.", "Give at least one.")
    if len({(o.width, o.height, o.steps, o.guidance) for o in orders}) > 1:
        raise BadInput("A batch shares size, steps and guidance.", "Paint the others apart.")
    if len({o.start.strength if o.start else None for o in orders}) > 1:
        raise BadInput("A batch has no starts, or all of one strength.", "Paint the others apart.")


def runs(order: ImageRequest) -> int:
    """How many denoising steps are really done: of all, the share that `strength` says."""
    if order.start is None:
        return order.steps
    return min(max(1, round(order.steps * order.start.strength)), order.steps)


def pasted(start: InitImage | None, painted: Image.Image) -> Image.Image:
    """What was painted, with everything outside the box exactly as it was before."""
    if start is None or start.box is None or start.picture is None:
        return painted
    before = start.picture.convert("RGB")
    return Image.composite(painted, before, _mask(start.box, before.size))


def _mask(box: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    """White in the box, black outside; within its edges grey, but not at the picture's own."""
    left, top, right, bottom = box
    wide = max(1, min(FEATHER, (right - left) // 4, (bottom - top) // 4))
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    for i in range(wide + 1):
        low = (left + i * (left > 0), top + i * (top > 0))
        high = (right - 1 - i * (right < size[0]), bottom - 1 - i * (bottom < size[1]))
        pen.rectangle((low, high), fill=255 * (i + 1) // (wide + 1))
    return mask


def _check_box(box: tuple[int, int, int, int], order: ImageRequest) -> None:
    left, top, right, bottom = box
    if not (0 <= left < right <= order.width and 0 <= top < bottom <= order.height):
        raise BadInput(
            f"There is no box {box} in a picture of {order.width} x {order.height} pixels.",
            "A box is left, top, right, bottom in pixels.",
        )
