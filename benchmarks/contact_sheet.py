"""Draws a list of requests and lays the pictures side by side, each with the claims that fail.

`python -m benchmarks.contact_sheet` redraws benchmarks/contact-sheet.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from limner import Result, Studio
from limner.agent.brief.verdict import verdict_of

HERE = Path(__file__).parent
SEED = 2026
SIDE, GAP, LINE, WIDE = 256, 16, 19, 15
FONTS = ("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "DejaVuSans.ttf")


def main() -> None:
    """Draw every request of a file and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=Path, default=HERE / "contact-sheet.txt")
    parser.add_argument("--out", type=Path, default=HERE / "contact-sheet.png")
    parser.add_argument("--profile", default="pocket")
    given = parser.parse_args()
    studio = Studio.open(given.profile)
    lines = given.requests.read_text(encoding="utf-8").splitlines()
    results = [(line, studio.imagine(line, seed=SEED)) for line in lines if line]
    sheet(results).save(given.out, optimize=True)
    reached = sum(verdict_of(r.best).reached for _, r in results if r.best)
    print(f"{reached} of {len(results)}: all that was asked holds, as the critic sees it")


def sheet(results: Sequence[tuple[str, Result]], columns: int = 5) -> Image.Image:
    """The best takes in rows, each above its request and the claims that fail."""
    tall = SIDE + 5 * LINE + GAP
    rows = -(-len(results) // columns)
    whole = Image.new("RGB", (columns * (SIDE + GAP) + GAP, rows * tall + GAP), "white")
    draw, font = ImageDraw.Draw(whole), _font()
    for number, (request, result) in enumerate(results):
        left = GAP + number % columns * (SIDE + GAP)
        top = GAP + number // columns * tall
        if result.best:
            picture = result.best.picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            whole.paste(picture, (left, top))
        lines = [(request, "black"), *_verdict(result)]
        for row, (text, ink) in enumerate(lines[:5]):
            draw.text((left, top + SIDE + 3 + LINE * row), _cut(text), fill=ink, font=font)
    return whole


def _verdict(result: Result) -> list[tuple[str, str]]:
    if result.best is None:
        return [("nothing was painted", "#b03030")]
    seen = verdict_of(result.best)
    asked = len(seen.holds) + len(seen.fails) + len(seen.cannot_tell)
    lines = [(f"{len(seen.holds)} of {asked} claims hold", "#2a7d2a" if seen.reached else "#555")]
    for said, words in {
        "not": seen.fails,
        "can't tell": seen.cannot_tell,
        "not checked": seen.unchecked,
        "can't be shown": seen.not_shown,
    }.items():
        lines += [(f"{said}: {text}", "#b03030") for text in words]
    return lines


def _cut(text: str) -> str:
    wide = sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
    return text if wide <= 36 else text[:33] + "..."


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font that has Chinese, where the system has one."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, WIDE)
        except OSError:
            continue
    return ImageFont.load_default(WIDE)


if __name__ == "__main__":
    main()
