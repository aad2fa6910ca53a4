"""The command `limner batch`: what is typed, what is told, and what is left when it is ended."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from batch_typed import WISHES, AtHand, manifest, typed

from limner.agent.cli.main import main


@pytest.fixture
def wishes(tmp_path: Path) -> Path:
    file = tmp_path / "wishes.txt"
    file.write_text("\n".join(WISHES) + "\n", encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.agent.batch.runner.Crew", AtHand)


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


def test_events_are_told_one_a_line(
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
        "critic: {name: fake, settings: {scores: [[0.9]]}}\ntakes: 1\nbudget: 1\n"
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


def test_bad_rows_are_told_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out"
    file.write_text("request,seed\na red cat,1\na dog,one\n")
    assert main(typed(file, out, "--strict")) == 2
    assert "line 3" in capsys.readouterr().err
    assert main(typed(file, out, "--quiet")) == 1
    assert [row["status"] for row in manifest(out)] == ["done", "failed"]


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
