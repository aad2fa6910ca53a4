"""Has people label painted pictures by eye: sheets to look at, and what they wrote as labels.

`limner bench sheets` paints pictures of development prompts and lays them out with their claims;
`limner bench labels` reads the digits that someone typed beside each number, and says how often
the exact judge decides as the eye did.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from limner.benchmarks.album import Row, pixels_of
from limner.benchmarks.asked import claims_of, dumped, loaded
from limner.benchmarks.cases import exact, said
from limner.benchmarks.prompts import Prompt, prompts
from limner.errors import BadInput
from limner.pipelines.roles import GeneratedImage, ImageRequest, Painter

__all__ = ["kept", "paint_sheets", "read_labels"]

BATCH = 8
ROWS, WRITTEN, PICTURES = "pictures.jsonl", "labels.txt", "pictures"
SIDE, GAP, LINE, COLUMNS, A_SHEET = 384, 12, 17, 3, 6
WIDE, LINES = 52, 6  # of the text below a picture
TALL = SIDE + LINES * LINE + GAP
HOW = """\
# One line for each picture: its number, and a digit for each of its claims, in their order:
# 1 where the eye finds it true, 0 where not or in doubt. For instance: 07 1101
# A thing that a stranger would not name is not there, and nothing said of it is right.
"""


def paint_sheets(painter: Painter, count: int, out: Path, first: int = 0, seed: int = 1) -> None:
    """Paints so many pictures, and writes sheets of six and an empty page for the labels.

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


def _path(folder: Path, row: Row) -> Path:
    return folder / PICTURES / f"{row['number']:02d}.png"


def _order(painter: Painter, prompt: Prompt, seed: int) -> ImageRequest:
    brief, dialect = exact(prompt.asked, prompt.request), painter.dialect
    words = brief.prompt if brief else prompt.request
    return ImageRequest(words, seed, *dialect.size, dialect.steps, dialect.guidance)


def _painted(painter: Painter, orders: Sequence[ImageRequest]) -> list[Image.Image]:
    """In batches of eight; each picture's last bits depend on its company."""
    found: list[Image.Image] = []
    for start in range(0, len(orders), BATCH):
        done = [
            d for d in painter.paint(orders[start : start + BATCH]) if isinstance(d, GeneratedImage)
        ]
        found += [one.picture for one in sorted(done, key=lambda one: one.index)]
    return found


def _read(path: Path) -> list[Row]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError:
        raise BadInput(f"There are no sheets in {path.parent}.", "limner bench sheets") from None


def _sheet(rows: Sequence[Row], pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures three times as large, each above its number, its prompt and its claims."""
    deep = -(-len(rows) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, deep * TALL + GAP), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for place, (row, picture) in enumerate(zip(rows, pictures, strict=True)):
        left, top = GAP + place % COLUMNS * (SIDE + GAP), GAP + place // COLUMNS * TALL
        whole.paste(picture.resize((SIDE, SIDE), Image.Resampling.NEAREST), (left, top))
        claims = [f"{n}. {said(c)}" for n, c in enumerate(claims_of(loaded(row)), start=1)]
        text = f"{row['number']:02d}: {row['order']['prompt']}\n" + "  ".join(claims)
        lines = [line for part in text.splitlines() for line in wrap(part, WIDE)]
        for depth, line in enumerate(lines[:LINES]):
            draw.text((left, top + SIDE + 2 + LINE * depth), line, fill="black", font=font)
    return whole
