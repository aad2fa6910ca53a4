"""limner's own arms, and the plain ones: one picture, or the best of as many seeds as are paid for.

The loop also runs with one part taken away or made perfect. `TrueCritic` is the exact judge in the
critic's place, for the arms that ask what a perfect critic would be worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from PIL.Image import Image

from limner.agent.events import Finished
from limner.agent.search.refine import Refine
from limner.benchmarks.arms.harness import Arm, ArmRun, Case, Harness, TrialRecord
from limner.benchmarks.judge import BenchClaim, verdict
from limner.benchmarks.scene_graph import SceneGraph, parsed
from limner.pipelines.pocket import statements
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.world import MOST, world

__all__ = ["LOOPS", "SEEDS", "TrueCritic", "ceiling", "limner", "meanings"]


def raw(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """One picture of the request as it was typed, whatever the budget."""
    return best_of_raw(harness, case, seed, 1)


def expanded(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """One picture of the writer's brief, whatever the budget."""
    return best_of_expanded(harness, case, seed, 1)


def best_of_raw(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """The critic's choice among as many seeds of the request as the budget pays for."""
    run = ArmRun(harness, case, seed, budget)
    run.spend(run.typed)
    return run.done()


def best_of_expanded(
    harness: Harness, case: Case, seed: int, budget: int, rough: float = 1.0
) -> TrialRecord:
    """The critic's choice among as many seeds of the brief as the budget pays for."""
    run = ArmRun(harness, case, seed, budget, rough)
    run.spend(run.brief)
    return run.done()


def best_of_sketches(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """The critic's choice among all the sketches that the budget pays for, handed over as it is.

    What limner's own sketches are worth without painting any of them. With a search that makes
    none, this is `best_of_expanded`.
    """
    search = harness.studio.search
    rough = search.drop_at if isinstance(search, Refine) and search.drafts else 1.0
    return best_of_expanded(harness, case, seed, budget, rough)


def ceiling(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """The truth's choice among as many seeds of the brief as the budget pays for."""
    trial = best_of_expanded(harness, case, seed, budget)
    right = [all(harness.truth(case, sample.picture)) for sample in trial.samples]
    if not any(right):
        return trial
    chosen = right.index(True)
    return replace(trial, chosen=chosen, told=trial.samples[chosen].image_request)


def limner(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """The whole loop, in rounds of half the budget at most, so that it can learn from the first."""
    takes = _takes(harness, budget)
    result = harness.studio.imagine(case.request, seed=seed, budget=budget, images_per_round=takes)
    return harness.trial(result)


def exact_brief(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """The loop from a brief that says just what was asked: what the writer's drift costs it.

    Where that brief is not known, this is the loop.
    """
    if case.exact is None:
        return limner(harness, case, seed, budget)
    takes = _takes(harness, budget)
    *_, last = harness.studio.paint(case.exact, seed=seed, budget=budget, images_per_round=takes)
    assert isinstance(last, Finished)
    return harness.trial(last.result)


def _takes(harness: Harness, budget: int) -> int:
    return min(harness.studio.settings.images_per_round, max(1, budget // 2))


def _changed(*changes: Callable[[Harness], None], loop: Arm = limner) -> Arm:
    """The loop in a harness that was changed before; it is whole again in the next trial."""

    def arm(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
        for change in changes:
            change(harness)
        return loop(harness, case, seed, budget)

    return arm


def _searching(**parts: Any) -> Callable[[Harness], None]:
    def change(harness: Harness) -> None:
        search = harness.studio.search
        if isinstance(search, Refine):
            harness.studio.search = replace(search, **parts)

    return change


def _no_repair(harness: Harness) -> None:
    harness.painter.spec = replace(harness.painter.spec, repairs=False)


def _true_critic(harness: Harness) -> None:
    harness.critic.instead = TrueCritic()


SEEDS: dict[str, Arm] = {
    "raw": raw,
    "expanded": expanded,
    "best of raw": best_of_raw,
    "best of expanded": best_of_expanded,
    "best of sketches": best_of_sketches,
}
LOOPS: dict[str, Arm] = {
    "limner": limner,
    "limner, no repair": _changed(_no_repair),
    "limner, no rewording": _changed(Harness.reword_nothing),
    # without the share of the budget that goes to the request as it was typed
    "limner, no control": _changed(_searching(control=0.0)),
    "limner, no sketches": _changed(_searching(drafts=0)),
    "limner, seeds only": _changed(Harness.reword_nothing, _no_repair),
    "limner, exact brief": exact_brief,
    "limner, true critic": _changed(_true_critic),
    "limner, exact brief, true critic": _changed(_true_critic, loop=exact_brief),
}

Meaning = Callable[[SceneGraph], bool]


class TrueCritic:
    """Says 1 for what is true of a picture of the small world and 0 for anything else.

    It takes the statements that `SmallWorld.phrased` makes of claims; what the judge has no word
    for is 0. It sees only what it is asked about: of more things than were claimed it says nothing,
    as a critic would not.
    """

    name = "judge"
    world = SmallWorld()

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """The truth of each claim of each picture. Raises `BadInput` for a picture of no world."""
        asked = [_meaning(text, tuple(others)) for text, others in zip(claims, foils, strict=True)]
        graphs = [parsed(picture) for picture in pictures]
        return [[float(means(graph)) for means in asked] for graph in graphs]


@cache
def meanings() -> dict[str, Meaning]:
    """Every statement that the small world's critics were taught, and when it is true."""
    return dict(_every_meaning())


def _meaning(text: str, foils: tuple[str, ...]) -> Meaning:
    """Against fewer alone, "two" means two or more."""
    return _at_least().get((text, foils)) or meanings().get(text, lambda _: False)


@cache
def _at_least() -> dict[tuple[str, tuple[str, ...]], Meaning]:
    return {
        (said[count], tuple(said[:count])): partial(_so_many, name, count)
        for name in world().things
        for said in [statements.counts(name)]
        for count in range(1, MOST + 1)
    }


def _so_many(name: str, least: int, graph: SceneGraph) -> bool:
    return sum(thing.name == name for thing in graph.things) >= least


def _every_meaning() -> Iterator[tuple[str, Meaning]]:
    known = world()
    for name in known.things:
        yield from _thing_meanings(name)
        for other in known.things:
            texts = statements.relations(name, other)
            for text, how in zip(texts, known.relations, strict=False):
                yield text, _judged(BenchClaim("relation", name, how, other))
    for sort, texts, values in (
        ("where", statements.wheres(), known.where),
        ("light", statements.lights(), known.light),
        ("style", statements.styles(), known.styles),
    ):
        for text, value in zip(texts, values, strict=False):
            yield text, _judged(BenchClaim(sort, value=value))
    yield statements.wheres()[-1], lambda graph: bool(graph.light) and not graph.where


def _thing_meanings(name: str) -> Iterator[tuple[str, Meaning]]:
    known = world()
    for count in range(1, MOST + 1):
        for sort, texts, values in (
            ("colour", statements.colours(name, count), known.colours),
            ("size", statements.sizes(name, count), known.sizes),
            ("place", statements.places(name, count), known.places),
        ):
            for text, value in zip(texts, values, strict=False):
                yield text, _judged(BenchClaim(sort, name, value))
        yield statements.colours(name, count)[len(known.colours)], partial(_natural, name)
    for count, text in enumerate(statements.counts(name)[: MOST + 1]):
        claim = BenchClaim("count", name, count) if count else BenchClaim("absent", name)
        yield text, _judged(claim)


def _judged(claim: BenchClaim) -> Meaning:
    return lambda graph: verdict(graph, [claim])[0]


def _natural(name: str, graph: SceneGraph) -> bool:
    colours = [thing.spot.colour for thing in graph.things if thing.name == name]
    return bool(colours) and not any(colours)
