"""Decides what fits where: a plan for writer, painter and critic together, from sizes alone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limner.pipelines.families import Family, families, family_named, family_of

__all__ = [
    "PARTS",
    "Machine",
    "MemoryPlan",
    "ModelSize",
    "Placement",
    "declared",
    "here",
    "need_of",
    "parts_of",
    "plan",
    "settings_of",
]


PARTS = ("writer", "painter", "critic")

RAM_SHARE, GPU_SHARE = 0.85, 0.92
"""The shares of the machine's own and its accelerator's memory that a plan may fill."""
BASE = {"ram": 0.5, "gpu": 0.0}
"""GiB without any model: Python with torch, diffusers, transformers and langchain, on a CPU."""
BASE_BESIDE_GPU = {"ram": 2.0, "gpu": 0.5}
"""The same beside an accelerator, whose own libraries are larger, about."""
BYTES = {32: 4.0, 16: 2.0, 8: 1.2, 4: 0.75}
"""For each number of a model; where it has few bits, its embeddings and norms stay longer."""
MOST = 64
"""Pictures at once, where memory sets no limit."""
DENOISING = 0.4
"""The share of what a painter computes with that is there while it denoises, about; the rest comes
when it decodes, and its denoiser is gone by then where parts come and go."""
STREAM = 0.5
"""GiB of weights that are on the accelerator at a time where layers come and go one by one."""


@dataclass(frozen=True, slots=True)
class Machine:
    """How much memory there is, in GiB: the machine's own, and its accelerator's (0: none).

    `gpu_name` is what the accelerator is called, `device` torch's kind of it ("cuda", "mps").
    """

    ram: float
    gpu: float = 0.0
    gpu_name: str = ""
    device: str = ""

    def room(self, kind: str) -> float:
        """What a plan may fill of "ram" or "gpu", in GiB."""
        return self.ram * RAM_SHARE if kind == "ram" else self.gpu * GPU_SHARE

    def base(self, kind: str) -> float:
        """What is taken of it before the first model comes, in GiB."""
        return (BASE_BESIDE_GPU if self.gpu else BASE)[kind]


@dataclass(frozen=True, slots=True)
class ModelSize:
    """How large a model is: `params` billions of numbers, `largest` in its largest part.

    `work` is what it computes with beside its weights, in GiB, at two bytes for each number: for
    one picture of its usual size, or one answer. `few_bits` says whether it can be quantized.
    `fixed` are settings that somebody has decided already (device, bits, offload, at_once): they
    hold. It `stays` where another works with its weights, too.
    """

    part: str
    name: str
    params: float
    largest: float = 0.0
    work: float = 0.1
    few_bits: bool = False
    fixed: Mapping[str, object] = field(default_factory=dict)
    stays: bool = False

    def weights(self, bits: int) -> float:
        """GiB of all its weights."""
        return self.params * 1e9 * BYTES[bits] / 2**30


@dataclass(frozen=True, slots=True)
class Option:
    """A way to keep a model: where, in how many bits, and whether it goes when it has its turn.

    `pain` is how much slower or worse it is than the best one, for the choice between ways alone.
    """

    on: str
    bits: int
    pain: int
    offload: str = ""
    in_turn: bool = False

    def taken(self, need: ModelSize, kind: str, batch: int) -> tuple[float, float]:
        """GiB of that kind of memory: while others work, and while it does itself."""
        weights, work = need.weights(self.bits), need.work * batch
        if self.on == "cpu":
            busy = weights + 2 * work  # a CPU computes with four bytes for each number
            return ((0.0 if self.in_turn else weights), busy) if kind == "ram" else (0.0, 0.0)
        if kind == "ram":  # weights come through it, and stay where they are offloaded to
            return (weights if self.offload else 0.0), weights
        largest = weights * need.largest / (need.params or 1)
        busy = {
            "": weights + work,
            "model": max(largest + DENOISING * work, work),
            "group": STREAM + work,
        }[self.offload]
        return (0.0 if self.in_turn or self.offload else weights), busy

    def __str__(self) -> str:
        parts = ["on the GPU" if self.on == "gpu" else "on the CPU"]
        if self.bits < (16 if self.on == "gpu" else 32):
            parts.append(f"in {self.bits} bits")
        if self.in_turn:
            parts.append("in turn")
        if self.offload:
            parts.append(f"offloaded by {self.offload}")
        return ", ".join(parts)


WAYS: dict[str, tuple[Option, ...]] = {
    "writer": (
        Option("gpu", 16, 0),
        Option("gpu", 16, 2, in_turn=True),
        Option("gpu", 4, 4),
        Option("gpu", 4, 6, in_turn=True),
        Option("cpu", 8, 8),
        Option("cpu", 32, 9),
    ),
    "painter": (
        Option("gpu", 16, 0),
        Option("gpu", 16, 2, in_turn=True),
        Option("gpu", 16, 5, offload="model"),
        Option("gpu", 4, 7),
        Option("gpu", 4, 8, in_turn=True),
        Option("gpu", 4, 10, offload="model"),
        Option("gpu", 16, 12, offload="group"),
        Option("cpu", 32, 30),
    ),
    "critic": (Option("gpu", 16, 0), Option("cpu", 32, 3)),
}
"""For each part, on a machine with an accelerator; what loses only seconds before what loses
quality."""

WAYS_WITHOUT_GPU: dict[str, tuple[Option, ...]] = {
    "writer": (
        Option("cpu", 32, 0),
        Option("cpu", 32, 2, in_turn=True),
        Option("cpu", 8, 3),
        Option("cpu", 8, 5, in_turn=True),
    ),
    "painter": (Option("cpu", 32, 0), Option("cpu", 32, 2, in_turn=True)),
    "critic": (Option("cpu", 32, 0),),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a part of the plan goes, and why; `gpu` and `ram` are GiB while it works.

    `batch` is how many pictures of the usual size fit at once, 0 for who paints none.
    """

    need: ModelSize
    way: Option
    gpu: float
    ram: float
    batch: int
    why: str

    def settings(self) -> dict[str, object]:
        """What it is to be opened with; what was decided before wins."""
        made: dict[str, object] = {"device": "auto" if self.way.on == "gpu" else "cpu"}
        if self.way.bits < (16 if self.way.on == "gpu" else 32):
            made["bits"] = self.way.bits
        if self.way.offload:
            made["offload"] = self.way.offload
        if 0 < self.batch < MOST:
            made["at_once"] = self.batch
        return made | dict(self.need.fixed)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where writer, painter and critic go on a machine, with the estimated peaks in GiB.

    Where not all `fits`, it is the plan that takes the least.
    """

    machine: Machine
    places: tuple[Placement, ...]
    gpu: float
    ram: float
    fits: bool
    why: str

    def place(self, part: str) -> Placement | None:
        """That of the part; None for one that is not limner's to place."""
        return next((place for place in self.places if place.need.part == part), None)


