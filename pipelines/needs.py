"""Finds out how large models are without opening them, and how much memory the machine has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limner.pipelines.families import Family, families, family_named, family_of
from limner.pipelines.memory import Machine, Need

__all__ = ["declared", "here", "need_of", "parts_of", "settings_of"]

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


def need_of(part: str, spec: str, folder: Path | None, settings: Mapping[str, Any]) -> Need | None:
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
        return Need(
            part,
            spec,
            params + sum(more.values()),
            max([*sizes.values(), *more.values()], default=0.0),
            _painting(folder, row),
            few_bits=not whole,
            fixed=fixed,
        )
    work = _answering(folder) if part == "writer" else _looking(folder)
    return Need(part, spec, params, params, work, few_bits=part == "writer", fixed=fixed)


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


def declared(row: Family, name: str = "", fixed: Mapping[str, Any] = MappingProxyType({})) -> Need:
    """What the table of families says that a painter of a family needs."""
    whole = row.key in {"kandinsky22", "deepfloyd-if"} or " on " in row.like
    return Need("painter", name or row.key, row.params, row.largest, row.work, not whole, fixed)


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
