"""Has people label painted pictures by eye: sheets to look at, and what they wrote as labels.

`limner bench sheets` paints pictures of development prompts and lays them out with their claims;
`limner bench labels` reads the digits that someone typed beside each number, and says how often
the exact judge decides as the eye did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from limner.benchmarks.asked import claims_of, dumped, loaded
from limner.benchmarks.cases import exact, said
from limner.benchmarks.prompts import Prompt, prompts
from limner.errors import BadInput
from limner.pipelines.roles import Order, Painted, Painter

__all__ = ["Row", "kept", "paint_sheets", "painted_again", "pixels_of", "read_labels"]

Row = dict[str, Any]
"""One picture to label, or labelled: number, painter, order, what was asked, and `right`."""

BATCH = 8
ROWS, WRITTEN, PICTURES = "pictures.jsonl", "labels.txt", "pictures"
SIDE, GAP, LINE, COLUMNS, A_SHEET = 256, 14, 17, 4, 12
TALL = SIDE + 8 * LINE + GAP
HOW = """\
# One line for each picture: its number, and a digit for each of its claims, in their order:
# 1 where the eye finds it true, 0 where not or in doubt. For instance: 07 1101
# A thing that a stranger would not name is not there, and nothing said of it is right.
"""


def paint_sheets(painter: Painter, count: int, out: Path, first: int = 0, seed: int = 1) -> None:
    """Paints so many pictures, and writes sheets of twelve and an empty page for the labels.

    The prompts are evenly spread over the development prompts in plain English, from the one
    at `first` on; the judge is not asked.
    """
    plain = [p for p in prompts("development") if p.category != "wild"]
    chosen = plain[first :: max(1, len(plain) // count)][:count]
    orders = [_order(painter, prompt, seed + n) for n, prompt in enumerate(chosen)]
    pictures = _painted(painter, orders)
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "number": number,
            "id": prompt.id,
            "painter": painter.name,
            "order": asdict(order),
            "pixels": pixels_of(picture),
            **dumped(prompt.asked),
        }
        for number, (prompt, order, picture) in enumerate(
            zip(chosen, orders, pictures, strict=True), start=1
        )
    ]
    (out / PICTURES).mkdir(exist_ok=True)
    for row, picture in zip(rows, pictures, strict=True):
        picture.save(_path(out, row))
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (out / ROWS).write_text(lines, encoding="utf-8")
    for start in range(0, len(rows), A_SHEET):
        few = rows[start : start + A_SHEET]
        _sheet(few, pictures[start : start + A_SHEET]).save(
            out / f"sheet-{start // A_SHEET + 1:02d}.png"
        )
    if not (out / WRITTEN).exists():
        empty = "".join(f"{row['number']:02d} \n" for row in rows)
        (out / WRITTEN).write_text(HOW + empty, encoding="utf-8")


def read_labels(folder: Path, by: str) -> list[Row]:
    """The labels that were written beside the sheets in a folder; what was left empty is left out.

    Raises `BadInput` for a line that does not answer each claim of its picture.
    """
    rows = {row["number"]: row for row in _read(folder / ROWS)}
    found = []
    for line in (folder / WRITTEN).read_text(encoding="utf-8").splitlines():
        number, _, digits = line.partition("#")[0].strip().partition(" ")
        if not digits.strip():
            continue
        row = rows.get(int(number)) if number.isdecimal() else None
        claims = claims_of(loaded(row)) if row else ()
        told = digits.replace(" ", "")
        if row is None or len(told) != len(claims) or set(told) - {"0", "1"}:
            raise BadInput(
                f"{WRITTEN}: {line.strip()!r} does not answer its picture's {len(claims)} claims.",
                "Write its number and a digit, 0 or 1, for each.",
            )
        found.append({**row, "by": by, "right": [digit == "1" for digit in told]})
    return found


def kept(folder: Path, rows: Sequence[Row]) -> list[Image.Image]:
    """The pictures beside the sheets in a folder, which must be those that were laid out."""
    found = []
    for row in rows:
        path = _path(folder, row)
        try:
            with Image.open(path, formats=["PNG"]) as picture:
                found.append(picture.convert("RGB"))
        except OSError:
            raise BadInput(f"{path} is gone.", "Paint and label anew.") from None
        if pixels_of(found[-1]) != row["pixels"]:
            raise BadInput(f"{path} is not the picture that was laid out.", "Paint anew.")
    return found


def painted_again(painter: Painter, rows: Sequence[Row]) -> list[Image.Image]:
    """The pictures of labelled rows, from their orders; a last bit may be another one.

    Raises `BadInput` where another painter made them.
    """
    others = {row["painter"] for row in rows} - {painter.name}
    if others:
        raise BadInput(
            f"The labels are of pictures by {', '.join(sorted(others))}, not by {painter.name}.",
            "Paint and label anew: limner bench sheets.",
        )
    whole = {row["number"]: Order(**row["order"]) for row in rows}
    return _painted(painter, list(whole.values()))


def _path(folder: Path, row: Row) -> Path:
    return folder / PICTURES / f"{row['number']:02d}.png"


def pixels_of(picture: Image.Image) -> str:
    """The start of the SHA-256 of a picture's pixels."""
    return hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()[:16]


def _order(painter: Painter, prompt: Prompt, seed: int) -> Order:
    brief, dialect = exact(prompt.asked, prompt.request), painter.dialect
    words = brief.prompt if brief else prompt.request
    return Order(words, seed, *dialect.size, dialect.steps, dialect.guidance)


def _painted(painter: Painter, orders: Sequence[Order]) -> list[Image.Image]:
    """In batches of eight; each picture's last bits depend on its company."""
    found: list[Image.Image] = []
    for start in range(0, len(orders), BATCH):
        done = [d for d in painter.paint(orders[start : start + BATCH]) if isinstance(d, Painted)]
        found += [one.picture for one in sorted(done, key=lambda one: one.index)]
    return found


def _read(path: Path) -> list[Row]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError:
        raise BadInput(f"There are no sheets in {path.parent}.", "limner bench sheets") from None


def _sheet(rows: Sequence[Row], pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures in rows of four, each above its number, its prompt and its claims."""
    deep = -(-len(rows) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, deep * TALL + GAP), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for place, (row, picture) in enumerate(zip(rows, pictures, strict=True)):
        left, top = GAP + place % COLUMNS * (SIDE + GAP), GAP + place // COLUMNS * TALL
        whole.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, top))
        claims = [f"{n}. {said(c)}" for n, c in enumerate(claims_of(loaded(row)), start=1)]
        lines = [f"{row['number']:02d}: {row['order']['prompt']}"[:42], *claims]
        for depth, text in enumerate(lines[:8]):
            draw.text((left, top + SIDE + 2 + LINE * depth), text, fill="black", font=font)
    return whole