Choice = Sequence[tuple[ModelSize, Option]]


def plan(machine: Machine, needs: Sequence[ModelSize], takes: int = 1) -> MemoryPlan:
    """The least painful way to keep those models together that fits the machine.

    `takes` is how many pictures are wanted at once; as many as fit beside the weights are painted
    so, the others after them. Nothing is opened, asked or measured here.
    """
    choices = list(_choices(machine, needs))
    fitting = [choice for choice in choices if _fits(machine, choice)]
    chosen = min(fitting or choices, key=lambda c: _pain(c) if fitting else _excess(machine, c))
    batch = next((n for n in range(MOST, 1, -1) if _fits(machine, chosen, n)), 1)
    gpu, ram = (_peak(machine, kind, chosen, min(batch, takes)) for kind in ("gpu", "ram"))
    return MemoryPlan(
        machine,
        tuple(_place(chosen, need, way, batch, takes) for need, way in chosen),
        round(gpu, 2) if machine.gpu else 0.0,
        round(ram, 2),
        bool(fitting),
        _reason(machine, choices, chosen, bool(fitting)),
    )


def _choices(machine: Machine, needs: Sequence[ModelSize]) -> Iterator[Choice]:
    """Every combination of ways that the needs allow."""
    ways = [list(_ways(machine, need)) for need in needs]
    for combined in product(*ways):
        yield list(zip(needs, combined, strict=True))


def _ways(machine: Machine, need: ModelSize) -> Sequence[Option]:
    """Those open to a need: not quantized where it can't be, and as was decided before."""
    table = WAYS if machine.gpu else WAYS_WITHOUT_GPU
    few = need.few_bits
    able = [w for w in table[need.part] if few or w.bits >= (16 if w.on == "gpu" else 32)]
    if need.part == "painter" and machine.device != "cuda":  # diffusers quantizes there alone
        able = [way for way in able if way.bits >= 16]
    if need.stays:
        able = [way for way in able if not way.in_turn]
    return [way for way in able if _allowed(way, need.fixed)] or able


def _allowed(way: Option, fixed: Mapping[str, object]) -> bool:
    device = str(fixed.get("device", "auto"))
    if device != "auto" and (device.split(":")[0] == "cpu") != (way.on == "cpu"):
        return False
    if "bits" in fixed and fixed["bits"] != way.bits:
        return False
    return "offload" not in fixed or fixed["offload"] == way.offload


