"""A batch of pictures on a diffusers pipeline, step by step, with requests leaving on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from greenlet import error as of_another_thread
from greenlet import getcurrent, greenlet
from PIL import Image

from limner.errors import BadInput
from limner.pipelines.active_rows import ActiveRows, denoisers
from limner.pipelines.init_image import pasted
from limner.pipelines.loading import hushed
from limner.pipelines.oom import spared_decoding
from limner.pipelines.preview import clean_guess, decode_roughly, mixture, place
from limner.pipelines.roles import GeneratedImage, ImageRequest, InitImage, Step
from limner.pipelines.speedups import forgetful

if TYPE_CHECKING:
    import torch

__all__ = [
    "OutsideBox",
    "PipelineImageStream",
    "relay",
    "shrinkable",
]


Item = TypeVar("Item")


class _Stopped(Exception):
    """Nobody listens any more; raised inside the work to end it."""


def relay(work: Callable[[Callable[[Item], None]], None]) -> Generator[Item, None, None]:
    """Runs `work(tell)` and yields each item that it tells, strictly in turn.

    `tell` returns when the next item is asked for, so what the listener changes in between is
    seen by the work before it goes on. Closing the iterator ends the work where it told last.
    What the work raises is raised here; `BadInput`, when it is read in two threads.

    The work has a stack of its own (a greenlet) in the listener's thread, not a thread of its own:
    each thread that computes gets its own pool of OpenMP threads, and where these outnumber the
    processors all of them become slow. So one iterator is read in one thread.
    """
    told: list[Item] = []

    def tell(item: Item) -> None:
        told.append(item)
        listener = getattr(worker, "parent", None)
        assert listener is not None  # set whenever the work is gone on with
        listener.switch()

    def run() -> None:
        work(tell)

    worker = greenlet(run)
    try:
        while _goes_on(worker):
            yield told.pop()
    finally:
        _end(worker)


def _goes_on(worker: greenlet) -> bool:
    """Lets the work go on until it tells something; False when it is done."""
    try:
        worker.parent = getcurrent()
    except (of_another_thread, ValueError):
        raise BadInput(
            "This was begun in another thread.", "Read it in one thread, or use Studio.astream."
        ) from None
    worker.switch()
    return not worker.dead


def _end(worker: greenlet) -> None:
    if worker.dead or not worker:  # at its end, or never begun
        return
    try:
        worker.parent = getcurrent()
        worker.throw(_Stopped)
    except _Stopped:
        pass
    except (of_another_thread, ValueError):
        pass  # thrown away elsewhere: it ends when its own thread runs greenlets next


class OutsideBox:
    """The old pictures of a batch, as noisy as each step wants them, outside the boxes.

    After every step the latents outside the box are replaced by those of the old picture with the
    noise of that step (Blended Latent Diffusion, arXiv:2206.02779). Unlike the inpainting
    pipelines of diffusers this works for latents of any depth, and orders can leave the batch.
    `size` is the pictures' (width, height) in pixels.
    """

    def __init__(self, starts: Sequence[InitImage | None], size: tuple[int, int]) -> None:
        whole = (0, 0, *size)
        self._boxes = [start.box or whole if start else whole for start in starts]
        self._needed = any(start is not None and start.box for start in starts)
        self._size = size
        self._clean: torch.Tensor | None = None
        self._noise: torch.Tensor | None = None
        self._mask: torch.Tensor | None = None

    @contextmanager
    def noted(self, scheduler: Any) -> Iterator[None]:
        """Within it, what the scheduler mixes at the start (picture and noise) is kept for later.

        It is the only place where every family has both of them apart.
        """
        if not self._needed:
            yield
            return
        adds, scales = (getattr(scheduler, name, None) for name in ("add_noise", "scale_noise"))
        if adds:
            scheduler.add_noise = self._listening(adds, noise_at=1)
        if scales:
            scheduler.scale_noise = self._listening(scales, noise_at=2)
        try:
            yield
        finally:
            vars(scheduler).pop("add_noise", None)
            vars(scheduler).pop("scale_noise", None)

    def hold(self, pipe: Any, step: int, latents: torch.Tensor) -> torch.Tensor:
        """The latents after that step (0-based), with the old picture outside the boxes."""
        if self._clean is None or self._noise is None:
            return latents
        if self._mask is None:
            self._mask = self._fit(pipe, latents)
        keep, noise = mixture(pipe.scheduler, place(pipe, step) + 1)
        before = keep * self._clean + noise * self._noise
        return (before + self._mask * (latents - before)).to(latents.dtype)

    def leave(self, rows: list[int]) -> None:
        """Go on with those rows of the batch alone."""
        if self._clean is not None and self._noise is not None and self._mask is not None:
            self._clean, self._noise = self._clean[rows], self._noise[rows]
            self._mask = self._mask[rows]

    def _listening(self, mix: Callable[..., Any], noise_at: int) -> Callable[..., Any]:
        def mixing(*given: Any) -> Any:
            if self._clean is None:
                self._clean, self._noise = given[0], given[noise_at]
            return mix(*given)

        return mixing

    def _fit(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """The mask; it, picture and noise in the form of the latents: some families pack them."""
        import torch

        assert self._clean is not None  # hold() saw to it
        assert self._noise is not None
        height, width = self._clean.shape[-2:]
        rows = [self._cells(box, width, height) for box in self._boxes]
        shape = (len(rows), *[1] * (self._clean.dim() - 3), height, width)
        mask = torch.stack(rows).to(self._clean).view(shape).expand_as(self._clean)
        parts = (self._clean, self._noise, mask)
        if self._clean.shape != latents.shape:
            channels = int(self._clean.numel() / len(rows) / height / width)
            parts = tuple(
                pipe._pack_latents(part, len(rows), channels, height, width) for part in parts
            )
        self._clean, self._noise, mask = (part.to(latents) for part in parts)
        return mask

    def _cells(self, box: tuple[int, int, int, int], width: int, height: int) -> torch.Tensor:
        """1 for each latent that the box touches, 0 for the others: [height, width]."""
        import torch

        across, down = width / self._size[0], height / self._size[1]
        left, right = math.floor(box[0] * across), math.ceil(box[2] * across)
        top, bottom = math.floor(box[1] * down), math.ceil(box[3] * down)
        cells = torch.zeros(height, width)
        cells[top:bottom, left:right] = 1
        return cells


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


class PipelineImageStream:
    """One call of a pipeline as an iterator; see `roles.Painting`.

    `call` are the pipeline's arguments for these requests, `cost` is what each of them costs in
    image-equivalents. A dropped order leaves the batch before the next step, where the pipeline
    allows it (`shrinkable`); elsewhere the denoiser passes over it (`ActiveRows`). `eyes` is a
    small decoder for previews, where the pipeline's own is a large one.
    """

    def __init__(
        self,
        pipe: Any,
        call: dict[str, Any],
        orders: Sequence[ImageRequest],
        cost: float,
        preview_every: int,
        eyes: Any = None,
    ) -> None:
        self._batch = _Batch(pipe, call, orders, cost, preview_every)
        self._batch.eyes = eyes
        self._steps = _advance(self._batch)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
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


def _advance(batch: _Batch) -> Generator[Step | GeneratedImage, None, None]:
    """Each step, then each picture; the work below knows the batch alone, not who listens."""
    finished: list[Image.Image] = []

    def paint(tell: Callable[[Step], None]) -> None:
        finished.extend(batch.run(tell))

    yield from relay(paint)
    for index, picture in zip(batch.live, finished, strict=bool(finished)):
        if index not in batch.dropped:
            yield GeneratedImage(index, pasted(batch.orders[index].start, picture))


class _Batch:
    """What the pipeline is at work on: `live` are the orders still in it, in its own order."""

    def __init__(
        self,
        pipe: Any,
        call: dict[str, Any],
        orders: Sequence[ImageRequest],
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
        self._outside = OutsideBox([order.start for order in orders], self._size)
        self._sparing = ActiveRows(len(orders))

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
