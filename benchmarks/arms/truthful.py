"""The exact judge in the critic's place, for arms that ask what a perfect critic would be worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from PIL.Image import Image

from limner.benchmarks.asked import Claim
from limner.benchmarks.judge import verdict
from limner.benchmarks.parse import parsed
from limner.pipelines.pocket import statements
from limner.pipelines.pocket.world import MOST, world

__all__ = ["TruthfulCritic", "meanings"]


class TruthfulCritic:
    """Says 1 for what is true of a picture of the small world and 0 for anything else.

    What the judge has no word for is 0. It sees only what it is asked about: of more things than
    were claimed it says nothing, as a critic would not.
    """

    name = "judge"

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """The truth of each claim of each picture. Raises `BadInput` for a picture of no world."""
        asked = [meanings().get(text) for text in claims]
        return [_row(picture, asked) for picture in pictures]


@cache
def meanings() -> dict[str, Claim]:
    """Every statement that a brief of the small world can make, and what it means to the judge."""
    return dict(_every())


def _row(picture: Image, asked: Sequence[Claim | None]) -> list[float]:
    found = parsed(picture)
    known = verdict(found, [claim for claim in asked if claim])
    said = iter(known)
    return [float(next(said)) if claim else 0.0 for claim in asked]


def _every() -> Iterator[tuple[str, Claim]]:
    for name in world().things:
        yield from _of_thing(name)
        for other in world().things:
            texts = statements.relations(name, other)
            for text, how in zip(texts, world().relations, strict=False):
                yield text, Claim("relation", name, how, other)
    for sort, texts, values in (
        ("where", statements.wheres(), world().where),
        ("light", statements.lights(), world().light),
        ("style", statements.styles(), world().styles),
    ):
        yield from ((t, Claim(sort, value=v)) for t, v in zip(texts, values, strict=False))


def _of_thing(name: str) -> Iterator[tuple[str, Claim]]:
    for count, text in enumerate(statements.counts(name)[: MOST + 1]):
        yield text, Claim("count", name, count) if count else Claim("absent", name)
    for count in range(1, MOST + 1):
        for sort, texts, values in (
            ("colour", statements.colours(name, count), world().colours),
            ("size", statements.sizes(name, count), world().sizes),
            ("place", statements.places(name, count), world().places),
        ):
            yield from ((t, Claim(sort, name, v)) for t, v in zip(texts, values, strict=False))
