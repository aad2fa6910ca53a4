"""How far the exact judge is to be believed: beside labels by eye, the second judge, and drawings.

`python -m benchmarks.judge_validation` says how often both judges and the eye agree on the labelled
pictures of benchmarks/labels; `--keep` writes agreement.json, which stands beside every table of
the exact judge's. `--painted 150` compares the two judges on as many one-shot pictures of
development prompts as they were typed. `--drawn 60` judges as many drawn scenes, clean and worn in
three ways, by all that is true of them, which should pass, and by descriptions with one thing
changed, which should not.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from limner.agent.archive.atomic_io import write_named
from limner.benchmarks.cases import eval_prompts, said
from limner.benchmarks.judge import PromptSpec, all_right, claims_of, loaded, verdict
from limner.benchmarks.scene_graph import OWN, parsed
from limner.errors import BadInput
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import SIDE, seen
from limner.pipelines.pocket.spec import OPPOSITE, Group, Spec
from limner.pipelines.pocket.world import MOST, world

__all__ = [
    "ClaimTally",
    "agreement",
    "differences",
    "drawn_tallies",
    "falsified",
    "kept_agreement",
    "labelled",
    "same",
    "summary_lines",
]

LABELS = Path(__file__).parent / "labels" / "painted.jsonl"
KEPT = LABELS.with_name("agreement.json")
ACROSS = 20  # tiles in a row of the pictures' file
PARTS = ("tuning", "validation", "later")
"""The judge's thresholds were chosen on the first; the second was touched by nothing, and the third
was painted afterwards, by a painter with more hours behind it."""
SEED = 20_260  # of scenes that no training has drawn
BLUR, QUALITY, BATCH = 0.7, 75, 10  # pixels, of JPEG, pictures through the autoencoder at once

LabelRow = dict[str, Any]
"""A labelled picture: number, part, who painted and who looked, what was asked, and `right`."""
Verdicts = Sequence[Sequence[bool]]
"""For each picture, which of its claims are true."""
Agreement = dict[str, Any]
"""`claims`, `pictures` and each sort of claim: `both` true, `neither`, `judge` alone, `eye` alone.
"""


def main() -> None:
    """Compare what was asked for, print how it went, and keep it if that was asked, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apart", choices=PARTS, help="list where exact judge and eye differ")
    parser.add_argument("--keep", action="store_true", help="write agreement.json")
    parser.add_argument("--painted", type=int, metavar="N", help="judge N pictures painted now")
    parser.add_argument("--drawn", type=int, metavar="N", help="judge N drawn scenes")
    parser.add_argument("--seed", type=int, default=SEED, help="of the drawn scenes")
    parser.add_argument("--wear", choices=WEARS, action="append", help="of the drawn scenes")
    given = parser.parse_args()
    if given.painted:
        exact, second = both(*_painted(given.painted))
        print(f"painted now: exact judge and second judge: {same(exact, second)}")
    if given.drawn:
        print(f"{given.drawn} scenes of seed {given.seed}, shares in %")
        print(_table({w: _drawn(w, given.drawn, given.seed) for w in given.wear or WEARS}))
    if not given.painted and not given.drawn:
        _labels(given.keep, given.apart)


# Labels by eye.


def labelled(path: Path = LABELS) -> tuple[list[LabelRow], list[Image.Image]]:
    """All labels of a file, and their pictures: the tiles of the .webp of the same name.

    Raises `BadInput` for a label that does not answer each claim, or is of another picture.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    try:
        with Image.open(path.with_suffix(".webp"), formats=["WEBP"]) as whole:
            tiles = whole.convert("RGB")
    except OSError:
        problem = f"The labelled pictures, {path.with_suffix('.webp')}, can't be read."
        raise BadInput(problem, "They come with limner's source, not with the package.") from None
    pictures = []
    for place, row in enumerate(rows):
        left, top = place % ACROSS * SIDE, place // ACROSS * SIDE
        pictures.append(tiles.crop((left, top, left + SIDE, top + SIDE)))
        claims, told = len(claims_of(loaded(row))), f"Mend its line in {path.name}."
        if claims != len(row["right"]):
            problem = f"has {len(row['right'])} labels for {claims} claims."
            raise BadInput(f"Label {row['number']} {problem}", told)
        if pixels_of(pictures[-1]) != row["pixels"]:
            raise BadInput(f"Label {row['number']} is of another picture.", told)
    return rows, pictures


def pixels_of(picture: Image.Image) -> str:
    """The start of the SHA-256 of a picture's pixels."""
    return hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()[:16]


