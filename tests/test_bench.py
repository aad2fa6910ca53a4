"""The comparison of arms, on fakes: equal budgets, fair choices, and figures that add up."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.agent.cli import main
from limner.agent.records import Settings
from limner.agent.studio import Studio
from limner.benchmarks import cli, curves, figures, page, report, runner, summary, trials
from limner.benchmarks.arms import ARMS, INFORMED, QUICK, Case, Room
from limner.benchmarks.arms import wordings as worded
from limner.benchmarks.arms.truthful import TruthfulCritic, meanings
from limner.benchmarks.cases import exact, world_cases
from limner.benchmarks.prompts import quick
from limner.benchmarks.scenes_asked import example
from limner.errors import BadInput, LimnerError
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.pocket.draw import draw
from limner.pipelines.roles import Order, Painted, Start, Step

WISH = "two red cats and a dog at night"


class Slow(FakePainter):
    """Counts what it really paints."""

    def __init__(self, size: int = 128) -> None:
        super().__init__(size)
        self.batches: list[int] = []

    def paint(self, orders: Any, preview_every: int = 0) -> Any:
        self.batches.append(len(orders))
        return super().paint(orders, preview_every)


def room(painter: FakePainter | None = None, **parts: Any) -> Room:
    writer, critic = parts.get("writer", FakeWriter()), parts.get("critic", FakeCritic())
    settings = Settings(takes=4, budget=8)
    return Room(Studio(writer, painter or FakePainter(128), critic, settings))


def never(_: Image.Image) -> tuple[bool, ...]:
    return (False, True)


def case(decide: Any = never, name: str = "made/up/1") -> Case:
    return Case(name, "made up", WISH, ("two cats", "a dog"), decide)


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("budget", [1, 2, 5, 8])
def test_no_arm_spends_more_than_its_budget(arm: str, budget: int) -> None:
    trial = room().run(ARMS[arm], case(), 1, budget)
    assert 1 <= len(trial.shots) <= budget
    assert 0 < trial.cost.spent <= budget + 1e-9
    assert 0 <= trial.chosen < len(trial.shots)
    at = [shot.at for shot in trial.shots]
    assert at == sorted(at) and at[-1] <= trial.cost.spent + 1e-9


RIVALS = ["best of raw", "best of expanded", "paraphrases", "mils", "no concept left behind"]


@pytest.mark.parametrize("arm", [*RIVALS, "ceiling"])
@pytest.mark.parametrize("budget", [1, 4, 8])
def test_rivals_spend_all_of_it(arm: str, budget: int) -> None:
    assert room().run(ARMS[arm], case(), 1, budget).cost.spent == budget


def test_opt2i_stops_at_a_perfect_score_and_not_before() -> None:
    perfect = room(critic=FakeCritic([[1.0]])).run(ARMS["opt2i"], case(), 1, 8)
    assert (len(perfect.shots), perfect.ended) == (2, "done")
    assert room(critic=FakeCritic([[0.9]])).run(ARMS["opt2i"], case(), 1, 8).cost.spent == 8


def test_best_of_n_varies_the_seed_alone() -> None:
    best = room().run(ARMS["best of expanded"], case(), 1, 8)
    assert len({s.order.seed for s in best.shots}) == 8
    assert len({s.order.prompt for s in best.shots}) == 1


def test_every_arm_but_the_informed_chooses_what_the_critic_likes_best() -> None:
    for name in set(ARMS) - INFORMED:
        trial = room().run(ARMS[name], case(), 3, 8)
        assert trial.best.critique.score == max(s.critique.score for s in trial.shots), name


def test_the_ceiling_takes_a_right_picture_where_there_is_one() -> None:
    seen: list[bytes] = []

    def third(picture: Image.Image) -> tuple[bool, ...]:
        seen.append(picture.tobytes())
        return (len(seen) == 3,)

    assert room().run(ARMS["ceiling"], case(third), 1, 4).chosen == 2


def test_seeds_only_rewords_nothing() -> None:
    here = room(critic=FakeCritic([[0.1]]))
    trial = here.run(ARMS["limner, seeds only"], case(), 1, 8)
    assert len({s.order.prompt for s in trial.shots}) == 1 < len(trial.shots)
    brief, seen = here.brief(WISH, 1), trial.best.critique
    with pytest.raises(LimnerError, match="rewords nothing"):
        here.studio.scribe.revise(brief.prompt, seen, 1)
    here.run(ARMS["raw"], case(), 1, 1)
    assert here.studio.scribe.revise(brief.prompt, seen, 1).prompt != brief.prompt


def test_pictures_painted_over_others_are_told_apart_and_written_down() -> None:
    painter = Slow()
    here = room(painter)
    first = here.run(ARMS["best of expanded"], case(), 1, 1)
    under = Image.new("RGB", (128, 128), "red")
    plain = first.best.order
    unknown = [replace(plain, start=Start(p, 0.5)) for p in (under, first.best.picture)]
    known = replace(plain, start=Start(first.best.picture, 0.5, (0, 0, 64, 64), plain))
    painter.batches.clear()
    for order in (*unknown, known, known):
        here.easel.pictures([order])
    assert painter.batches == [1, 1, 1]
    over = replace(first.best, order=known)
    row = trials.row_of(case(), ("limner", 1, 2), replace(first, shots=(first.best, over)), here)
    assert [p.get("over") for p in row["pictures"]] == [None, 0]
    assert row["pictures"][1]["box"] == (0, 0, 64, 64) and row["told"] == 0


def test_an_arm_leaves_no_trace_in_the_next() -> None:
    here = room()
    here.run(ARMS["limner, exact brief, true critic"], case(), 1, 2)
    here.run(ARMS["limner, seeds only"], case(), 1, 2)
    alone = room().run(ARMS["limner"], case(), 1, 8)
    after = here.run(ARMS["limner"], case(), 1, 8)
    assert [s.order for s in after.shots] == [s.order for s in alone.shots]
    assert [s.critique for s in after.shots] == [s.critique for s in alone.shots]


def test_the_same_order_is_painted_once_and_charged_each_time() -> None:
    painter = Slow()
    here = room(painter)
    first = here.run(ARMS["best of expanded"], case(), 1, 8)
    again = here.run(ARMS["ceiling"], case(), 1, 8)
    assert painter.batches == [8]
    assert first.cost.spent == again.cost.spent == 8
    here.enter()
    here.run(ARMS["best of expanded"], case(), 1, 8)
    assert painter.batches == [8, 8]


def test_an_easel_paints_the_unknown_in_batches_and_heeds_drops() -> None:
    painter = Slow()
    easel = room(painter).easel
    easel.batch = 2
    orders = [Order("x", seed, 128, 128, 4, 1.0) for seed in range(5)]
    easel.pictures(orders[3:4])
    painting = easel.paint(orders)
    done: list[int] = []
    for event in painting:
        if isinstance(event, Step) and event.number == 2 and not done:
            painting.drop(1)
            painting.drop(3)
        if isinstance(event, Painted):
            done.append(event.index)
    assert painter.batches == [1, 2, 2]
    assert done == [0, 2, 4]
    assert painting.spent == pytest.approx(3.5)


def test_previews_are_painted_anew() -> None:
    painter = Slow()
    easel = room(painter).easel
    orders = [Order("x", 1, 128, 128, 4, 1.0)]
    easel.pictures(orders)
    shown = [e.previews for e in easel.paint(orders, 2) if isinstance(e, Step) and e.previews]
    assert [list(previews) for previews in shown] == [[0], [0]]
    assert painter.batches == [1, 1]


def test_a_general_writer_is_given_the_rivals_own_words() -> None:
    told = "1. two crimson cats, one dog\n2) a dog with two red cats\n<b>\n3. night, cats, dog"
    writer = FakeWriter(replies=(told,))
    here = room(writer=writer, critic=FakeCritic([[0.4]]))
    here.writer.name = "general"
    shots = here.run(ARMS["mils"], case(), 1, 9).shots
    worded = ["two crimson cats, one dog", "a dog with two red cats"]
    assert [s.order.prompt for s in shots[:3]] == [WISH, *worded]
    assert len({s.order.seed for s in shots[:3]}) == 1  # the words vary, the noise does not
    marked = FakeWriter(replies=("<PROMPT>two cats</PROMPT>\n<PROMPT> a dog </PROMPT>",))
    here = room(writer=marked, critic=FakeCritic([[0.4]]))
    here.writer.name = "general"
    prompts = {s.order.prompt for s in here.run(ARMS["opt2i"], case(), 1, 4).shots}
    assert {WISH, "two cats", "a dog"} <= prompts


@pytest.mark.parametrize("name", ["paraphrases", "opt2i", "mils", "no_concept_left_behind"])
def test_the_rivals_words_hold_what_they_need(name: str) -> None:
    row = {"prompt": "a cat", "score": 51, "elements": "there is one cat: 51"}
    values = {"request": WISH, "count": 3, "history": [row]}
    text = worded._templates().from_string(worded._source(name)).render(**values)
    assert WISH in text and "3" in text and ("51" in text) == (name != "paraphrases")


def test_the_true_critic_knows_every_statement_of_the_exact_briefs() -> None:
    from limner.agent.claims import claims_of

    asked = [brief for case in world_cases("quick") if (brief := case.exact)]
    texts = {claim.text for brief in asked for claim in claims_of(brief)}
    assert len(texts) > 60 and texts <= set(meanings())


@pytest.mark.parametrize("number", [1, 20, 40])
def test_judge_and_true_critic_agree_on_a_scene_that_is_right(number: int) -> None:
    from random import Random

    from limner.agent.claims import claims_of

    prompt = quick()[number]
    picture = Image.fromarray(draw(example(prompt.asked, Random(number))))
    brief = exact(prompt.asked, prompt.request)
    assert brief
    claims = claims_of(brief)
    (row,) = TruthfulCritic().look([picture], [c.text for c in claims], [c.foils for c in claims])
    assert row == [1.0] * len(claims)
    assert TruthfulCritic().look([picture], ["it is nice"], [["no"]]) == [[0.0]]
    assert all(world_cases("quick")[number].decide(picture))


def row(**values: Any) -> dict[str, Any]:
    pictures = values.pop("pictures", [("11", [0.9])])
    return {
        "id": "p1",
        "category": "c",
        "arm": "limner",
        "seed": 1,
        "budget": 4,
        "chosen": len(pictures) - 1,
        "claimed": True,
        "threshold": 0.5,
        "spent": 4.0,
        "asked": 1,
        "seconds": {"writer": 1.0, "painter": 2.0, "critic": 0.5, "whole": 4.0},
        "fresh": ["11", "01"],
        "pictures": [{"t": t, "p": p, "at": n + 1.0} for n, (t, p) in enumerate(pictures)],
    } | values


def test_figures_are_what_a_hand_would_count() -> None:
    rows = [
        row(),
        row(id="p2", pictures=[("11", [0.4]), ("10", [0.9])]),  # hacked
        row(id="p3", claimed=False, pictures=[("01", [0.2]), ("11", [0.4])]),
        row(id="p4", claimed=False, pictures=[("00", [0.2]), ("01", [0.4])], fresh=["01", "01"]),
    ]
    rival = [
        row(id=f"p{n}", arm="best of expanded", pictures=[("01", [0.9])]) for n in (1, 2, 3, 4)
    ]
    cell = figures.cells([*rows, *rival], "best of expanded")["limner"][4]
    assert (cell["right"], cell["prompts"]) == (0.5, 4)
    assert cell["over"]["mean"] == 0.5 and cell["over"]["low"] <= 0.5 <= cell["over"]["high"]
    assert cell["over"]["error"] == pytest.approx(math.sqrt(1 / 3) / 2)
    assert cell["hacked"] == 0.25
    assert cell["goodhart"] == pytest.approx(0.25 - 0.0)
    assert (cell["precision"], cell["sure"], cell["recall"]) == (0.5, 2, 0.5)
    assert cell["success"] == 1.5
    assert cell["fresh"]["right"] == pytest.approx(0.375)
    assert cell["seconds"] == {"writer": 1.0, "painter": 2.0, "critic": 0.5, "whole": 4.0}


def test_seeds_of_a_prompt_are_averaged_before_prompts_are() -> None:
    rows = [row(seed=1), row(seed=2), row(seed=3), row(id="p2", pictures=[("0", [0.1])])]
    assert figures.cells(rows, "raw")["limner"][4]["right"] == 0.5
    assert figures.cells(rows, "raw")["limner"][4]["over"] is None


def test_a_single_picture_stands_at_every_budget() -> None:
    rows = [row(budget=2), row(budget=8), row(arm="raw", budget=1, pictures=[("0", [0.1])])]
    table = figures.cells(rows, "raw")
    assert list(table["raw"]) == [2, 8] and list(table) == ["raw", "limner"]
    assert table["limner"][8]["over"]["mean"] == 1.0


def test_the_interval_holds_the_mean_and_narrows() -> None:
    few, many = np.array([0.0, 1.0] * 10), np.array([0.0, 1.0] * 1_000)
    low, high = figures.interval(few)
    closer = figures.interval(many)
    assert low < closer[0] < 0.5 < closer[1] < high
    assert figures.interval(np.ones(5)) == (1.0, 1.0)


def shares(**values: float) -> dict[int, Any]:
    return {int(name[1:]): {"right": share} for name, share in values.items()}


def test_areas_and_catching_up_are_measured_over_doublings() -> None:
    by = shares(b1=0.0, b2=0.2, b4=0.2, b8=0.6)
    assert summary.area(by) == pytest.approx((0.1 + 0.2 + 0.4) / 3)
    assert summary.area(shares(b4=0.5)) is None
    assert summary.catches_up(by, 0.4) == pytest.approx(2**2.5)
    assert summary.catches_up(by, 0.2) == 2
    assert summary.catches_up(by, 0.0) == 1
    assert summary.catches_up(by, 0.7) is None


def test_the_gap_to_the_ceiling_is_a_share_of_the_way() -> None:
    table = {"limner": shares(b8=0.5), "ceiling": shares(b8=0.7), "expanded": shares(b8=0.3)}
    assert summary.gap_closed(table, 8) == pytest.approx(0.5)
    assert summary.gap_closed(table | {"ceiling": shares(b8=0.3)}, 8) is None


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "fake.yaml"
    path.write_text(
        "writer: {name: fake}\npainter: {name: fake, settings: {size: 128}}\n"
        "critic: {name: fake}\ntakes: 2\nbudget: 4\nthreshold: 0.5\n",
        encoding="utf-8",
    )
    return path


def bench(*words: str) -> int:
    return int(cli.bench(args=list(words), standalone_mode=False) or 0)


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
    assert "| limner " in told and "## Targets" in told
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
            order = Order(prompt, shot["seed"], *size, *how, negative)
            *_, done = painter.paint([order])
            assert isinstance(done, Painted)
            truths = cases[one["id"]].decide(done.picture)
            assert trials.digits(truths) == shot["t"]
            assert len(shot["p"]) == len(one["claims"][shot["c"]])
            checked += 1
    assert checked > 16


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
    told = page.page(ran, found)
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


def test_the_jobs_of_a_case_come_together_and_singles_once() -> None:
    cases = [case(name="a"), case(name="b")]
    plan = runner.Plan(cases, ["raw", "limner"], [1, 4], [1, 2], 0, Path())
    jobs = [(c.id, seed, budget, arm) for c, seed, budget, arm in plan.jobs()]
    assert jobs[:3] == [("a", 1, 4, "limner"), ("a", 1, 1, "limner"), ("a", 1, 1, "raw")]
    assert len(jobs) == 12 and [j[0] for j in jobs] == ["a"] * 6 + ["b"] * 6


def test_shown_cases_are_spread_and_at_most_24() -> None:
    many = [case(name=str(n)) for n in range(1200)]
    assert len(runner.shown(many)) == 24 and runner.shown(many)[1].id == "50"
    assert len(runner.shown(many[:5])) == 5


def test_curves_rise_with_the_share() -> None:
    points = [curves.Point(1, 0.1, 0.0, 0.2), curves.Point(4, 0.3, 0.2, 0.35)]
    drawn = curves.chart({"limner": points})
    assert drawn
    (x1, y1, _), (x2, y2, told) = drawn.curves[0].dots
    assert x1 < x2 and y1 > y2 and "0.300" in told
    assert drawn.up[-1].label == "40"
    assert curves.chart({"limner": points[:1]}) is None


def test_a_table_is_aligned() -> None:
    lines = report.aligned([["arm", "x"], ["best of raw", "1"]]).splitlines()
    assert len({len(line) for line in lines}) == 1 and set(lines[1]) == {"|", "-"}


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
