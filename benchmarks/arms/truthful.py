"""The exact judge in the critic's place, for arms that ask what a perfect critic would be worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

from PIL.Image import Image

from limner.benchmarks.asked import Claim
from limner.benchmarks.judge import verdict
from limner.benchmarks.parse import Seen, parsed
from limner.pipelines.pocket import statements
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.world import MOST, world

__all__ = ["TruthfulCritic", "meanings"]

Meaning = Callable[[Seen], bool]


class TruthfulCritic:
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
        seen = [parsed(picture) for picture in pictures]
        return [[float(means(found)) for means in asked] for found in seen]


@cache
def meanings() -> dict[str, Meaning]:
    """Every statement that the small world's critics were taught, and when it is true."""
    return dict(_every())


def _meaning(text: str, foils: tuple[str, ...]) -> Meaning:
    """Against fewer alone, "two" means two or more."""
    return _at_least().get((text, foils)) or meanings().get(text, _never)


@cache
def _at_least() -> dict[tuple[str, tuple[str, ...]], Meaning]:
    return {
        (said[count], tuple(said[:count])): partial(_so_many, name, count)
        for name in world().things
        for said in [statements.counts(name)]
        for count in range(1, MOST + 1)
    }


def _every() -> Iterator[tuple[str, Meaning]]:
    for name in world().things:
        yield from _of_thing(name)
        for other in world().things:
            texts = statements.relations(name, other)
            for text, how in zip(texts, world().relations, strict=False):
                yield text, _judged(Claim("relation", name, how, other))
    for sort, texts, values in (
        ("where", statements.wheres(), world().where),
        ("light", statements.lights(), world().light),
        ("style", statements.styles(), world().styles),
    ):
        yield from ((t, _judged(Claim(sort, value=v))) for t, v in zip(texts, values, strict=False))
    yield statements.wheres()[-1], _groundless


def _of_thing(name: str) -> Iterator[tuple[str, Meaning]]:
    for count in range(1, MOST + 1):
        for sort, texts, values in (
            ("colour", statements.colours(name, count), world().colours),
            ("size", statements.sizes(name, count), world().sizes),
            ("place", statements.places(name, count), world().places),
        ):
            each = zip(texts, values, strict=False)
            yield from ((text, _judged(Claim(sort, name, value))) for text, value in each)
        yield statements.colours(name, count)[len(world().colours)], partial(_natural, name)
    for count, text in enumerate(statements.counts(name)[: MOST + 1]):
        yield text, _judged(Claim("count", name, count) if count else Claim("absent", name))


def _judged(claim: Claim) -> Meaning:
    return lambda found: verdict(found, [claim])[0]


def _natural(name: str, found: Seen) -> bool:
    colours = [thing.spot.colour for thing in found.things if thing.name == name]
    return bool(colours) and not any(colours)


def _so_many(name: str, least: int, found: Seen) -> bool:
    return sum(thing.name == name for thing in found.things) >= least


def _groundless(found: Seen) -> bool:
    return bool(found.light) and not found.where


def _never(_: Seen) -> bool:
    return False
