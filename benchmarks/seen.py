"""Paints many seeds of one wish, and keeps what the critic said half-way and at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL.Image import Image

from limner.agent.search.rounds import seed_of
from limner.benchmarks.arms import Case, Room
from limner.errors import BadInput
from limner.pipelines.roles import GeneratedImage, ImageRequest

__all__ = ["Score", "Seen", "Wish", "read", "watched"]

Score = tuple[int, float]
"""How a critique compares with others: claims that hold, then their mean probability."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture: if the judge finds it all right, and what the critic said of it.

    `chance` is that all claims hold at once, and `holds` whether they do; `glimpses` are the scores
    of what was to be seen of it after so many steps.
    """

    right: bool
    score: Score
    holds: bool
    chance: float
    glimpses: Mapping[int, Score]


@dataclass(frozen=True, slots=True)
class Wish:
    """A case and its pictures, by the order of their seeds; each took so many `steps`."""

    id: str
    category: str
    steps: int
    pictures: tuple[Seen, ...]


def watched(
    room: Room, cases: Sequence[Case], path: Path, seeds: int, every: int
) -> Iterator[Wish]:
    """The wishes of these cases; each is added to the file at `path`, and none painted twice.

    `every` so many steps there is a glimpse. Raises `BadInput` for a critic that says nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {wish.id: wish for wish in read(path)} if path.exists() else {}
    with path.open("a", encoding="utf-8") as file:
        for case in cases:
            if case.id not in known:
                known[case.id] = _watched(room, case, seeds, every)
                file.write(json.dumps(asdict(known[case.id])) + "\n")
                file.flush()
            yield known[case.id]


def read(path: Path) -> list[Wish]:
    """What `watched` wrote. Raises `BadInput` where there is no such file."""
    if not path.is_file():
        raise BadInput(f"Nothing was painted into {path}.", "Paint first: --paint")
    return [_wish(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _watched(room: Room, case: Case, seeds: int, every: int) -> Wish:
    room.enter()
    brief = room.brief(case.request, 1)
    claims = brief.claims
    orders = [room.order(brief, seed_of(1, number)) for number in range(seeds)]
    pictures: list[Seen] = []
    for at in range(0, seeds, room.easel.batch):
        done, glimpses = _painted(room, orders[at : at + room.easel.batch], every)
        ends = room.critiques(done, claims)
        halves = {n: room.critiques(shown, claims) for n, shown in glimpses.items()}
        for i, (picture, end) in enumerate(zip(done, ends, strict=True)):
            rough = {number: found[i].score for number, found in halves.items()}
            right = room.right(case, picture)
            pictures.append(Seen(right, end.score, end.holds, end.chance, rough))
    return Wish(case.id, case.category, orders[0].steps, tuple(pictures))


def _painted(
    room: Room, orders: Sequence[ImageRequest], every: int
) -> tuple[list[Image], dict[int, list[Image]]]:
    """The finished pictures in their order, and those half-way by the number of the step."""
    done: dict[int, Image] = {}
    rough: dict[int, list[Image]] = {}
    with closing(room.easel.painter.paint(orders, every)) as painting:
        for told in painting:
            if isinstance(told, GeneratedImage):
                done[told.index] = told.picture
            elif told.previews and told.number < told.of:
                rough[told.number] = [told.previews[i] for i in range(len(orders))]
    return [done[i] for i in range(len(orders))], rough


def _wish(row: dict[str, object]) -> Wish:
    pictures = row.pop("pictures")
    assert isinstance(pictures, list)
    return Wish(pictures=tuple(_seen(**one) for one in pictures), **row)  # type: ignore[arg-type]


def _seen(score: list[float], glimpses: dict[str, list[float]], **rest: object) -> Seen:
    rough = {int(number): _score(found) for number, found in glimpses.items()}
    return Seen(score=_score(score), glimpses=rough, **rest)  # type: ignore[arg-type]


def _score(pair: list[float]) -> Score:
    return int(pair[0]), float(pair[1])
