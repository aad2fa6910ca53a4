"""Scenes drawn once and kept as arrays: pictures, captions as tokens, questions and answers."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.captions import describe
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import GRID, SIDE, SPAN, Scene, random_scene, seen, told
from limner.pipelines.pocket.spec import Spec, absence, questions
from limner.pipelines.pocket.tokens import LENGTH, all_statements
from limner.pipelines.pocket.world import world

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import CLIPTokenizer

WORDINGS = 4
QUESTIONS = 12
CHOICES = 13
CHUNK = 250
CELLS = SIDE // GRID


class Drawn(NamedTuple):
    """The arrays of a data set of N scenes, memory-mapped.

    pictures: N x 128 x 128 x 3, uint8. captions: N x 4 x 64 token ids, int16. questions:
    N x 12 x 13 numbers of statements (see `all_statements`), int16: the true one first, then
    those that it excludes, padded with -1. cells: N x 16 x 16, uint16, what stands in each
    cell of 8 x 8 pixels; parts: N x 16 x 16, uint8, which part of it (see `cells_of`).
    """

    pictures: NDArray[np.uint8]
    captions: NDArray[np.int16]
    questions: NDArray[np.int16]
    cells: NDArray[np.uint16]
    parts: NDArray[np.uint8]


def open_drawn(folder: Path) -> Drawn:
    """The data set that `build` left in a folder."""
    return Drawn(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in Drawn._fields))


def tensor(array: NDArray[np.generic], kind: str = "") -> Tensor:
    """A tensor of its own from a part of a mapped array; `kind` casts, as in "int64"."""
    import torch

    return torch.from_numpy(np.array(array, dtype=kind or array.dtype))


def build(out: Path, count: int, tokenizer: Path, *, seed: int = 1, workers: int = 2) -> Drawn:
    """Draw `count` scenes; scene i depends on the seed and i alone, whatever the workers."""
    kept = create(out, count)
    jobs = [(seed, at, min(CHUNK, count - at), str(tokenizer)) for at in range(0, count, CHUNK)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for at, arrays in pool.imap_unordered(_chunk, jobs):
            for name, part in zip(Drawn._fields, arrays, strict=True):
                getattr(kept, name)[at : at + len(part)] = part
    return kept


def create(out: Path, count: int) -> Drawn:
    """An empty data set of so many scenes in a folder, to be written to."""
    out.mkdir(parents=True, exist_ok=True)
    grid = (CELLS, CELLS)
    shapes = ((SIDE, SIDE, 3), (WORDINGS, LENGTH), (QUESTIONS, CHOICES), grid, grid)
    kinds = (np.uint8, np.int16, np.int16, np.uint16, np.uint8)
    return Drawn._make(
        np.lib.format.open_memmap(out / f"{name}.npy", "w+", dtype=kind, shape=(count, *shape))
        for name, kind, shape in zip(Drawn._fields, kinds, shapes, strict=True)
    )


def scenes(seed: int, at: int, count: int) -> Iterator[tuple[Scene, Random]]:
    """Scenes number `at` to `at + count` of a data set, each with the rest of its own chance."""
    for number in range(at, at + count):
        chance = Random(seed * 1_000_003 + number)
        yield random_scene(chance), chance


def looks() -> int:
    """How many values a cell can have: nothing, or a thing in its own or some other colour."""
    return 1 + len(world().things) * (1 + len(world().colours))


def sprite_parts() -> int:
    """How many values a part can have: none, or one of the cells of a sprite of either size."""
    return 1 + sum((span // GRID) ** 2 for span in SPAN.values())


def cells_of(scene: Scene) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The look that stands in each cell, and which part of its sprite that is; 0 for none.

    A look is 1 + thing x 11 + colour (0 for its own). Parts count from the top left, those of small
    sprites first.
    """
    things, colours = list(world().things), ["", *world().colours]
    cells, parts = np.zeros((CELLS, CELLS), np.uint16), np.zeros((CELLS, CELLS), np.uint8)
    first = {"small": 1, "large": 1 + (SPAN["small"] // GRID) ** 2}
    for spot in scene.spots:
        left, top = round(spot.x - spot.span / 2) // GRID, round(spot.y - spot.span / 2) // GRID
        wide = spot.span // GRID
        here = np.s_[top : top + wide, left : left + wide]
        cells[here] = 1 + things.index(spot.name) * len(colours) + colours.index(spot.colour)
        parts[here] = first[spot.size] + np.arange(wide * wide).reshape(wide, wide)
    return cells, parts


def ask(truth: Spec, chance: Random, missing: Sequence[str] = ()) -> list[list[int]]:
    """Questions about a scene, as statement numbers: what is true first, then its alternatives.

    Most ask after what is there, the rest after what is not: absent things, their colours, places
    and relations, to all of which the answer is that there is none. `missing` are kinds of which
    that is asked in any case.
    """
    there = [*questions(truth), *_own_colours(truth)]
    chance.shuffle(there)
    absent = [n for n in world().things if n not in {g.name for g in truth.groups}]
    names = [*missing, *missing, *(chance.choice(absent) for _ in range(3))]
    asked = [*(_about_missing(name, truth, chance) for name in names), *there][:QUESTIONS]
    return [_numbered(*question) for question in asked]


def _chunk(job: tuple[int, int, int, str]) -> tuple[int, tuple[NDArray[np.generic], ...]]:
    seed, at, count, tokenizer = job
    pictures = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    captions = np.zeros((count, WORDINGS, LENGTH), np.int16)
    asked = np.full((count, QUESTIONS, CHOICES), -1, np.int16)
    cells = np.zeros((count, CELLS, CELLS), np.uint16)
    parts = np.zeros((count, CELLS, CELLS), np.uint8)
    for row, (scene, chance) in enumerate(scenes(seed, at, count)):
        pictures[row], (cells[row], parts[row]) = draw(scene), cells_of(scene)
        truth = seen(scene)
        texts = [describe(told(truth, chance), chance) for _ in range(WORDINGS)]
        captions[row] = tokenized(_tokenizer(tokenizer), texts)
        for number, question in enumerate(ask(truth, chance)):
            asked[row, number, : len(question)] = question
    return at, (pictures, captions, asked, cells, parts)


def tokenized(
    tokenizer: CLIPTokenizer, texts: list[str], length: int = LENGTH
) -> NDArray[np.int16]:
    """Token ids, padded to `length`."""
    batch = tokenizer(texts, padding="max_length", truncation=True, max_length=length)
    return np.array(batch["input_ids"], dtype=np.int16)


@cache
def _tokenizer(folder: str) -> CLIPTokenizer:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder)


@cache
def _numbers() -> dict[str, int]:
    return {statement: number for number, statement in enumerate(all_statements())}


def _numbered(true: str, alternatives: list[str]) -> list[int]:
    table = _numbers()
    return [table[true], *(table[other] for other in alternatives if other != true)]


def _own_colours(truth: Spec) -> list[tuple[str, list[str]]]:
    plain = [statements.colours(g.name, g.count) for g in truth.groups if not g.colour]
    return [(said[-2], said) for said in plain]


def _about_missing(name: str, truth: Spec, chance: Random) -> tuple[str, list[str]]:
    """A question about a thing that is not there, asked as if it were."""
    there = [g.name for g in truth.groups]
    none = absence(name)[0]
    kind = chance.randrange(6)
    count = chance.choice((1, 1, 2))
    if kind == 0:
        return none, statements.places(name, count)
    if kind == 1:
        return none, statements.sizes(name, count)
    if kind == 2:
        return none, statements.colours(name, count)
    if kind == 3 and there:
        # Only one of the two may be missing, else two alternatives would be true.
        pair = (name, chance.choice(there))
        return none, statements.relations(*(pair if chance.random() < 0.5 else pair[::-1]))
    return absence(name)
