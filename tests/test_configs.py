"""Profiles load, and a mistake in one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.agent.search.run import Limits
from limner.configs import Settings, known, load
from limner.errors import BadInput
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.world import world

GOOD = "writer: {name: fake}\npainter: {name: fake}\ncritic: {name: fake}\n"


@pytest.mark.parametrize("name", known())
def test_every_shipped_profile_loads(name: str) -> None:
    profile = load(name)
    assert profile.writer.name == profile.painter.name == profile.critic.name == name


def test_the_shipped_profiles_are_these() -> None:
    assert known() == ["fake", "pocket"]


def test_the_pocket_profile_speaks_its_own_language() -> None:
    assert load("pocket").expansion == "full" and not load("pocket").domain
    assert load("fake").expansion == "auto"
    assert load("pocket").styles == tuple(world().styles)


def test_the_pocket_world_tells_all_that_it_has() -> None:
    told = SmallWorld().description
    tables = (world().things, world().colours, world().sizes, world().places, world().relations)
    for table in (*tables, world().where, world().light, world().styles):
        for word in table:
            assert word in told, word


def test_a_file_is_a_profile_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD + "takes: 2\nsize: [64, 32]\n", encoding="utf-8")
    assert load(path).images_per_round == 2
    assert load(str(path)).size == (64, 32)


def test_an_unknown_profile_lists_the_known() -> None:
    with pytest.raises(BadInput, match="'poket'") as caught:
        load("poket")
    assert "fake, pocket" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + "buget: 3\n", "buget"),
        (GOOD + "takes: 0\n", "images_per_round"),
        (GOOD + "budget: -1\n", "budget"),
        (GOOD + "threshold: 1.5\n", "threshold"),
        (GOOD + "expansion: more\n", "expansion"),
        (GOOD.replace("critic: {name: fake}", "critic: {name: fake, colour: 1}"), "critic.colour"),
        ("writer: {name: fake}\n", "painter"),
        ("- a list\n", "the file"),
        ("{", "not YAML"),
        ("!!python/object/apply:os.system ['true']\n", "not YAML"),
    ],
)
def test_a_mistake_is_named(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(path)
    assert named in caught.value.message
    assert "\n" not in caught.value.message


def test_keys_of_version_0_1_are_read_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "older.yaml"
    path.write_text(GOOD + "takes: 2\nsure: 0.9\nsketches: 5\nrough: 0.3\n", encoding="utf-8")
    old = load(path)
    assert (old.images_per_round, old.stop_confidence, old.drafts, old.drop_at) == (2, 0.9, 5, 0.3)
    assert f"limner: profile {path}: takes is called images_per_round now" in caplog.messages
    assert len(caplog.messages) == 4 and load(path) == old


def test_every_limit_of_a_request_is_a_setting_or_says_how_it_is_shown() -> None:
    names = Limits.__annotations__.keys() - {"refine", "preview_every"}
    assert names < Settings.__dataclass_fields__.keys()
