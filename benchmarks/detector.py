"""How often the detector is right about the painter's own pictures, beside the critic.

`python -m limner.benchmarks.detector --count 100` paints so many development prompts for each
number of kinds of thing, has the exact judge decide every claim, and prints for each kind of claim
how detector and critic do. Neither saw these pictures, and the judge took no part in training.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
from PIL import Image, ImageDraw

from limner.benchmarks.judge import BenchClaim, verdict
from limner.benchmarks.scene_graph import SceneGraph, parse
from limner.pipelines import registry
from limner.pipelines.detector import Detector, Slots
from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.report import Gate, area, development_specs, paint, table
from limner.pipelines.pocket.sheets import sheet
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.spec import Group, Spec
from limner.pipelines.pocket.world import world
from limner.pipelines.roles import Critic, World

__all__ = ["Judged", "claims_of", "gates", "rates"]

KINDS = (1, 2, 3)
STRANGERS = 2
"""Kinds that were not asked for, of which each picture is asked whether they are absent."""
AREA, FALSE, TRUE = 0.97, 0.05, 0.92
"""The gates: area under the ROC curve, false claims that pass at .5, true ones that pass."""
SEED = 909


@dataclass(frozen=True, slots=True)
class Judged:
    """One claim about one picture: what is true, and how probable detector and critic have it."""

    kind: str
    true: bool
    detector: float
    critic: float


def main() -> None:
    """Paint, judge, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="pictures for each number of kinds")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--detector", default="pocket", help="a name or a folder")
    parser.add_argument("--pictures", type=Path, help="folder where pictures are kept, or found")
    parser.add_argument("--sheet", type=Path, help="a PNG of pictures with what was found in them")
    given = parser.parse_args()
    specs = [spec for kinds in KINDS for spec in development_specs(kinds, given.count)]
    pictures = _pictures(specs, given.guidance, given.steps, given.pictures)
    detector = registry.open_detector(given.detector, _pocket(given.detector))
    detector.world = cast("World", SmallWorld())
    found = judged(detector, registry.open_critic("pocket", {}), pictures, specs)
    print(f"{len(pictures)} pictures, guidance {given.guidance:g}, {given.steps} steps\n")
    print(by_kind(found), "\n")
    print(table(gates(found)))
    if given.sheet:
        framed(detector, pictures, specs, given.sheet)


def judged(
    detector: Detector, critic: Critic, pictures: Sequence[Image.Image], specs: Sequence[Spec]
) -> list[Judged]:
    """All claims about all pictures on which the exact judge, the detector and the critic speak."""
    known, chance = SmallWorld(), Random(SEED)
    rows = []
    for picture, spec in zip(pictures, specs, strict=True):
        seen = parse(picture)
        claims = [c for c in claims_of(spec, chance) if truth(seen, c) is not None]
        worded = [known.phrased(claim) for claim in claims]
        told = [(claim, words) for claim, words in zip(claims, worded, strict=True) if words]
        texts, foils = [words[0] for _, words in told], [words[1] for _, words in told]
        chances = detector.judge([picture], [claim for claim, _ in told])[0]
        theirs = critic.look([picture], texts, foils)[0]
        for (claim, _), ours, other in zip(told, chances, theirs, strict=True):
            if ours is not None:
                rows.append(Judged(claim.kind, bool(truth(seen, claim)), ours, other))
    return rows


def claims_of(spec: Spec, chance: Random) -> Iterator[Slots]:
    """All that a prompt says about things; and for each kind, and for others, that it is absent."""
    for group in spec.groups:
        yield from _of_group(group)
    for link in spec.links:
        text = f"The {link.thing} is {link.how} the {link.other}."
        yield Slots("relation", link.thing, link.how, link.other, text)
    asked = [group.name for group in spec.groups]
    others = chance.sample([name for name in world().things if name not in asked], STRANGERS)
    for name in (*asked, *others):
        yield Slots("absent", name, text=f"There is no {name}.")


def truth(seen: SceneGraph, claim: Slots) -> bool | None:
    """Whether a claim is true of what the exact judge saw; None where it can't tell."""
    there = any(thing.name == claim.subject for thing in seen.things)
    if claim.kind == "object":
        return there
    if claim.kind == "absent":
        return False if there else (True if seen.clear else None)
    value = int(claim.value) if claim.kind == "count" else claim.value
    return verdict(seen, [BenchClaim(claim.kind, claim.subject, value, claim.object)])[0]


