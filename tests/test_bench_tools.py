"""The other measurements: prompt files, pairs to rate, distances, overhead."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benching import bench
from PIL import Image

from limner.agent.records import Settings
from limner.agent.studio import Studio
from limner.benchmarks import cli_rate, image_metrics, rating, speed
from limner.benchmarks.prompt_files import file_cases
from limner.errors import BadInput, MissingExtra
from limner.pipelines.critic_clip import ClipCritic
from limner.pipelines.fakes import FakeCritic, FakeWriter
from limner.pipelines.painter_diffusers import DiffusersPainter

GENEVAL = [
    {
        "tag": "position",
        "include": [
            {"class": "dog", "count": 1},
            {"class": "bench", "count": 1, "color": "red", "position": ["left of", 0]},
        ],
        "prompt": "a photo of a red bench left of a dog",
    },
    {
        "tag": "counting",
        "include": [{"class": "cat", "count": 2}],
        "exclude": [{"class": "cat", "count": 3}],
        "prompt": "a photo of two cats",
    },
]
DPG = """item_id,text,keywords,proposition_id,dependency,category_broad,question_natural_language
7,A red car by the sea.,,1,0,entity,Is there a car?
7,A red car by the sea.,,2,1,attribute,Is the car red?
7,A red car by the sea.,,3,0,entity,Is there the sea?
"""


def geneval(folder: Path) -> Path:
    path = folder / "evaluation_metadata.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in GENEVAL), encoding="utf-8")
    return path


def test_geneval_rows_become_claims_with_foils(tmp_path: Path) -> None:
    cases = file_cases(geneval(tmp_path), FakeCritic())
    assert [case.category for case in cases] == ["position", "counting"]
    assert "The bench is left of the dog." in cases[0].claims
    assert "The bench is red." in cases[0].claims
    assert cases[1].claims == ("There are two cats.",)
    assert cases[1].exact and cases[1].exact.prompt == "a photo of two cats"


def test_dpg_questions_fail_with_what_they_depend_on(tmp_path: Path) -> None:
    path = tmp_path / "dpg_bench.csv"
    path.write_text(DPG, encoding="utf-8")
    (case,) = file_cases(path, FakeCritic([[0.1, 0.9, 0.9]]))
    assert case.request == "A red car by the sea." and len(case.claims) == 3
    assert case.decide(Image.new("RGB", (8, 8))) == (False, False, True)


def test_compbench_lines_are_their_own_claims(tmp_path: Path) -> None:
    path = tmp_path / "color_val.txt"
    path.write_text("a green bench and a blue bowl\n\na red cup\x1b[2J\n", encoding="utf-8")
    cases = file_cases(path, FakeCritic([[0.7]]))
    assert [(c.category, c.request) for c in cases] == [
        ("color_val", "a green bench and a blue bowl"),
        ("color_val", "a red cup"),
    ]
    assert cases[0].decide(Image.new("RGB", (8, 8))) == (True,)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.jsonl", "{"), ("a.jsonl", '{"prompt": "x"}'), ("a.csv", "x\n1\n"), ("a.txt", " ")],
)
def test_a_file_of_another_kind_is_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        file_cases(tmp_path / name, FakeCritic())
    with pytest.raises(BadInput, match="no prompt file"):
        file_cases(tmp_path / "a.pdf", FakeCritic())


def test_a_prompt_file_is_run_with_real_judges(tmp_path: Path, tiny: Path) -> None:
    out = tmp_path / "run"
    models = ["--critic", str(tiny / "clip")]
    few = ["--profile", "fake", "--budgets", "1,2", "--out", str(out), "--only", "1"]
    arms = ["--arms", "expanded; opt2i; limner; ceiling"]
    judge = ["--judge", str(tiny / "siglip")]
    assert bench("file", str(geneval(tmp_path)), *judge, *models, *few, *arms) == 0
    told = json.loads((out / "bench.json").read_text("utf-8"))
    assert told["about"]["judge"].startswith("siglip")
    assert {row["arm"] for row in told["trials"]} == {"expanded", "opt2i", "limner", "ceiling"}


def test_the_judge_of_a_file_takes_no_other_part(tmp_path: Path) -> None:
    path, fake = str(geneval(tmp_path)), ["--profile", "fake", "--judge", "fake"]
    with pytest.raises(BadInput, match="choose with"):
        bench("file", path, *fake, "--out", str(tmp_path / "x"))


def test_strengths_follow_the_wins() -> None:
    said = [rating.Rating(str(n), "a", "b", "1" if n % 4 else "2") for n in range(40)]
    found = rating.strengths(said)
    assert found["a"]["wins"] == 30 and found["b"]["wins"] == 10
    assert found["a"]["strength"] > 0.55 > 0.45 > found["b"]["strength"]
    assert found["a"]["low"] < found["a"]["strength"] < found["a"]["high"]
    odds = [s / (1 - s) for s in (found["a"]["strength"], found["b"]["strength"])]
    assert odds[0] / odds[1] == pytest.approx(3, rel=0.1)  # three wins in four
    even = rating.strengths([rating.Rating("x", "a", "b", "=")])
    assert even["a"]["strength"] == pytest.approx(0.5)
    assert rating.strengths([]) == {}


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    for name, shade in (("one", "red"), ("two", "blue")):
        (tmp_path / name).mkdir()
        for number in range(4):
            Image.new("RGB", (16, 16), shade).save(tmp_path / name / f"{number}.png")
    Image.new("RGB", (16, 16)).save(tmp_path / "one" / "alone.png")
    return [tmp_path / "one", tmp_path / "two"]


def test_pairs_are_of_one_name_and_sides_are_drawn(folders: list[Path]) -> None:
    found = rating.pairs(folders, seed=3)
    assert sorted(pair.name for pair in found) == ["0.png", "1.png", "2.png", "3.png"]
    assert {pair.left.parent.name for pair in found} == {"one", "two"}
    assert rating.pairs(folders, seed=3) == found and len(rating.pairs(folders, 3, most=2)) == 2
    with pytest.raises(BadInput, match="same name"):
        rating.pairs([folders[0], folders[0].parent], 1)


def rate(*words: str) -> int:
    return int(cli_rate.rate(args=list(words), standalone_mode=False) or 0)


def test_pairs_are_rated_at_a_terminal_and_gone_on_with(
    folders: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import io

    out, table = tmp_path / "ratings.json", tmp_path / "ratings.csv"
    words = [*map(str, folders), "--out", str(out), "--table", str(table)]
    monkeypatch.setattr("sys.stdin", io.StringIO("1\nwhat\n=\nq\n"))
    assert rate(*words) == 0
    assert [r.said for r in rating.ratings(out)] == ["1", "="]
    monkeypatch.setattr("sys.stdin", io.StringIO("2\n2\n"))
    assert rate(*words, "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["ratings"] == 4 and set(told["strengths"]) == {"one", "two"}
    assert len(table.read_text("utf-8").splitlines()) == 5


def call(address: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(address, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, b""


@pytest.mark.enable_socket
def test_pairs_are_rated_in_a_browser_by_those_who_know_the_address(folders: list[Path]) -> None:
    kept: list[Any] = []
    session = rating.RatingSession(rating.pairs(folders, 1), [], kept.append)
    server, address = cli_rate.rating_server(session)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        status, page = call(address)
        assert status == 200 and b"Which one is better?" in page and b"0.png" in page
        assert b"/one" not in page and str(folders[0]).encode() not in page  # nobody is led
        assert call(address + "0/left") == (200, session.pairs[0].left.read_bytes())
        assert call(address + "0/1", "POST")[0] == 204
        assert call(address + "0/2", "POST")[0] == 204  # thought better of it
        assert [r.said for r in session.said] == ["2"] and kept[-1] == session.said
        root = address.rsplit("/", 2)[0]
        refused = [root + "/", root + "/wrong/", address + "9/left", address + "0/../left"]
        assert {call(one)[0] for one in refused} == {404}
        assert call(address, Host="evil.example")[0] == 404
        assert call(address + "0/3", "POST")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def test_distances_are_nought_for_the_same_and_grow_with_the_gap() -> None:
    chance = np.random.default_rng(0)
    one = chance.normal(size=(200, 4))
    assert image_metrics.cmmd(one, one) == pytest.approx(0, abs=1e-9)
    assert image_metrics.frechet(one, one) == pytest.approx(0, abs=1e-6)
    assert image_metrics.frechet(one, one + 1) == pytest.approx(4, rel=1e-6)
    wide = one * 2  # sqrt(4 S S) = 2 S, so the distance is the trace of S and the means' gap
    spread = np.trace(np.cov(one, rowvar=False)) + (one.mean(axis=0) ** 2).sum()
    assert image_metrics.frechet(one, wide) == pytest.approx(spread, rel=1e-6)
    assert 0 < image_metrics.cmmd(one, one + 0.5) < image_metrics.cmmd(one, one + 1)


def test_folders_are_compared_by_a_critics_eyes(
    folders: list[Path], tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = [str(folder) for folder in folders]
    assert bench("images", *pair, "--critic", str(tiny / "clip"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"CMMD", "Fréchet distance, CLIP"} and found["CMMD"] > 0
    assert bench("images", *pair, "--critic", str(tiny / "clip")) == 0
    assert "weights are missing: --inception" in capsys.readouterr().out


def test_what_cannot_be_compared_says_what_to_type(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="two are the least"):
        image_metrics.opened(tmp_path / "nowhere")
    (folders[0] / "z.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match="no picture that can be read"):
        image_metrics.opened(folders[0])
    pytest.importorskip("torchmetrics")
    try:
        import torch_fidelity  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match="torch-fidelity"):
            image_metrics.inception([], [], tmp_path / "weights.pth")


def test_by_hand_paints_and_sees_what_the_agent_does(tiny: Path) -> None:
    painter = DiffusersPainter(tiny / "painter", "tiny", steps=2)
    critic = ClipCritic(tiny / "clip", "tiny")
    studio = Studio(FakeWriter(), painter, critic, Settings())
    baseline = speed.Baseline(tiny / "painter", tiny / "clip")
    result = studio.imagine(speed.REQUEST, seed=7, images_per_round=2, budget=2, refine=False)
    pictures = baseline.paint([take.image_request for take in result.candidates])
    for picture, take in zip(pictures, result.candidates, strict=True):
        assert np.abs(np.asarray(picture, int) - np.asarray(take.picture, int)).max() <= 1
    claims = result.candidates[0].critique.claims
    rows = baseline.look(pictures, [c.text for c in claims], [c.foils for c in claims])
    for row, take in zip(rows, result.candidates, strict=True):
        assert row == pytest.approx(take.critique.probabilities, abs=0.02)


@pytest.mark.slow
def test_overhead_is_measured_on_tiny_models(tiny: Path) -> None:
    painter = DiffusersPainter(tiny / "painter", "tiny", steps=2)
    studio = Studio(FakeWriter(), painter, ClipCritic(tiny / "clip", "tiny"), Settings())
    figures = speed.from_inside(studio, speed.Baseline(tiny / "painter", tiny / "clip"), 1)
    named = {one.name: one for one in figures}
    ratio = named["the agent over both by hand, ratio"]
    assert ratio.most == 1.03 and ratio.value > 0.1
    assert all(one.value > 0 for one in figures)
    assert speed.Measurement("x", 2, most=1).met is False
    assert speed.Measurement("x", 2, least=1).met is True
    assert speed.Measurement("x", 2).met is None


@pytest.mark.slow
def test_what_makes_a_painter_faster_is_measured_on_tiny_models(tiny: Path) -> None:
    tried: list[dict[str, float]] = [{"channels_last": True}, {"cache": 0.1}]
    settings = {"device": "cpu", "steps": 2, "channels_last": False}
    found, refused = speed.speedups(tiny / "painter", settings, tried, 1)
    assert (found.setting, refused.setting) == ("channels_last: true", "cache: 0.1")
    assert all(ratio > 0.01 for ratio in found.ratios) and len(found.ratios) == 2
    assert found.first > 0 and found.apart <= 2 and not found.refused
    assert "no first-block cache" in refused.refused and not refused.ratios


def test_works_are_timed_in_turns() -> None:
    order: list[str] = []
    speed.in_turns([lambda: order.append("a"), lambda: order.append("b")], 2)
    assert order == list("ababab")
