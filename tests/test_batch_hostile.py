"""Rows of a batch: nothing that a cell or a file may hold breaks anything."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from batch_rows import LANGUAGES, rows
from batch_typed import InProcess, manifest, typed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.agent.archive.pictures import name_of
from limner.agent.batch.reading import read_rows
from limner.agent.batch.rows import BadRow, BatchRow, CheckedClaim, Outcome, checked_claims
from limner.agent.cli.main import main
from limner.agent.records import Claim, Critique
from limner.errors import BadInput

HOSTILE = [
    'say "hello, world" \\" \'',
    "one line\nand another\r\nand a third",
    '=HYPERLINK("http://x","y")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3",
    "一只可爱的小猫正在玩耍",
    "ein Häuschen im Schnee",
    "кошка слева от дома",
    "قطة على العشب",
    "חתול אדום",
    "बिल्ली और कुत्ता",
    "แมวสีแดง",
    "赤い猫と犬",
    "고양이 두 마리",
    "un chat à côté d'une maison",
    "👩‍👩‍👧‍👦 🐈‍⬛ on the grass",
    "a cat" + " and a dog" * 500,
    "a cat\0with a NUL",
    "\x1b]52;c;aGk=\x07a cat\x1b[2J",
    "{{7*7}} {0.__class__} ${jndi:x} <script>alert(1)</script>",
    "../../etc/passwd",
    "a" * 5_000,
]


@pytest.mark.parametrize(
    "id_",
    ["a/b", "a\\b", "..", ".hidden", "-rf", "con", "NUL.txt", "a:b", "a?", "x" * 101, "a\u202eb",
     "a.", "a\x00b", "～/x".replace("～", "~"), "猫" * 40],
)  # fmt: skip
def test_no_id_is_an_unsafe_name(tmp_path: Path, id_: str) -> None:
    (row,) = rows(tmp_path, json.dumps({"request": "a cat", "id": id_}), "in.jsonl")
    assert isinstance(row, BadRow) and row.why.startswith("the id")


anything = st.text(max_size=300) | st.sampled_from(LANGUAGES)
hostile = st.sampled_from(
    [
        "\x00",
        "=1+1",
        "@x",
        "\x1b[2J",
        '"',
        "''",
        "\u202e",
        "\r",
        "x" * 5_000,
        "{{7*7}}",
        "${x}",
        ",",
    ]
)
names = st.sampled_from(
    ["request", "id", "seed", "size", "budget", "locked", "min", "require", "", "q"]
)
cells = st.dictionaries(names, st.lists(anything | hostile, max_size=4).map("".join), max_size=6)


patient = settings(
    max_examples=60,
    deadline=None,  # the machine may be busy
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(st.lists(cells, max_size=6))
@patient
def test_nothing_in_a_cell_breaks_the_reading(tmp_path: Path, table: list[dict[str, str]]) -> None:
    """Every line of JSON is a row or a bad row; what is good is safe and comes back from JSON."""
    found = rows(tmp_path, "\n".join(json.dumps(row) for row in table), "in.jsonl")
    assert len(found) == len(table)
    for row in found:
        if isinstance(row, BadRow):
            assert row.why and row.why.isprintable()
            continue
        assert row.request.isprintable() or "\u3000" in row.request or len(row.request) > 0
        assert Path(row.id).name == row.id and not row.id.startswith(".")
        assert BatchRow.parse(row.as_json()) == row


@given(
    st.binary(max_size=600), st.sampled_from(["in.csv", "in.jsonl", "in.txt", "in", "in.parquet"])
)
@patient
def test_no_bytes_break_the_reading(tmp_path: Path, content: bytes, name: str) -> None:
    try:
        found = rows(tmp_path, content, name)
    except BadInput as problem:
        assert problem.message
        return
    assert all(isinstance(row, BatchRow | BadRow) for row in found)


@given(st.lists(st.tuples(anything | hostile, st.integers(0, 9)), min_size=1, max_size=8))
@patient
def test_what_a_csv_writer_wrote_is_what_is_read(
    tmp_path: Path, table: list[tuple[str, int]]
) -> None:
    said = [(text, seed) for text, seed in table if "\x00" not in text and text.isprintable()]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("request", "seed"), *said])
    found = rows(tmp_path, buffer.getvalue())
    assert len(found) == len(said)
    for (text, seed), row in zip(said, found, strict=True):
        if isinstance(row, BatchRow):
            assert (row.request, row.seed) == (" ".join(text.split()), seed)
        else:
            assert not text.strip() or len(text) > 4_000


def test_memory_stays_the_same_over_many_rows(tmp_path: Path) -> None:
    import tracemalloc

    def peak(count: int) -> int:
        path = tmp_path / "many.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("request,note\n")
            file.writelines(
                f"a red cat number {n} on the grass,{'x' * 500}\n" for n in range(count)
            )
        tracemalloc.start()
        assert sum(1 for _ in read_rows(path)) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(1_000), peak(5_000)
    assert (many - few) / 4_000 < 250  # bytes for each row: its id's digest, and no more


def test_records_come_back_from_json() -> None:
    claims = (Claim("the cat is red", "colour"), Claim("one cat", "count"))
    outcome = Outcome(
        "cat", 1, 2, "a cat", "short", "cat.png", "ab", 7, "a cat", {"where": "grass"},
        checked_claims(Critique(claims, (0.9, None))), "budget", 2.5, 1.25, 2,
        columns={"q": "\ud800"}, verdict={"unchecked": ["neon"], "not_shown": "city"},
    )  # fmt: skip
    assert outcome.claims == (
        CheckedClaim("the cat is red", "colour", 0.9, True),
        CheckedClaim("one cat", "count", None, None),
    )
    assert (outcome.holds, outcome.all_hold) == (1, False)
    assert (outcome.words("unchecked"), outcome.words("not_shown")) == (("neon",), ())
    older = {name: value for name, value in outcome.as_mapping().items() if name != "verdict"}
    assert Outcome.parse(json.dumps(older)) == replace(outcome, verdict={})
    assert Outcome.parse(outcome.as_json()) == outcome and outcome.as_json().isascii()
    for wrong in ("{", "3", '{"id": 7}', outcome.as_json().replace('"short"', '"fine"', 1)):
        with pytest.raises(BadInput, match="that is no outcome"):
            Outcome.parse(wrong)


def written(folder: Path, form: str) -> Path:
    path = folder / f"hostile.{form}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "csv":
            csv.writer(file).writerows([("request", "note"), *((wish, wish) for wish in HOSTILE)])
        else:
            lines = (json.dumps({"request": wish, "note": wish}) for wish in HOSTILE)
            file.writelines(f"{line}\n" for line in lines)
    return path


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_hostile_rows_go_through_the_command(
    tmp_path: Path,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("limner.agent.batch.runner.WorkerPool", InProcess)
    file, out, junit = written(tmp_path, form), tmp_path / "out", tmp_path / "junit.xml"
    assert main(typed(file, out, "--junit", str(junit))) == 1
    said = capsys.readouterr()
    assert not [raw for raw in ("\x1b]", "\x1b[2J", "\0") if raw in said.out + said.err]
    found = manifest(out)
    too_long = [len(wish) > 4_000 for wish in HOSTILE]
    assert [row["status"] == "bad" for row in found] == too_long
    for row in found:
        if row["picture"]:
            picture = (out / row["picture"]).resolve()
            assert picture.parent == (out / "pictures").resolve()
            assert name_of(picture.read_bytes()) == row["sha256"]
    with (out / "manifest.csv").open(encoding="utf-8-sig", newline="") as table:
        cells = [cell for line in csv.reader(table) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "alert(1)" in page and "<script>alert" not in page
    assert len(list(ElementTree.parse(junit).iter("testcase"))) == len(HOSTILE)
    assert main(typed(file, out, "--quiet")) == 1
    assert manifest(out) == found
