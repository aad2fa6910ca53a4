"""The command `limner bench`: runs the comparison, and the other measurements, and shows them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli_options import Json, Model, Profile, Writer
from limner.benchmarks.cli_labels import labels, sheets
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.benchmarks.arms import Case, Room
    from limner.benchmarks.overhead import Figure
    from limner.benchmarks.runner import Plan, Progress

__all__ = ["bench"]

bench = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Measure limner: against other ways to spend the same budget, and in seconds.",
)

Arms = Annotated[
    str, typer.Option(metavar="NAMES", help="With semicolons between; all; or a part of a name.")
]
Budgets = Annotated[str, typer.Option(metavar="N,N", help="In pictures' worth of painting.")]
Seeds = Annotated[int, typer.Option(metavar="N", min=1, help="So many runs of each, 1 to N.")]
Fresh = Annotated[
    int, typer.Option(metavar="N", min=0, help="New seeds for the prompt that an arm returns.")
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder; a run in it goes on.")]
Only = Annotated[int, typer.Option(metavar="N", min=0, help="The first N prompts; 0: all.")]
Batch = Annotated[int, typer.Option(metavar="N", min=1, help="Pictures painted at once.")]
Against = Annotated[str, typer.Option(metavar="ARM", help="What differences are taken to.")]
ALL = "all"
BEST = "best of expanded"


@bench.command()
def quick(
    arms: Arms = "raw; expanded; best of expanded; limner; ceiling",
    budgets: Budgets = "4",
    seeds: Seeds = 1,
    fresh: Fresh = 1,
    out: Out = Path("bench-quick"),
    only: Only = 0,
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    batch: Batch = 8,
    against: Against = BEST,
) -> int:
    """Compare on 60 fixed development prompts: some minutes on two cores."""
    room = _room(profile, (writer, painter, critic), batch)
    return _compare(
        "quick", room, _plan("quick", only, (arms, budgets), (seeds, fresh), out), against
    )


@bench.command()
def development(
    arms: Arms = ALL,
    budgets: Budgets = "1,2,4,8,16,32",
    seeds: Seeds = 1,
    fresh: Fresh = 4,
    out: Out = Path("bench-development"),
    only: Only = 0,
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    batch: Batch = 8,
    against: Against = BEST,
) -> int:
    """Compare on the 300 prompts that things may be tuned on."""
    room = _room(profile, (writer, painter, critic), batch)
    plan = _plan("development", only, (arms, budgets), (seeds, fresh), out)
    return _compare("development", room, plan, against)


@bench.command()
def test(
    arms: Arms = ALL,
    budgets: Budgets = "1,2,4,8,16,32",
    seeds: Seeds = 4,
    fresh: Fresh = 4,
    out: Out = Path("bench-test"),
    only: Only = 0,
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    batch: Batch = 8,
    against: Against = BEST,
) -> int:
    """Compare on the 1,200 prompts that nothing is ever tuned on."""
    room = _room(profile, (writer, painter, critic), batch)
    return _compare(
        "test", room, _plan("test", only, (arms, budgets), (seeds, fresh), out), against
    )


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

    room, who = _room(profile, (writer, painter, critic), batch), open_critic(judge, {})
    if who.name == room.critic.name:
        raise BadInput(
            "The judge is the critic that the arms choose with.", "Name another with --judge."
        )
    names = "; ".join(n for n in names_of(arms) if n not in WORLDLY) if arms == ALL else arms
    if wrong := WORLDLY & set(names_of(names)):
        raise BadInput(f"{min(wrong)!r} is for the small world alone.", "Leave it out of --arms.")
    plan = plan_of(file_cases(path, who), only, (names, budgets), (seeds, fresh), out)
    return compare(room, plan, {"prompts": path.name, "judge": who.name}, against)


@bench.command()
def report(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    against: Against = BEST,
    as_json: Json = False,
) -> int:
    """Work out the figures of a run anew, and paint nothing."""
    return _report(out, against, as_json)


@bench.command()
def overhead(
    repeat: Annotated[int, typer.Option(metavar="N", min=1, help="Runs; the best one counts.")] = 3,
    profile: Profile = "pocket",
    painter: Model = None,
    critic: Model = None,
    inside: Annotated[
        bool, typer.Option("--inside", help="Leave out what starts a process of its own.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Take the agent's time beside diffusers and CLIP by hand, its start, and its memory."""
    import json

    from limner import Studio
    from limner.benchmarks.by_hand import ByHand, weights
    from limner.benchmarks.overhead import from_inside, from_outside
    from limner.benchmarks.report import aligned

    figures = [] if inside else from_outside(repeat, profile)
    hand = ByHand(weights("painter", painter), weights("critic", critic))
    studio = Studio.open(profile, painter=painter, critic=critic)
    figures += from_inside(studio, hand, repeat)
    if as_json:
        print(json.dumps({one.name: one.value for one in figures}))
        return 0
    rows = [[one.name, f"{one.value:.3f}", *_target(one)] for one in figures]
    print(aligned([["figure", "measured", "target", "met"], *rows]))
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
    import json

    from limner.benchmarks.by_hand import weights
    from limner.benchmarks.image_metrics import compared

    found = compared(one, other, weights("critic", critic), inception)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    print("\n".join(f"{name:<24} {value:10.4f}" for name, value in found.items()))
    return 0


