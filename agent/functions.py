"""Plain functions as painter and critic, and what any object must have to be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL.Image import Image

from limner.errors import ModelFailed, ModelUnusable
from limner.pipelines.init_image import check
from limner.pipelines.roles import (
    Critic,
    GeneratedImage,
    ImageRequest,
    ImageStream,
    Painter,
    PainterSpec,
    Step,
)

__all__ = ["check_models", "critic", "painter"]

Draw = Callable[[list[str], list[int]], Sequence[Image]]
"""Prompts and seeds in, as many pictures out."""

CriticFunction = Callable[[list[Image], list[str]], Sequence[Sequence[float]]]
"""Pictures and claims in; out, for each picture, how probable each claim is, in 0..1."""

_NEEDS = {
    "writer": (("stream",), ("write_task",)),
    "painter": (("spec", "paint", "cost", "count_tokens"),),
    "critic": (("look",),),
}
_HINTS = {
    "writer": "Give a LangChain chat model, or an object with write_task.",
    "painter": "See limner.Painter, or wrap a function: limner.painter(draw).",
    "critic": "See limner.Critic, or wrap a function: limner.critic(judge).",
}


def check_models(models: Mapping[str, object]) -> None:
    """Raises `ModelUnusable` for a writer, painter or critic that lacks what its part needs."""
    for part, model in models.items():
        lacking = [[n for n in names if not hasattr(model, n)] for names in _NEEDS[part]]
        if all(lacking):
            missing = " or ".join(", ".join(names) for names in lacking)
            raise ModelUnusable(f"The {part} {_name(model)} has no {missing}.", _HINTS[part])


def painter(
    draw: Draw, *, size: tuple[int, int] = (512, 512), name: str = "", tokens: int = 77
) -> Painter:
    """A painter of a function that makes pictures of prompts and seeds, all of one `size`.

    `size` is (width, height) in pixels, `tokens` how many words of a prompt are read. The function
    gets a round's prompts and seeds at once; the same prompt and seed should give the same picture.
    """
    spec = PainterSpec(size, largest=max(size), tokens=tokens, negative=False, steps=1, guidance=0)
    return _FunctionPainter(draw, name or _name(draw), spec)


def critic(judge: CriticFunction, *, name: str = "") -> Critic:
    """A critic of a function that tells how probable each claim is of each picture, in 0..1."""
    return _FunctionCritic(judge, name or _name(judge))


@dataclass
class _FunctionPainter:
    draw: Draw
    name: str
    spec: PainterSpec

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> ImageStream:
        for one in orders:
            check(one, self.spec)
            if (one.width, one.height) != self.spec.size:
                width, height = self.spec.size
                raise ModelFailed(f"{self.name} paints {width} x {height} pixels only.")
        return _FunctionStream(self, list(orders))

    def cost(self, order: ImageRequest) -> float:
        return 1.0

    def count_tokens(self, prompt: str) -> int:
        return len(prompt.split())


@dataclass
class _FunctionStream:
    painter: _FunctionPainter
    requests: list[ImageRequest]
    spent: float = 0.0
    dropped: set[int] = field(default_factory=set)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        kept = [at for at in range(len(self.requests)) if at not in self.dropped]
        prompts = [self.requests[at].prompt for at in kept]
        drawn = list(self.painter.draw(prompts, [self.requests[at].seed for at in kept]))
        if len(drawn) != len(kept) or not all(isinstance(one, Image) for one in drawn):
            raise ModelFailed(
                f"{self.painter.name} gave no picture for each of {len(kept)} prompts"
            )
        self.spent = float(len(kept))
        yield Step(1, 1, {})
        for at, picture in zip(kept, drawn, strict=True):
            if at not in self.dropped:
                yield GeneratedImage(at, picture.convert("RGB"))

    def drop(self, index: int) -> None:
        self.dropped.add(index)

    def close(self) -> None:
        self.dropped.update(range(len(self.requests)))


@dataclass
class _FunctionCritic:
    function: CriticFunction
    name: str

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        rows = [[float(p) for p in row] for row in self.function(list(pictures), list(claims))]
        if len(rows) != len(pictures) or any(len(row) != len(claims) for row in rows):
            raise ModelFailed(f"{self.name} gave no number for each picture and claim")
        if wrong := [p for row in rows for p in row if not 0 <= p <= 1]:
            raise ModelFailed(f"{self.name} gave {wrong[0]:g}, which is no probability in 0..1")
        return rows


def _name(model: Any) -> str:
    return str(getattr(model, "name", "") or getattr(model, "__name__", "") or type(model).__name__)
