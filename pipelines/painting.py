"""A batch of pictures on a diffusers pipeline, step by step, with orders leaving on the way."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from PIL import Image

from limner.pipelines.loading import hushed
from limner.pipelines.outside import Outside
from limner.pipelines.preview import clean_guess, decode_roughly, place
from limner.pipelines.relay import relay
from limner.pipelines.relief import spared_decoding
from limner.pipelines.roles import Order, Painted, Step
from limner.pipelines.sparing import Sparing, denoisers
from limner.pipelines.speedups import forgetful
from limner.pipelines.starts import pasted

if TYPE_CHECKING:
    import torch

__all__ = ["PipelinePainting", "shrinkable"]

_XL = ("latents", "prompt_embeds", "add_text_embeds", "add_time_ids")
BATCHED = {
    "StableDiffusionPipeline": ("latents", "prompt_embeds"),
    "StableDiffusionImg2ImgPipeline": ("latents", "prompt_embeds"),
    "StableDiffusionXLPipeline": _XL,
    "StableDiffusionXLImg2ImgPipeline": _XL,
    "StableDiffusion3Pipeline": ("latents", "prompt_embeds", "pooled_prompt_embeds"),
    "Kandinsky": ("latents", "image_embeds"),
    "KandinskyOver": ("latents", "image_embeds"),
}
"""What a pipeline keeps for each picture of a batch, where its callback can change all of it."""


def shrinkable(pipe: Any) -> tuple[str, ...]:
    """The tensors to cut when orders leave; () where the batch can't be made smaller half-way."""
    named = BATCHED.get(type(pipe).__name__, ())
    core = getattr(pipe, "unet", None)
    distilled = core is not None and core.config.get("time_cond_proj_dim") is not None
    return () if distilled or not set(named) <= set(pipe._callback_tensor_inputs) else named


class PipelinePainting:
    """One call of a pipeline as an iterator; see `roles.Painting`.

    `call` are the pipeline's arguments for these orders, `cost` is what each of them costs in
    image-equivalents. A dropped order leaves the batch before the next step, where the pipeline
    allows it (`shrinkable`); elsewhere the denoiser passes over it (`Sparing`). `eyes` is a small
    decoder for previews, where the pipeline's own is a large one.
    """

    def __init__(
        self,
        pipe: Any,
        call: dict[str, Any],
        orders: Sequence[Order],
        cost: float,
        preview_every: int,
        eyes: Any = None,
    ) -> None:
        self._batch = _Batch(pipe, call, orders, cost, preview_every)
        self._batch.eyes = eyes
        self._steps = _advance(self._batch)

    def __iter__(self) -> Iterator[Step | Painted]:
        return self._steps

    def tile(self, wanted: bool) -> None:
        """Decode the pictures in tiles, which takes less memory."""
        self._batch.tiled = wanted

    def drop(self, index: int) -> None:
        """Spend nothing more on that order; it will not be among the finished pictures."""
        self._batch.dropped.add(index)

    def close(self) -> None:
        """Stop between two steps. Closing twice is harmless."""
        self._steps.close()

    @property
    def spent(self) -> float:
        """Image-equivalents so far."""
        return self._batch.spent


def _advance(batch: _Batch) -> Generator[Step | Painted, None, None]:
    """Each step, then each picture; the work below knows the batch alone, not who listens."""
    finished: list[Image.Image] = []

    def paint(tell: Callable[[Step], None]) -> None:
        finished.extend(batch.run(tell))

    yield from relay(paint)
    for index, picture in zip(batch.live, finished, strict=bool(finished)):
        if index not in batch.dropped:
            yield Painted(index, pasted(batch.orders[index].start, picture))