def _peak(machine: Machine, kind: str, choice: Choice, batch: int = 1) -> float:
    """The most of that memory that is taken at any time, in GiB."""
    taken = [way.taken(need, kind, _count(need, batch)) for need, way in choice]
    at_rest = sum(rest for rest, _ in taken)
    return machine.base(kind) + max((at_rest - rest + busy for rest, busy in taken), default=0.0)


def _count(need: ModelSize, batch: int) -> int:
    return batch if need.part == "painter" else 1


def _fits(machine: Machine, choice: Choice, batch: int = 1) -> bool:
    return all(_peak(machine, k, choice, batch) <= machine.room(k) for k in _kinds(machine))


def _kinds(machine: Machine) -> tuple[str, ...]:
    return ("gpu", "ram") if machine.gpu else ("ram",)


def _pain(choice: Choice) -> int:
    return sum(way.pain for _, way in choice)


def _excess(machine: Machine, choice: Choice) -> float:
    """By how many GiB it does not fit."""
    over = (_peak(machine, kind, choice) - machine.room(kind) for kind in _kinds(machine))
    return sum(max(0.0, gib) for gib in over)


def _place(choice: Choice, need: ModelSize, way: Option, batch: int, takes: int) -> Placement:
    paints = need.part == "painter"
    count = min(batch, takes) if paints else 1
    gpu, ram = (round(way.taken(need, kind, count)[1], 2) for kind in ("gpu", "ram"))
    why = [f"{need.weights(way.bits):.2f} GiB of weights"]
    if way.in_turn:
        others = [other.part for other, its in choice if its.in_turn and other is not need]
        why.append(f"closed while the {others[0] if others else 'painter'} works")
    if way.offload == "model":
        why.append("one part of it at a time")
    if way.offload == "group":
        why.append("layer by layer, which is slow")
    if paints and batch < takes:
        why.append(f"{batch} of {takes} pictures at once")
    return Placement(need, way, gpu, ram, batch if paints else 0, "; ".join(why))


def _reason(machine: Machine, choices: Sequence[Choice], chosen: Choice, fits: bool) -> str:
    """In words, why it is not the best way for each, or that it is."""
    best = min(choices, key=_pain)
    where = "GPU" if machine.gpu else "memory"
    largest = max((need for need, _ in chosen), key=lambda need: need.params)
    kind = "gpu" if machine.gpu else "ram"
    wanted, room = _peak(machine, kind, best), machine.room(kind)
    if not fits:
        least = _peak(machine, kind, chosen)
        over = f"it takes {least:.1f} GiB at least, and the {where} has {room:.1f} to fill"
        return f"Nothing fits: {over}; name a smaller {largest.part}."
    if _pain(chosen) == _pain(best):
        return "All of it stays on the GPU." if machine.gpu else "All of it stays in memory."
    if wanted <= room:
        return "The GPU has room for all, but the machine's own memory has not."
    return f"All at once would take {wanted:.1f} GiB; the {where} has {room:.1f} to fill."


GIB = 2**30
LIVE_CHANNELS = 9.0
"""How many times the channels of an autoencoder's last block are in memory at once while it decodes
at full size. Measured: AutoencoderKL of Stable Diffusion's shape with random weights takes 0.30 GiB
above itself for 256 x 256 pixels in float32 on a CPU, 1.02 for 512 x 512: 9.6 and 8.2 times."""
ANSWER = 4096
"""Tokens of a request and its answer, that a writer remembers."""
GLANCE = 32
"""Pictures that a critic looks at together."""


def here() -> Machine:
    """This machine. The accelerator is asked for through torch, which is slow to come.

    Where a container or a limit of the process leaves less than there is, that counts.
    """
    import psutil

    name, device, gpu = _accelerator()
    ram = min([psutil.virtual_memory().total, *_limits()])
    return Machine(round(ram / GIB, 1), round(gpu / GIB, 1), name, device)


