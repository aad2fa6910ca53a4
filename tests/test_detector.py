"""What finds things in pictures: real classes at tiny size, and what is made of their finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from PIL import Image
from tiny_detectors import KINDS, detector

from limner.errors import BadInput, ModelUnusable
from limner.pipelines.detector import Detection, Detector, Slots, judged, phrases, with_article
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.registry import open_detector
from limner.pipelines.roles import World


def said(kind: str, subject: str = "cat", *slots: str, **more: str) -> Slots:
    """A claim about cats, unless it says something else."""
    return Slots(kind, subject, *slots, **more)


@pytest.fixture(scope="module", params=list(KINDS))
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = detector(request.param, tmp_path_factory.mktemp("detectors") / request.param)
    return open_detector(folder, {"device": "cpu", "threshold": 0.5})


def pictures() -> list[Image.Image]:
    gradient = Image.linear_gradient("L").resize((48, 80))
    return [gradient.convert("RGB"), gradient.rotate(180), Image.new("RGBA", (64, 64), "red")]


def test_each_kind_of_model_finds_boxes_in_the_picture(opened: Detector) -> None:
    rows = opened.detect(pictures(), ["cat", "red cat", "dog", "cat"])
    assert [list(row) for row in rows] == [["cat", "red cat", "dog"]] * 3
    found = [one for row in rows for finds in row.values() for one in finds]
    assert found
    for one in found:
        left, top, right, bottom = one.box
        assert 0 <= left <= right <= 1 and 0 <= top <= bottom <= 1
        assert 0 < one.score <= 1
    for row in rows:
        for finds in row.values():
            assert finds == sorted(finds, key=lambda one: -one.score)
    assert rows[0] != rows[2]


def test_company_and_repetition_change_nothing(opened: Detector) -> None:
    together = opened.detect(pictures(), ["cat", "dog"])
    alone = [opened.detect([picture], ["cat", "dog"])[0] for picture in pictures()]
    for one, other in zip(together, alone, strict=True):
        for name in ("cat", "dog"):
            assert [f.score for f in one[name]] == pytest.approx(
                [f.score for f in other[name]], abs=1e-4
            )
    assert opened.detect(pictures(), ["cat", "dog"]) == together


def test_texts_are_read_once_and_few_are_kept(opened: Detector) -> None:
    model: Any = opened
    opened.detect(pictures(), ["cat", "dog"])
    kept = model._texts["cat", "dog"]
    opened.detect(pictures(), ["cat", "dog", "dog"])
    assert model._texts["cat", "dog"] is kept
    for number in range(70):
        model._remembered((f"cat {number}",), lambda names: names)
    assert len(model._texts) == 64 and ("cat", "dog") not in model._texts


def test_every_claim_is_judged_or_left_to_others(opened: Detector) -> None:
    claims = [
        said("object"),
        said("count", value="2"),
        said("colour", value="red"),
        said("relation", value="left of", object="dog"),
        said("style", "", "oil painting"),
        said("action", value="running"),
    ]
    rows = opened.judge(pictures(), claims)
    assert [[p is None for p in row] for row in rows] == [[False] * 4 + [True] * 2] * 3
    assert all(p is None or 0 <= p <= 1 for row in rows for p in row)
    assert opened.judge([], claims) == []
    assert opened.judge(pictures(), claims[4:]) == [[None, None]] * 3


def test_a_place_is_one_that_is_rather_there(opened: Detector) -> None:
    for one in opened.locate(pictures()[0], "cat"):
        assert one.name == "cat" and one.score >= 0.5


def test_many_names_are_asked_in_several_texts(tmp_path: Path) -> None:
    opened = open_detector(detector("grounding-dino", tmp_path / "dino"), {"device": "cpu"})
    model: Any = opened
    names = ("red cat", "blue cat", "red dog", "blue dog", "cat", "dog", "the cat", "the dog")
    texts = model._spelled(names)
    assert len(texts) > 1 and sum(len(spans) for _, spans in texts) == len(names)
    assert all(len(ids) <= 16 for ids, _ in texts)
    read = model._tokenizer
    told = [read.decode(ids[a:b]) for ids, spans in texts for a, b in spans]
    assert told == list(names)
    assert set(opened.detect(pictures(), names)[0]) == set(names)


def test_pictures_that_are_made_square_give_boxes_of_their_own_shape(tmp_path: Path) -> None:
    opened: Any = open_detector(detector("owlv2", tmp_path / "owl"), {"device": "cpu"})
    with torch.inference_mode():
        square, wide, tall = (
            opened._looked([Image.new("RGB", size)], ("cat",))[0][1]
            for size in ((96, 96), (96, 48), (48, 96))
        )
    assert torch.allclose(wide[:, 0], square[:, 0], atol=1e-5)
    assert torch.allclose(wide[:, 1], (2 * square[:, 1]).clamp(0, 1), atol=1e-5)
    assert torch.allclose(tall[:, 0], (2 * square[:, 0]).clamp(0, 1), atol=1e-5)


@pytest.mark.parametrize("kind", ["owlvit", "owlv2"])
def test_the_finds_are_those_of_the_models_own_forward_pass(tmp_path: Path, kind: str) -> None:
    from transformers import AutoModelForZeroShotObjectDetection, AutoTokenizer

    folder = detector(kind, tmp_path / kind)
    opened: Any = open_detector(folder, {"device": "cpu"})
    picture = Image.linear_gradient("L").resize((32, 32)).convert("RGB")
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    texts = ["a photo of a cat", "a photo of a red dog"]
    read = AutoTokenizer.from_pretrained(folder)
    tokens = read(texts, padding="max_length", max_length=16, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        pixels = opened._pixels([picture])
        told = model(**tokens, pixel_values=pixels)
        scores, corners = opened._looked([picture], ("cat", "red dog"))[0]
    assert torch.allclose(scores, told.logits[0].sigmoid(), atol=1e-5)
    middle, half = told.pred_boxes[0, :, :2], told.pred_boxes[0, :, 2:] / 2
    assert torch.allclose(corners[:, :2], (middle - half).clamp(0, 1), atol=1e-5)
    assert torch.allclose(corners[:, 2:], (middle + half).clamp(0, 1), atol=1e-5)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_is_a_share(tmp_path: Path, threshold: float) -> None:
    folder = detector("owlvit", tmp_path / "owl")
    with pytest.raises(BadInput, match="threshold"):
        open_detector(folder, {"threshold": threshold})
    with pytest.raises(BadInput, match="settings"):
        open_detector(folder, {"colour": "red"})


def test_a_model_of_another_kind_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="no detector that limner knows: clip"):
        open_detector(tiny / "clip", {})
    folder = detector("owlvit", tmp_path / "owl")
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | {"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(ModelUnusable, match="code of its own"):
        open_detector(folder, {})
    with pytest.raises(ModelUnusable, match="There is no detector"):
        open_detector("fake", {})


def thing(name: str, x: float, y: float, score: float = 0.99, side: float = 0.3) -> Detection:
    half = side / 2
    return Detection(name, (x - half, y - half, x + half, y + half), score)


CAT, DOG = thing("cat", 0.2, 0.5), thing("dog", 0.8, 0.55)
RED = {"cat": [CAT], "red cat": [thing("red cat", 0.21, 0.5, 0.95)]}
TWO = {"cat": [CAT, thing("cat", 0.7, 0.5)], "red cat": [thing("red cat", 0.2, 0.5)]}
RIVALS = {"cat": [CAT], "red cat": [thing("red cat", 0.2, 0.5, 0.5)]}
RIVALS |= {"blue cat": [thing("blue cat", 0.2, 0.5, 0.95)]}
APART = {"cat": [CAT], "dog": [DOG]}
UNSURE = {"cat": [CAT, thing("cat", 0.7, 0.5, 0.5)]}
TRUE, FALSE = (0.85, 1.0), (0.0, 0.15)


@pytest.mark.parametrize(
    ("claim", "found", "between"),
    [
        (said("object"), {"cat": [CAT]}, TRUE),
        (said("object"), {"cat": []}, FALSE),
        (said("object", value="several"), {"cat": [CAT]}, FALSE),
        (said("object", value="several"), TWO, TRUE),
        (said("object", value="many"), TWO, FALSE),
        (said("absent"), {"cat": []}, TRUE),
        (said("absent"), {"cat": [CAT]}, FALSE),
        (said("count", value="1"), {"cat": [CAT]}, TRUE),
        (said("count", value="2"), TWO, TRUE),
        (said("count", value="1"), TWO, FALSE),
        (said("count", value="0"), {"cat": []}, TRUE),
        (said("count", value="7"), TWO, FALSE),
        (said("count", value="2"), UNSURE, (0.45, 0.55)),
        (said("colour", value="red"), RED, TRUE),
        (said("attribute", value="red"), RED, TRUE),
        (said("colour", value="not red"), RED, FALSE),
        (said("colour", value="red"), {"cat": [CAT], "red cat": []}, FALSE),
        (said("colour", value="not red"), {"cat": [CAT], "red cat": []}, TRUE),
        (said("colour", value="red"), {"cat": [], "red cat": []}, FALSE),
        (said("colour", value="red"), TWO, FALSE),
        (said("colour", value="red", text="One cat is red."), TWO, TRUE),
        (said("colour", value="red", text="Two cats are red."), TWO, FALSE),
        (said("colour", value="red"), RIVALS, FALSE),
        (said("colour", value="blue"), RIVALS, TRUE),
        (said("size", value="small"), {"cat": [CAT]}, TRUE),
        (said("size", value="large"), {"cat": [CAT]}, FALSE),
        (said("size", value="large"), {"cat": [thing("cat", 0.5, 0.5, side=0.45)]}, TRUE),
        (said("place", value="left"), {"cat": [CAT]}, TRUE),
        (said("place", value="not left"), {"cat": [CAT]}, FALSE),
        (said("place", value="right"), {"cat": [CAT]}, FALSE),
        (said("place", value="centre"), {"cat": [CAT]}, FALSE),
        (said("place", value="centre"), {"cat": [thing("cat", 0.5, 0.9)]}, TRUE),
        (said("place", value="bottom"), {"cat": [thing("cat", 0.5, 0.8)]}, TRUE),
        (said("place", value="top"), {"cat": [thing("cat", 0.5, 0.2)]}, TRUE),
        (said("place", value="left"), TWO, FALSE),
        (said("place", value="left"), {"cat": []}, FALSE),
        (said("relation", value="left of", object="dog"), APART, TRUE),
        (said("relation", value="right of", object="dog"), APART, FALSE),
        (said("relation", value="above", object="dog"), APART, FALSE),
        (said("relation", value="beside", object="dog"), APART, TRUE),
        (said("relation", value="left of", object="dog"), {"cat": [CAT], "dog": []}, FALSE),
        (
            said("relation", value="below", object="dog"),
            {"cat": [thing("cat", 0.5, 0.8)], "dog": [thing("dog", 0.5, 0.2)]},
            TRUE,
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Slots) else "",
)
def test_what_is_made_of_finds(
    claim: Slots, found: dict[str, list[Detection]], between: tuple[float, float]
) -> None:
    chance = judged(claim, found)
    assert chance is not None and between[0] <= chance <= between[1]
    assert set(phrases(claim)) <= set(found)


@pytest.mark.parametrize(
    "claim",
    [
        *(said(kind) for kind in ("scene", "style", "light", "text", "action", "other")),
        said("attribute", value="wooden"),
        said("colour", value="natural"),
        said("count", value="a dozen"),
        said("relation", value="on", object="dog"),
        said("relation", value="left of", object="cat"),
        said("place", value="in the corner"),
        said("size", value="middling"),
        said("absent", value="red"),
        said("object", subject=""),
    ],
    ids=lambda claim: f"{claim.kind} {claim.value}",
)
def test_what_boxes_cannot_tell_is_left_to_others(claim: Slots) -> None:
    assert judged(claim, {"cat": [CAT], "dog": [DOG]}) is None


def test_a_number_sums_to_one_over_all_counts() -> None:
    chances = [judged(said("count", value=str(n)), UNSURE) or 0.0 for n in range(4)]
    assert sum(chances) == pytest.approx(1)


def test_rival_colours_are_looked_for_too() -> None:
    assert phrases(said("colour", value="red")) == ["cat", "red cat"]
    assert phrases(said("colour", value="red"), ("red", "blue")) == ["cat", "red cat", "blue cat"]
    assert phrases(said("relation", value="left of", object="dog")) == ["cat", "dog"]
    assert phrases(said("style", "", "oil painting")) == []


def test_articles() -> None:
    names = ("cat", "orange cat", "umbrella", "unicorn", "apple")
    assert [with_article(name)[:2].strip() for name in names] == ["a", "an", "an", "a", "an"]


def test_a_small_world_names_its_things_and_leaves_the_rest_to_others(tmp_path: Path) -> None:
    opened = open_detector(
        detector("owlvit", tmp_path / "owl"), {"device": "cpu", "words": "{}", "rivals": False}
    )
    opened.world = cast("World", SmallWorld())
    asked: list[str] = []
    detect = opened.detect

    def listen(pictures: Any, names: Any) -> Any:
        asked.extend(names)
        return detect(pictures, names)

    opened.detect = listen  # type: ignore[method-assign]
    claims = [
        said("object", "cat"),
        said("object", "horse"),
        said("colour", "dog", "red"),
        said("absent", "grass"),
        said("relation", "cat", "left of", "horse"),
    ]
    (row,) = opened.judge(pictures()[:1], claims)
    assert [p is None for p in row] == [False, True, False, True, True]
    assert asked == ["cat", "dog", "red dog"]
