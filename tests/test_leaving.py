"""Leaving a conversation and stopping it: nothing that was painted is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from talking import REQUEST, Talk

from limner.agent.events import CandidateReady, Event, PaintingStep
from limner.agent.terminal.input import stoppable
from limner.pipelines.fakes import FakePainter


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_what_was_painted_last_is_saved_on_leaving(talk: Talk) -> None:
    assert talk.run(REQUEST, "/quit", "a dog") == 0
    assert (talk.tmp_path / "out.png").is_file() and "dog" not in talk.seen().split("saved")[1]


def test_a_painter_that_breaks_ends_nothing(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    talk.chat.session.studio.painter = FakePainter(breaks_at=1)
    assert talk.run(REQUEST, "/history") == 1
    assert "the brush broke" in talk.seen() and "1  at hand" in talk.seen()


def test_what_was_saved_is_not_saved_again(talk: Talk) -> None:
    assert talk.run(REQUEST, f"/save {talk.tmp_path / 'a cat.png'}") == 0
    assert [path.name for path in talk.tmp_path.iterdir()] == ["a cat.png"]


@pytest.mark.parametrize(("interactive", "code"), [(True, 0), (False, 2)])
def test_a_mistake_ends_nothing(interactive: bool, code: int, talk: Talk) -> None:
    assert talk.run("/nope", REQUEST, interactive=interactive) == code
    assert (talk.tmp_path / "out.png").is_file()


def interrupting(talk: Talk, at: type[Event], times: int = 1) -> None:
    show = talk.chat.screen.show

    def and_interrupt(event: Event) -> None:
        show(event)
        if isinstance(event, at):
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    talk.chat.screen.show = and_interrupt  # type: ignore[method-assign]


def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path) -> None:
    talk = Talk(tmp_path, 0.9, 0.2)
    interrupting(talk, CandidateReady)
    seen = talk.say(REQUEST)
    assert len(talk.chat.session.candidates) == 1 and talk.chat.session.meant == 1
    assert "claims hold" in seen and "; stopped" in seen
    assert "brief 2" in talk.say("make it night")


def test_ctrl_c_before_the_first_take(talk: Talk) -> None:
    interrupting(talk, PaintingStep)
    assert "stopped before anything was painted" in talk.say(REQUEST)
    assert talk.chat.session.version == 1 and not talk.chat.unsaved


def test_ctrl_c_twice_leaves_at_once_and_keeps_the_best(talk: Talk) -> None:
    interrupting(talk, CandidateReady, times=2)
    assert talk.run(REQUEST, "make it night", interactive=True) == 130
    assert "brief 2" not in talk.seen() and (talk.tmp_path / "out.png").is_file()


class Interrupted:
    """Ctrl-C at the prompt, so many times, then a line."""

    interactive = True

    def __init__(self, *lines: str | None) -> None:
        self.lines = list(lines)

    def read(self) -> str:
        line = self.lines.pop(0)
        if line is None:
            raise KeyboardInterrupt
        return line


def test_ctrl_c_at_the_prompt_leaves_only_when_it_comes_twice(talk: Talk) -> None:
    assert talk.chat.run(Interrupted(None, "/help", None, "/quit")) == 0
    assert talk.seen().count("once more leaves") == 2
    talk.chat.leaving = False
    assert talk.chat.run(Interrupted(None, None)) == 130


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as stop:
            os.kill(os.getpid(), signal.SIGINT)
        assert not stop.asked
    finally:
        signal.signal(signal.SIGINT, before)
