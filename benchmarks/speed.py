"""What the agent costs beside the same pictures painted by hand, and what makes a painter faster.

`limner bench overhead` and `limner bench speed` measure both sides in turns, in one process, so
that whatever else the machine does falls on both.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL.Image import Image

from limner import Studio
from limner.agent.archive.pictures import difference
from limner.agent.events import BriefReady, CandidateReady
from limner.agent.scoring.evaluate import phrased
from limner.errors import BadInput
from limner.pipelines import pocket
from limner.pipelines.registry import open_painter, resolve
from limner.pipelines.roles import GeneratedImage, ImageRequest, Painter

__all__ = [
    "BATCHES",
    "REQUEST",
    "Baseline",
    "Measurement",
    "Speedup",
    "from_inside",
    "from_outside",
    "in_turns",
    "speedups",
    "weights",
]

REQUEST = "a small red car left of a house, on grass, at night"
SEED = 7
AT_ONCE = 8  # pictures
BATCHES = (1, AT_ONCE)


class Baseline:
    """What someone writes who needs no agent: a diffusers pipeline, and CLIP to rank its pictures.

    The painter's and the critic's folders, opened by their libraries alone, on a CPU.
    """

    def __init__(self, painter: Path, critic: Path) -> None:
        import torch
        from diffusers import DiffusionPipeline
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        self.pipe: Any = DiffusionPipeline.from_pretrained(
            painter, use_safetensors=True, dtype=torch.float32, safety_checker=None
        )
        self.pipe.set_progress_bar_config(disable=True)
        self.clip: Any = AutoModel.from_pretrained(critic, use_safetensors=True).eval()
        self.pixels: Any = AutoImageProcessor.from_pretrained(critic, backend="pil")
        self.words: Any = AutoTokenizer.from_pretrained(critic)

    def paint(self, orders: Sequence[ImageRequest]) -> list[Image]:
        """The pictures of some orders, in one call, as the pipeline's documentation says."""
        import torch

        first = orders[0]
        painted = self.pipe(
            prompt=[order.prompt for order in orders],
            negative_prompt=[order.negative for order in orders],
            num_inference_steps=first.steps,
            guidance_scale=first.guidance,
            width=first.width,
            height=first.height,
            generator=[torch.Generator("cpu").manual_seed(order.seed) for order in orders],
        )
        return list(painted.images)

    def look(
        self, pictures: Sequence[Image], texts: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """The probability of each text of each picture against its foils, without any memory."""
        import torch

        every = list(dict.fromkeys([*texts, *(text for others in foils for text in others)]))
        with torch.inference_mode():
            tokens = self.words(every, padding=True, truncation=True, return_tensors="pt")
            tokens.pop("token_type_ids", None)
            pixels = self.pixels(images=list(pictures), return_tensors="pt")["pixel_values"]
            logits = self.clip(pixel_values=pixels, **tokens).logits_per_image
        columns = []
        for text, others in zip(texts, foils, strict=True):
            group = [every.index(one) for one in (text, *others)]
            columns.append(torch.softmax(logits[:, group], dim=1)[:, 0])
        return [list(row) for row in torch.stack(columns, dim=1).tolist()]


def weights(part: str, given: str | None) -> Path:
    """The folder of a painter or a critic; the pocket one where none is given."""
    if given:
        return resolve(given, part)
    return Path(str(pocket.__file__)).parent / "weights" / part


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table: what, how much, and what it should be at most or at least."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def target(self) -> str:
        """What it should be; nothing where there is no target."""
        if self.most is not None:
            return f"<= {self.most:g}"
        return "" if self.least is None else f">= {self.least:g}"

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least


def from_outside(repeat: int, profile: str = "pocket") -> list[Measurement]:
    """What a user waits for at the prompt, each in a process of its own; the best of some."""
    limner = [sys.executable, "-m", "limner"]
    with tempfile.TemporaryDirectory() as folder:
        draw = [*limner, REQUEST, "--quiet", "--no-archive", "--seed", str(SEED), "--out", folder]
        draw += ["--profile", profile]
        shown = _command_seconds([*limner, "--help"], repeat)
        loaded = _command_seconds([sys.executable, "-c", "import limner"], repeat)
        painted = _command_seconds([*draw, "--takes", "1", "--budget", "1"], repeat)
        whole = _command_seconds(draw, 1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return [
        Measurement("limner --help, s", shown, most=0.25),
        Measurement("import limner, s", loaded),
        Measurement("cold start to the first picture saved, s", painted, most=6),
        Measurement("cold start to a refined picture saved, s", whole),
        Measurement("peak memory of these, GiB", peak, most=1.2),
    ]


def from_inside(studio: Studio, baseline: Baseline, repeat: int) -> list[Measurement]:
    """What the agent costs over the same orders painted and looked at by hand."""
    *_, drafted = studio.expand(REQUEST, seed=SEED)
    assert isinstance(drafted, BriefReady)
    brief = drafted.brief

    def agent() -> list[ImageRequest]:
        """One round of the whole loop on the brief; the orders that it painted."""
        how: dict[str, Any] = {"images_per_round": AT_ONCE, "budget": AT_ONCE, "refine": False}
        with closing(studio.paint(brief, seed=SEED, **how)) as painting:
            return [
                event.candidate.image_request
                for event in painting
                if isinstance(event, CandidateReady)
            ]

    def serve() -> None:
        studio.imagine(REQUEST, seed=SEED, images_per_round=AT_ONCE, budget=AT_ONCE, refine=False)

    orders = agent()
    claims = [claim for said in brief.claims if (claim := phrased(studio.critic, said))]
    texts, foils = [c.text for c in claims], [c.foils for c in claims]
    bare_painter = partial(_painted, studio.painter, orders)
    whole, by_hand, bare, few = in_turns(
        [
            agent,
            lambda: baseline.look(baseline.paint(orders), texts, foils),
            lambda: baseline.paint(orders),
            bare_painter,
        ],
        repeat,
    )
    (warm,) = in_turns([lambda: studio.imagine(REQUEST, seed=SEED)], repeat)
    (asked,) = in_turns([lambda: list(studio.expand(REQUEST, seed=SEED))], repeat)
    served, alone = in_turns([serve, bare_painter], 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        Measurement("the agent, 8 takes of a brief, s", whole),
        Measurement("diffusers and CLIP by hand, the same 8, s", by_hand),
        Measurement("the agent over both by hand, ratio", whole / by_hand, most=1.03),
        Measurement("the painter over bare diffusers, ratio", few / bare, most=1.03),
        Measurement("a picture in a batch of 8, s", few / AT_ONCE),
        Measurement("brief, s", asked),
        Measurement("warm turn, request to refined picture, s", warm, most=5),
        Measurement("requests one by one over the bare painter, ratio", alone / served, least=0.95),
        Measurement("peak memory of this process, GiB", peak),
    ]


def in_turns(
    works: Sequence[Callable[[], Any]], repeat: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Seconds of the quickest of some runs of each, in turns, after a round that does not count."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(repeat + 1):
        for work, taken in zip(works, times, strict=True):
            start = clock()
            work()
            if number:
                taken.append(clock() - start)
    return [min(taken) for taken in times]


def _command_seconds(command: list[str], repeat: int) -> float:
    """Seconds of a command that must succeed, its output thrown away."""
    run = partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL, cwd=Path.cwd())
    return in_turns([run], repeat)[0]


def _painted(painter: Painter, orders: Sequence[ImageRequest]) -> list[Image]:
    with closing(painter.paint(orders)) as painting:
        return [done.picture for done in painting if isinstance(done, GeneratedImage)]


# A painter's own settings.


@dataclass(frozen=True, slots=True)
class Speedup:
    """What a setting did: how many times as fast a batch of each size was painted with it.

    `apart` is the largest difference of any pixel, of 255; `first` how many seconds the first batch
    of each size took, with all that is done once. `refused` says why nothing was measured.
    """

    setting: str
    ratios: tuple[float, ...] = ()
    apart: int = 0
    first: float = 0.0
    refused: str = ""


def speedups(
    spec: str | Path,
    settings: Mapping[str, Any],
    tried: Sequence[Mapping[str, Any]],
    repeat: int,
) -> Iterator[Speedup]:
    """What each of the settings does to that painter, beside those that it has anyway.

    On a CPU it takes the processor's time of this process alone, which others hardly change.
    """
    plain = open_painter(spec, dict(settings))
    for one in tried:
        said = ", ".join(f"{key}: {value}".lower() for key, value in one.items())
        try:
            fast = open_painter(spec, {**settings, **one})
        except BadInput as problem:
            yield Speedup(said, refused=problem.message)
        else:
            yield _speedup(said, plain, fast, repeat)


def _speedup(said: str, plain: Painter, fast: Painter, repeat: int) -> Speedup:
    ratios, apart, first, of = list[float](), 0, 0.0, plain.spec
    clock = time.process_time if getattr(plain, "device", "") == "cpu" else time.perf_counter
    for size in BATCHES:
        seeds = range(SEED, SEED + size)
        orders = [ImageRequest(REQUEST, seed, *of.size, of.steps, of.guidance) for seed in seeds]
        works = [partial(_painted, who, orders) for who in (plain, fast)]
        start = time.perf_counter()
        made = works[1]()
        first += time.perf_counter() - start
        slow, quick = in_turns(works, repeat, clock)
        ratios.append(slow / quick)
        pairs = zip(works[0](), made, strict=True)
        apart = max(apart, *(difference(before, after) for before, after in pairs))
    return Speedup(said, tuple(ratios), apart, first)
