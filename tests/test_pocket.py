"""The models that ship, opened as a user would: they write, paint, look, and say what they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from limner.agent.events import BriefReady, CandidateReady, Finished, PaintingStep
from limner.agent.records import batch_of
from limner.agent.studio import Studio
from limner.configs import load
from limner.errors import ModelUnusable
from limner.pipelines import registry
from limner.pipelines.detector import Slots
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.report import found_answers
from limner.pipelines.pocket.scene import lay_out
from limner.pipelines.pocket.ship import WEIGHTS
from limner.pipelines.pocket.spec import Group, Link, Spec
from limner.pipelines.pocket.world import world

pytestmark = pytest.mark.slow


def test_all_weights_are_safetensors_under_64_mebibytes_and_listed() -> None:
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 64 * 2**20
    assert not [p for p in files if p.suffix in {".bin", ".pt", ".ckpt", ".pkl"}]
    listed = set(json.loads((WEIGHTS / "manifest.json").read_text())["files"])
    found = {path.relative_to(WEIGHTS).as_posix() for path in files}
    assert found - {"manifest.json"} == listed


@pytest.mark.parametrize(
    ("request_", "language"), [("a red cat on the grass", "en"), ("一只可爱的小猫正在玩耍", "zh")]
)
def test_the_writer_writes_a_brief_in_the_language_asked(
    pocket: Studio, request_: str, language: str
) -> None:
    *_, ready = pocket.expand(request_, seed=1)
    assert isinstance(ready, BriefReady) and not ready.fallback
    assert "cat" in {one.name for one in ready.brief.objects}
    assert {one.name for one in ready.brief.objects} <= set(world().things)
    assert any("一" <= c <= "鿿" for c in ready.brief.reply) == (language == "zh")
    assert all(claim.quote in request_ for claim in ready.claims if claim.source == "asked")


def test_the_same_seed_writes_the_same_brief(pocket: Studio) -> None:
    briefs = [list(pocket.expand("two dogs in the snow", seed=3))[-1] for _ in range(2)]
    assert briefs[0] == briefs[1]


def test_a_request_ends_in_the_best_of_its_takes(pocket: Studio) -> None:
    events = list(
        pocket.stream("a large sun", seed=2, budget=4, images_per_round=2, preview_every=5)
    )
    steps = [event for event in events if isinstance(event, PaintingStep)]
    takes = [event.candidate for event in events if isinstance(event, CandidateReady)]
    (finished,) = [event for event in events if isinstance(event, Finished)]
    best = finished.result.best
    assert best is not None and best.critique.verified
    assert best.critique.score == max(take.critique.score for take in takes)
    assert best.picture.size == (128, 128)
    assert any(step.previews for step in steps)
    assert finished.result.spent <= 4 + 1e-6
    assert len({take.image_request.seed for take in takes}) == len(takes)


def test_a_picture_can_be_painted_again_in_the_company_it_had(pocket: Studio) -> None:
    result = pocket.imagine("a blue car", seed=4, budget=4)
    assert result.best is not None
    seeds, gone = batch_of(result.best, result.candidates)
    assert len(seeds) == 7 and gone.count(0) == 2
    again = pocket.repaint(result.best.image_request, seeds, gone)
    assert again.tobytes() == result.best.picture.tobytes()


def test_the_painter_obeys_its_backdrop(pocket: Studio) -> None:
    painter = pocket.painter
    from limner.pipelines.pocket.report import paint

    green, night = paint(painter, ["a cat, plain green backdrop", "a cat, at night"], 4.0, 12)
    r, g, b = _mean(green)
    assert g > r and g > b
    assert sum(_mean(night)) < sum((r, g, b)) * 0.6


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    weights = tmp_path / "weights" / "critic" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelUnusable, match=r"model\.safetensors"):
        registry.open_critic(str(weights.parent), {})


def test_the_detector_opens_as_any_other_and_finds_what_is_drawn() -> None:
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, AutoTokenizer

    folder = WEIGHTS / "detector"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8 * 2**20
    groups = Group("cat", 1, "red", "small"), Group("house", 1, "", "large")
    spec = Spec(groups, (Link("cat", "left of", "house"),), "", "day", "flat")
    picture = Image.fromarray(draw(lay_out(spec, Random(1))))
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder, dtype=torch.float32)
    asked = ["a cat", "a house", "a rocket"]
    tokens = AutoTokenizer.from_pretrained(folder)(asked, padding=True, return_tensors="pt")
    pixels = torch.from_numpy(np.asarray(picture) / np.float32(127.5) - 1).permute(2, 0, 1)
    with torch.inference_mode():
        told = model(**tokens, pixel_values=pixels[None])
    best = told.logits[0].sigmoid().amax(0)
    assert best[0] > 0.5 and best[1] > 0.5 and best[2] < 0.5
    opened = registry.open_detector("pocket", {})
    (cat,), (house,) = (opened.locate(picture, name) for name in ("cat", "house"))
    assert cat.centre[0] < house.centre[0] and cat.side < house.side
    claims = [Slots("relation", "cat", "left of", "house"), Slots("colour", "cat", "red")]
    claims += [Slots("colour", "cat", "blue"), Slots("absent", "house"), Slots("style", "", "flat")]
    row = opened.judge([picture], claims)[0]
    assert [None if p is None else p >= 0.5 for p in row] == [True, True, False, False, None]


def test_the_detector_is_right_about_drawn_scenes() -> None:
    found = found_answers(registry.open_detector("pocket", {}), 30)
    assert found["area"] >= 0.97 and found["fooled"] <= 0.05 and found["right"] >= 0.9


def test_the_profile_names_steps_and_guidance() -> None:
    assert set(load("pocket").painter.settings) >= {"steps", "guidance"}


def _mean(picture: Image.Image) -> tuple[float, float, float]:
    small = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX)
    red, green, blue = small.getpixel((0, 0))  # type: ignore[misc]
    return float(red), float(green), float(blue)


@pytest.mark.parametrize(
    ("request_", "words"),
    [("两只戴帽子的狗在海边", "两只戴帽子"), ("三个穿红色雨衣的孩子在东京街头", "三个穿红色雨衣")],
)
def test_no_chinese_word_is_lost_in_silence(request_: str, words: str) -> None:
    *_, ready = Studio.open("pocket").expand(request_, seed=1)
    assert isinstance(ready, BriefReady) and words in ready.brief.unchecked
