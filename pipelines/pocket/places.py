"""Teaches the painter left from right and above from below, and asks how much of it it knows.

A scene is shown beside its mirrored twin, of which the same words are true once they are turned
round: so nothing but the words can tell the painter which of the two it is to paint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from limner.pipelines.pocket.autoencoder import normalized
from limner.pipelines.pocket.captions import canonical, describe
from limner.pipelines.pocket.dataset import cells_of, tensor, tokenized
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import SIDE, Scene, random_scene, seen, told
from limner.pipelines.pocket.spec import Spec, trainable
from limner.pipelines.pocket.world import MOST

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny, StableDiffusionPipeline
    from torch import Tensor
    from transformers import CLIPTokenizer

ACROSS = {"left": "right", "right": "left", "left of": "right of", "right of": "left of"}
DOWN = {"above": "below", "below": "above"}
KNOWN = {
    "sides": "knows left from right",
    "places": "knows places",
    "numbers": "knows numbers",
}
"""What a painter is asked about, and how the report calls that."""
ASKED_AT, LOOKS = 900, 2
"""The time step of the questions, nearly all noise, where layout is decided; noises of each."""
CHUNK = 128
Question = tuple[Scene, str, str]


@dataclass(frozen=True, slots=True)
class Twins:
    """A scene and its mirrored twin, what is said of it, and the same turned round for the twin."""

    scene: Scene
    twin: Scene
    said: Spec
    turned: Spec

    def worded(self, chance: Random) -> tuple[str, str]:
        """Both in the same wording."""
        wording = chance.random()
        return describe(self.said, Random(wording)), describe(self.turned, Random(wording))


class Lesson(NamedTuple):
    """Latents, the ids of their captions and of the captions turned round, and their cells."""

    clean: Tensor
    said: Tensor
    turned: Tensor
    there: tuple[Tensor, Tensor]


class PlaceLessons:
    """Pairs of twins, drawn once from a seed and dealt out in batches."""

    def __init__(
        self, count: int, autoencoder: AutoencoderTiny, tokenizer: CLIPTokenizer, seed: int = 0
    ) -> None:
        chance = Random(f"places {seed}")
        pairs = [twins(chance) for _ in range(count)]
        # Even rows are scenes, odd ones their twins.
        scenes = [scene for pair in pairs for scene in (pair.scene, pair.twin)]
        texts = [text for pair in pairs for text in pair.worded(chance)]
        looks, parts = zip(*map(cells_of, scenes), strict=True)
        device = autoencoder.device
        self.latents = encoded(scenes, autoencoder)
        self.captions = tensor(tokenized(tokenizer, texts)).to(device)
        self.looks = tensor(np.stack(looks), "int16").to(device)
        self.parts = tensor(np.stack(parts)).to(device)

    def deal(self, pairs: int) -> Lesson:
        """So many scenes, then their twins; what is true of one is false of the other."""
        import torch

        device = self.latents.device
        first = 2 * torch.randint(len(self.latents) // 2, (pairs,), device=device)
        rows, others = torch.cat([first, first + 1]), torch.cat([first + 1, first])
        return Lesson(
            self.latents[rows].float(),
            self.captions[rows].long(),
            self.captions[others].long(),
            (self.looks[rows].long(), self.parts[rows].long()),
        )


def twins(chance: Random) -> Twins:
    """Two scenes that differ in places alone, and nothing told that is held out of training."""
    while True:
        scene = random_scene(chance, chance.choice((1, 2, 2, 2, 3)))
        said = told(seen(scene), chance)
        way = chance.choice((ACROSS, DOWN))
        turned = _turned(said, way)
        if turned != said and trainable(turned):
            return Twins(scene, _mirrored(scene, way), said, turned)


def encoded(scenes: Sequence[Scene], autoencoder: AutoencoderTiny) -> Tensor:
    """The scenes drawn and encoded, scaled for a painter, in half precision."""
    import torch

    found = []
    with torch.no_grad():
        for at in range(0, len(scenes), CHUNK):
            pixels = np.stack([draw(scene) for scene in scenes[at : at + CHUNK]])
            shown = normalized(torch.from_numpy(pixels).to(autoencoder.device))
            found.append(
                (autoencoder.encode(shown).latents * autoencoder.config.scaling_factor).half()
            )
    return torch.cat(found)


def knows(pipe: StableDiffusionPipeline, count: int = 128) -> dict[str, float]:
    """For each of `KNOWN`, how often the true caption has the lower error than a false one.

    Asked of so many scenes each. Whoever does not read captions gets .5.
    """
    import torch

    chance, found = Random("what the painter knows"), {}
    with torch.inference_mode():
        for name in KNOWN:
            scenes, true, false = zip(*(_question(name, chance) for _ in range(count)), strict=True)
            clean = encoded(scenes, pipe.vae).float()
            better = _errors(pipe, clean, false) - _errors(pipe, clean, true)
            found[name] = float((1 + better.sign()).mean() / 2)
    return found


def _errors(pipe: StableDiffusionPipeline, clean: Tensor, texts: Sequence[str]) -> Tensor:
    """The error of denoising each of the latents under its caption."""
    import torch

    said = tensor(tokenized(pipe.tokenizer, list(texts)), "int64").to(clean.device)
    words = pipe.text_encoder(input_ids=said).last_hidden_state
    signal = pipe.scheduler.alphas_cumprod[ASKED_AT]
    kept, lost = signal.sqrt(), (1 - signal).sqrt()
    error = torch.zeros(len(clean), device=clean.device)
    for seed in range(LOOKS):
        chance = torch.Generator().manual_seed(seed)
        noise = torch.randn(clean.shape, generator=chance).to(clean.device)
        guess = pipe.unet(kept * clean + lost * noise, ASKED_AT, words).sample
        error += (guess - kept * noise + lost * clean).square().mean(dim=(1, 2, 3))
    return error


def _question(name: str, chance: Random) -> Question:
    """A scene, a true caption, and one that is false in what is asked about alone."""
    if name == "numbers":
        return _miscounted(chance)
    while True:
        pair = twins(chance)
        if (name == "places") == (pair.said.links != pair.turned.links):
            return (pair.scene, *pair.worded(chance))


def _miscounted(chance: Random) -> Question:
    scene = random_scene(chance)
    said = told(seen(scene), chance)
    group = chance.choice(said.groups)
    count = chance.choice([n for n in (group.count - 1, group.count + 1) if 1 <= n <= MOST])
    other = tuple(replace(g, count=count) if g is group else g for g in said.groups)
    return scene, canonical(said), canonical(replace(said, groups=other))


def _turned(spec: Spec, way: dict[str, str]) -> Spec:
    """The same with left and right exchanged, or above and below."""
    groups = tuple(replace(g, place=way.get(g.place, g.place)) for g in spec.groups)
    links = tuple(replace(k, how=way.get(k.how, k.how)) for k in spec.links)
    return replace(spec, groups=groups, links=links)


def _mirrored(scene: Scene, way: dict[str, str]) -> Scene:
    """Each sprite on the other side of the picture, though none looks the other way."""
    across = way is ACROSS
    spots = (replace(s, x=SIDE - s.x) if across else replace(s, y=SIDE - s.y) for s in scene.spots)
    return Scene(_turned(scene.spec, way), tuple(spots))
