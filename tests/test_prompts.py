"""Templates render what a writer is told, and never the user's words as template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from limner.agent.brief.schema import template_values
from limner.errors import BadInput
from limner.prompts import known, render

CLAIM = {"text": "There is one cat.", "kind": "count", "quote": "a cat", "number": 1}
PAINTER: dict[str, Any] = {"dialect": "prose", "tokens": 77, "world": ""}
VALUES: dict[str, dict[str, Any]] = {
    "draw": {"request": "a cat", "known": []},
    "turn": {"line": "make it blue", "claims": [CLAIM]},
    "describe": {"claims": [CLAIM], "request": "a cat", "before": ""},
    "reword": {"prompt": "a cat", "wrong": "The cat is red.", "right": "There is one cat."},
}
HUMAN = {
    "draw": "Request: a cat",
    "turn": "Line: make it blue",
    "describe": "Statements:\nThere is one cat.",
    "reword": "Description: a cat\nWrong: The cat is red.\nRight: There is one cat.",
}


def told(name: str, folder: Path | None = None, **more: Any) -> tuple[str, str]:
    """The two texts of a task for these values."""
    return render(name, folder, **template_values(name, {**PAINTER, **VALUES[name], **more}))


def test_the_templates_are_those_that_the_agent_asks_for() -> None:
    assert known() == sorted(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_human_text_is_exact_and_system_text_names_the_answer(name: str) -> None:
    system, human = told(name)
    assert human == HUMAN[name]
    assert ('"tool"' if name == "turn" else '"prompt"') in system
    assert "can show:\n" not in system


@pytest.mark.parametrize("name", VALUES)
def test_what_the_painter_can_show_is_told(name: str) -> None:
    assert "can show:\nonly boats" in told(name, world="only boats")[0]


def test_what_is_there_is_told_of_a_conversation() -> None:
    bare, _ = told("turn", claims=[])
    assert "nothing is painted yet" in bare
    talk: dict[str, Any] = {
        "versions": [{"number": 1, "words": "a cat"}],
        "candidates": [{"number": 2, "version": 1, "holds": 3, "of": 4}],
        "selected": 2,
        "verdict": {"fails": ["The cat is red."], "unchecked": ["neon"]},
    }
    system, _ = told("turn", **talk)
    assert "1. There is one cat." in system and "1. a cat" in system
    assert "2. version 1, 3 of 4 hold, selected" in system
    assert "The cat is red." in system and "neon" in system


def test_a_model_with_tools_is_told_of_no_json() -> None:
    system, human = told("turn", tools="yes")
    assert human == HUMAN["turn"] and "call the one tool" in system
    assert '"tool"' not in system and "JSON" not in system and "1. There is one cat." in system


def test_what_is_known_and_what_was_before_is_told() -> None:
    assert told("draw", known=[CLAIM])[1].startswith('Known:\n"a cat": There is one cat.\n')
    assert told("describe", before="a dog")[1].endswith("Before: a dog")


def test_a_request_that_says_nearly_everything_is_to_be_kept() -> None:
    assert "nearly everything" in told("draw", light="yes")[0]
    assert "nearly everything" not in told("draw")[0]


@pytest.mark.parametrize("words", ["{{ 7 * 7 }}", "{% for x in y %}", "{0.__class__}", "{# no"])
def test_the_users_words_are_data(words: str) -> None:
    assert told("draw", request=words)[1] == f"Request: {words}"


def test_the_users_own_folder_wins(tmp_path: Path) -> None:
    mine = "{% block system %}Be kind.{% endblock %}{% block human %}>{{ request }}{% endblock %}"
    (tmp_path / "draw.j2").write_text(mine, encoding="utf-8")
    assert told("draw", tmp_path) == ("Be kind.", ">a cat")
    assert told("turn", tmp_path)[1] == HUMAN["turn"]


@pytest.mark.parametrize(
    "broken",
    [
        "{% block human %}{{ nobody_gave_this }}{% endblock %}{% block system %}{% endblock %}",
        "{% block human %}",
        "no blocks",
        "{% block system %}{{ ''.__class__.__mro__ }}{% endblock %}{% block human %}{% endblock %}",
    ],
)
def test_a_broken_template_is_named(broken: str, tmp_path: Path) -> None:
    (tmp_path / "draw.j2").write_text(broken, encoding="utf-8")
    with pytest.raises(BadInput, match="'draw'"):
        told("draw", tmp_path)


def test_an_unknown_template_lists_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        render("exapnd", request="a cat")
    assert "draw" in caught.value.hint
