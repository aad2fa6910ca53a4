"""What the agent costs beside the same pictures painted by hand, how soon it is there, how large.

`limner bench overhead` measures both sides in turns, in one process, so that whatever else the
machine does falls on both.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner import Brief, Studio
from limner.agent.events import BriefReady, CandidateReady
from limner.agent.scoring.evaluate import phrased
from limner.benchmarks.by_hand import ByHand
from limner.pipelines.roles import ImageRequest

__all__ = ["REQUEST", "Figure", "from_inside", "from_outside", "in_turns", "painted_by_agent"]

REQUEST = "a small red car left of a house, on grass, at night"
SEED = 7
AT_ONCE = 8  # pictures


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what, how much, and what it should be at most or at least."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least


def from_outside(repeat: int, profile: str = "pocket") -> list[Figure]:
    """What a user waits for at the prompt, each in a process of its own; the best of some."""
    command = [sys.executable, "-m", "limner"]
    with tempfile.TemporaryDirectory() as folder:
        draw = [*command, REQUEST, "--quiet", "--no-archive", "--seed", str(SEED), "--out", folder]
        draw += ["--profile", profile]
        first = [*draw, "--takes", "1", "--budget", "1"]
        shown = best(lambda: silent([*command, "--help"]), repeat)
        loaded = best(lambda: silent([sys.executable, "-c", "import limner"]), repeat)
        painted = best(lambda: silent(first), repeat)
        whole = best(lambda: silent(draw), 1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return [
        Figure("limner --help, s", shown, most=0.25),
        Figure("import limner, s", loaded),
        Figure("cold start to the first picture saved, s", painted, most=6),
        Figure("cold start to a refined picture saved, s", whole),
        Figure("peak memory of these, GiB", peak, most=1.2),
    ]


def from_inside(studio: Studio, hand: ByHand, repeat: int) -> list[Figure]:
    """What the agent costs over the same orders painted and looked at by hand."""
    *_, drafted = studio.expand(REQUEST, seed=SEED)
    assert isinstance(drafted, BriefReady)
    brief = drafted.brief
    orders = painted_by_agent(studio, brief, AT_ONCE)
    claims = [claim for said in brief.claims if (claim := phrased(studio.critic, said))]
    texts, foils = [c.text for c in claims], [c.foils for c in claims]
    agent, by_hand, bare, few = in_turns(
        [
            lambda: painted_by_agent(studio, brief, AT_ONCE),
            lambda: hand.look(hand.paint(orders), texts, foils),
            lambda: hand.paint(orders),
            lambda: _painted(studio, orders),
        ],
        repeat,
    )
    warm = best(lambda: studio.imagine(REQUEST, seed=SEED), repeat)
    asked = best(lambda: list(studio.expand(REQUEST, seed=SEED)), repeat)
    return [
        Figure("the agent, 8 takes of a brief, s", agent),
        Figure("diffusers and CLIP by hand, the same 8, s", by_hand),
        Figure("the agent over both by hand, ratio", agent / by_hand, most=1.03),
        Figure("the painter over bare diffusers, ratio", few / bare, most=1.03),
        Figure("a picture in a batch of 8, s", few / AT_ONCE),
        Figure("brief, s", asked),
        Figure("warm turn, request to refined picture, s", warm, most=5),
        Figure("requests one by one over the bare painter, ratio", *_served(studio, orders)),
        Figure(
            "peak memory of this process, GiB",
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        ),
    ]


def painted_by_agent(studio: Studio, brief: Brief, takes: int) -> list[ImageRequest]:
    """One round of the whole loop on a brief; the orders that it painted."""
    with closing(
        studio.paint(brief, seed=SEED, takes=takes, budget=takes, refine=False)
    ) as painting:
        return [event.take.order for event in painting if isinstance(event, CandidateReady)]


def in_turns(
    works: Sequence[Callable[[], Any]], repeat: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Seconds of the quickest of some runs of each, in turns, after a round that does not count."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(repeat + 1):
        for work, taken in zip(works, times, strict=True):
            start = clock()
            work()
            if number:
                taken.append(clock() - start)
    return [min(taken) for taken in times]


def best(work: Callable[[], Any], repeat: int) -> float:
    """Seconds of the quickest of some runs, after one that does not count."""
    return in_turns([work], repeat)[0]


def silent(command: list[str]) -> None:
    """Run a command that must succeed, its output thrown away."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=Path.cwd())


def _painted(studio: Studio, orders: Sequence[ImageRequest]) -> None:
    with closing(studio.painter.paint(orders)) as painting:
        for _ in painting:
            pass


def _served(studio: Studio, orders: Sequence[ImageRequest]) -> tuple[float, None, float]:
    """Pictures per second of requests with 8 takes each, writer and critic and all, over bare."""

    def serve() -> None:
        studio.imagine(REQUEST, seed=SEED, takes=AT_ONCE, budget=AT_ONCE, refine=False)

    served, bare = in_turns([serve, lambda: _painted(studio, orders)], 2)
    return bare / served, None, 0.95
