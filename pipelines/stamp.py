"""Writes into a PNG how it was made, and reads that back from files that nobody vouches for."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from PIL import Image, PngImagePlugin

from limner.errors import BadInput
from limner.pipelines.roles import ImageRequest

__all__ = ["LARGEST_FILE", "LARGEST_SIDE", "Stamped", "parameters", "parse", "read", "stamp"]

LARGEST_FILE = 64 * 2**20  # bytes
LARGEST_SIDE = 8_192  # pixels
LONGEST_RECIPE = 500_000  # characters

_KEY = "limner"
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about=""'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    " xmp:CreatorTool={tool}"
    " Iptc4xmpExt:DigitalSourceType="
    '"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
    "</rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)


@dataclass(frozen=True, slots=True)
class Stamped:
    """A picture and the recipe found in it, which is still untrusted text."""

    picture: Image.Image
    recipe: str


def parameters(order: ImageRequest, model: str, tool: str) -> str:
    """The settings in the three lines that other tools read (the form of Stable Diffusion web UI).

    `model` is the painter's name, `tool` this program with its version.
    """
    lines = [" ".join(order.prompt.split())]
    if order.negative:
        lines.append("Negative prompt: " + " ".join(order.negative.split()))
    settings = {
        "Steps": order.steps,
        "CFG scale": order.guidance,
        "Seed": order.seed,
        "Size": f"{order.width}x{order.height}",
        "Model": " ".join(model.replace(",", " ").split()),
        "Version": tool,
    }
    lines.append(", ".join(f"{key}: {value}" for key, value in settings.items()))
    return "\n".join(lines)


def stamp(picture: Image.Image, *, recipe: str, settings: str, tool: str) -> bytes:
    """The picture as PNG: `recipe` as iTXt `limner`, `settings` as `parameters`, an XMP packet.

    The XMP packet says by IPTC's word for it that a trained model made the picture. Raises
    `ValueError` for a recipe that `read` would refuse.
    """
    if len(recipe) > LONGEST_RECIPE:
        raise ValueError(f"the recipe has {len(recipe)} characters; {LONGEST_RECIPE} are the most")
    chunks = PngImagePlugin.PngInfo()
    if settings.isascii():
        chunks.add_text("parameters", settings)
    else:
        chunks.add_itxt("parameters", settings)
    chunks.add_itxt(_KEY, recipe, zip=True)
    chunks.add_itxt("XML:com.adobe.xmp", _XMP.format(tool=quoteattr(tool)))
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def read(path: Path) -> Stamped:
    """The picture at `path` and its recipe.

    Raises `BadInput` for a file that cannot be read, is no whole PNG, is larger than 64 MiB or
    8,192 pixels a side, or was not painted by limner. Sizes are checked before any decoding.
    """
    return parse(_content(path), path)


def parse(content: bytes, path: Path) -> Stamped:
    """The same of a file's bytes; `path` is what the picture is called in what is raised."""
    if len(content) > LARGEST_FILE:
        raise BadInput(f"{path} is larger than 64 MiB", "choose a PNG that limner saved")
    _check_header(content, path)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            opened.load()
            text = opened.text if isinstance(opened, PngImagePlugin.PngImageFile) else {}
            recipe = str(text.get(_KEY, ""))
            picture = opened.convert("RGB")
    except _BROKEN as error:
        raise BadInput(f"{path} is a broken PNG file", "choose a whole file") from error
    if not recipe:
        raise BadInput(
            f"{path} does not say how it was painted",
            "choose a PNG that limner saved and no other program rewrote",
        )
    if len(recipe) > LONGEST_RECIPE:
        raise BadInput(f"{path} holds a recipe that is too long", "choose a PNG that limner saved")
    return Stamped(picture, recipe)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise BadInput(f"can't read {path}: {reason}", "check the file's name") from error


def _check_header(content: bytes, path: Path) -> None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 33:
        raise BadInput(f"{path} is not a PNG file", "choose a PNG that limner saved")
    width, height = struct.unpack(">II", content[16:24])
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        raise BadInput(
            f"{path} claims to be {width} × {height} pixels", "choose a PNG that limner saved"
        )
