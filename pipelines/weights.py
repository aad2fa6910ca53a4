"""Checks a folder of model files before anything opens it: whole, genuine, and free of code."""

from __future__ import annotations

import hashlib
import json
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from limner.errors import LimnerError, ModelUnusable

__all__ = ["fingerprint", "hushed", "named", "opening", "verify", "write_manifest"]

PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
LIBRARIES = {"diffusers", "deepfloyd_if", "stable_diffusion", "transformers", None}
"""Where a pipeline may take its parts from; the second and third are modules of the first."""

MANIFEST = "manifest.json"
LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors format itself."""


def verify(folder: Path) -> None:
    """Raises `ModelUnusable`, with the file and the check that failed, unless the folder is sound.

    Every safetensors file must have a header that fits its length; configurations must name no
    code; files in a manifest (`manifest.json` in the folder or above it) must be there with their
    SHA-256. Pickles are refused, since opening one runs what it says (CVE-2025-32434). Costs one
    reading of the files, and nothing while they stay unchanged. A single file is checked as one.
    """
    if folder.is_file():  # a LoRA
        _check_kind(folder)
        return
    if not folder.is_dir():
        raise ModelUnusable(f"There is no folder {folder.name!r}.", "Check the path.")
    for name, wanted in sorted(_manifest(folder).items()):
        _check_hash(folder / name, wanted)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not found:
        raise ModelUnusable(f"The folder {folder.name!r} is empty.", "Fetch the model again.")
    for path in found:
        _check_kind(path)


def fingerprint(folder: Path) -> str:
    """Twelve hex digits for the folder's files as its manifest lists them; "" without one."""
    listed = "".join(f"{name} {sha}\n" for name, sha in sorted(_manifest(folder).items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:12] if listed else ""


def named(folder: Path, name: str) -> str:
    """The name that a recipe keeps: with the fingerprint of the folder, where it has one."""
    mark = fingerprint(folder)
    return f"{name}@{mark}" if mark else name


@contextmanager
def opening(name: str, part: str, *libraries: str) -> Iterator[None]:
    """Silences the loaders, and turns what they raise into `ModelUnusable`.

    `libraries` besides transformers are those that the loading goes through.
    """
    try:
        with hushed("transformers", *libraries), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except LimnerError:
        raise
    except Exception as problem:  # loaders raise anything, from KeyError to those of their parsers
        line = (str(problem).strip() or type(problem).__name__).splitlines()[0][:200]
        raise ModelUnusable(
            f"{name!r} cannot be opened as a {part}: {line}", f"Check that it is a {part}."
        ) from problem


@contextmanager
def hushed(*libraries: str) -> Iterator[None]:
    """Without the progress bars and remarks of those libraries, which are for their developers."""
    voices = [import_module(f"{library}.utils.logging") for library in libraries]
    before = [(voice.get_verbosity(), voice.is_progress_bar_enabled()) for voice in voices]
    for voice in voices:
        voice.set_verbosity_error()
        voice.disable_progress_bar()
    try:
        yield
    finally:
        for voice, (verbosity, shown) in zip(voices, before, strict=True):
            voice.set_verbosity(verbosity)
            (voice.enable_progress_bar if shown else voice.disable_progress_bar)()


def write_manifest(folder: Path) -> Path:
    """Writes `manifest.json` for all files below the folder, and returns its path."""
    files = {
        path.relative_to(folder).as_posix(): _hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
    made = folder / MANIFEST
    unfinished = made.with_suffix(".part")
    unfinished.write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")
    return unfinished.replace(made)


def _manifest(folder: Path) -> dict[str, str]:
    """The hash of each of the folder's files, by its path within the folder."""
    for home, prefix in ((folder, ""), (folder.parent, f"{folder.name}/")):
        path = home / MANIFEST
        if path.is_file():
            files = _json(path).get("files")
            if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
                raise _unusable(path, "is not a manifest")
            names = {k.removeprefix(prefix): v for k, v in files.items() if k.startswith(prefix)}
            if any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
                raise _unusable(path, "names a file outside its folder")
            return names
    return {}


def _check_hash(path: Path, wanted: str) -> None:
    if not path.is_file():
        raise _unusable(path, "is missing")
    if path.suffix == ".safetensors":
        _check_safetensors(path)  # first, since it can say what is wrong
    if _hash(path) != wanted:
        raise _unusable(path, "has the wrong SHA-256: it was changed or damaged")


def _check_kind(path: Path) -> None:
    if path.suffix.lower() in PICKLES:
        raise ModelUnusable(
            f"{path.name} is a pickle, which can run any code when it is opened.",
            "Convert it to safetensors, or fetch the model's safetensors files.",
        )
    if path.suffix == ".safetensors":
        _check_safetensors(path)
    elif path.suffix == ".json" and path.name.endswith(("config.json", "model_index.json")):
        _check_configuration(path)


def _check_safetensors(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(64)
        if start.startswith(b"version https://git-lfs"):
            raise _unusable(path, "is a Git LFS pointer, not the weights", "Type: git lfs pull")
        if start.lstrip()[:1] == b"<":
            raise _unusable(path, "is a web page, not the weights")
        length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
        if not 2 <= length <= LARGEST_HEADER:
            raise _unusable(path, "has no safetensors header")
        if 8 + length > size:
            raise _unusable(path, "is cut off within its header")
        file.seek(8)
        end = _data_end(path, file.read(length))
    if 8 + length + end != size:
        raise _unusable(path, f"is {size:,} bytes long instead of {8 + length + end:,}: cut off")


def _data_end(path: Path, header: bytes) -> int:
    """Where the last tensor ends, counted from the end of the header."""
    try:
        tensors = {k: v for k, v in json.loads(header).items() if k != "__metadata__"}
        return max((int(tensor["data_offsets"][1]) for tensor in tensors.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise _unusable(path, "has a safetensors header that cannot be read") from None


def _check_configuration(path: Path) -> None:
    """Refuses what could make a loader run code that came with the model (CVE-2026-4372)."""
    for key, value in _pairs(_json(path)):
        if key in {"auto_map", "custom_pipeline", "custom_pipelines", "_target_"} or key.startswith(
            "_attn_implementation_internal"
        ):
            raise _unusable(path, f"asks for code of its own: {key}", "Use another model.")
        if path.name == "model_index.json" and _foreign(key, value):
            raise _unusable(path, f"names code of its own: {key}", "Use another model.")


def _foreign(key: str, value: Any) -> bool:
    if key == "_class_name":
        return not isinstance(value, str)
    if key.startswith("_") or not isinstance(value, list) or len(value) != 2:
        return False
    return not (value[0] is None or isinstance(value[0], str)) or value[0] not in LIBRARIES


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """Every key of a JSON value with what is under it, however deep."""
    found: list[tuple[str, Any]] = []
    rest = [value]
    while rest:
        here = rest.pop()
        if isinstance(here, dict):
            found += here.items()
            rest += here.values()
        elif isinstance(here, list):
            rest += here
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise _unusable(path, "is not JSON") from None
    if not isinstance(read, dict):
        raise _unusable(path, "is not a JSON object")
    return read


def _hash(path: Path) -> str:
    status = path.stat()
    return _hash_once(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _hash_once(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unusable(path: Path, what: str, hint: str = "Fetch or make the model again.") -> ModelUnusable:
    return ModelUnusable(f"{path.parent.name}/{path.name} {what}.", hint)
