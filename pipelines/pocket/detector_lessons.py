"""Pictures for the detector to learn from, with what each shows and where: drawn ones and painted.

Of a drawn scene that is known. Of what the painter made of a caption, or of a drawn scene, the
labeller says it (see `labelling`); where it is unsure, or at odds with what is known of the scene,
nothing is taught.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.autoencoder import normalized
from limner.pipelines.pocket.captions import canonical, describe
from limner.pipelines.pocket.dataset import tensor, tokenized
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.labelling import Label, labels
from limner.pipelines.pocket.repaint import repainted
from limner.pipelines.pocket.scene import SIDE, Scene, Spot, random_scene, seen, told
from limner.pipelines.pocket.small_world import natural_colours
from limner.pipelines.pocket.spoil import crowded, spoiled
from limner.pipelines.pocket.survival import survivors
from limner.pipelines.pocket.training import fast_autocast
from limner.pipelines.pocket.world import world

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny, StableDiffusionPipeline

__all__ = ["DRAWN", "PAINTED", "Marked", "draw_lessons", "open_marked", "paint_lessons"]

DRAWN, PAINTED = "detector-drawn", "detector-painted"
MOST = 12
"""The things of one picture that are kept."""
WHOLE, CROWDED = 0.4, 0.7
"""Up to the first share scenes are drawn as they are, up to the second with too many of a kind; the
rest are spoiled."""
WORN, BLUR = 0.75, 0.15
"""The share of drawn pictures that go through the autoencoder, and the most noise in between."""
STEPS = (8, 10, 10, 12, 16)
GUIDANCE = (1.5, 2.0, 3.0, 3.0, 4.0, 5.0)
STRANGER = 0.75
"""How sure the labeller must be of a thing that the caption does not name."""


class Marked(NamedTuple):
    """N pictures and what they show, memory-mapped.

    pictures: N x 128 x 128 x 3, uint8. things: N x 12 x 7, int16: the number of the name, the
    centre's x and y and the width in pixels, the colours that it has and those that it may have (a
    bit each, in the world's order), and 1 where it is there, 0 where that is unclear; -1 where
    there is no more.
    """

    pictures: NDArray[np.uint8]
    things: NDArray[np.int16]


Thing = tuple[int, int, int, int, int, int, int]


def open_marked(folder: Path) -> Marked:
    """As many pictures as were finished in a folder."""
    done = _done(folder)
    return Marked(*(np.load(folder / f"{n}.npy", mmap_mode="r")[:done] for n in Marked._fields))


def draw_lessons(
    out: Path, autoencoder: AutoencoderTiny, count: int, seed: int, minutes: float | None = None
) -> Marked:
    """Draw scenes, crowded and spoiled ones too, and leave them in `out`; goes on where it stopped.

    Three in four go through the autoencoder, their latents blurred by noise, as what the painter
    makes does. A thing that was spoiled is not there; where the labeller sees it all the same,
    nothing is taught about it.
    """
    folder = out / DRAWN
    for rows, kept in _sitting(folder, count, minutes):
        said: list[list[Thing]] = []
        spoilt: list[tuple[Spot, ...]] = []
        for row in range(rows.start, rows.stop):
            kept.pictures[row], there, gone = _drawn(Random(seed * 1_000_003 + row))
            said.append([_of_spot(spot) for spot in there])
            spoilt.append(gone)
        _wear(kept.pictures, rows, autoencoder, seed)
        for row, things, gone in zip(range(rows.start, rows.stop), said, spoilt, strict=True):
            seen_as = labels(kept.pictures[row]) if gone else []
            _write(kept, row, [*things, *_disputed(gone, seen_as)])
    return open_marked(folder)


def paint_lessons(
    out: Path, pipe: StableDiffusionPipeline, count: int, seed: int, minutes: float | None = None
) -> Marked:
    """Let the painter paint, and label what comes of it; goes on where it stopped.

    Most pictures are painted from their captions alone, the rest over drawn scenes, some of them
    crowded. Steps, guidance and how much is painted anew change from batch to batch, so that there
    are all kinds of failures.
    """
    import torch

    folder = out / PAINTED
    for rows, kept in _sitting(folder, count, minutes):
        chance = Random(seed * 1_000_003 + rows.start)
        torch.manual_seed(seed * 1_000_003 + rows.start)
        strength = 1.0 if chance.random() < 0.65 else chance.uniform(0.5, 0.9)
        scenes = [random_scene(chance) for _ in range(rows.stop - rows.start)]
        if strength < 1:
            scenes = [crowded(s, chance) if chance.random() < 0.3 else s for s in scenes]
        captions = [_caption(scene, chance) for scene in scenes]
        pixels = normalized(tensor(np.stack([draw(scene) for scene in scenes])))
        tokens = tensor(tokenized(pipe.tokenizer, captions), "int64")
        how = (strength, chance.choice(STEPS), chance.choice(GUIDANCE))
        with torch.inference_mode(), fast_autocast("cpu"):
            kept.pictures[rows] = repainted(pipe, pixels, tokens, how).numpy()
        for row, scene in zip(range(rows.start, rows.stop), scenes, strict=True):
            found = [_of_label(one) for one in _believed(labels(kept.pictures[row]), scene)]
            if strength < 1:
                found = _checked(found, scene, survivors(scene, kept.pictures[row]))
            _write(kept, row, found)
    return open_marked(folder)


def _caption(scene: Scene, chance: Random) -> str:
    truth = seen(scene)
    if chance.random() < 0.5:
        return canonical(scene.spec)
    return describe(told(truth, chance), chance)


def _drawn(chance: Random) -> tuple[NDArray[np.uint8], tuple[Spot, ...], tuple[Spot, ...]]:
    """A picture, the spots of what it shows, and of what was spoiled."""
    scene, kind = random_scene(chance), chance.random()
    if kind < CROWDED:
        scene = scene if kind < WHOLE else crowded(scene, chance)
        return draw(scene), scene.spots, ()
    picture, whole = spoiled(scene, chance)
    pairs = list(zip(scene.spots, whole, strict=True))
    return picture, tuple(s for s, fine in pairs if fine), tuple(s for s, fine in pairs if not fine)


def _believed(found: Sequence[Label], scene: Scene) -> Iterator[Label]:
    """The labels, less sure of what nobody asked for."""
    asked = {group.name for group in scene.spec.groups}
    for one in found:
        strange = one.name not in asked and (one.kept + one.edges) / 2 < STRANGER
        yield replace(one, there=None) if strange else one


def _disputed(gone: Iterable[Spot], found: Sequence[Label]) -> Iterator[Thing]:
    """Spoiled things that the labeller does not deny, as unclear."""
    for spot in gone:
        if any(one.name == spot.name and _near(one.x, one.y, spot) for one in found):
            yield _unclear(_of_spot(spot))


def _checked(found: Sequence[Thing], scene: Scene, kept: Sequence[bool | None]) -> list[Thing]:
    """What the labeller found, unclear where what is known of the scene says otherwise."""
    names, checked = list(world().things), list(found)
    for spot, survived in zip(scene.spots, kept, strict=True):
        number = names.index(spot.name)
        here = [n for n, t in enumerate(checked) if t[0] == number and _near(t[1], t[2], spot)]
        there = any(checked[n][6] for n in here)
        if survived is not None and there != survived:
            for n in here:
                checked[n] = _unclear(checked[n])
            if not here:
                checked.append(_unclear(_of_spot(spot)))
    return checked


def _near(x: float, y: float, spot: Spot) -> bool:
    return max(abs(x - spot.x), abs(y - spot.y)) < spot.span / 2


def _of_spot(spot: Spot) -> Thing:
    number = list(world().things).index(spot.name)
    true = _bits(spot.colour, spot.name)
    return number, round(spot.x), round(spot.y), spot.span, true, 0, 1


def _of_label(one: Label) -> Thing:
    number = list(world().things).index(one.name)
    possible = [_bits(colour, one.name) for colour in (one.colour, *one.rivals)]
    any_, all_ = 0, -1
    for bits in possible:
        any_, all_ = any_ | bits, all_ & bits
    if not one.coloured:
        all_ = 0
    return number, round(one.x), round(one.y), one.span, all_, any_ & ~all_, int(bool(one.there))


def _bits(colour: str, name: str) -> int:
    """The colours that a look can be said to have, a bit each."""
    known = list(world().colours)
    named = (colour,) if colour else natural_colours(name)
    return sum(1 << known.index(each) for each in named if each in known)


def _unclear(thing: Thing) -> Thing:
    return (*thing[:6], 0)


def _write(kept: Marked, row: int, things: Sequence[Thing]) -> None:
    kept.things[row] = -1
    for number, thing in enumerate(things[:MOST]):
        kept.things[row, number] = thing


def _sitting(
    folder: Path, count: int, minutes: float | None, batch: int = 40
) -> Iterator[tuple[slice, Marked]]:
    """The next rows to fill, until there are `count` or the minutes are over."""
    start, at = time.monotonic(), _done(folder)
    kept = _files(folder, count)
    while at < count and (minutes is None or time.monotonic() - start < 60 * minutes):
        rows = slice(at, min(at + batch, count))
        yield rows, kept
        at = rows.stop
        (folder / "done.json").write_text(json.dumps({"done": at}))


def _done(folder: Path) -> int:
    mark = folder / "done.json"
    return int(json.loads(mark.read_text())["done"]) if mark.exists() else 0


def _files(folder: Path, count: int) -> Marked:
    """The arrays of a folder, open for writing; new ones where there are none of that length."""
    shapes = {"pictures": (count, SIDE, SIDE, 3), "things": (count, MOST, 7)}
    kinds = {"pictures": np.uint8, "things": np.int16}
    folder.mkdir(parents=True, exist_ok=True)
    opened: dict[str, NDArray[np.generic]] = {}
    for name, shape in shapes.items():
        path = folder / f"{name}.npy"
        before = np.load(path, mmap_mode="r") if path.exists() else None
        if before is not None and before.shape == shape:
            opened[name] = np.load(path, mmap_mode="r+")
            continue
        longer = path.with_suffix(".part")
        fresh = np.lib.format.open_memmap(longer, "w+", dtype=kinds[name], shape=shape)
        if before is not None:
            known = min(len(before), count)
            fresh[:known] = before[:known]
        fresh.flush()
        longer.replace(path)
        opened[name] = np.load(path, mmap_mode="r+")
    return Marked(**opened)  # type: ignore[arg-type]


def _wear(
    pictures: NDArray[np.uint8], rows: slice, autoencoder: AutoencoderTiny, seed: int
) -> None:
    """Puts most of some pictures through the autoencoder, in place."""
    import torch

    torch.manual_seed(seed * 1_000_003 + rows.start)
    some = slice(rows.start, rows.start + round(WORN * (rows.stop - rows.start)))
    if some.start == some.stop:
        return
    with torch.inference_mode(), fast_autocast("cpu"):
        latents = autoencoder.encoder(normalized(tensor(pictures[some]))).float()
        blur = BLUR * torch.rand(len(latents), 1, 1, 1)
        back = autoencoder.decoder(latents + blur * torch.randn_like(latents)).float().clamp(-1, 1)
    pictures[some] = ((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
