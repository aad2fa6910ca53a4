"""Opens a picture that somebody hands in, without trusting what its file claims to be."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import threading
import zlib
from pathlib import Path

from PIL import Image, ImageOps

from limner.errors import BadInput
from limner.pipelines.stamp import LARGEST_FILE, LARGEST_SIDE

__all__ = [
    "FORMATS",
    "picture_from",
    "picture_from_base64",
    "without_metadata",
]


FORMATS = ("PNG", "JPEG", "WEBP")

_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_BROKEN = (  # what Pillow's readers raise for files that are not what they claim to be
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError),
    *(struct.error, zlib.error),
)
_CHOOSE = "Choose a PNG, JPEG or WebP file."
_LONGEST_SENT = 2_048  # pixels a side; the critic sees no more of it
_ONE_BY_ONE = threading.Lock()  # small files can hold very large pictures


def picture_from(given: Image.Image | Path | bytes | str) -> Image.Image:
    """The picture, in RGB, of an image, a file or a file's bytes; never of an address.

    Only the first frame is read, turned as its EXIF orientation says; nothing else that the file
    tells is used. Raises `BadInput` for a file that can't be read, is no whole PNG, JPEG or WebP,
    is larger than 64 MiB, or has a side of more than 8,192 pixels; sizes are checked before
    pixels are decoded.
    """
    if isinstance(given, str):
        raise BadInput("A picture is given as an image or as a path.", "Say Path('cat.png').")
    if isinstance(given, Image.Image):
        _check(given)
        return given.convert("RGB")
    content = _content(given) if isinstance(given, Path) else given
    if len(content) > LARGEST_FILE:
        raise BadInput("The picture's file is larger than 64 MiB.", "Choose a smaller one.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _check(opened)
            return ImageOps.exif_transpose(opened).convert("RGB")
    except _BOMBS as error:
        raise BadInput("The picture claims to be too large.", _CHOOSE) from error
    except _BROKEN as error:
        raise BadInput("The picture is broken, or of no known kind.", _CHOOSE) from error


def picture_from_base64(text: str) -> Image.Image:
    """The pixels of the picture in a base64 text, at most 2,048 a side; nothing else of its file.

    Raises `BadInput` for anything else than a whole PNG, JPEG or WebP; see `picture_from`.
    """
    plain = re.sub(r"^data:image/(?:png|jpeg|webp);base64,", "", text.strip())
    try:
        content = base64.b64decode(re.sub(r"\s+", "", plain), validate=True)
    except (binascii.Error, ValueError) as error:
        hint = "send a PNG, JPEG or WebP file in base64, or the name of a candidate"
        raise BadInput("that is not base64", hint) from error
    with _ONE_BY_ONE:
        picture = picture_from(content)
        picture.thumbnail((_LONGEST_SENT, _LONGEST_SENT))
        return without_metadata(picture)


def without_metadata(picture: Image.Image) -> Image.Image:
    """A copy of the pixels; notes, profiles and text that came with them stay behind."""
    pixels = picture.convert("RGB")
    return Image.frombytes("RGB", pixels.size, pixels.tobytes())


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise BadInput(f"can't read {path}: {reason}", "Check the file's name.") from error


def _check(picture: Image.Image) -> None:
    width, height = picture.size
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        raise BadInput(
            f"The picture is {width} × {height} pixels; a side may have {LARGEST_SIDE:,}.",
            "Choose a smaller one.",
        )