def agreement(rows: Sequence[LabelRow], verdicts: Verdicts) -> Agreement:
    """How judge and eye went together, claim by claim and picture by picture."""
    counts: dict[str, Counter[str]] = {"pictures": Counter(), "claims": Counter()}
    for row, told in zip(rows, verdicts, strict=True):
        counts["pictures"][_how(all(told), all(row["right"]))] += 1
        for claim, held, right in zip(claims_of(loaded(row)), told, row["right"], strict=True):
            for name in ("claims", claim.sort):
                counts.setdefault(name, Counter())[_how(held, right)] += 1
    return {name: dict(count) for name, count in counts.items()}


def differences(rows: Sequence[LabelRow], verdicts: Verdicts) -> list[str]:
    """Each claim on which judge and eye differ, and what the judge says of it."""
    return [
        f"{row['number']}: {said(claim)}: {'true' if held else 'false'}"
        for row, told in zip(rows, verdicts, strict=True)
        for claim, held, right in zip(claims_of(loaded(row)), told, row["right"], strict=True)
        if held != right
    ]


def kept_agreement() -> dict[str, Agreement]:
    """What was last found of the labels that are shipped, by their part."""
    found: dict[str, Agreement] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def summary_lines(found: dict[str, Agreement]) -> Iterable[str]:
    """A line for each part: how often judge and eye agree, and which of them says true alone."""
    for part, told in found.items():
        every = ", ".join(f"{name}: {_shown(told[name])}" for name in ("claims", "pictures"))
        yield f"{part}: {every}"


def same(one: Verdicts, other: Verdicts) -> str:
    """The shares of claims and of whole pictures on which two agree."""
    claims = [a == b for p, q in zip(one, other, strict=True) for a, b in zip(p, q, strict=True)]
    whole = [all(p) == all(q) for p, q in zip(one, other, strict=True)]
    right = f"{sum(map(all, one))} and {sum(map(all, other))} all right"
    return (
        f"{np.mean(claims):.1%} of {len(claims)} claims, "
        f"{np.mean(whole):.1%} of {len(whole)} pictures ({right})"
    )


def exact(pictures: Sequence[Image.Image], asked: Sequence[PromptSpec]) -> Verdicts:
    """The exact judge's word on each claim of each picture."""
    return [verdict(parsed(p), claims_of(a)) for p, a in zip(pictures, asked, strict=True)]


def both(pictures: Sequence[Image.Image], asked: Sequence[PromptSpec]) -> tuple[Verdicts, Verdicts]:
    """The exact judge's word on each claim of each picture, and the second judge's."""
    from limner.benchmarks.second_judge import read

    graphs = zip(read(pictures), asked, strict=True)
    return exact(pictures, asked), [verdict(graph, claims_of(a)) for graph, a in graphs]


def _labels(keep: bool, apart: str | None) -> None:
    rows, pictures = labelled()
    found: dict[str, Agreement] = {}
    for part in PARTS:
        here = [n for n, row in enumerate(rows) if row["part"] == part]
        few = [rows[n] for n in here]
        first, second = both([pictures[n] for n in here], [loaded(row) for row in few])
        eye = [row["right"] for row in few]
        found[part] = agreement(few, first)
        if apart == part:
            print("\n".join(differences(few, first)))
        print(f"{part}:")
        print(f"  exact judge and eye: {same(first, eye)}")
        print(f"  second judge and eye: {same(second, eye)}")
        print(f"  exact judge and second judge: {same(first, second)}")
    print("\n".join(summary_lines(found)))
    for sort in found["validation"]:
        print(f"{sort:<12}" + "".join(f"{_shown(found[part].get(sort)):<54}" for part in PARTS))
    if keep:
        write_named(KEPT, (json.dumps(found, indent=1) + "\n").encode())


