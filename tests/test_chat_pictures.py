"""Pictures in a conversation: as many side by side as fit, and real pixels where there are some."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL.Image import Image
from rich.console import Console
from rich.text import Text
from talking import REQUEST, Talk

from limner.agent.terminal.chat_screen import ChatScreen
from limner.agent.terminal.pictures import Graphics, graphics_for
from limner.errors import BadInput, MissingExtra


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def terminal(width: int, *, term: str = "xterm-256color", colour: bool = True) -> Console:
    return Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"),
        force_terminal=True,
        width=width,
        height=30,
        color_system="truecolor" if colour else None,
        no_color=not colour,
        _environ={"TERM": term},
        highlight=False,
        markup=False,
        emoji=False,
    )


def written(console: Console) -> str:
    """What can be read on a terminal."""
    console.file.flush()
    text = bytes(console.file.buffer.getvalue()).decode()  # type: ignore[attr-defined]
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n")


@pytest.mark.parametrize("width", [24, 40, 60, 110])
def test_the_contact_sheet_fits(width: int, talk: Talk) -> None:
    console = terminal(width)
    talk.chat.screen = ChatScreen(console, Graphics("blocks"))
    talk.chat.hear(REQUEST)
    lines = written(console).split("\n")
    assert max(map(len, lines)) <= width
    assert any("▀" * 16 in line for line in lines)
    across = [len(re.findall(r"#\d★? ", one)) for one in lines if re.match(r"#\d★? \d/", one)]
    assert across == {24: [1, 1, 1, 1], 40: [2, 2], 60: [2, 2], 110: [4]}[width]


class Pixels:
    """Stands in for the ways of textual-image, which ask the terminal when they are imported."""

    class TGPImage(Text):
        def __init__(self, picture: Image, columns: int, rows: int) -> None:
            super().__init__(f"<{picture.width}x{picture.height} in {columns}x{rows}>")

    class SixelImage(TGPImage):
        pass

    Image: type[Text] = Text


@pytest.mark.parametrize(("found", "way"), [("TGPImage", "kitty"), ("SixelImage", "sixel")])
def test_real_pixels_where_the_terminal_has_them(
    found: str, way: str, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("textual_image")
    monkeypatch.setattr(Pixels, "Image", getattr(Pixels, found))
    package.renderable = Pixels  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "textual_image", package)
    console = terminal(110)
    graphics = graphics_for(console)
    assert graphics.way == way == graphics_for(console, way).way
    assert graphics_for(console, "blocks").way == "blocks"
    talk.chat.screen = ChatScreen(console, graphics)
    talk.chat.hear(REQUEST)
    text = written(console)
    sheet = "<256x64 in 64x8>" if way == "sixel" else "<64x64 in 16x8>   <64x64 in 16x8>"
    assert sheet in text and "<64x64 in 48x24>" in text and "▀" not in text


def test_real_pixels_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_image", None)
    assert graphics_for(terminal(80)).way == "blocks"
    with pytest.raises(MissingExtra, match="textual-image"):
        graphics_for(terminal(80), "kitty")


def test_no_picture_where_none_can_be_shown() -> None:
    assert not graphics_for(terminal(80, term="dumb")) and not graphics_for(
        terminal(80, colour=False)
    )
    assert not graphics_for(terminal(80), "none")
    assert graphics_for(terminal(80), "blocks").way == "blocks"
    with pytest.raises(BadInput, match="no way 'x'"):
        graphics_for(terminal(80), "x")
