"""The command `limner batch`: what is typed, what is told, and what is left when it is ended."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from batch_typed import WISHES, InProcess, manifest, typed
from PIL import Image
from rich.console import Console

from limner.agent.batch.rows import Outcome
from limner.agent.cli.batch import ProgressLines
from limner.agent.cli.main import main


@pytest.fixture
def wishes(tmp_path: Path) -> Path:
    file = tmp_path / "wishes.txt"
    file.write_text("\n".join(WISHES) + "\n", encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.agent.batch.runner.WorkerPool", InProcess)


def test_a_file_becomes_a_folder(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out, "--junit", str(tmp_path / "junit.xml"))) == 0
    said = capsys.readouterr().out
    assert "5 of 5 rows done" in said
    assert [row["request"] for row in manifest(out)] == WISHES
    assert all((out / row["picture"]).is_file() for row in manifest(out))
    with (out / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 6
    assert (out / "index.html").is_file()
    assert "testsuite" in (tmp_path / "junit.xml").read_text()


def test_the_same_again_has_nothing_to_do(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out)) == 0
    capsys.readouterr()
    assert main(typed(wishes, out, "--json-events")) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["began", "ended"]


def test_events_are_printed_one_a_line(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(typed(wishes, tmp_path / "out", "--json-events"))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (events[0]["event"], events[-1]["event"]) == ("began", "ended")
    names = {event["event"] for event in events}
    assert {"rows-began", "brief", "step", "take", "decided", "row-ended"} <= names
    assert events[-1]["exit_code"] == 0


def test_quiet_prints_the_manifests_path(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(typed(wishes, tmp_path / "out", "--quiet"))
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'manifest.jsonl'}\n"


def test_a_pipe_is_read(wishes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(wishes.read_bytes())))
    assert main(typed("-", tmp_path / "out", "--expand-only")) == 0
    assert [row["request"] for row in manifest(tmp_path / "out")] == WISHES
    assert not list((tmp_path / "out").rglob("*.png"))


def test_what_falls_short_gives_1_and_can_be_judged_anew(wishes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out, "--min", "1", "--quiet")) == 1
    assert {row["status"] for row in manifest(out)} == {"short"}
    assert main(typed(wishes, out, "--quiet")) == 0
    assert {row["status"] for row in manifest(out)} == {"done"}


def test_what_nobody_looked_at_is_not_reached(tmp_path: Path) -> None:
    """The writer notes the cat alone: all claims hold, and still not all that was asked does."""
    reply = '{"asked":[{"quote":"red cat","text":"There is a red cat."}],"prompt":"a red cat"}'
    profile, file = tmp_path / "p.yaml", tmp_path / "wishes.txt"
    profile.write_text(
        f"writer: {{name: fake, settings: {{replies: ['{reply}']}}}}\npainter: {{name: fake}}\n"
        "critic: {name: fake, settings: {scores: [[0.9]]}}\nimages_per_round: 1\nbudget: 1\n"
    )
    file.write_text("a red cat, neon\n")
    out, mine = tmp_path / "out", ("--profile", str(profile), "--quiet")
    assert main(typed(file, out, *mine, "--require", "all claims")) == 0
    [row] = manifest(out)
    assert row["all_hold"] and not row["verdict"]["reached"]
    assert row["verdict"]["unchecked"] == row["brief"]["unchecked"] == ["neon"]
    junit = tmp_path / "junit.xml"
    again = (*mine, "--require", "reached", "--junit", str(junit))
    assert main(typed(file, out, *again)) == 1  # judged anew: nothing is painted
    assert manifest(out)[0]["short"] == ["neon: not checked"]
    assert manifest(out)[0]["sha256"] == row["sha256"]
    assert 'message="neon: not checked"' in junit.read_text()
    page = (out / "index.html").read_text()
    assert "Required: neon: not checked" in page and "1 of 1 claims hold" in page


def test_a_pasted_seed_is_a_rows_own(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"request": "a cat\nSteps: 4, Seed: 77"}, {"request": "a cat --seed 5", "seed": 9}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(typed(file, tmp_path / "out", "--expand-only", "--quiet")) == 0
    assert [row["seed"] for row in manifest(tmp_path / "out")] == [77, 9]


def test_bad_rows_are_named_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out"
    file.write_text("request,seed\na red cat,1\na dog,one\n")
    assert main(typed(file, out, "--strict")) == 2
    assert "line 3" in capsys.readouterr().err
    assert main(typed(file, out, "--quiet")) == 1
    assert [row["status"] for row in manifest(out)] == ["done", "bad"]


def test_a_sweep_makes_several_rows_of_one(wishes: Path, tmp_path: Path) -> None:
    assert main(typed(wishes, tmp_path / "out", "--matrix", "seed=1..2", "--quiet")) == 0
    assert [row["seed"] for row in manifest(tmp_path / "out")] == [1, 2] * 5


def test_a_dry_run_tells_and_keeps_nothing(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed(wishes, tmp_path / "out", "--dry-run", "--json-events")) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["pictures"], told["equivalents"]) == (5, 40, 40.0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--require", "beauty"], "beauty"),
        (["--profile", "nobody"], "nobody"),
        (["--seed", "-1"], "seed"),
        (["--matrix", "hue=1"], "hue"),
        (["--size", "big"], "big"),
    ],
)
def test_what_is_mistyped_gives_2(
    wishes: Path, tmp_path: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed(wishes, tmp_path / "out", *more)) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_not_there_gives_2(tmp_path: Path) -> None:
    assert main(typed(tmp_path / "nothing.csv", tmp_path / "out")) == 2


def test_models_that_cannot_be_opened_give_2(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text("writer: {name: fake}\npainter: {name: nowhere}\ncritic: {name: fake}\n")
    assert main(typed(wishes, tmp_path / "out", "--profile", str(profile))) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_changed_file_is_welcome(
    wishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(typed(wishes, out, "--quiet")) == 0
    before = {row["id"]: row for row in manifest(out)}
    wishes.write_text("\n".join(["a wolf", *WISHES[1:], "a cow"]) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert main(typed(wishes, out)) == 0
    assert "6 rows: 2 new, 1 removed" in capsys.readouterr().err
    after = manifest(out)
    assert [row["request"] for row in after] == ["a wolf", *WISHES[1:], "a cow"]
    assert all(before[row["id"]] == row for row in after[1:5])
    assert after[0]["columns"] == {"request": "a wolf"}


def test_a_log_has_a_line_for_each_row_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("id,request,seed,style\na,a cat,1,\nb,a dog,one,\nc,a cow,1,nostyle\n")
    assert main(typed(file, tmp_path / "out")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("b (line 3): bad: 'one' is no seed — it must be a whole number")
    assert lines[1].startswith("c: failed: There is no style 'nostyle'")
    row = manifest(tmp_path / "out")[1]
    assert (row["id"], row["request"], row["status"]) == ("b", "a dog", "bad")


def test_a_log_has_a_line_a_minute() -> None:
    now, text = [0.0], io.StringIO()
    lines = ProgressLines(Console(file=text, width=100), lambda: now[0])
    lines.show({"event": "began", "rows": 9, "waiting": 9, "bad": 0, "new": 9, **NOTHING})
    for number in range(4):
        now[0] += 30
        outcome = Outcome(f"r{number}", number, number, "x", "done").as_mapping()
        lines.show({"event": "row-ended", **outcome})
    assert text.getvalue().splitlines() == [
        "2 of 9 rows, 2.0 a minute, 3 min 30 s left",
        "4 of 9 rows, 2.0 a minute, 2 min 30 s left",
    ]


NOTHING = {"changed": 0, "removed": 0, "lost": 0}


def test_a_dry_run_names_every_row_that_can_not_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(
        "id,request,size,style,negatve\n"
        "a,a cat,64x64,flat,x\nb,a dog,big,,\nc,a cow,,nostyle,\nd,a fox,500x500,,\n"
    )
    assert main(typed(file, tmp_path / "out", "--dry-run")) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("line 3 (b): 'big' is no size")
    assert lines[1].startswith("line 4 (c): there is no style 'nostyle'")
    assert sorted(lines[2:4]) == [
        "note: pictures of 500x500 are painted at 64x64 and scaled",
        "note: the column 'negatve' is not used; did you mean 'negative'?",
    ]
    assert lines[4].startswith("4 rows (2 can't be used): at most 16 pictures")
    assert not (tmp_path / "out").exists()


def test_a_size_far_from_the_painters_own_is_scaled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out"
    file.write_text("id,request,size\na,a cat,300x150\nb,a dog,64x64\nc,a fox,100x70\n")
    assert main(typed(file, out)) == 0
    sizes = {row["id"]: Image.open(out / row["picture"]).size for row in manifest(out)}
    assert sizes == {"a": (300, 150), "b": (64, 64), "c": (100, 70)}
    note = "painted at 88x48, near the painter's own size, and scaled to 300x150"
    assert f"a: {note}" in capsys.readouterr().err
    assert manifest(out)[0]["notes"] == [note]
    assert main(["again", str(out / "pictures" / "a.png")]) == 0
