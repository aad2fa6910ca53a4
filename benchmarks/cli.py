"""The command `limner bench`: compares arms on frozen prompts or a prompt file, and measures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.options import Json, Model, Profile, Writer
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.benchmarks.arms import Case, Harness
    from limner.benchmarks.trials import Progress, RunPlan

__all__ = ["SPLITS", "Split", "bench", "names_of", "share_of"]

Arms = Annotated[
    str, typer.Option(metavar="NAMES", help="With semicolons between; all; rivals; parts.")
]
Budgets = Annotated[str, typer.Option(metavar="N,N", help="In pictures' worth of painting.")]
Seeds = Annotated[int, typer.Option(metavar="N", min=1, help="So many runs of each, 1 to N.")]
Fresh = Annotated[
    int, typer.Option(metavar="N", min=0, help="New seeds for the prompt that an arm returns.")
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder; a run in it goes on.")]
Only = Annotated[int, typer.Option(metavar="N", min=0, help="So many prompts, spread; 0: all.")]
Batch = Annotated[int, typer.Option(metavar="N", min=1, help="Pictures painted at once.")]
Share = Annotated[
    str, typer.Option(metavar="K/N", help="Of the prompts; N processes may work in one folder.")
]
Against = Annotated[str, typer.Option(metavar="ARM", help="What differences are taken to.")]
Repeat = Annotated[int, typer.Option(metavar="N", min=1, help="Runs; the best one counts.")]
ALL, BEST = "all", "best of expanded"

bench = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Measure limner: against other ways to spend the same budget, and in seconds.",
)


@dataclass(frozen=True, slots=True)
class Split:
    """Some of the frozen prompts, and what is run on them unless something else is typed."""

    name: str
    told: str
    arms: str
    budgets: str
    seeds: int
    fresh: int


SPLITS = (
    Split(
        "quick",
        "Compare on 60 fixed development prompts: some minutes on two cores.",
        "raw; expanded; best of expanded; limner; ceiling",
        "4",
        seeds=1,
        fresh=1,
    ),
    Split(
        "development",
        "Compare on the 300 prompts that things may be tuned on.",
        ALL,
        "1,2,4,8,16,32",
        seeds=1,
        fresh=4,
    ),
    Split(
        "test",
        "Compare on the 1,200 prompts that nothing is ever tuned on.",
        ALL,
        "1,2,4,8,16,32",
        seeds=4,
        fresh=4,
    ),
)


def _comparing(split: Split) -> Callable[..., int]:
    """The command that compares on a split, with its usual arms and budgets."""

    def compare_on(
        arms: Arms = split.arms,
        budgets: Budgets = split.budgets,
        seeds: Seeds = split.seeds,
        fresh: Fresh = split.fresh,
        out: Out = Path(f"bench-{split.name}"),
        only: Only = 0,
        share: Share = "1/1",
        profile: Profile = "pocket",
        writer: Writer = None,
        painter: Model = None,
        critic: Model = None,
        batch: Batch = 8,
        against: Against = BEST,
    ) -> int:
        from limner.benchmarks.cases import world_cases
        from limner.benchmarks.report import EXACT

        plan = _plan(world_cases(split.name), (only, share), (arms, budgets), (seeds, fresh), out)
        harness = _harness(profile, (writer, painter, critic), batch)
        return _compare(harness, plan, {"prompts": split.name, "judge": EXACT}, against)

    return compare_on


for _split in SPLITS:
    bench.command(_split.name, help=_split.told)(_comparing(_split))


@bench.command()
def file(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="GenEval, DPG-Bench, T2I-CompBench.")
    ],
    judge: Annotated[str, typer.Option(metavar="NAME", help="A critic that takes no other part.")],
    arms: Arms = ALL,
    budgets: Budgets = "1,4",
    seeds: Seeds = 1,
    fresh: Fresh = 1,
    out: Out = Path("bench-file"),
    only: Only = 0,
    share: Share = "1/1",
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    batch: Batch = 4,
    against: Against = BEST,
) -> int:
    """Compare on a prompt file of real models, judged by a VLM or a detector that you name."""
    from limner.benchmarks.arms import WORLDLY
    from limner.benchmarks.prompt_files import file_cases
    from limner.pipelines.registry import open_critic

    harness, who = _harness(profile, (writer, painter, critic), batch), open_critic(judge, {})
    if who.name == harness.critic.name:
        raise BadInput(
            "The judge is the critic that the arms choose with.", "Name another with --judge."
        )
    names = "; ".join(n for n in names_of(arms) if n not in WORLDLY) if arms == ALL else arms
    if wrong := WORLDLY & set(names_of(names)):
        raise BadInput(f"{min(wrong)!r} is for the small world alone.", "Leave it out of --arms.")
    plan = _plan(file_cases(path, who), (only, share), (names, budgets), (seeds, fresh), out)
    return _compare(harness, plan, {"prompts": path.name, "judge": who.name}, against)


@bench.command()
def report(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    against: Against = BEST,
    second: Annotated[bool, typer.Option("--second", help="As the second judge sees it.")] = False,
    as_json: Json = False,
) -> int:
    """Work out the figures of a run anew, and paint nothing."""
    from limner.benchmarks import report as reports

    found = reports.report(out, against, second=second)
    # the folder's own files are the exact judge's
    paths = [] if second else reports.written(out, found)
    if as_json:
        print(json.dumps({"table": found["table"], "summary": found["summary"]}))
    else:
        print("\n".join([reports.markdown(found), "", *map(str, paths)]).rstrip())
    return 0


@bench.command()
def overhead(
    repeat: Repeat = 3,
    profile: Profile = "pocket",
    painter: Model = None,
    critic: Model = None,
    inside: Annotated[
        bool, typer.Option("--inside", help="Leave out what starts a process of its own.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Take the agent's time beside diffusers and CLIP by hand, its start, and its memory."""
    from limner import Studio
    from limner.benchmarks.report import aligned
    from limner.benchmarks.speed import Baseline, from_inside, from_outside, weights

    figures = [] if inside else from_outside(repeat, profile)
    baseline = Baseline(weights("painter", painter), weights("critic", critic))
    studio = Studio.open(profile, painter=painter, critic=critic)
    figures += from_inside(studio, baseline, repeat)
    if as_json:
        print(json.dumps({one.name: one.value for one in figures}))
        return 0
    met = {None: "", True: "yes", False: "no"}
    rows = [[one.name, f"{one.value:.3f}", one.target, met[one.met]] for one in figures]
    print(aligned([["figure", "measured", "target", "met"], *rows]))
    return 0


