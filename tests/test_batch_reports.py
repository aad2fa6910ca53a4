"""What a batch leaves behind: the manifest, its tables, and a report for build servers."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.agent.batch.reports import NAME, Manifest, harmless, tables, write_csv, write_junit
from limner.agent.batch.rows import BadRow, CheckedClaim, Outcome
from limner.errors import BadInput

CLAIMS = (
    CheckedClaim("the cat is red", "colour", 0.93, True),
    CheckedClaim("one cat", "count", 0.2, False),
)
DONE = Outcome(
    "cat", 1, 2, "a red cat", "done", "cat.png", "ab" * 32, 7, "a red cat on grass",
    {"where": "grass"}, CLAIMS[:1], "done", 2.5, 1.25,
    columns={"client": "A&B", "id": "cat", "status": "own"},
)  # fmt: skip
OWN = CheckedClaim("a hat", "other", 0.1, False, "invented")
VERDICT = {"reached": False, "said": "1 of 2", "unchecked": ["neon"], "not_shown": ["city"]}
SHORT = replace(
    DONE, id="dog", number=2, status="short", claims=(*CLAIMS, OWN), short=("one cat: 20 %",),
    verdict=VERDICT,
)  # fmt: skip
FAILED = Outcome("cow", 3, 4, "a cow", "failed", error="the painter broke", hint="try again")
ALL = (DONE, SHORT, FAILED)
EVIL = '=HYPERLINK("http://x")\x00\x1b[31m\u202e]]><script>&amp;\ufffe\ud800'


def test_the_manifest_is_a_line_for_each_row(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "out" / NAME)
    manifest.rewrite(ALL)
    assert tuple(Manifest.of(tmp_path / "out")) == ALL == tuple(Manifest.of(manifest.path))
    manifest.rewrite([FAILED])
    assert list(manifest) == [FAILED]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [NAME]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / NAME)
    manifest.rewrite([DONE, SHORT])
    manifest.path.write_bytes(manifest.path.read_bytes()[:-10])
    assert list(manifest) == [DONE]


def test_a_manifest_of_limner_0_1_opens(tmp_path: Path) -> None:
    line = json.dumps({"more": {"q": "1"}} | {"id": "a", "number": 1, "line": 1, "request": "x"})
    (tmp_path / NAME).write_text(line[:-1] + ', "status": "set aside", "holds": 0}\n')
    assert [outcome.columns for outcome in Manifest.of(tmp_path)] == [{"q": "1"}]


def test_what_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no manifest\.jsonl"):
        Manifest.of(tmp_path)
    (tmp_path / NAME).write_text(DONE.as_json() + "\n{}\n")
    with pytest.raises(BadInput, match="line 2: that is no outcome"):
        list(Manifest.of(tmp_path))


def test_a_rewrite_that_fails_changes_nothing(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / NAME)
    manifest.rewrite([DONE])

    def broken() -> object:
        yield FAILED
        raise OSError(28, "No space left on device")

    with pytest.raises(BadInput, match="the disk is full"):
        manifest.rewrite(broken())  # type: ignore[arg-type]
    assert list(manifest) == [DONE] and [path.name for path in tmp_path.iterdir()] == [NAME]


def test_the_table_for_people(tmp_path: Path) -> None:
    text = write_csv(ALL, tmp_path / "m.csv").read_text(encoding="utf-8-sig")
    first, second, third = csv.DictReader(io.StringIO(text))
    assert first["id"] == "cat" and first["input status"] == "own" and first["client"] == "A&B"
    assert second["claims"] == "✓ the cat is red (93%); ✗ one cat (20%); ✗ a hat (10%), added"
    assert (second["status"], second["all_hold"], second["holds"]) == ("short", "no", "1")
    assert (first["all_hold"], second["reached"]) == ("yes", "no")
    assert (second["unchecked"], second["not_shown"]) == ("neon", "city")
    assert (third["error"], third["seed"], third["client"]) == ("the painter broke", "", "")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1"]
)
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    assert harmless(text).startswith("'")
    outcome = replace(DONE, request=text, prompt=text, error=text, columns={text: text})
    content = write_csv([outcome], tmp_path / "m.csv").read_text(encoding="utf-8-sig")
    for row in csv.reader(io.StringIO(content, newline="")):
        assert not [cell for cell in row if cell.strip(" ")[:1] in set("=+-@\t\r\n＝")]


def test_a_cell_stays_one_cell_whatever_the_spreadsheet_takes_for_a_border(tmp_path: Path) -> None:
    """Where ; parts cells, an unquoted `a;=1+1` would become a formula."""
    content = write_csv([replace(DONE, request="a;=1+1")], tmp_path / "m.csv").read_text("utf-8")
    assert '"a;=1+1"' in content


def test_the_table_for_programs(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    evil = replace(SHORT, request=EVIL, columns={EVIL: EVIL}, brief={"x": EVIL})
    made = tables([*ALL, evil], tmp_path)
    assert [path.name for path in made] == ["manifest.csv", "manifest.parquet"]
    rows = parquet.read_table(made[1]).to_pylist()
    assert [row["id"] for row in rows] == ["cat", "dog", "cow", "dog"]
    assert rows[1]["claims"][1] == {
        "text": "one cat", "kind": "count", "probability": 0.2, "holds": False, "source": "asked"
    }  # fmt: skip
    assert json.loads(rows[1]["verdict"]) == VERDICT
    assert dict(rows[0]["columns"]) == DONE.columns and rows[2]["seed"] is None
    assert list(rows[0]) == list(DONE.as_mapping())
    assert parquet.read_table(tables([], tmp_path)[1]).num_rows == 0


def test_a_row_is_a_test(tmp_path: Path) -> None:
    bad = BadRow(9, "the request is empty", "line 9").outcome(4)
    path = write_junit([*ALL, bad], tmp_path / "junit.xml", "cats")
    (suite,) = ElementTree.parse(path).getroot()
    counts = {"name": "cats", "tests": "4", "failures": "1", "errors": "2", "skipped": "0"}
    assert suite.attrib == counts | {"time": "2.500"}
    assert [case.get("name") for case in suite] == ["cat", "dog", "cow", "line 9"]
    assert [[part.tag for part in case] for case in suite] == [
        ["system-out"],
        ["failure", "system-out"],
        ["error", "system-out"],
        ["error", "system-out"],
    ]
    failure, error = suite[1][0], suite[2][0]
    assert (failure.text, failure.get("message")) == ("one cat: 20 %", "one cat: 20 %")
    assert error.text == "the painter broke\ntry again"
    told = (suite[1][1].text or "").splitlines()
    assert told[-4:] == [
        "✗ one cat (20%)",
        "✗ a hat (10%), added",
        "not checked: neon",
        "can't be shown: city",
    ]


texts = st.text(max_size=40) | st.just(EVIL)


@given(texts, texts)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_hostile_text_stays_text(tmp_path: Path, one: str, two: str) -> None:
    claims = (CheckedClaim(one, two, 0.2, False),)
    outcome = Outcome(
        one, 1, 2, two, "short", prompt=one, claims=claims, error=two, columns={one: two}
    )
    verdict = {"said": one, "unchecked": [two], "not_shown": one, "reached": two}
    broken = replace(outcome, status="failed", short=(one,), verdict=verdict)
    both = [outcome, broken]
    manifest = Manifest(tmp_path / NAME)
    manifest.rewrite(both)
    assert list(manifest) == both
    root = ElementTree.parse(
        write_junit([*both, BadRow(1, one).outcome(3)], tmp_path / "j.xml", two)
    ).getroot()
    assert len(root[0]) == 3 and {part.tag for case in root[0] for part in case} <= {
        "failure",
        "error",
        "system-out",
    }
    assert all(path.stat().st_size for path in tables(both, tmp_path))
