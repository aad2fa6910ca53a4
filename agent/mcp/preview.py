"""Pictures on their way to and from an assistant: small ones out, and strangers' ones in."""

from __future__ import annotations

import base64
import binascii
import io
import re
import threading

from PIL import Image

from limner.agent.tools.inputs import picture_from
from limner.errors import BadInput

__all__ = ["LARGEST", "picture_in", "preview"]

LARGEST = 200_000  # bytes of a preview; hosts refuse results of more than 1 MB in all
_SIDE, _SMALLEST, _MOST = 768, 64, 2_048  # pixels
_ONE_BY_ONE = threading.Lock()  # small files can hold very large pictures
_HINT = "send a PNG, JPEG or WebP file in base64, or the id of a take"


def preview(picture: Image.Image, largest: int = LARGEST) -> tuple[bytes, str]:
    """The picture as a small file of at most `largest` bytes, and its media type.

    It holds pixels and nothing else. PNG where that is small enough, else JPEG.
    """
    small = _bare(picture)
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    if len(content := _file(small, "PNG")) <= largest:
        return content, "image/png"
    while True:
        for quality in (88, 75, 60, 40):
            content = _file(small, "JPEG", quality=quality)
            if len(content) <= largest or max(small.size) <= _SMALLEST:
                return content, "image/jpeg"
        small.thumbnail((small.width * 3 // 4, small.height * 3 // 4))


def picture_in(text: str) -> Image.Image:
    """The picture in a base64 text: its pixels, and nothing that its file says besides.

    One of more than 2,048 pixels a side is made that small, for the critic sees no more of it.
    Raises `BadInput` for anything else than a whole PNG, JPEG or WebP; see `picture_from`.
    """
    content = _decoded(text)
    with _ONE_BY_ONE:
        picture = picture_from(content)
        picture.thumbnail((_MOST, _MOST))
        return _bare(picture)


def _decoded(text: str) -> bytes:
    plain = re.sub(r"^data:image/(?:png|jpeg|webp);base64,", "", text.strip())
    try:
        return base64.b64decode(re.sub(r"\s+", "", plain), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("that is not base64", _HINT) from error


def _bare(picture: Image.Image) -> Image.Image:
    """A copy of the pixels; notes, profiles and text that came with them stay behind."""
    pixels = picture.convert("RGB")
    return Image.frombytes("RGB", pixels.size, pixels.tobytes())


def _file(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, optimize=True, **options)
    return buffer.getvalue()
