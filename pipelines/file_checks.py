"""Looks at a model's files before anything opens them: whole, genuine, and within the folder."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limner.errors import ModelUnusable

__all__ = [
    "check_file",
    "check_links",
    "check_pickles",
    "check_safetensors",
    "read_json",
    "unusable",
]

PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
TEXTS = {".jinja", ".json", ".model", ".txt"}
"""What else of a folder is opened: configurations, vocabularies and templates."""

LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format itself."""

CONVERT = (
    "Convert it to safetensors: https://huggingface.co/spaces/safetensors/convert; or fetch another"
)


def check_file(path: Path) -> None:
    """Raises `ModelUnusable` for weights, texts and indexes that are not what their names say."""
    if path.suffix == ".safetensors":
        check_safetensors(path)
    elif path.suffix in TEXTS:
        with path.open("rb") as file:
            _check_start(path, file.read(64))
    if path.name.endswith(".safetensors.index.json"):
        _check_index(path)


def check_pickles(files: Sequence[Path]) -> None:
    """Refuses a pickle, which can run any code when it is opened, and is all there is.

    One that lies beside safetensors is never opened, so it does no harm; a model that was fetched
    whole has them.
    """
    safe = {path.parent for path in files if path.suffix == ".safetensors"}
    for path in files:
        if path.suffix.lower() in PICKLES and path.parent not in safe:
            raise unusable(path, "is a pickle, which can run any code when it is opened", CONVERT)


def check_links(folder: Path) -> None:
    """Refuses links that lead out of the folder; those of a hub's cache lead to its own blobs."""
    root = folder.resolve()
    homes = [root]
    if root.parent.name == "snapshots" and root.parents[1].name.startswith("models--"):
        homes.append(root.parents[1] / "blobs")
    for path in folder.rglob("*"):
        if path.is_symlink() and not any(path.resolve().is_relative_to(home) for home in homes):
            raise unusable(path, "is a link to something outside the model's folder")


def check_safetensors(path: Path) -> None:
    """Raises `ModelUnusable` for a file that is cut off, or something else than safetensors."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(64)
        _check_start(path, start)
        length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
        if not 2 <= length <= LARGEST_HEADER:
            raise unusable(path, "has no safetensors header")
        if 8 + length > size:
            raise unusable(path, "is cut off within its header")
        file.seek(8)
        end = _data_end(path, file.read(length))
    if 8 + length + end != size:
        raise unusable(path, f"is {size:,} bytes long instead of {8 + length + end:,}: cut off")
    _check_shapes(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises `ModelUnusable` for anything else."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise unusable(path, "is not JSON") from None
    if not isinstance(read, dict):
        raise unusable(path, "is not a JSON object")
    return read


def unusable(path: Path, what: str, hint: str = "Fetch or make the model again.") -> ModelUnusable:
    """The error of a file: its folder and name, and what is the matter with it."""
    return ModelUnusable(f"{path.parent.name}/{path.name} {what}.", hint)


def _check_start(path: Path, start: bytes) -> None:
    """What comes in place of a file when fetching it went wrong."""
    if start.startswith(b"version https://git-lfs"):
        raise unusable(path, "is a Git LFS pointer, not the file itself", "Type: git lfs pull")
    if path.suffix != ".jinja" and start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise unusable(path, "is a web page, not the file itself")
    if not start and path.suffix == ".json":
        raise unusable(path, "is empty")


def _data_end(path: Path, header: bytes) -> int:
    """Where the last tensor ends, counted from the end of the header."""
    try:
        tensors = {k: v for k, v in json.loads(header).items() if k != "__metadata__"}
        return max((int(tensor["data_offsets"][1]) for tensor in tensors.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise unusable(path, "has a safetensors header that cannot be read") from None


def _check_shapes(path: Path) -> None:
    """Has the format's own reader say whether shapes, kinds and places of all tensors agree."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np"):
            pass
    except SafetensorError as problem:
        line = str(problem).splitlines()[0][:120]
        raise unusable(path, f"has a safetensors header that cannot be: {line}") from None


def _check_index(path: Path) -> None:
    """The files that an index names must be there, beside it."""
    named = read_json(path).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
        raise unusable(path, "is not an index of weights")
    for name in sorted(set(named.values())):
        if name != Path(name).name or "\\" in name or not name.endswith(".safetensors"):
            raise unusable(path, f"names what is no safetensors file beside it: {name[:80]!r}")
        if not (path.parent / name).is_file():
            raise unusable(path.parent / name, "is missing")