def need_of(
    part: str, spec: str, folder: Path | None, settings: Mapping[str, Any]
) -> ModelSize | None:
    """What the model in a folder needs; None where nobody can say before it is there.

    Without a folder it is told by the table of families, for a painter that is listed there.
    Only configurations and the headers of weights are read.
    """
    kept = ("device", "bits", "offload", "at_once")
    fixed = {key: settings[key] for key in kept if key in settings}
    if folder is None:
        row = next((row for row in families() if spec and row.like.split(" ")[0] == spec), None)
        return declared(row, spec, fixed) if row and part == "painter" else None
    sizes = parts_of(folder)
    params = sum(sizes.values())
    if part == "painter":
        others = [Path(str(settings[k])) for k in ("prior", "second") if k in settings]
        more = {k: v for other in others if other.is_dir() for k, v in parts_of(other).items()}
        row = family_named(settings["family"]) if settings.get("family") else family_of(folder)
        whole = bool({"lora", "prior", "second"} & set(settings))
        return ModelSize(
            part,
            spec,
            params + sum(more.values()),
            max([*sizes.values(), *more.values()], default=0.0),
            _painting(folder, row),
            few_bits=not whole,
            fixed=fixed,
        )
    work = _answering(folder) if part == "writer" else _looking(folder)
    return ModelSize(part, spec, params, params, work, few_bits=part == "writer", fixed=fixed)


def parts_of(folder: Path) -> dict[str, float]:
    """Billions of numbers of each part of a model: those of its subfolders, "" for its own."""
    found: dict[str, float] = {}
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")]):
        if not {".fp16", ".bf16", ".non_ema"} & set(path.suffixes):  # the same once more
            part = "" if path.parent == folder else path.parent.name
            found[part] = found.get(part, 0.0) + _numbers(path) / 1e9
    return found


def _numbers(path: Path) -> int:
    """How many numbers a file of safetensors has, by its header; 0 for one that has none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    except (OSError, SafetensorError):  # cut off, say; opening it would tell
        return 0
    return sum(math.prod(shape) for shape in shapes)


def settings_of(folder: Path, name: str = "config.json") -> dict[str, Any]:
    """What a folder's configuration says; nothing where there is none that can be read."""
    try:
        read = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # opening it would say so better
        return {}
    return read if isinstance(read, dict) else {}


def declared(
    row: Family, name: str = "", fixed: Mapping[str, Any] = MappingProxyType({})
) -> ModelSize:
    """What the table of families says that a painter of a family needs."""
    whole = row.key in {"kandinsky22", "deepfloyd-if"} or " on " in row.like
    return ModelSize(
        "painter", name or row.key, row.params, row.largest, row.work, not whole, fixed
    )


def _painting(folder: Path, row: Family | None) -> float:
    """GiB for a picture of native size: its autoencoder's at work, else what the table says."""
    eyes, *cores = (settings_of(folder / part) for part in ("vae", "unet", "transformer"))
    channels = eyes.get("block_out_channels") or eyes.get("decoder_block_out_channels")
    sample = (cores[0] or cores[1]).get("sample_size")
    if not channels or not isinstance(sample, int):
        return row.work if row else 2.4
    side: int = sample * 2 ** (len(channels) - 1)
    return float(LIVE_CHANNELS * int(channels[0]) * side * side * 2 / GIB)


def _answering(folder: Path) -> float:
    """GiB of keys and values of a whole answer, and the network's own use."""
    told = settings_of(folder)
    told = told.get("text_config", told)
    heads = int(told.get("num_attention_heads") or 1)
    wide = int(told.get("head_dim") or int(told.get("hidden_size") or 0) // heads)
    rows = int(told.get("num_key_value_heads") or heads) * int(told.get("num_hidden_layers") or 0)
    return 2 * rows * wide * ANSWER * 2 / GIB


def _looking(folder: Path) -> float:
    """GiB for looking at some pictures together: a few layers' results of each patch."""
    told = settings_of(folder).get("vision_config", {})
    size, patch = int(told.get("image_size") or 224), int(told.get("patch_size") or 16)
    wide = int(told.get("intermediate_size") or 3072)
    return (size // patch) ** 2 * wide * 3 * GLANCE * 2 / GIB


def _accelerator() -> tuple[str, str, int]:
    """Its name, torch's kind of it, and its bytes; all empty without one."""
    import torch

    found = torch.accelerator.current_accelerator(check_available=True)
    if found is None:
        return "", "", 0
    if found.type == "mps":  # shares the machine's own memory
        return "Apple GPU", "mps", int(torch.mps.recommended_max_memory())
    told = torch.get_device_module(found).get_device_properties(0)
    return str(told.name), found.type, int(told.total_memory)


def _limits() -> list[int]:
    """What a container or this process may use at most, in bytes, where something says so."""
    found = []
    with suppress(OSError, ValueError):  # no container, or no limit ("max")
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    with suppress(ImportError):  # Windows
        import resource

        found.append(resource.getrlimit(resource.RLIMIT_AS)[0])
    return [limit for limit in found if 0 < limit < 2**60]
