"""A picture says how it was made, and a stranger's file can't do harm by saying so."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from limner.errors import BadInput
from limner.pipelines.roles import ImageRequest
from limner.pipelines.stamp import LARGEST_FILE, LONGEST_RECIPE, parameters, read, stamp

ORDER = ImageRequest("a red cat,\non grass", 42, 128, 64, 25, 5.5, "dog")
TOOL = "limner 0.1.0"
SETTINGS = parameters(ORDER, "pocket, painter", TOOL)


def picture() -> Image.Image:
    drawn = Image.new("RGB", (16, 8), (200, 30, 30))
    drawn.putpixel((3, 4), (1, 2, 3))
    return drawn


def stamped(recipe: str = '{"request": "猫"}') -> bytes:
    return stamp(picture(), recipe=recipe, settings=SETTINGS, tool=TOOL)


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def test_recipe_and_pixels_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(stamped())
    back = read(path)
    assert back.recipe == '{"request": "猫"}'
    assert back.picture.tobytes() == picture().tobytes()


def test_other_tools_find_their_parameters() -> None:
    found = Image.open(io.BytesIO(stamped()))
    found.load()
    lines = found.info["parameters"].split("\n")
    assert lines[:2] == ["a red cat, on grass", "Negative prompt: dog"]
    pairs = dict(re.findall(r"\s*(\w[\w \-/]+):\s*([^,]*)(?:,|$)", lines[-1]))
    assert pairs == {
        "Steps": "25",
        "CFG scale": "5.5",
        "Seed": "42",
        "Size": "128x64",
        "Model": "pocket painter",
        "Version": "limner 0.1.0",
    }


def test_parameters_in_any_script() -> None:
    settings = parameters(ImageRequest("猫", 1, 8, 8, 1, 1.0), "m", TOOL)
    found = Image.open(io.BytesIO(stamp(picture(), recipe="{}", settings=settings, tool=TOOL)))
    assert found.info["parameters"].startswith("猫\nSteps: 1")


def test_xmp_says_that_a_trained_model_made_it() -> None:
    found = Image.open(io.BytesIO(stamp(picture(), recipe="{}", settings="", tool='a"<b>')))
    packet = found.info["XML:com.adobe.xmp"]
    assert "digitalsourcetype/trainedAlgorithmicMedia" in packet
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(packet.partition("?>")[2].rpartition("<?")[0])
    (description,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert description.get("{http://ns.adobe.com/xap/1.0/}CreatorTool") == 'a"<b>'


def test_a_recipe_that_could_not_be_read_is_not_written() -> None:
    with pytest.raises(ValueError, match="characters"):
        stamped("x" * (LONGEST_RECIPE + 1))


def plain_png() -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    return buffer.getvalue()


def jpeg() -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "JPEG")
    return buffer.getvalue()


def huge() -> bytes:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return stamped()[:8] + chunk(b"IHDR", header) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    packed = zlib.compress(b"x" * 200_000_000, 9)
    start = stamped()[:33]
    return start + chunk(b"iTXt", b"limner\0\1\0\0\0" + packed) + stamped()[33:]


def pixel_bomb() -> bytes:
    start = stamped()[:33]
    return start + chunk(b"IDAT", zlib.compress(b"\0" * 100_000_000)) + chunk(b"IEND", b"")


def long_recipe() -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("limner", "x" * (LONGEST_RECIPE + 1))
    buffer = io.BytesIO()
    picture().save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


HOSTILE = {
    "empty": (b"", "not a PNG"),
    "text": (b"#!/bin/sh\nrm -rf /\n" * 9, "not a PNG"),
    "jpeg": (jpeg(), "not a PNG"),
    "no recipe": (plain_png(), "does not say"),
    "cut short": (stamped()[:-30], "broken|does not say"),
    "cut in the pixels": (stamped()[:200], "broken"),
    "huge": (huge(), "50000 × 50000"),
    "text bomb": (text_bomb(), "broken"),
    "pixel bomb": (pixel_bomb(), "does not say|broken"),
    "long recipe": (long_recipe(), "too long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    content, reason = HOSTILE[name]
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=reason) as caught:
        read(path)
    assert caught.value.hint


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.write(stamped())
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(BadInput, match="64 MiB"):
        read(path)


@pytest.mark.parametrize("name", ["", "no.png", "nul\0.png", "x" * 300])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't read"):
        read(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(places=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_bytes_never_do_more_than_be_refused(
    places: list[tuple[int, int]], tmp_path: Path
) -> None:
    content = bytearray(stamped())
    for place, value in places:
        content[place % len(content)] = value
    path = tmp_path / "a.png"
    path.write_bytes(content)
    try:
        assert read(path).picture.width > 0
    except BadInput as refused:
        assert refused.hint
