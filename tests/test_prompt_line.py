"""The prompt of a conversation: keys, pasted lines, and the history that is the user's alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from talking import Talk

from limner.agent.terminal import commands
from limner.agent.terminal.input import PromptedLines, history_in


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


@pytest.fixture
def prompt(talk: Talk, keys: PipeInput) -> PromptedLines:
    return PromptedLines(
        lambda text: commands.completions(talk.chat, text),
        talk.chat.status,
        InMemoryHistory(),
    )


def test_a_line_is_typed(prompt: PromptedLines, keys: PipeInput) -> None:
    keys.send_text("一只 cat\r")
    assert prompt.read() == "一只 cat"


def test_pasted_lines_stay_together(prompt: PromptedLines, keys: PipeInput) -> None:
    keys.send_text("\x1b[200~a cat\non the grass\n\x1b[201~ at night\r")
    assert prompt.read() == "a cat\non the grass\n at night"


def test_alt_enter_begins_a_new_line(prompt: PromptedLines, keys: PipeInput) -> None:
    keys.send_text("a cat\x1b\ra dog\r")
    assert prompt.read() == "a cat\na dog"


def test_the_line_before_comes_back(prompt: PromptedLines, keys: PipeInput) -> None:
    keys.send_text("a cat\r")
    prompt.read()
    keys.send_text("\x1b[A at night\r")
    assert prompt.read() == "a cat at night"


@pytest.mark.parametrize(("key", "raised"), [("\x03", KeyboardInterrupt), ("\x04", EOFError)])
def test_keys_that_leave(
    key: str, raised: type[BaseException], prompt: PromptedLines, keys: PipeInput
) -> None:
    keys.send_text(key)
    with pytest.raises(raised):
        prompt.read()


def test_history_is_kept_for_the_user_alone(tmp_path: Path) -> None:
    history_in(tmp_path / "state").append_string("a cat")
    (kept,) = (tmp_path / "state").iterdir()
    assert kept.stat().st_mode & 0o077 == 0 and "a cat" in kept.read_text()
    assert list(history_in(tmp_path / "state").load_history_strings()) == ["a cat"]


def test_history_that_cannot_be_kept_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history_in(tmp_path / "file").append_string("a cat")
    assert isinstance(history_in(None), InMemoryHistory)
