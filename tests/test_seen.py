"""Pictures from anywhere: what is opened, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from limner.agent.scoring.inputs import picture_from
from limner.errors import BadInput


def encoded(form: str, picture: Image.Image | None = None, **how: Any) -> bytes:
    buffer = io.BytesIO()
    (picture or Image.new("RGB", (4, 2), "red")).save(buffer, form, **how)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_pictures_of_three_kinds_are_opened(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"  # the name says nothing
    path.write_bytes(encoded(form))
    for given in (path, encoded(form), Image.open(path)):
        picture = picture_from(given)
        assert picture.mode == "RGB" and picture.size == (4, 2)


def test_a_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert picture_from(encoded("JPEG", exif=exif)).size == (2, 4)


def claims_to_be(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        encoded("GIF"),
        encoded("PNG")[:45],
        encoded("WEBP")[:20],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        claims_to_be(100_000, 100_000),
        claims_to_be(8_193, 1),
        claims_to_be(8_000, 8_000),
        b"\0" * (64 * 2**20 + 1),
    ],
    ids="empty gif-head gif cut cut-webp svg bomb wide empty-inside long".split(),
)
def test_what_is_no_such_picture_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        picture_from(content)


def test_addresses_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="path"):
        picture_from("https://example.com/cat.png")
    with pytest.raises(BadInput, match="can't read"):
        picture_from(tmp_path / "none.png")
    with pytest.raises(BadInput, match="8193"):
        picture_from(Image.new("L", (8_193, 1)))