def _target(figure: Figure) -> tuple[str, str]:
    target = ""
    if figure.most is not None:
        target = f"<= {figure.most:g}"
    elif figure.least is not None:
        target = f">= {figure.least:g}"
    return target, {None: "", True: "yes", False: "no"}[figure.met]


bench.command()(sheets)
bench.command()(labels)


def names_of(text: str) -> list[str]:
    """The arms that a line names. Raises `BadInput` for what is none."""
    from limner.benchmarks.arms import ARMS

    if text.strip() == ALL:
        return list(ARMS)
    found: list[str] = []
    for word in filter(None, map(str.strip, text.split(";"))):
        if word not in ARMS:
            raise BadInput(f"There is no arm {word!r}.", f"Arms: {'; '.join(ARMS)}")
        found.append(word)
    if not found:
        raise BadInput("No arm was named.", f"Arms: {'; '.join(ARMS)}")
    return list(dict.fromkeys(found))


def numbers_of(text: str) -> list[int]:
    """Budgets, each a whole number above 0. Raises `BadInput` for anything else."""
    words = [word.strip() for word in text.split(",")]
    if not words or not all(w.isascii() and w.isdigit() and 0 < int(w) <= 4096 for w in words):
        raise BadInput(f"{text!r} is no list of budgets", "type --budgets 1,2,4,8")
    return sorted({int(word) for word in words})


def progress() -> Progress:
    """Tells on standard error how far a run is: over and over at a terminal, else now and then."""
    live = sys.stderr.isatty()

    def tell(done: int, of: int, left: float) -> None:
        if not live and done % max(1, of // 20) and done != of:
            return
        line = f"{done} of {of} trials, {_duration(left)} left"
        print(
            f"\r{line:<60}" if live else line,
            end="" if live and done < of else "\n",
            file=sys.stderr,
        )

    return tell


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _room(profile: str, models: Sequence[str | None], batch: int) -> Room:
    from limner import Studio
    from limner.benchmarks.arms import Room

    writer, painter, critic = models
    return Room(Studio.open(profile, writer=writer, painter=painter, critic=critic), batch)


def _plan(split: str, only: int, what: tuple[str, str], how: tuple[int, int], out: Path) -> Plan:
    from limner.benchmarks.cases import world_cases

    return plan_of(world_cases(split), only, what, how, out)


def plan_of(
    cases: Sequence[Case], only: int, what: tuple[str, str], how: tuple[int, int], out: Path
) -> Plan:
    """What to run, from what was typed: arms and budgets, seeds and fresh seeds."""
    from limner.benchmarks.runner import Plan

    few = cases[:: max(1, len(cases) // only)][:only] if only else cases
    seeds, fresh = how
    arms, budgets = what
    return Plan(few, names_of(arms), numbers_of(budgets), range(1, seeds + 1), fresh, out)


def _compare(prompts: str, room: Room, plan: Plan, against: str) -> int:
    return compare(room, plan, {"prompts": prompts, "judge": "the exact judge"}, against)


def compare(room: Room, plan: Plan, about: dict[str, str], against: str) -> int:
    """Run what is missing, then show the figures."""
    from limner.benchmarks import runner

    settings = room.studio.settings
    told = {
        **about,
        "models": room.studio.names,
        "fresh": plan.fresh,
        "threshold": settings.threshold,
        "takes": settings.takes,
    }
    runner.run(room, plan, told, progress())
    return _report(plan.out, against, False)


def _report(out: Path, against: str, as_json: bool) -> int:
    import json

    from limner.benchmarks import report as reports
    from limner.benchmarks.page import write_page

    found = reports.report(out, against)
    paths = [*reports.written(out, found), write_page(out, found)]
    if as_json:
        print(json.dumps({"table": found["table"], "summary": found["summary"]}))
        return 0
    print(reports.markdown(found))
    print("\n" + "\n".join(str(path) for path in paths))
    return 0
