"""A painter over any text-to-image pipeline of diffusers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limner.errors import BadInput
from limner.pipelines.batch_split import BatchSplit
from limner.pipelines.denoising import PipelineImageStream
from limner.pipelines.device import ModelSwap
from limner.pipelines.diffusers_pipes import (
    PainterPipelines,
    PipelineOptions,
    grid,
    native,
    takes,
    tokens,
    wordwise,
)
from limner.pipelines.families import Family, family_named, family_of, pipeline_of
from limner.pipelines.init_image import check, check_batch, runs
from limner.pipelines.loading import check_bits
from limner.pipelines.preview import legible
from limner.pipelines.roles import ImageRequest, PainterSpec, World
from limner.pipelines.speedups import Speedups
from limner.pipelines.weights import named, verify

__all__ = ["DiffusersPainter"]

_NONE: Mapping[str, Path] = MappingProxyType({})


class DiffusersPainter:
    """Paints with any folder of safetensors that diffusers knows as a text-to-image pipeline.

    Its family's row (`families.yaml`) says how it wants to be addressed; a family without a row
    runs by what its call can take. `size` (width, height in pixels), `steps` and `guidance` are
    what it is best at, where weights and row don't know better; `family` names the row. `others`
    are what belongs to it: a "lora", which is fused at `scale`, a Kandinsky "prior", an IF
    "second" stage, a small decoder for "preview"s. With `weigh`, words can be weighed and prompts
    be longer.

    It is kept as `bits` (4 or 8, on a CUDA GPU) and `offload` ("model" or "group") say, and paints
    at most `at_once` pictures of its usual size together, None for any number; where memory runs
    out all the same, see `BatchSplit`. `compile`, `cache`, `attention` and `channels_last` make it
    faster, see `Speedups`; with a cache, which would decide for a whole batch at once, pictures are
    painted one after another.

    Nothing more is computed for a dropped order. From the batch of the Stable Diffusion, XL, 3
    and Kandinsky pipelines it is really gone; elsewhere the denoiser passes over it. `threads` is
    torch's count of CPU threads for the last batch, 0 before: a picture's last bits depend on it.
    `device` is where it computes, as torch names it.
    `paints_anything` is False for the pocket painter, which knows its `world` alone.
    """

    threads = 0
    paints_anything = True
    world: World | None = None

    def __init__(  # noqa: PLR0913
        self,
        folder: Path,
        name: str,
        device: str = "auto",
        size: tuple[int, int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        *,
        family: str = "",
        others: Mapping[str, Path] = _NONE,
        scale: float = 1.0,
        weigh: bool = False,
        bits: int | None = None,
        offload: str = "",
        at_once: int | None = None,
        compile: bool = False,
        cache: float | None = None,
        attention: str = "",
        channels_last: bool | None = None,
    ) -> None:
        check_bits(bits)
        for one in (folder, *others.values()):
            verify(one)
        lora = others.get("lora")
        called = f"{name} {lora.name if lora else ''}"
        self.family = family_named(family) if family else _recognised(folder, called)
        told = (folder, name, self.family, others, scale, weigh, device, bits, offload)
        self._recipe = PipelineOptions(
            *told, Speedups(compile, cache, str(attention), channels_last)
        )
        self._recipe.check()
        self._swap: ModelSwap | None = None
        self._at_once = at_once
        self._palette: PainterPipelines | None = PainterPipelines(self._recipe)
        self.device = str(self._palette.where)
        self._tokenizer = wordwise(self._palette.pipe)
        self.paints_anything = name != "pocket"
        self.folder = folder
        made = [f"+{lora.name}:{scale:g}" if lora else "", f":{bits}bit" if bits else ""]
        self.name = "".join([named(folder, name), *made, self._palette.speedups.marks])
        self.spec = self._dialect(self._palette, size, steps, guidance)

    def join(self, swap: ModelSwap) -> None:
        """Ask for a turn from now on, before it paints."""
        self._swap = swap

    def release(self) -> None:
        """Let go of the weights until it paints again."""
        self._palette = None

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> BatchSplit:
        """Paint all orders in one batch, or in several where memory is short.

        `preview_every` steps there is a cheap preview, 0 for none. Each order's noise comes from a
        CPU generator of its own seed, whatever else is in the batch. Raises `BadInput` for a size
        that the pipeline cannot paint, for a start where it paints over nothing, and for orders
        that differ in size, steps, guidance or strength; while it paints, `OutOfMemory`.
        """
        check_batch(orders)
        for order in orders:
            check(order, self.spec)
        self._check(orders[0])
        return BatchSplit(_Easel(self, preview_every), orders, self._most(orders[0]))

    def begin(
        self, orders: Sequence[ImageRequest], preview_every: int, tiled: bool
    ) -> PipelineImageStream:
        """Paints them together, whatever memory that takes; `tiled` decodes them in tiles."""
        import torch

        palette = self._awake()
        pipe = palette.over if orders[0].start else palette.pipe
        self.threads = torch.get_num_threads()
        call = self._call(orders, palette, pipe)
        cost = self.cost(orders[0])
        painting = PipelineImageStream(pipe, call, orders, cost, preview_every, palette.eyes)
        painting.tile(tiled)
        return painting

    def ease(self) -> bool:
        """Keeps less of the pipeline on its device from now on; False where there is no less."""
        return self._awake().ease()

    def _awake(self) -> PainterPipelines:
        """The pipelines, opened again if they were closed."""
        if self._swap:
            self._swap.turn(self)
        if self._palette is None:
            self._palette = PainterPipelines(self._recipe)
        return self._palette

    def _most(self, order: ImageRequest) -> int:
        """How many pictures of that size are painted together."""
        if self._recipe.speedups.cache is not None:
            return 1
        if self._at_once is None:
            return 1 << 30
        width, height = self.spec.size
        return max(1, self._at_once * width * height // (order.width * order.height))

    def cost(self, order: ImageRequest) -> float:
        """Steps really done x area, over the native ones.

        Raises `BadInput` for a size it cannot paint.
        """
        self._check(order)
        width, height = self.spec.size
        area = order.width * order.height / (width * height)
        return area * runs(order) / self.spec.steps

    def count_tokens(self, prompt: str) -> int:
        """The length of a prompt in the pipeline's own tokens, with its start and end marks."""
        return len(self._tokenizer(prompt, truncation=False, verbose=False)["input_ids"])

    def _check(self, order: ImageRequest) -> None:
        step, most = self.spec.multiple, self.spec.largest
        sides = (order.width, order.height)
        if any(side % step or not step <= side <= most for side in sides):
            near = [min(max(round(side / step), 1) * step, most // step * step) for side in sides]
            raise BadInput(
                f"The painter cannot paint {order.width} x {order.height} pixels.",
                f"The nearest that it can is {near[0]}x{near[1]}.",
            )
        if order.steps < 1:
            raise BadInput("A picture takes at least one step.", "For instance: steps 20.")

    def _call(
        self, orders: Sequence[ImageRequest], palette: PainterPipelines, pipe: Any
    ) -> dict[str, Any]:
        """The arguments of one call, of those that this pipeline takes."""
        import torch

        first = orders[0]
        knob = self.family.knob if self.family else "guidance_scale"
        said = {
            "width": first.width,
            "height": first.height,
            "num_inference_steps": first.steps,
            knob: first.guidance,
            "generator": [torch.Generator("cpu").manual_seed(order.seed) for order in orders],
            "output_type": "pil",
            **(self.family.call if self.family else {}),
            **self._words(orders, palette),
        }
        if first.steps != 2:  # a default that Sana-Sprint refuses with other numbers of steps
            said["intermediate_timesteps"] = None
        if first.start:
            shown = [order.start.picture for order in orders if order.start]
            said["image"] = [picture.convert("RGB") for picture in shown if picture]
            said["strength"] = _strength(pipe, first)
        known = takes(pipe)
        return {key: value for key, value in said.items() if key in known}

    def _words(self, orders: Sequence[ImageRequest], palette: PainterPipelines) -> dict[str, Any]:
        """The prompts, or what the text encoders make of them where words are weighed."""
        prompts = [order.prompt for order in orders]
        unlike = [order.negative or " " for order in orders]
        if palette.weighing:
            return palette.weighing.embedded(prompts, [o.negative for o in orders])
        heeded = self.spec.negative and any(order.negative for order in orders)
        knobbed = self.family is not None and self.family.knob == "true_cfg_scale"
        return {"prompt": prompts} | ({"negative_prompt": unlike} if heeded or knobbed else {})

    def _dialect(
        self,
        palette: PainterPipelines,
        size: tuple[int, int] | None,
        steps: int | None,
        guidance: float | None,
    ) -> PainterSpec:
        pipe, row, weighing = palette.pipe, self.family, palette.weighing
        wide = grid(pipe)
        least = max(8, wide if hasattr(pipe, "unet") else 2 * wide)
        parts = row.over == "box" if row else legible(pipe.scheduler)
        if guidance is None:
            guidance = row.guidance if row else _default(pipe, "guidance_scale", 5.0)
        usual = row.steps if row else int(_default(pipe, "num_inference_steps", 25))
        return PainterSpec(
            size=(int(size[0]), int(size[1])) if size else native(pipe, row),
            multiple=row.multiple if row and row.multiple else least,
            tokens=weighing.most if weighing else tokens(pipe, row),
            negative=row.negative if row else "negative_prompt" in takes(pipe),
            steps=steps or usual,
            guidance=float(guidance),
            starts=palette.over is not None,
            repairs=palette.over is not None and parts,
            tags=row is not None and row.style == "tags",
            weights=weighing is not None,
        )


class _Easel:
    """The painter, with the previews that one batch wants; see `rationing.Easel`."""

    def __init__(self, painter: DiffusersPainter, preview_every: int) -> None:
        self._painter = painter
        self._preview_every = preview_every

    def begin(self, orders: Sequence[ImageRequest], tiled: bool) -> PipelineImageStream:
        return self._painter.begin(orders, self._preview_every, tiled)

    def ease(self) -> bool:
        return self._painter.ease()


def _default(pipe: Any, name: str, otherwise: float) -> float:
    found = takes(pipe).get(name)
    default = otherwise if found is None else found.default
    return default if isinstance(default, int | float) else otherwise


def _recognised(folder: Path, called: str) -> Family | None:
    """The folder's family; an unknown one is tried all the same, and said to be unknown."""
    found = family_of(folder, called)
    if found is None:
        logging.getLogger("limner").warning(
            "%s is not among the families that limner knows: it is called by what it takes.",
            pipeline_of(folder) or "This painter",
        )
    return found


def _strength(pipe: Any, order: ImageRequest) -> float:
    """The strength that makes the pipeline do just `runs(order)` steps: each rounds its own way."""
    wanted, steps = runs(order), order.steps
    if pipe.scheduler.timesteps is None:
        pipe.scheduler.set_timesteps(steps)
    for done in (wanted, wanted + 0.5, wanted - 0.5):
        strength = min(done / steps, 1.0)
        if pipe.get_timesteps(steps, strength, "cpu")[1] == wanted:
            return strength
    return wanted / steps
