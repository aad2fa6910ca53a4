"""A picture is kept whole or not at all, never over another one, and can be painted again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from limner.agent import reproduce
from limner.agent.archive import pictures
from limner.agent.archive.recipe import Recipe
from limner.agent.records import Result
from limner.agent.studio import Studio
from limner.errors import BadInput, ModelFailed
from limner.pipelines import stamp

REQUEST = "a red cat on the grass, two dogs"


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio.open("fake")


@pytest.fixture(scope="module")
def result(studio: Studio) -> Result:
    return studio.imagine(REQUEST, seed=3)


def saved(result: Result, studio: Studio, out: Path, request: str = REQUEST) -> Path:
    return pictures.save(result, request, studio, out, seed=3, profile="fake")


def test_the_recipe_tells_everything(result: Result, studio: Studio, tmp_path: Path) -> None:
    recipe = pictures.read_recipe(saved(result, studio, tmp_path))
    best = result.best
    assert best is not None
    assert (recipe.request, recipe.seed, recipe.profile) == (REQUEST, 3, "fake")
    assert (recipe.brief, recipe.image_request, recipe.critique) == (
        best.brief,
        best.image_request,
        best.critique,
    )
    assert len(recipe.candidates) == len(result.candidates)
    assert recipe.rounds[0].prompt == result.candidates[0].image_request.prompt
    assert recipe.models == studio.names
    assert set(recipe.software) == {"limner", "torch", "diffusers", "transformers"}


def test_painted_again_it_is_identical(result: Result, studio: Studio, tmp_path: Path) -> None:
    path = saved(result, studio, tmp_path)
    picture, identical = reproduce.again(path)
    assert identical and pictures.difference(picture, Image.open(path)) == 0


def test_one_other_pixel_is_not_identical(result: Result, studio: Studio, tmp_path: Path) -> None:
    best = result.best
    assert best is not None
    other = best.picture.copy()
    other.putpixel((5, 5), (1, 2, 3))
    changed = replace(result, best=replace(best, picture=other))
    _, identical = reproduce.again(saved(changed, studio, tmp_path), studio)
    assert not identical


def test_names_read_like_the_request_and_are_never_taken_twice(
    result: Result, studio: Studio, tmp_path: Path
) -> None:
    paths = [saved(result, studio, tmp_path, "A cat/on: grass!") for _ in range(3)]
    assert [p.name for p in paths] == [f"a-cat-on-grass{n}.png" for n in ("", "-2", "-3")]
    assert saved(result, studio, tmp_path, "一只猫").name == "一只猫.png"
    assert saved(result, studio, tmp_path, "../..//etc").name == "etc.png"
    assert saved(result, studio, tmp_path, "nul").name == "nul-picture.png"
    assert saved(result, studio, tmp_path, "🐱").name == "picture.png"
    assert len(saved(result, studio, tmp_path, "猫" * 300).name.encode()) < 200
    assert {p.parent for p in tmp_path.rglob("*")} == {tmp_path}


def test_a_file_that_was_there_stays(result: Result, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_text("mine")
    path = saved(result, studio, tmp_path / "cat.png")
    assert path.name == "cat-2.png"
    assert (tmp_path / "cat.png").read_text() == "mine"


def test_folders_are_made(result: Result, studio: Studio, tmp_path: Path) -> None:
    assert saved(result, studio, tmp_path / "a" / "b").is_file()


def test_the_home_folder_is_not_told(result: Result, studio: Studio, tmp_path: Path) -> None:
    home = str(Path.home())
    told = replace(result, notes=(f"no weights in {home}/models",))
    path = saved(told, studio, tmp_path)
    assert pictures.read_recipe(path).notes == ("no weights in ~/models",)


def test_a_path_to_a_profile_is_not_told(result: Result, studio: Studio, tmp_path: Path) -> None:
    path = pictures.save(result, REQUEST, studio, tmp_path, seed=3, profile="/home/me/" + "x" * 200)
    assert pictures.read_recipe(path).profile == ""


def test_a_long_history_is_kept_in_short(result: Result, studio: Studio, tmp_path: Path) -> None:
    first = result.candidates[0]
    wordy = replace(first.image_request, prompt="word " * 700)
    many = tuple(replace(first, number=n, round=n // 4, image_request=wordy) for n in range(5_000))
    path = saved(replace(result, candidates=many), studio, tmp_path)
    recipe = pictures.read_recipe(path)
    assert recipe.candidates[-1].number == 4_999 and recipe.rounds[-1].number == 1_249
    assert path.stat().st_size < 100_000


def test_nothing_painted_is_nothing_saved(studio: Studio, tmp_path: Path) -> None:
    nothing = Result(None, (), "failed", 0.0, 0.0, ("it broke",))
    with pytest.raises(ModelFailed, match="nothing"):
        saved(nothing, studio, tmp_path)
    assert not list(tmp_path.iterdir())


FULL = """
import resource, sys
from pathlib import Path
from limner.agent.archive import pictures
from limner.errors import BadInput
content = Path(sys.argv[1]).read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) - 1, resource.RLIM_INFINITY))
try:
    pictures.write_new(Path(sys.argv[2]) / "a.png", content)
