"""`limner chat --json`: one line of JSON for each turn, and nothing else on standard output."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limner.agent.cli import main

REQUEST = "a red cat on the grass, two dogs"
Talk = Callable[..., list[dict[str, Any]]]
KEYS = (
    "turn line tool arguments brief verdict picture reply fallback seed"  # of every turn
).split()


@pytest.fixture
def talk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Talk:
    """What is told in answer to lines; `code` is what the command has to return."""
    monkeypatch.chdir(tmp_path)

    def held(*lines: str, code: int = 0, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        text = "".join(f"{line}\n" for line in lines)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        typed = ["chat", "--json", "--profile", "fake", "--seed", "3", "--no-archive"]
        assert main.main([*typed, "--budget", "2", "--takes", "2", "--out", "out", *more]) == code
        out = capfd.readouterr().out
        assert out.isascii()
        return [json.loads(line) for line in out.splitlines()]

    return held


def test_each_turn_is_one_line(talk: Talk) -> None:
    first, second = talk(REQUEST, "", "make it night")  # an empty line is no turn
    assert list(first) == KEYS and (first["turn"], second["turn"]) == (1, 2)
    assert (first["line"], first["tool"], second["tool"]) == (REQUEST, "draw", "edit")
    assert {"text", "kind", "source", "quote"} <= set(first["brief"]["claims"][0])
    assert set(first["verdict"]) >= {"reached", "holds", "fails", "unchecked", "not_shown", "said"}
    assert second["reply"] == "+ The picture shows night" and second["seed"] == 3
    assert len(second["brief"]["claims"]) == len(first["brief"]["claims"]) + 1
    pictures = [Path(told["picture"]) for told in (first, second)]
    assert len({*pictures}) == 2 and all(path.is_file() for path in pictures)
    assert sorted(Path("out").iterdir()) == sorted(pictures)


def test_what_paints_nothing_has_no_picture(talk: Talk) -> None:
    _, thanks, chosen, back, why, leave = talk(
        REQUEST, "thanks", "#1", "/undo", "/why", "quit", code=2
    )
    assert (thanks["tool"], thanks["picture"]) == ("answer", None) and thanks["reply"]
    assert (chosen["tool"], chosen["arguments"]) == ("select", {"candidate": 1})
    assert chosen["picture"] and chosen["reply"] == "#1 it is"
    assert back == {"turn": 4, "error": "There is nothing before this.", "hint": back["hint"]}
    assert (why["tool"], leave["tool"]) == ("why", "quit")
    assert why["reply"] and why["picture"] is None and why["brief"]["claims"]


def test_slash_commands_are_told_as_the_calls_that_they_are(talk: Talk) -> None:
    told = talk(REQUEST, "make it night", "/branch 1", "/again", "/finish brighter", "/save")
    assert [turn["tool"] for turn in told[2:]] == ["back_to", "draw", "adjust", "save"]
    assert told[2]["arguments"] == {"version": 1} and told[2]["picture"] is None
    assert told[3]["picture"] and told[4]["reply"] == "brightness +20%" and told[4]["picture"]
    assert told[2]["verdict"]["said"].startswith("#") and told[5]["picture"]


def test_before_there_is_anything(talk: Talk) -> None:
    (told,) = talk("/history")
    assert told["brief"] is told["verdict"] is told["picture"] is None
    assert told["tool"] == "history" and "nothing yet" in told["reply"]


def test_a_line_that_cannot_be_done_is_told_and_the_next_is_heard(talk: Talk) -> None:
    wrong, long, right = talk("/nope", "x" * 5_000, REQUEST, code=2)
    assert wrong["turn"] == 1 and set(wrong) == {"turn", "error", "hint"}
    assert "4,000" in long["error"] and right["turn"] == 3 and right["picture"]


def test_what_was_only_drafted_has_a_verdict_without_a_picture(talk: Talk) -> None:
    _, drafted, painted = talk("/brief ask", "a red cat, neon", "/go")
    assert drafted["picture"] is None and drafted["verdict"]["reached"] is False
    assert not drafted["verdict"]["holds"] and painted["picture"]


def test_a_fallback_is_told(talk: Talk) -> None:
    Path("odd.yaml").write_text(
        "writer: {name: fake, settings: {replies: ['no JSON']}}\n"
        "painter: {name: fake}\ncritic: {name: fake}\n"
    )
    (told,) = talk(REQUEST, more=("--profile", "odd.yaml"))
    assert "writer" in told["fallback"].lower() and told["brief"]["claims"]
