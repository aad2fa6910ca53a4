"""Templates render the words that the writers were promised, and never the user's as template."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.errors import BadInput
from limner.prompts import claims, known, render

VALUES = {
    "expand": {"request": "a cat"},
    "edit": {"brief": '{"things":[]}', "request": "make it blue"},
    "revise": {"prompt": "a cat", "wrong": "the cat is red", "right": "there is one cat"},
}
HUMAN = {
    "expand": "draw: a cat",
    "edit": 'brief: {"things":[]}\nchange: make it blue',
    "revise": "prompt: a cat\nwrong: the cat is red\nright: there is one cat",
}


def test_the_templates_are_those_that_the_agent_asks_for() -> None:
    assert known() == sorted(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_human_text_is_exact_and_system_text_names_the_answer(name: str) -> None:
    system, human = render(name, None, domain="", **VALUES[name])
    assert human == HUMAN[name]
    assert '"prompt"' in system
    assert '"reply"' in system
    assert "can show:\n" not in system


def test_right_may_be_empty() -> None:
    _, human = render("revise", domain="", prompt="a cat", wrong="x", right="")
    assert human == "prompt: a cat\nwrong: x\nright: "


def test_domain_is_told() -> None:
    system, _ = render("expand", domain="only cats", request="a dog")
    assert "can show:\nonly cats" in system


def test_a_request_that_says_nearly_everything_is_to_be_kept() -> None:
    light, _ = render("expand", domain="", request="a cat", light="yes")
    full, _ = render("expand", domain="", request="a cat", light="")
    assert "nearly everything" in light
    assert full == render("expand", domain="", request="a cat")[0]
    assert "nearly everything" not in full


@pytest.mark.parametrize("words", ["{{ 7 * 7 }}", "{% for x in y %}", "{0.__class__}", "{# no"])
def test_the_users_words_are_data(words: str) -> None:
    assert render("expand", domain="", request=words)[1] == f"draw: {words}"


def test_the_users_own_folder_wins(tmp_path: Path) -> None:
    mine = "{% block system %}Be kind.{% endblock %}{% block human %}>{{ request }}{% endblock %}"
    (tmp_path / "expand.j2").write_text(mine, encoding="utf-8")
    assert render("expand", tmp_path, domain="", request="a cat") == ("Be kind.", ">a cat")
    assert render("edit", tmp_path, domain="", **VALUES["edit"])[1] == HUMAN["edit"]


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
    (tmp_path / "expand.j2").write_text(broken, encoding="utf-8")
    with pytest.raises(BadInput, match="'expand'"):
        render("expand", tmp_path, domain="", request="a cat")


def test_an_unknown_template_lists_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        render("exapnd", request="a cat")
    assert "expand" in caught.value.hint


def test_claims_load() -> None:
    assert claims().numbers[1] == "one"
