"""`limner bench` on fakes: runs that go on, a page that escapes, and words that are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from benching import bench, case

from limner.agent.cli.main import main
from limner.benchmarks import report, trials
from limner.benchmarks.arms import ARMS
from limner.benchmarks.cases import world_cases
from limner.benchmarks.cli import SPLITS, names_of, share_of
from limner.errors import BadInput
from limner.pipelines.fakes import FakePainter
from limner.pipelines.roles import GeneratedImage, ImageRequest

QUICK = names_of(SPLITS[0].arms)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "fake.yaml"
    path.write_text(
        "writer: {name: fake}\npainter: {name: fake, settings: {size: 128}}\n"
        "critic: {name: fake}\ntakes: 2\nbudget: 4\nthreshold: 0.5\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, profile: Path) -> Path:
    out = tmp_path_factory.mktemp("bench") / "run"
    few = ["--only", "2", "--budgets", "1,2", "--fresh", "2", "--arms", "; ".join(QUICK)]
    assert bench("quick", *few, "--profile", str(profile), "--out", str(out)) == 0
    return out


def test_a_run_keeps_trials_figures_and_a_page(ran: Path) -> None:
    rows = trials.read(ran)
    assert len(rows) == 2 * (3 * 2 + 2)
    assert {r["arm"] for r in rows} == set(QUICK)
    whole = json.loads((ran / "bench.json").read_text("utf-8"))
    assert len(whole["trials"]) == len(rows) and whole["summary"]["against"] == "best of expanded"
    told = (ran / "results.md").read_text("utf-8")
    assert "| limner " in told and "## All right, by category" in told
    html = (ran / "index.html").read_text("utf-8")
    assert html.count("data:image/png") == 2 * len(QUICK)
    assert "<script" not in html and 'class="band"' in html


def test_a_trial_tells_all_that_is_needed_to_paint_it_again(ran: Path) -> None:
    painter = FakePainter(128)
    cases = {case.id: case for case in world_cases("quick")}
    checked = 0
    for one in trials.read(ran):
        for shot in one["pictures"]:
            prompt, negative = one["wordings"][shot["w"]]
            size = one["order"]["width"], one["order"]["height"]
            how = one["order"]["steps"], one["order"]["guidance"]
            order = ImageRequest(prompt, shot["seed"], *size, *how, negative)
            *_, done = painter.paint([order])
            assert isinstance(done, GeneratedImage)
            truths = cases[one["id"]].decide(done.picture)
            assert trials.digits(truths) == shot["t"]
            second = cases[one["id"]].second
            assert second and trials.digits(second(done.picture)) == shot["s"]
            assert len(shot["p"]) == len(one["claims"][shot["c"]])
            checked += 1
    assert checked > 16


def test_a_run_can_be_seen_as_the_second_judge_saw_it(ran: Path) -> None:
    before = sorted((path, path.read_bytes()) for path in ran.iterdir() if path.is_file())
    assert bench("report", str(ran), "--second") == 0
    assert before == sorted((path, path.read_bytes()) for path in ran.iterdir() if path.is_file())
    found = report.report(ran, second=True)
    assert found["about"]["judge"] == report.SECOND and not found["trust"]
    with pytest.raises(BadInput, match="did not see"):
        trials.as_second_judge([{"pictures": [{"t": "1"}]}])


def test_trials_that_are_there_are_not_run_again(ran: Path, profile: Path) -> None:
    path = ran / trials.TRIALS
    before = path.read_text("utf-8")
    lines = before.splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + lines[-1][:20], encoding="utf-8")  # stopped half-way
    few = ["--only", "2", "--budgets", "1,2", "--fresh", "2", "--arms", "; ".join(QUICK)]
    assert bench("quick", *few, "--profile", str(profile), "--out", str(ran)) == 0
    after = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    timeless = [{k: v for k, v in one.items() if k != "seconds"} for one in after]
    assert timeless == [
        {k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines
    ]


def test_another_run_is_not_mixed_into_it(ran: Path, profile: Path) -> None:
    with pytest.raises(BadInput, match="another fresh"):
        bench("quick", "--fresh", "3", "--profile", str(profile), "--out", str(ran))


def test_figures_can_be_worked_out_anew(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("report", str(ran), "--against", "raw", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["summary"]["against"] == "raw"
    with pytest.raises(BadInput, match="no run"):
        report.report(ran / "nowhere")


def test_the_page_escapes_what_it_is_told(ran: Path) -> None:
    found = report.report(ran)
    name = next(iter(found["cases"]))
    found["cases"][name]["request"] = "<img src=x onerror=alert(1)>"
    found["about"]["models"]["writer"] = "<script>"
    told = report.page(ran, found)
    assert "&lt;img src=x" in told and "<script>" not in told and "<img src=x" not in told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--arms", "limmer"], "no arm"),
        (["--arms", ";"], "No arm"),
        (["--budgets", "0,4"], "budgets"),
    ],
)
def test_what_is_mistyped_is_refused(typed: list[str], said: str, profile: Path) -> None:
    with pytest.raises(BadInput, match=said):
        bench("quick", "--profile", str(profile), *typed)


def test_arms_are_named_one_by_one_or_by_their_set() -> None:
    assert names_of("raw; parts; raw")[:2] == ["raw", "limner"]
    assert {"opt2i", "limner", "ceiling"} <= set(names_of("rivals"))
    assert "limner, no repair" in names_of("parts") and "opt2i" not in names_of("parts")
    assert names_of("all") == list(ARMS)


def test_the_jobs_of_a_case_come_together_and_singles_once() -> None:
    cases = [case(name="a"), case(name="b")]
    plan = trials.RunPlan(cases, ["raw", "limner"], [1, 4], [1, 2], 0, Path())
    jobs = [(c.id, seed, budget, arm) for c, arm, seed, budget in plan.jobs()]
    assert jobs[:3] == [("a", 1, 4, "limner"), ("a", 1, 1, "limner"), ("a", 1, 1, "raw")]
    assert len(jobs) == 12 and [j[0] for j in jobs] == ["a"] * 6 + ["b"] * 6


def test_shares_are_the_whole_and_have_nothing_in_common() -> None:
    cases = [case(name=str(n)) for n in range(7)]
    whole = trials.RunPlan(cases, ["limner"], [4], [1, 2], 0, Path())
    parts = [replace(whole, share=(own, 3)).jobs() for own in (1, 2, 3)]
    assert sum(map(len, parts)) == len(whole.jobs())
    assert sorted(str(job) for part in parts for job in part) == sorted(map(str, whole.jobs()))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/-2", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no share"):
        share_of(text)


def test_shown_cases_are_spread_and_at_most_24() -> None:
    many = [case(name=str(n)) for n in range(1200)]
    assert len(trials.shown(many)) == 24 and trials.shown(many)[1].id == "50"
    assert len(trials.shown(many[:5])) == 5


def test_limner_takes_further_commands_from_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "their_limner_thing-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(
        "[limner.commands]\nmeasure = limner.benchmarks.cli:bench\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["measure", "report", str(tmp_path)]) == 2
    assert "There is no run in" in capsys.readouterr().err.replace("there", "There")


def test_pyproject_names_the_command() -> None:
    import tomllib

    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    named = tomllib.loads(text)["project"]["entry-points"]["limner.commands"]
    assert named["bench"] == "limner.benchmarks.cli:bench"
