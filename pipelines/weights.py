"""Checks a folder of model files before anything opens it: whole, genuine, and free of code."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from limner.errors import ModelUnusable
from limner.pipelines.config_checks import check_configuration
from limner.pipelines.file_checks import (
    check_file,
    check_links,
    check_pickles,
    check_safetensors,
    read_json,
    unusable,
)

__all__ = ["fingerprint", "named", "verify", "write_manifest"]

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