@bench.command()
def speed(
    repeat: Repeat = 3,
    profile: Profile = "pocket",
    painter: Model = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Try that too: it takes minutes on a CPU.")
    ] = False,
    attention: Annotated[
        str | None, typer.Option(metavar="NAME", help="Try that backend of diffusers too.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Take the painter's time without and with each setting that is to make it faster."""
    from limner.benchmarks.report import aligned
    from limner.benchmarks.speed import BATCHES, speedups
    from limner.configs import load

    role = load(profile).painter
    spec, settings = (painter, {}) if painter else (role.name, role.settings)
    tried: list[dict[str, object]] = [{"channels_last": True}, {"cache": 0.1}]
    tried += [{"attention": attention}] if attention else []
    tried += [{"compile": True}] if compiled else []
    found = list(speedups(spec, settings, tried, repeat))
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return 0
    sizes = [f"{size} at once, ratio" for size in BATCHES]
    rows = [["setting", *sizes, "pixels differ by", "first of each, s"]]
    for one in found:
        ratios = [f"{ratio:.2f}" for ratio in one.ratios]
        measured = [*ratios, f"{one.apart} of 255", f"{one.first:.1f}"]
        rows.append([one.setting, *([one.refused, "", "", ""] if one.refused else measured)])
    print(aligned(rows))
    return 0


@bench.command()
def images(
    one: Annotated[Path, typer.Argument(metavar="A", help="A folder of pictures.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another, real ones for FID.")],
    critic: Model = None,
    inception: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="torch-fidelity's weights; without, no FID and no IS."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Say how far two sets of pictures are apart: CMMD; with Inception's weights, FID and IS."""
    from limner.benchmarks.image_metrics import compared
    from limner.benchmarks.speed import weights

    found = compared(one, other, weights("critic", critic), inception)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    print("\n".join(f"{name:<24} {value:10.4f}" for name, value in found.items()))
    if inception is None:
        print(f"{'FID, IS':<24} {'-':>10}  torch-fidelity's weights are missing: --inception FILE")
    return 0


def _harness(profile: str, models: Sequence[str | None], batch: int) -> Harness:
    from limner import Studio
    from limner.benchmarks.arms import Harness

    writer, painter, critic = models
    return Harness(Studio.open(profile, writer=writer, painter=painter, critic=critic), batch)


def _plan(
    cases: Sequence[Case],
    which: tuple[int, str],
    what: tuple[str, str],
    how: tuple[int, int],
    out: Path,
) -> RunPlan:
    """What to run, from what was typed: how many, arms and budgets, seeds and fresh seeds."""
    from limner.benchmarks.trials import RunPlan

    (only, share), (arms, budgets), (seeds, fresh) = which, what, how
    few = cases[:: max(1, len(cases) // only)][:only] if only else cases
    names, numbers, runs = names_of(arms), _numbers_of(budgets), range(1, seeds + 1)
    return RunPlan(few, names, numbers, runs, fresh, out, share_of(share))


def _compare(harness: Harness, plan: RunPlan, about: dict[str, str], against: str) -> int:
    """Run what is missing, then show the figures."""
    from limner.benchmarks import trials

    settings = harness.studio.settings
    told = {
        **about,
        "models": harness.studio.names,
        "fresh": plan.fresh,
        "threshold": settings.threshold,
        "images_per_round": settings.images_per_round,
    }
    trials.run(harness, plan, told, _progress())
    return report(plan.out, against)


def names_of(text: str) -> list[str]:
    """The arms that a line names. Raises `BadInput` for what is none."""
    from limner.benchmarks.arms import ARMS, SETS

    found: list[str] = []
    known = f"Arms: {'; '.join([*SETS, *ARMS])}"
    for word in filter(None, map(str.strip, text.split(";"))):
        if word not in ARMS and word not in SETS:
            raise BadInput(f"There is no arm {word!r}.", known)
        found += SETS.get(word, [word])
    if not found:
        raise BadInput("No arm was named.", known)
    return list(dict.fromkeys(found))


def _numbers_of(text: str) -> list[int]:
    """Budgets, each a whole number above 0. Raises `BadInput` for anything else."""
    words = [word.strip() for word in text.split(",")]
    if not all(w.isascii() and w.isdigit() and 0 < int(w) <= 4096 for w in words):
        raise BadInput(f"{text!r} is no list of budgets", "type --budgets 1,2,4,8")
    return sorted({int(word) for word in words})


def share_of(text: str) -> tuple[int, int]:
    """This process's share, from "1/2". Raises `BadInput` for anything else."""
    own, _, of = text.partition("/")
    if not (own.isdecimal() and of.isdecimal() and 0 < int(own) <= int(of)):
        raise BadInput(f"{text!r} is no share of a run", "type --share 1/2, elsewhere --share 2/2")
    return int(own), int(of)


def _progress() -> Progress:
    """Tells on standard error how far a run is: over and over at a terminal, else now and then."""
    live = sys.stderr.isatty()

    def tell(done: int, of: int, left: float) -> None:
        if not live and done % max(1, of // 20) and done != of:
            return
        line = f"{done} of {of} trials, {_duration(left)} left"
        told = f"\r{line:<60}" if live else line
        print(told, end="" if live and done < of else "\n", file=sys.stderr)

    return tell


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
