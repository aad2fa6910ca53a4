"""Fetches a model from a hub when someone asks for it: safetensors, and what belongs to them."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from limner.errors import LimnerError, ModelUnusable
from limner.pipelines.weights import CONVERT, verify

__all__ = ["Download", "RemoteFile", "fetch", "here", "planned"]

KINDS = (
    *("*.json", "*.txt", "*.model", "*.jinja"),
    *("*/*.safetensors", "model*.safetensors", "diffusion_pytorch_model*.safetensors"),
    *("pytorch_lora_weights.safetensors", "adapter_model.safetensors"),
)
"""Of a hub's folder, what a model is opened from; no pickle, and no code."""

LEFT = ("*.fp16.safetensors", "*.fp16-*", "*.bf16.safetensors", "*.non_ema.*", "*onnx/*")
"""The same weights once more, in other forms."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a model on a hub: its size in bytes, whether it is here, and its hash, if told."""

    name: str
    size: int
    here: bool
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """What fetching a model takes; `only` is the one file of it that is wanted, "" for all."""

    model: str
    only: str
    licence: str
    gated: bool
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)

    @property
    def missing(self) -> int:
        """Bytes that are not on this machine yet."""
        return sum(file.size for file in self.files if not file.here)


def planned(spec: str) -> Download:
    """What there is to fetch of owner/model, or of one file in it (owner/model/name.safetensors).

    Raises `ModelUnusable` where the hub has no such model, or not as safetensors, or can't be
    reached.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    model, only = split(spec)
    with _told(spec):
        found = HfApi().model_info(model, files_metadata=True)
    siblings = {one.rfilename: one for one in found.siblings or ()}
    files = []
    for one in (siblings[name] for name in sorted(siblings) if _wanted(name, only)):
        cached = try_to_load_from_cache(model, one.rfilename, revision=found.sha)
        sha256 = one.lfs.sha256 if one.lfs else ""
        files.append(RemoteFile(one.rfilename, one.size or 0, isinstance(cached, str), sha256))
    if not any(file.name.endswith(".safetensors") for file in files):
        raise ModelUnusable(f"{spec!r} has no weights in safetensors.", CONVERT)
    card = found.card_data
    licence = str(getattr(card, "license_name", "") or getattr(card, "license", "") or "not told")
    return Download(model, only, licence, bool(found.gated), tuple(files))


def fetch(plan: Download, bar: Any = None) -> Path:
    """Fetches what is missing, checks it, and returns its folder. `bar` is a class like tqdm's.

    A connection that breaks is gone on with; after an interruption, whole files are kept. Raises
    `ModelUnusable` for what did not come, or not as it was sent.
    """
    from huggingface_hub import snapshot_download

    spec = "/".join(filter(None, (plan.model, plan.only)))
    kinds = _kinds(plan.only)
    with _told(spec):
        made = snapshot_download(
            plan.model, allow_patterns=kinds, ignore_patterns=list(LEFT), tqdm_class=bar
        )
    folder = Path(made)
    for file in plan.files:
        _check(folder / file.name, file)
    verify(folder / plan.only if plan.only else folder)
    return folder


def here(spec: str) -> Path | None:
    """The folder of what was fetched before; None where it is not, or not all, on this machine."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    model, only = split(spec)
    kinds, left = _kinds(only), list(LEFT)
    try:
        found = snapshot_download(
            model, allow_patterns=kinds, ignore_patterns=left, local_files_only=True
        )
    except (OSError, HFValidationError):
        return None
    return Path(found)


def split(spec: str) -> tuple[str, str]:
    """A hub id, and the file in it where one is named."""
    if not spec.endswith(".safetensors"):
        return spec, ""
    owner, _, rest = spec.partition("/")
    model, _, name = rest.partition("/")
    return f"{owner}/{model}", name


def _kinds(only: str) -> list[str]:
    return [only] if only else list(KINDS)


def _wanted(name: str, only: str) -> bool:
    kinds = (fnmatch(name, kind) for kind in _kinds(only))
    return any(kinds) and not any(fnmatch(name, left) for left in LEFT)


def _check(path: Path, file: RemoteFile) -> None:
    """That what has just come is what the hub has; what is not is taken away again."""
    if file.here or not file.sha256:
        return
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.sha256:
        path.resolve().unlink()
        path.unlink()
        raise ModelUnusable(f"{file.name} was damaged on its way.", "Type the same once more.")


@contextmanager
def _told(spec: str) -> Iterator[None]:
    """Says in one line what went wrong with a hub, and what to do about it."""
    try:
        yield
    except LimnerError:
        raise
    except Exception as problem:  # the network's own, the hub's, and those of three libraries
        raise _said(spec, problem) from problem


def _said(spec: str, problem: Exception) -> ModelUnusable:
    from huggingface_hub import errors

    status = getattr(getattr(problem, "response", None), "status_code", 0)
    cause = problem.__cause__ or problem
    if isinstance(problem, errors.OfflineModeIsEnabled) or isinstance(
        cause, errors.OfflineModeIsEnabled
    ):
        return ModelUnusable("HF_HUB_OFFLINE is set.", f"Type: HF_HUB_OFFLINE=0 limner pull {spec}")
    if isinstance(problem, errors.GatedRepoError):
        return ModelUnusable(
            f"{spec!r} is behind a gate.", "Accept its licence on its page, and type: hf auth login"
        )
    if isinstance(problem, errors.RepositoryNotFoundError | errors.HFValidationError):
        return ModelUnusable(f"The hub has no model {spec!r}.", "Check its name on its page.")
    if status:
        return ModelUnusable(f"The hub answered {status} for {spec!r}.", "Try again later.")
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelUnusable("The disk is full.", "Make room, and type the same once more.")
    line = (str(cause).strip() or type(cause).__name__).splitlines()[0][:120]
    return ModelUnusable(
        f"The hub cannot be reached: {line}.", "See to the network, and type the same once more."
    )