def rates(chances: Sequence[float], truths: Sequence[bool]) -> tuple[float, float, float]:
    """Area under the ROC curve, and the shares of false and of true claims that pass at .5."""
    said, true = np.asarray(chances, float), np.asarray(truths, bool)
    passed = said >= 0.5
    shares = [float(passed[some].mean()) if some.any() else np.nan for some in (~true, true)]
    return area(said, true), shares[0], shares[1]


def gates(found: Sequence[Judged]) -> list[Gate]:
    """The detector's gates, over all claims and for each kind."""
    rows = []
    for kind, some in _sorted(found).items():
        near, false, true = rates([one.detector for one in some], [one.true for one in some])
        name = f"detector, painted pictures, {kind}"
        rows += [
            Gate(name, "area under the ROC curve", f">= {AREA}", f"{near:.3f}", near >= AREA),
            Gate(name, "false claims that pass", "<= 5 %", f"{false:.1%}", false <= FALSE),
            Gate(name, "true claims that pass", ">= 92 %", f"{true:.1%}", true >= TRUE),
        ]
    return rows


def by_kind(found: Sequence[Judged]) -> str:
    """A Markdown table of detector and critic, side by side."""
    head = (
        "| kind | claims | false ones | detector: area, false pass, true pass | critic: the same |"
    )
    lines = [head, "| --- | --- | --- | --- | --- |"]
    for kind, some in _sorted(found).items():
        truths = [one.true for one in some]
        both = ([one.detector for one in some], [one.critic for one in some])
        cells = [f"{a:.3f}, {f:.1%}, {t:.1%}" for a, f, t in (rates(c, truths) for c in both)]
        lines.append(f"| {kind} | {len(some)} | {truths.count(False)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def framed(
    detector: Detector,
    pictures: Sequence[Image.Image],
    specs: Sequence[Spec],
    path: Path,
    count: int = 40,
) -> None:
    """A sheet of pictures, evenly spread, with a frame around each thing that was found."""
    step = max(1, len(pictures) // count)
    names, shown, said = list(world().things), [], []
    for picture, spec in list(zip(pictures, specs, strict=True))[::step][:count]:
        copy = picture.convert("RGB").resize((256, 256))
        pen = ImageDraw.Draw(copy)
        for name, finds in detector.detect([picture], names)[0].items():
            for one in finds:
                if one.score >= 0.2:
                    sure = one.score >= 0.5
                    box = tuple(256 * side for side in one.box)
                    pen.rectangle(box, outline="lime" if sure else "red")
                    text = f"{name} {one.score:.2f}"
                    pen.text((box[0] + 2, box[1] + 1), text, "black" if sure else "red")
        shown.append(copy)
        said.append(canonical(spec))
    sheet(shown, said, side=256).save(path)


def _of_group(group: Group) -> Iterator[Slots]:
    name, many = group.name, group.count > 1
    subject = f"The {world().things[name].counted(group.count)} {'are' if many else 'is'}"
    yield Slots("object", name, text=f"There is a {name}.")
    yield Slots("count", name, str(group.count), text=f"{group.count} of {name}")
    for kind, value in (("colour", group.colour), ("size", group.size), ("place", group.place)):
        if value:
            yield Slots(kind, name, value, text=f"{subject} {value}.")


def _sorted(found: Sequence[Judged]) -> dict[str, list[Judged]]:
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for one in found:
        kinds["all"].append(one)
        kinds[one.kind].append(one)
    return kinds


def _pictures(
    specs: Sequence[Spec], guidance: float, steps: int, kept: Path | None
) -> list[Image.Image]:
    """One picture of each spec; those that a folder holds already are not painted again."""
    paths = [kept / f"{number:04}.png" for number in range(len(specs))] if kept else []
    if paths and all(path.exists() for path in paths):
        return [Image.open(path, formats=["PNG"]).convert("RGB") for path in paths]
    painter = registry.open_painter("pocket", {})
    pictures = paint(painter, [canonical(spec) for spec in specs], guidance, steps)
    for path, picture in zip(paths, pictures, strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return pictures


def _pocket(spec: str) -> dict[str, object]:
    """The settings of a folder that holds a pocket detector, for one that is not shipped yet."""
    return {} if spec == "pocket" else registry.POCKET_DETECTOR


if __name__ == "__main__":
    main()
