"""A conversation in which a test says lines, and what was seen of it."""

from __future__ import annotations

import io
from pathlib import Path

from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.conversation.session import Session
from limner.agent.studio import Studio
from limner.agent.terminal.chat import Chat
from limner.agent.terminal.chat_screen import ChatScreen
from limner.agent.terminal.input import PlainLines
from limner.agent.terminal.pictures import Graphics
from limner.agent.terminal.terminal import console_for
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

__all__ = ["REQUEST", "Talk"]

REQUEST = "a red cat on the grass, two dogs"


class Talk:
    """A chat in which a test says lines, and what was seen of it."""

    def __init__(
        self,
        tmp_path: Path,
        *scores: float,
        replies: tuple[str, ...] = (),
        edit: str = "",
        archive: Archive | None = None,
    ) -> None:
        self.stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        self.tmp_path = tmp_path
        console = console_for(self.stream)
        critic = FakeCritic([list(scores)]) if scores else FakeCritic([[0.9]])
        studio = Studio(FakeWriter(replies=replies), FakePainter(), critic)
        self.opened: list[str] = []
        self.chat = Chat(
            Session(studio, 3, recorder=SessionRecorder(archive, "fake") if archive else None),
            ChatScreen(console, Graphics("none")),
            "fake",
            open_studio=self.open,
            edit=lambda text: edit or text,
            out=tmp_path / "out.png",
        )

    def open(self, name: str) -> Studio:
        self.opened.append(name)
        return Studio.open(name)

    def say(self, *lines: str) -> str:
        """What is shown in answer to these lines."""
        before = len(self.seen())
        for line in lines:
            self.chat.hear(line)
        return self.seen()[before:]

    def run(self, *lines: str, interactive: bool = False) -> int:
        text = io.StringIO("".join(f"{line}\n" for line in lines))
        return self.chat.run(PlainLines(text, self.chat.screen.console, interactive))

    def seen(self) -> str:
        self.stream.flush()
        self.stream.seek(0)
        return self.stream.read()