except BadInput as error:
    print(error.message, "/", error.hint)
"""


def test_a_full_disk_leaves_nothing(result: Result, studio: Studio, tmp_path: Path) -> None:
    path, room = saved(result, studio, tmp_path / "from"), tmp_path / "room"
    room.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FULL, path, room], capture_output=True, text=True, check=True
    )
    assert "the disk is full" in done.stdout and "--out" in done.stdout
    assert not list(room.iterdir())


def test_a_folder_that_is_a_file_is_refused(result: Result, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="can't save"):
        saved(result, studio, tmp_path / "nul\0")
    for out in (tmp_path / "file", tmp_path / "file" / "deep"):
        with pytest.raises(BadInput, match="can't save"):
            pictures.probe(out)
        with pytest.raises(BadInput, match="can't save"):
            saved(result, studio, out)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="can't save"):
        pictures.probe(tmp_path / "new")


def test_probing_leaves_nothing(tmp_path: Path) -> None:
    pictures.probe(tmp_path / "a" / "b.png")
    assert not list(tmp_path.iterdir())


def stamped(recipe: str, path: Path) -> Path:
    picture = Image.new("RGB", (8, 8))
    path.write_bytes(stamp.stamp(picture, recipe=recipe, settings="", tool="limner"))
    return path


@pytest.fixture
def good(result: Result, studio: Studio, tmp_path: Path) -> dict[str, object]:
    recipe = pictures.read_recipe(saved(result, studio, tmp_path / "good"))
    found: dict[str, object] = json.loads(recipe.model_dump_json())
    return found


LIES: list[dict[str, object]] = [
    {"schema_version": 4},
    {"request": 7},
    {"seed": -1},
    {"seed": "7"},
    {"unheard": "of"},
    {"models": {"writer": "a", "painter": "b", "critic": "c", "spy": "d"}},
    {
        "image_request": {
            "prompt": "x",
            "seed": 1,
            "width": 10**9,
            "height": 8,
            "steps": 1,
            "guidance": 1.0,
        }
    },
    {
        "image_request": {
            "prompt": "x",
            "seed": 1,
            "width": 8,
            "height": 8,
            "steps": 10**9,
            "guidance": 1.0,
        }
    },
    {"critique": {"claims": [], "probabilities": [0.5]}},
    {"spent": float("nan")},
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: next(iter(lie)))
def test_a_recipe_that_lies_is_refused(
    lie: dict[str, object], good: dict[str, object], tmp_path: Path
) -> None:
    assert Recipe.parse(json.dumps(good), tmp_path).request == REQUEST
    with pytest.raises(BadInput, match="can't read"):
        pictures.read_recipe(stamped(json.dumps(good | lie), tmp_path / "a.png"))


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", "[" * 100_000, '{"request": "\\ud800"}'])
def test_what_is_no_recipe_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't read"):
        pictures.read_recipe(stamped(text, tmp_path / "a.png"))


def test_a_stranger_does_not_choose_the_models(good: dict[str, object], tmp_path: Path) -> None:
    for profile in ("", "/etc/evil.yaml", "https://evil.example/x.yaml"):
        path = stamped(json.dumps(good | {"profile": profile}), tmp_path / "a.png")
        with pytest.raises(BadInput, match="profile"):
            reproduce.again(path)


def test_a_diffusers_picture_is_painted_again(tiny: Path, tmp_path: Path) -> None:
    studio = Studio.open("fake", painter=str(tiny / "painter"))
    result = studio.imagine(REQUEST, seed=3, budget=4)
    path = saved(result, studio, tmp_path)
    recipe = pictures.read_recipe(path)
    assert recipe.models["painter"].startswith("painter") and recipe.threads > 0
    assert str(tiny) not in stamp.read(path).recipe
    picture, _ = reproduce.again(path, studio)
    # A batch of one rounds otherwise than a batch of four, by one step of 255 at most.
    assert pictures.difference(picture, stamp.read(path).picture) <= 1
