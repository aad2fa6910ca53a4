"""Looks at a model's files before anything opens them: whole, genuine, and within the folder."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from limner.errors import ModelUnusable

__all__ = [
    "check_configuration",
    "check_file",
    "check_links",
    "check_pickles",
    "check_safetensors",
    "fingerprint",
    "named",
    "read_json",
    "unusable",
    "verify",
    "write_manifest",
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


_PARTS = (
    r"\w+(Model|ModelWithProjection|ForCausalLM|ForConditionalGeneration|ForImageTextRetrieval"
    r"|Tokenizer|TokenizerFast|TokenizersBackend|Processor|ProcessorFast|ProcessorPil"
    r"|FeatureExtractor)"
)
ALLOWED: dict[str | None, re.Pattern[str]] = {
    None: re.compile(r""),  # a part that is not there
    "diffusers": re.compile(
        r"(?!Flax|Onnx)(Autoencoder\w+|AsymmetricAutoencoderKL|VQModel|PriorTransformer"
        r"|\w+Scheduler|\w+Model|\w+Adapter|\w+Pipeline)"
    ),
    "transformers": re.compile(rf"(?!Flax|TF){_PARTS}|TokenizersBackend"),
    "stable_diffusion": re.compile(r"StableDiffusionSafetyChecker"),
    "deepfloyd_if": re.compile(r"IFSafetyChecker|IFWatermarker"),
}
"""The classes that a folder may name, by the library that they are taken from; nothing else is
ever looked up by a name that came with a model. The last two are modules of diffusers."""

_CODE = {"auto_map", "custom_pipeline", "custom_pipelines", "custom_generate", "_target_"}
_NAMES = (
    "feature_extractor_type",
    "image_processor_type",
    "processor_class",
    "tokenizer_class",
    "video_processor_type",
)
_ANOTHER = "Use another model."


def check_configuration(path: Path) -> None:
    """Refuses what could make a loader run code that came with the model, or fetch some.

    Raises `ModelUnusable` for remote code (CVE-2026-4372), for kernels of a hub, and for classes
    that are not allowed (`ALLOWED`).
    """
    read = read_json(path)
    for key, value in _pairs(read):
        if key in _CODE or key.startswith("_attn_implementation_internal"):
            raise unusable(path, f"asks for code of its own: {key}", _ANOTHER)
        if key.endswith(("attn_implementation", "experts_implementation")) and "/" in str(value):
            raise unusable(path, f"asks for code of a hub: {key}", _ANOTHER)
    if path.name == "model_index.json":
        _check_parts(path, read)
    else:
        _check_names(path, read)


def _check_parts(path: Path, read: dict[str, Any]) -> None:
    """The pipeline's class, and library and class of each part."""
    for key, value in read.items():
        if key == "_class_name":
            _check_class(path, key, "diffusers", value)
        elif isinstance(value, list) and not key.startswith("_") and len(value) == 2:
            _check_class(path, key, *value)


def _check_names(path: Path, read: dict[str, Any]) -> None:
    """The classes that one part's own configuration names."""
    for key in _NAMES:
        if read.get(key) is not None:
            _check_class(path, key, "transformers", read[key])
    if read.get("_class_name") is not None:
        _check_class(path, "_class_name", "diffusers", read["_class_name"])
    architectures = read.get("architectures") or []
    for name in architectures if isinstance(architectures, list) else [architectures]:
        if not (isinstance(name, str) and name.isidentifier()):
            raise _foreign(path, "architectures", name)


def _check_class(path: Path, key: str, library: Any, name: Any) -> None:
    known = ALLOWED.get(library) if library is None or isinstance(library, str) else None
    fits = known and (name is None or (isinstance(name, str) and known.fullmatch(name)))
    if not fits or (library is None) != (name is None):
        raise _foreign(path, key, name)


def _foreign(path: Path, key: str, name: Any) -> ModelUnusable:
    return unusable(path, f"names a class that is not allowed: {key}: {str(name)[:60]!r}", _ANOTHER)


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


MANIFEST = "manifest.json"


def verify(folder: Path) -> None:
    """Raises `ModelUnusable`, with the file and the check that failed, unless the folder is sound.

    Every safetensors file must have a header that fits its length, and every index name files
    beside it; configurations must name no code and no class that is not allowed; no link may lead
    outside; files in a manifest (`manifest.json` in the folder or above it) must be there with
    their SHA-256. Pickles are refused, since opening one runs what it says (CVE-2025-32434). Costs
    one reading of the files in a manifest, and nothing while they stay unchanged. A single file is
    checked as one.
    """
    if folder.is_file():  # a LoRA
        check_pickles([folder])
        check_file(folder)
        return
    if not folder.is_dir():
        raise ModelUnusable(f"There is no folder {folder.name!r}.", "Check the path.")
    for name, wanted in sorted(_manifest(folder).items()):
        _check_hash(folder / name, wanted)
    check_links(folder)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not found:
        raise ModelUnusable(f"The folder {folder.name!r} is empty.", "Fetch the model again.")
    check_pickles(found)
    for path in found:
        check_file(path)
        if path.name.endswith(("config.json", "model_index.json")):
            check_configuration(path)


def fingerprint(folder: Path) -> str:
    """Twelve hex digits for the folder's files as its manifest lists them; "" without one."""
    listed = "".join(f"{name} {sha}\n" for name, sha in sorted(_manifest(folder).items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:12] if listed else ""


def named(folder: Path, name: str) -> str:
    """The name that a recipe keeps: with the fingerprint of the folder, where it has one."""
    mark = fingerprint(folder)
    return f"{name}@{mark}" if mark else name


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
            files = read_json(path).get("files")
            if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
                raise unusable(path, "is not a manifest")
            names = {k.removeprefix(prefix): v for k, v in files.items() if k.startswith(prefix)}
            if any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
                raise unusable(path, "names a file outside its folder")
            return names
    return {}


def _check_hash(path: Path, wanted: str) -> None:
    if not path.is_file():
        raise unusable(path, "is missing")
    if path.suffix == ".safetensors":
        check_safetensors(path)  # first, since it can say what is wrong
    if _hash(path) != wanted:
        raise unusable(path, "has the wrong SHA-256: it was changed or damaged")


def _hash(path: Path) -> str:
    status = path.stat()
    return _hash_once(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _hash_once(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
