"""Labels by eye: sheets to look at, pictures that are kept, and how often the judge agrees."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from benching import bench
from PIL import Image

from limner.benchmarks import album, by_eye, labelling
from limner.benchmarks.asked import Asked, claims_of, dumped, loaded
from limner.errors import BadInput
from limner.pipelines.fakes import FakePainter
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import Scene, Spot
from limner.pipelines.pocket.spec import Group, Spec

CAT = Asked(Spec((Group("cat", 1, "red"),)))


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    labelling.paint_sheets(FakePainter(128), 7, tmp_path)
    return tmp_path


def write(sheets: Path, text: str) -> None:
    (sheets / labelling.WRITTEN).write_text(text, encoding="utf-8")


def claims(sheets: Path, number: int) -> int:
    lines = (sheets / labelling.ROWS).read_text("utf-8").splitlines()
    return len(claims_of(loaded(json.loads(lines[number - 1]))))


def test_sheets_are_painted_and_read_with_what_was_written(sheets: Path) -> None:
    assert len(list(sheets.glob("sheet-*.png"))) == 2
    text = (sheets / labelling.ROWS).read_text("utf-8")
    assert "wild" not in text and "test/" not in text
    assert labelling.read_labels(sheets, "ab") == []
    many = claims(sheets, 3)
    write(sheets, f"# eye\n03 {'0' * many}\n04\n")
    (row,) = labelling.read_labels(sheets, "ab")
    assert (row["number"], row["by"], row["right"]) == (3, "ab", [False] * many)


@pytest.mark.parametrize("line", ["01 1111111111", "77 1", "01 x"])
def test_labels_must_answer_every_claim(line: str, sheets: Path) -> None:
    write(sheets, line + "\n")
    with pytest.raises(BadInput, match="claims"):
        labelling.read_labels(sheets, "ab")


def test_labels_are_kept_with_their_pictures(
    sheets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kept" / "painted.jsonl"
    file.parent.mkdir()
    for number in (3, 5):
        write(sheets, f"{number:02d} {'1' * claims(sheets, number)}\n")
        words = [str(sheets), "--by", "ab", "--part", "tuning", "--out", str(file)]
        assert bench("labels", *words) == 0
    rows, pictures = album.opened(file)
    assert [(row["number"], row["part"]) for row in rows] == [(1, "tuning"), (2, "tuning")]
    assert [album.pixels_of(picture) for picture in pictures] == [row["pixels"] for row in rows]
    assert "agree" not in capsys.readouterr().out  # the judge is not asked while labels are added
    row = json.loads(file.read_text("utf-8").splitlines()[0])
    for spoilt, why in (({"right": [True] * 9}, "9 labels"), ({"pixels": "0"}, "another picture")):
        file.write_text(json.dumps(row | spoilt) + "\n", "utf-8")
        with pytest.raises(BadInput, match=why):
            album.opened(file)


def test_a_picture_that_was_changed_is_not_labelled(sheets: Path) -> None:
    write(sheets, f"03 {'1' * claims(sheets, 3)}\n")
    Image.new("RGB", (128, 128)).save(sheets / "pictures" / "03.png")
    with pytest.raises(BadInput, match="not the picture"):
        bench("labels", str(sheets))
    with pytest.raises(BadInput, match="no part"):
        bench("labels", str(sheets), "--part", "test")


def test_agreement_says_who_is_alone() -> None:
    scene = replace(CAT.spec, light="day", style="flat")
    spot = Spot("cat", "red", "large", 64, 64, 56)
    picture = Image.fromarray(draw(Scene(scene, (spot,))))
    row = {"number": 1, "part": "tuning", "right": [True, False, True], **dumped(CAT)}
    found = by_eye.agreement([row], [picture])
    assert found["claims"] == {"both": 2, "judge": 1}
    assert found["colour"] == {"judge": 1} and found["pictures"] == {"judge": 1}
    assert by_eye.apart([row], [picture]) == ["1: cat is red: true"]
    assert "66.7% of 3 (judge alone 1, eye alone 0)" in "\n".join(by_eye.lines({"x": found}))


def test_the_labels_that_are_shipped_can_be_judged_again() -> None:
    rows, _pictures = album.opened()
    assert len(rows) >= 150 and {row["part"] for row in rows} == set(by_eye.PARTS)
    assert not any(row["id"].startswith("test/") for row in rows)
    told = by_eye.kept()
    assert {part: sum(told[part]["pictures"].values()) for part in told} == {
        part: sum(row["part"] == part for row in rows) for part in by_eye.PARTS
    }


@pytest.mark.slow
def test_the_agreement_that_is_kept_is_that_of_this_judge() -> None:
    rows, pictures = album.opened()
    for part in by_eye.PARTS:
        chosen = by_eye.of_part(rows, pictures, part)
        assert by_eye.agreement(*chosen) == by_eye.kept()[part]
