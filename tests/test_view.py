"""What a person sees: readable at any width, no picture and no escape code where none belongs."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from PIL import Image
from rich.console import Console

from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    PaintingStep,
    PromptRevised,
    Replied,
)
from limner.agent.records import Brief, Candidate, Claim, Critique, Result
from limner.agent.studio import Studio
from limner.agent.terminal.pictures import _QUADRANTS, _SEXTANTS, BlockPicture
from limner.agent.terminal.screen import Screen
from limner.agent.terminal.terminal import can_show_pictures, console_for
from limner.agent.terminal.words import changed, claims_table, fields_so_far, sketch
from limner.pipelines.roles import ImageRequest

REQUEST = "a red cat on the grass, two dogs"
EVIL = "\x1b]0;owned\x07\x1b[2Jcat[bold]\u202e"
CLAIMS = tuple(Claim(f"The cat is {word}.", "colour") for word in ("red", "blue", "here"))
CRITIQUE = Critique(CLAIMS, (0.91, 0.2, None))
ORDER = ImageRequest("a cat", 1, 64, 64, 4, 5.0)


def terminal(width: int = 80, height: int = 30, *, colour: bool = True, **more: str) -> Console:
    return Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding=more.pop("encoding", "utf-8")),
        force_terminal=True,
        width=width,
        height=height,
        color_system="truecolor" if colour else None,
        no_color=not colour,
        _environ={"TERM": "xterm-256color", **more},
        highlight=False,
        markup=False,
        emoji=False,
    )


def pipe() -> Console:
    return console_for(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))


def printed(console: Console) -> str:
    console.file.flush()
    return bytes(console.file.buffer.getvalue()).decode(console.encoding)  # type: ignore[attr-defined]


def events(**limits: int) -> list[Event]:
    return list(Studio.open("fake").stream(REQUEST, seed=1, preview_every=1, **limits))  # type: ignore[arg-type]


def shown(console: Console, *what: Event) -> str:
    screen = Screen(console)
    for event in what:
        screen.show(event)
    screen.close()
    return printed(console)


def visible(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def take(critique: Critique = CRITIQUE) -> Candidate:
    picture = Image.new("RGB", (64, 64), "red")
    return Candidate(0, 0, Brief("a cat", "a cat"), ORDER, picture, critique)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = visible(shown(terminal(width), *events()))
    assert "▀" in text and "two dogs" in " ".join(text.split())
    widest = max(len(line) for piece in text.split("\n") for line in piece.split("\r"))
    assert widest <= width


def test_a_pipe_gets_words_only() -> None:
    text = shown(pipe(), *events())
    assert "\x1b" not in text and "▀" not in text and "━" not in text
    assert re.search(r"[✓✗] There are two dogs ", text) and "#1" in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_without_colour_there_is_no_picture() -> None:
    text = shown(terminal(colour=False), *events())
    assert "▀" not in text and not re.search(r"\x1b\[[0-9;]*[34]8;", text)


def test_a_dumb_terminal_gets_no_picture() -> None:
    console = terminal(TERM="dumb")
    assert not can_show_pictures(console)
    assert "▀" not in shown(console, *events())


def test_a_terminal_without_unicode_is_not_sent_any() -> None:
    console = terminal(encoding="ascii")
    assert not can_show_pictures(console)
    line = Screen(console)
    line.show(CandidateReady(take(), True))
    console.print(claims_table(CRITIQUE, console, 80))
    assert "+-?" in visible(printed(console))


@pytest.mark.parametrize(("size", "cells"), [((64, 64), (20, 10)), ((128, 32), (20, 2))])
def test_a_picture_keeps_its_shape(size: tuple[int, int], cells: tuple[int, int]) -> None:
    blocks = BlockPicture(Image.new("RGB", size), 20, 10)
    assert abs(blocks.columns - cells[0]) <= 1 and abs(blocks.rows - cells[1]) <= 1


def test_each_cell_is_two_pixels() -> None:
    picture = Image.new("RGB", (2, 2), (255, 0, 0))
    picture.putpixel((1, 1), (0, 0, 255))
    console = terminal()
    console.print(BlockPicture(picture, 10, 10), end="")
    red, blue = "255;0;0", "0;0;255"
    assert f"38;2;{red};48;2;{red}m▀" in printed(console)
    assert f"38;2;{red};48;2;{blue}m▀" in printed(console)


@pytest.mark.parametrize("dots", [2, 3])
def test_a_cell_of_two_colours_is_drawn_as_it_is(dots: int) -> None:
    red, blue = (255, 0, 0), (0, 0, 255)
    characters = _QUADRANTS if dots == 2 else _SEXTANTS
    numbers = {character: number for number, character in characters.items()}
    for pattern in range(4**dots):
        wanted = [blue if pattern >> at & 1 else red for at in range(2 * dots)]
        picture = Image.new("RGB", (2, dots))
        picture.putdata(wanted)
        (((character, (fore, back)),),) = BlockPicture(picture, 1, 1, dots)._cells
        drawn = [fore if numbers[character] >> at & 1 else back for at in range(2 * dots)]
        assert drawn == wanted


def test_nothing_said_by_a_model_steers_the_terminal() -> None:
    claim = Claim(EVIL, quote=EVIL, foils=(EVIL,))
    critique = Critique((claim, replace(claim, source="invented")), (0.1, 0.2))
    words = {"unchecked": (EVIL,), "not_shown": (EVIL,)}
    evil = replace(take(critique), brief=Brief(EVIL, EVIL, (claim,), reply=EVIL, **words))  # type: ignore[arg-type]
    what: list[Event] = [
        BriefToken(EVIL),
        BriefReady(evil.brief, (claim,), EVIL),
        Replied(EVIL, (EVIL, EVIL)),
        CandidateReady(evil, True),
        Decided(0, "stop", EVIL),
        PromptRevised(0, EVIL, EVIL + " more", EVIL),
    ]
    text = shown(pipe(), *what)
    screen = Screen(console := pipe())
    screen.finished(Result(evil, (evil,), EVIL, 1.0, 1.0, (EVIL,)))
    text += printed(console)
    assert "\x1b" not in text and "\u202e" not in text and "owned" not in text
    assert text.count("cat[bold]") >= 16


def test_the_brief_is_read_while_it_is_written() -> None:
    whole = '{"asked":[{"quote":"2 cats","text":"There are two cats."}],"prompt":"two cats on'
    seen = [sketch(fields_so_far(whole[:end])) for end in range(len(whole) + 1)]
    assert "There are t" in seen and seen[-1] == "There are two cats"
    assert fields_so_far(whole)["prompt"] == "two cats on"
    assert sketch(fields_so_far('{"tool":"edit","add":[{"text":"It is night."}')) == "It is night"
    assert fields_so_far("I am afraid") == fields_so_far("[1]") == {}
    text = visible(shown(terminal(), BriefToken(whole)))
    assert "There are two cats" in text and "two cats on" in text


@pytest.mark.parametrize("odd", ['{"asked":7,"claims":[3]}', '{"asked":[{"text":[]}],"add":{}}'])
def test_a_brief_of_odd_types_is_no_trouble(odd: str) -> None:
    assert sketch(fields_so_far(odd)) == ""


def test_what_will_not_be_looked_at_is_told_with_the_brief() -> None:
    brief = Brief("neon", "neon", CLAIMS, unchecked=("neon",), not_shown=("city", "rain"))
    text = shown(pipe(), BriefReady(brief, CLAIMS))
    assert "not checked: neon\n" in text and "these models can't show: city, rain\n" in text


def test_a_change_of_wording_is_marked() -> None:
    assert changed("a red cat", "a blue cat", False).plain == "a [-red-] {+blue+} cat"
    coloured = changed("a red cat", "a blue cat", True)
    assert coloured.plain == "a red blue cat"
    assert [str(span.style) for span in coloured.spans][1:3] == ["red strike", "green"]


def test_claims_show_how_probable_they_are() -> None:
    console = terminal()
    console.print(claims_table(CRITIQUE, console, 60))
    lines = [line.split() for line in visible(printed(console)).splitlines()]
    assert lines[0] == ["✓", "The", "cat", "is", "red", "91%", "█████████▏"]
    assert lines[1][0] == "✗" and lines[1][-2:] == ["20%", "██"]
    assert lines[2][0] == "?" and lines[2][-2:] == ["not", "seen"]


def test_what_the_writer_added_is_apart_and_does_not_count() -> None:
    own = Claim("The hat is green.", "colour", "invented")
    critique = Critique((CLAIMS[0], own), (0.91, 0.1))
    console = pipe()
    console.print(claims_table(critique, console, 80))
    screen = Screen(console)
    screen.show(CandidateReady(take(critique), True))
    screen.finished(Result(take(critique), (take(critique),), "done", 1.0, 1.0))
    text = printed(console)
    lines = [line.split() for line in text.splitlines()]
    assert [line[0] for line in lines[:3]] == ["✓", "added", "✗"]
    assert " ✓  1 of 1  best so far" in text and "the one claim holds" in text


def test_claims_are_told_in_the_users_own_words() -> None:
    claims = (Claim("There are two cats.", "count", quote="两只猫"), Claim("It is red."))
    console = pipe()
    console.print(claims_table(Critique(claims, (0.9, None)), console, 80, "chinese"))
    assert printed(console).split() == ["✓", "两只猫", "90%", "?", "It", "is", "red", "没看"]


def test_long_lines_are_left_to_whoever_reads_the_pipe() -> None:
    text = shown(pipe(), BriefReady(Brief("a", "word " * 99, reply="猫" * 99), ()))
    assert "word " * 98 + "word\n" in text and "猫" * 99 + "\n" in text


def test_what_failed_is_told_before_what_comes_next() -> None:
    text = shown(pipe(), CandidateReady(take(), True), Decided(0, "revise", "because"))
    assert text.index("not yet: The cat is blue (20%)") < text.index("wording it anew")


def test_painting_shows_steps_and_pictures_as_they_form() -> None:
    previews = {0: Image.new("RGB", (64, 64), "red"), 2: Image.new("RGB", (64, 64), "blue")}
    text = shown(terminal(), PaintingStep(0, 3, 25, previews))
    assert "3/25" in text and "38;2;255;0;0" in text and "38;2;0;0;255" in text
    assert shown(pipe(), PaintingStep(0, 3, 25, previews)) == ""


def test_no_more_is_claimed_than_was_seen() -> None:
    screen = Screen(console := pipe())
    screen.finished(Result(take(), (take(),), "budget", 1.0, 1.0, ("unverified: no critic",)))
    text = printed(console)
    assert "1 of 3 claims hold; not yet: The cat is blue; can't tell: The cat is here" in text
    assert "; the budget is spent" in text and "note: unverified: no critic" in text


def test_what_nobody_looked_at_is_told_with_the_verdict() -> None:
    sure = replace(take(), critique=Critique(CLAIMS[:1], (0.9,)))
    sure = replace(sure, brief=Brief("neon", "neon", CLAIMS[:1], unchecked=("neon",)))
    screen = Screen(console := pipe())
    screen.finished(Result(sure, (sure,), "done", 1.0, 1.0))
    assert "1 of 1 claims hold; not checked: neon" in printed(console)