def _how(judge: bool, eye: bool) -> str:
    if judge == eye:
        return "both" if judge else "neither"
    return "judge" if judge else "eye"


def _shown(count: dict[str, int] | None) -> str:
    if not count:
        return "-"
    whole = sum(count.values())
    agreed = count.get("both", 0) + count.get("neither", 0)
    alone = f"judge alone {count.get('judge', 0)}, eye alone {count.get('eye', 0)}"
    return f"{agreed / whole:.1%} of {whole} ({alone})"


def _painted(count: int) -> tuple[list[Image.Image], list[PromptSpec]]:
    """One-shot pictures of development prompts, evenly spread, as they were typed."""
    from limner.pipelines import registry
    from limner.pipelines.pocket.report import paint

    rows = eval_prompts("development")
    few = rows[:: max(1, len(rows) // count)][:count]
    painter = registry.open_painter("pocket", {})
    steps, guidance = painter.spec.steps, painter.spec.guidance
    return paint(painter, [row.request for row in few], guidance, steps), [r.asked for r in few]


# Drawn scenes.


@dataclass(slots=True)
class ClaimTally:
    """How many claims there were of each sort, and of how many the judge was right."""

    every: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def add(self, sort: str, right: bool) -> None:
        """Count one."""
        self.every[sort] += 1
        self.right[sort] += right

    def share(self, sorts: Iterable[str] = ()) -> float:
        """The share of some sorts, or of all, that was right; 1.0 where there is none."""
        chosen = list(sorts) or list(self.every)
        whole = sum(self.every[sort] for sort in chosen)
        return sum(self.right[sort] for sort in chosen) / whole if whole else 1.0


def drawn_tallies(
    pictures: Sequence[Image.Image], truths: Sequence[Spec], chance: Random
) -> tuple[ClaimTally, ClaimTally]:
    """How what is true was accepted, by claim and as a whole, and what is false refused."""
    accepted, refused = ClaimTally(), ClaimTally()
    for picture, truth in zip(pictures, truths, strict=True):
        graph, claims = parsed(picture), claims_of(PromptSpec(truth))
        told = verdict(graph, claims)
        for claim, held in zip(claims, told, strict=True):
            accepted.add(claim.sort, held)
        accepted.add("all right", all(told))
        for sort, false in falsified(truth, chance):
            refused.add(sort, not all_right(graph, false))
    return accepted, refused


def falsified(truth: Spec, chance: Random) -> Iterator[tuple[str, PromptSpec]]:
    """One false description for each sort of change that the scene allows, by the sort's name."""
    known, groups = world(), truth.groups

    def other(names: Iterable[str], *values: str) -> str:
        return chance.choice([name for name in names if name not in values])

    def changed(change: Callable[[Group], dict[str, Any]]) -> Spec:
        at = chance.randrange(len(groups))
        group = replace(groups[at], **change(groups[at]))
        return replace(truth, groups=(*groups[:at], group, *groups[at + 1 :]))

    def recoloured(group: Group) -> dict[str, Any]:
        own = (group.colour,) if group.colour else OWN.get(group.name, ())
        return {"colour": other(known.colours, *own)}

    def recounted(group: Group) -> dict[str, Any]:
        near = [n for n in (group.count - 1, group.count + 1) if 1 <= n <= MOST]
        return {"count": chance.choice(near)}

    def replaced(_: Group) -> dict[str, Any]:
        return {"name": other(known.things, *(g.name for g in groups))}

    sizes = {"small": "large", "large": "small"}
    yield "kind", PromptSpec(replace(changed(replaced), links=()))
    yield "count", PromptSpec(changed(recounted))
    yield "colour", PromptSpec(changed(recoloured))
    resized = changed(lambda group: {"size": sizes.get(group.size, "")})
    if resized != truth:
        yield "size", PromptSpec(resized)
    yield "place", PromptSpec(changed(lambda group: {"place": other(known.places, group.place)}))
    if truth.links:
        link = chance.choice(truth.links)
        turned = replace(link, how=OPPOSITE[link.how])
        yield "relation", PromptSpec(replace(truth, links=(turned,)))
    yield "where", PromptSpec(replace(truth, where=other(known.where, truth.where)))
    yield "light", PromptSpec(replace(truth, light=other(known.light, truth.light)))
    yield "style", PromptSpec(replace(truth, style=other(known.styles, truth.style)))
    if len(groups) > 1:  # of one kind nothing is said: that it is there must be held against it
        gone = chance.choice(groups)
        left = tuple(group for group in groups if group is not gone)
        yield "exactly", PromptSpec(replace(truth, groups=left, links=()))


def blurred(picture: Image.Image) -> Image.Image:
    """Out of focus by a Gaussian of 0.7 pixels."""
    return picture.filter(ImageFilter.GaussianBlur(BLUR))


def compressed(picture: Image.Image) -> Image.Image:
    """Through JPEG at quality 75."""
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=QUALITY)
    return Image.open(stored, formats=["JPEG"]).convert("RGB")


def _autoencoded(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Through the pocket painter's own autoencoder, on one thread."""
    import torch
    from diffusers import AutoencoderTiny

    torch.set_num_threads(1)
    with as_file(files("limner.pipelines.pocket") / "weights" / "painter" / "vae") as folder:
        model = AutoencoderTiny.from_pretrained(folder, use_safetensors=True).eval()
    found = []
    for at in range(0, len(pictures), BATCH):
        pixels = np.stack([np.asarray(p, np.float32) for p in pictures[at : at + BATCH]])
        with torch.inference_mode():
            given = torch.from_numpy(pixels / 127.5 - 1).permute(0, 3, 1, 2)
            back = model.decoder(model.encoder(given)).clamp(-1, 1).permute(0, 2, 3, 1)
        found += [Image.fromarray(p) for p in ((back + 1) * 127.5).round().byte().numpy()]
    return found


WEARS: dict[str, Callable[[Sequence[Image.Image]], list[Image.Image]]] = {
    "clean": list,
    "blurred": lambda pictures: [*map(blurred, pictures)],
    "JPEG": lambda pictures: [*map(compressed, pictures)],
    "autoencoded": _autoencoded,
}


def _drawn(wear: str, count: int, seed: int) -> dict[str, float]:
    """Shares of claims and whole scenes that are accepted, and of false descriptions refused."""
    drawn = [scene for scene, _ in scenes(seed, 0, count)]
    pictures = WEARS[wear]([Image.fromarray(draw(scene)) for scene in drawn])
    accepted, refused = drawn_tallies(pictures, [seen(scene) for scene in drawn], Random(seed))
    claims = [sort for sort in accepted.every if sort != "all right"]
    return {
        "all right": accepted.share(["all right"]),
        "claims": accepted.share(claims),
        **{f"  {sort}": accepted.share([sort]) for sort in claims},
        "false descriptions refused": refused.share(),
        **{f"  {sort} changed": refused.share([sort]) for sort in refused.every},
    }


def _table(figures: dict[str, dict[str, float]]) -> str:
    """One column for each wear, one row for each share."""
    rows = list(dict.fromkeys(name for shares in figures.values() for name in shares))
    wide = max(len(row) for row in rows) + 2
    lines = [" " * wide + "".join(f"{wear:>13}" for wear in figures)]
    for row in rows:
        cells = (f"{100 * s[row]:13.2f}" if row in s else " " * 13 for s in figures.values())
        lines.append(f"{row:<{wide}}" + "".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
