"""Labelled pictures on disk: a JSON line for each, and all of them as tiles of one file."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from limner.agent.archive.atomic_io import write_named
from limner.benchmarks.asked import claims_of, loaded
from limner.errors import BadInput
from limner.pipelines.pocket.scene import SIDE

__all__ = ["LABELS", "Row", "add", "opened", "pixels_of"]

LABELS = Path(__file__).parent / "labels" / "painted.jsonl"
ACROSS = 20  # tiles in a row

Row = dict[str, Any]
"""A labelled picture: number, part, who painted and who looked, what was asked, and `right`."""


def opened(path: Path = LABELS) -> tuple[list[Row], list[Image.Image]]:
    """All labels of a file, and the pictures in the .webp of the same name.

    Raises `BadInput` for a label that does not answer each claim, or is of another picture.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    tiles = _tiles(path.with_suffix(".webp"))
    pictures = [tiles.crop(_box(place)) for place in range(len(rows))]
    for row, picture in zip(rows, pictures, strict=True):
        claims = len(claims_of(loaded(row)))
        if claims != len(row["right"]):
            raise _wrong(row, path, f"has {len(row['right'])} labels for {claims} claims")
        if pixels_of(picture) != row["pixels"]:
            raise _wrong(row, path, "is of another picture")
    return rows, pictures


def add(path: Path, rows: Sequence[Row], pictures: Sequence[Image.Image]) -> None:
    """Adds labels and their pictures to a file, numbered on."""
    kept, tiles = opened(path) if path.exists() else ([], [])
    new = [row | {"number": len(kept) + n} for n, row in enumerate(rows, start=1)]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in [*kept, *new])
    stored = io.BytesIO()
    _laid([*tiles, *pictures]).save(stored, "WEBP", lossless=True, method=6, exact=True)
    write_named(path.with_suffix(".webp"), stored.getvalue())
    write_named(path, "".join(lines).encode())


def pixels_of(picture: Image.Image) -> str:
    """The start of the SHA-256 of a picture's pixels."""
    return hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()[:16]


def _tiles(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=["WEBP"]) as whole:
            return whole.convert("RGB")
    except OSError:
        told = f"The labelled pictures, {path}, are not here or can't be read."
        raise BadInput(told, "They come with limner's source, not with the package.") from None


def _laid(pictures: Sequence[Image.Image]) -> Image.Image:
    whole = Image.new("RGB", (ACROSS * SIDE, -(-len(pictures) // ACROSS) * SIDE))
    for place, picture in enumerate(pictures):
        whole.paste(picture, _box(place)[:2])
    return whole


def _box(place: int) -> tuple[int, int, int, int]:
    left, top = place % ACROSS * SIDE, place // ACROSS * SIDE
    return left, top, left + SIDE, top + SIDE


def _wrong(row: Row, path: Path, what: str) -> BadInput:
    return BadInput(f"Label {row['number']} {what}.", f"Mend its line in {path.name}.")