class _Batch:
    """What the pipeline is at work on: `live` are the orders still in it, in its own order."""

    def __init__(
        self,
        pipe: Any,
        call: dict[str, Any],
        orders: Sequence[Order],
        cost: float,
        preview_every: int,
    ) -> None:
        self.spent = 0.0
        self.orders = orders
        self.live = list(range(len(orders)))
        self.dropped: set[int] = set()
        self.eyes: Any = None
        self.tiled = False
        self._pipe = pipe
        self._call = call
        self._cost = cost
        self._preview_every = preview_every
        self._cut = shrinkable(pipe)
        self._before: torch.Tensor | None = None
        self._learning = False
        self._size = (orders[0].width, orders[0].height)
        self._outside = Outside([order.start for order in orders], self._size)
        self._sparing = Sparing(len(orders))

    def run(self, tell: Callable[[Step], None]) -> list[Image.Image]:
        """Paints, telling each step; returns the pictures of what is then still live."""
        import torch

        self._learning = torch.is_grad_enabled()
        try:
            with hushed("diffusers", "transformers"), self._watched():
                done = self._pipe(
                    **self._call,
                    callback_on_step_end=lambda *step: self._after(tell, *step),
                    callback_on_step_end_tensor_inputs=list(self._cut or ("latents",)),
                )
        except _AllDropped:
            return []
        finally:
            torch.set_grad_enabled(self._learning)
        return list(done.images)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        parts = denoisers(self._pipe)
        decoding = spared_decoding(getattr(self._pipe, "vae", None), self.tiled)
        spared = self._sparing.on([] if self._cut else parts)
        with self._outside.noted(self._pipe.scheduler), spared, decoding, forgetful(parts):
            yield

    def _after(
        self, tell: Callable[[Step], None], pipe: Any, step: int, _: Any, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        of = int(pipe.num_timesteps)
        computed = len(self.live) if self._cut else self._sparing.computed
        self.spent += self._cost * computed / of
        tensors["latents"] = self._outside.hold(pipe, step, tensors["latents"])
        self._tell(tell, Step(step + 1, of, self._previews(step, tensors["latents"])))
        if set(self.live) <= self.dropped:
            raise _AllDropped
        if self._cut:
            return self._shrunk(tensors)
        self._sparing.leave([index for index in self.live if index not in self.dropped])
        return tensors

    def _tell(self, tell: Callable[[Step], None], step: Step) -> None:
        """Tells with gradients on or off as the listener has them: it is in the same thread."""
        import torch

        torch.set_grad_enabled(self._learning)
        try:
            tell(step)
        finally:
            self._learning = torch.is_grad_enabled()
            torch.set_grad_enabled(False)

    def _previews(self, step: int, latents: torch.Tensor) -> dict[int, Image.Image]:
        before, self._before = self._before, latents
        due = self._preview_every and (step + 1) % self._preview_every == 0
        if not due or before is None or before.shape != latents.shape:  # the first of a stage
            return {}
        guess = clean_guess(self._pipe.scheduler, place(self._pipe, step), before, latents)
        drawn = zip(
            self.live, decode_roughly(self._pipe, guess, self.eyes, self._size), strict=False
        )
        return {
            index: pasted(self.orders[index].start, picture)
            for index, picture in drawn
            if index not in self.dropped
        }

    def _shrunk(self, tensors: dict[str, Any]) -> dict[str, Any]:
        """The tensors without the rows of dropped orders; the scheduler and the noise likewise."""
        size = len(self.live)
        rows = [row for row, index in enumerate(self.live) if index not in self.dropped]
        if len(rows) == size:
            return tensors
        self.live = [self.live[row] for row in rows]
        generators = self._call["generator"]
        generators[:] = [generators[row] for row in rows]  # the pipeline holds this very list
        _shrink_scheduler(self._pipe.scheduler, tensors["latents"], rows)
        self._outside.leave(rows)
        cut = {name: _kept(tensor, rows, size) for name, tensor in tensors.items()}
        self._before = cut["latents"]
        return cut


class _AllDropped(Exception):
    """No order of the batch is wanted any more."""


def _kept(tensor: torch.Tensor, rows: list[int], size: int) -> torch.Tensor:
    """Those rows of each of the tensor's equal parts: with guidance, there are two of them."""
    import torch

    return torch.cat([part[rows] for part in torch.split(tensor, size)])


def _shrink_scheduler(scheduler: Any, latents: torch.Tensor, rows: list[int]) -> None:
    """Cuts what a sampler with memory remembers of earlier steps."""

    def cut(value: Any) -> Any:
        if isinstance(value, list):
            return [cut(item) for item in value]
        if getattr(value, "shape", None) == latents.shape:
            return value[rows]
        return value

    for name, value in list(vars(scheduler).items()):
        if isinstance(value, list) or hasattr(value, "shape"):
            setattr(scheduler, name, cut(value))
