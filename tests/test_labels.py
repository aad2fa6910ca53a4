"""Labels by eye: pictures that are kept with them, and how often the judge agrees."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from limner.benchmarks import judge_validation
from limner.benchmarks.judge import PromptSpec, dumped, loaded
from limner.benchmarks.judge_validation import PARTS, agreement, differences, labelled
from limner.errors import BadInput
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import Scene, Spot
from limner.pipelines.pocket.spec import Group, Spec

CAT = PromptSpec(Spec((Group("cat", 1, "red"),)))
ROW = {"number": 1, "part": "tuning", "right": [True, False, True], **dumped(CAT)}


@pytest.fixture
def picture() -> Image.Image:
    scene = replace(CAT.spec, light="day", style="flat")
    return Image.fromarray(draw(Scene(scene, (Spot("cat", "red", "large", 64, 64, 56),))))


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [({}, ""), ({"right": [True] * 9}, "9 labels"), ({"pixels": "0"}, "another picture")],
)
def test_labels_must_be_of_their_picture_and_answer_each_claim(
    spoilt: dict[str, object], why: str, picture: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / "painted.jsonl"
    row = {**ROW, "pixels": judge_validation.pixels_of(picture), **spoilt}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match="can't be read"):
        labelled(path)
    picture.save(path.with_suffix(".webp"), lossless=True)
    if why:
        with pytest.raises(BadInput, match=why):
            labelled(path)
    else:
        assert labelled(path)[0] == [row]


def test_agreement_says_who_is_alone(picture: Image.Image) -> None:
    verdicts = judge_validation.exact([picture], [CAT])
    found = agreement([ROW], verdicts)
    assert found["claims"] == {"both": 2, "judge": 1}
    assert found["colour"] == {"judge": 1} and found["pictures"] == {"judge": 1}
    assert differences([ROW], verdicts) == ["1: cat is red: true"]
    lines = judge_validation.summary_lines({"x": found})
    assert "66.7% of 3 (judge alone 1, eye alone 0)" in "\n".join(lines)


def test_the_labels_that_are_shipped_can_be_judged_again() -> None:
    rows, pictures = labelled()
    assert len(rows) == len(pictures) >= 150 and {row["part"] for row in rows} == set(PARTS)
    assert not any(row["id"].startswith("test/") for row in rows)
    told = judge_validation.kept_agreement()
    assert {part: sum(told[part]["pictures"].values()) for part in told} == {
        part: sum(row["part"] == part for row in rows) for part in PARTS
    }


@pytest.mark.slow
def test_the_agreement_that_is_kept_is_that_of_this_judge() -> None:
    rows, pictures = labelled()
    verdicts = judge_validation.exact(pictures, [loaded(row) for row in rows])
    for part in PARTS:
        here = [n for n, row in enumerate(rows) if row["part"] == part]
        found = agreement([rows[n] for n in here], [verdicts[n] for n in here])
        assert found == judge_validation.kept_agreement()[part]
