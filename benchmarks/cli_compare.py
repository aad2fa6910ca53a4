"""The commands of `limner bench` that compare arms: on MicroGenEval's prompts, or a prompt file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.options import Json, Model, Profile, Writer
from limner.benchmarks.cli_words import ALL, names_of, numbers_of, progress, share_of
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.benchmarks.arms import Case, Room
    from limner.benchmarks.runner import Plan

__all__ = ["SPLITS", "Split", "comparing", "file", "report"]

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
BEST = "best of expanded"


@dataclass(frozen=True, slots=True)
class Split:
    """Some of the frozen prompts, and what is run on them unless another wish is typed."""

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


def comparing(split: Split) -> Callable[..., int]:
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
        room = _room(profile, (writer, painter, critic), batch)
        about = {"prompts": split.name, "judge": EXACT}
        return _compare(room, plan, about, against)

    return compare_on


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

    room, who = _room(profile, (writer, painter, critic), batch), open_critic(judge, {})
    if who.name == room.critic.name:
        raise BadInput(
            "The judge is the critic that the arms choose with.", "Name another with --judge."
        )
    names = "; ".join(n for n in names_of(arms) if n not in WORLDLY) if arms == ALL else arms
    if wrong := WORLDLY & set(names_of(names)):
        raise BadInput(f"{min(wrong)!r} is for the small world alone.", "Leave it out of --arms.")
    plan = _plan(file_cases(path, who), (only, share), (names, budgets), (seeds, fresh), out)
    return _compare(room, plan, {"prompts": path.name, "judge": who.name}, against)


def report(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    against: Against = BEST,
    second: Annotated[bool, typer.Option("--second", help="As the second judge sees it.")] = False,
    as_json: Json = False,
) -> int:
    """Work out the figures of a run anew, and paint nothing."""
    import json

    from limner.benchmarks import report as reports
    from limner.benchmarks.page import write_page

    found = reports.report(out, against, second=second)
    if second:  # the folder's own files are the judge's
        print(reports.markdown(found))
        return 0
    paths = [*reports.written(out, found), write_page(out, found)]
    if as_json:
        print(json.dumps({"table": found["table"], "summary": found["summary"]}))
        return 0
    print(reports.markdown(found))
    print("\n" + "\n".join(str(path) for path in paths))
    return 0


def _room(profile: str, models: Sequence[str | None], batch: int) -> Room:
    from limner import Studio
    from limner.benchmarks.arms import Room

    writer, painter, critic = models
    return Room(Studio.open(profile, writer=writer, painter=painter, critic=critic), batch)


def _plan(
    cases: Sequence[Case],
    which: tuple[int, str],
    what: tuple[str, str],
    how: tuple[int, int],
    out: Path,
) -> Plan:
    """What to run, from what was typed: how many, arms and budgets, seeds and fresh seeds."""
    from limner.benchmarks.runner import Plan

    (only, share), (arms, budgets), (seeds, fresh) = which, what, how
    few = cases[:: max(1, len(cases) // only)][:only] if only else cases
    names, numbers, runs = names_of(arms), numbers_of(budgets), range(1, seeds + 1)
    return Plan(few, names, numbers, runs, fresh, out, share_of(share))


def _compare(room: Room, plan: Plan, about: dict[str, str], against: str) -> int:
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
    return report(plan.out, against)
