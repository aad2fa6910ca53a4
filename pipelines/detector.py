"""Finds named things in pictures and says where each is, and so whether a statement holds.

Any model that finds what it is told in words will do: OWL-ViT (arXiv:2205.06230), OWLv2
(arXiv:2306.09683), Grounding DINO (arXiv:2303.05499). What compares a picture with a sentence as a
whole hardly counts, and hardly tells left from right; boxes do.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from limner.errors import BadInput, ModelUnusable
from limner.pipelines.device import place
from limner.pipelines.loading import load, opening
from limner.pipelines.oom import in_parts, telling
from limner.pipelines.roles import Statement, World
from limner.pipelines.weights import named, verify

if TYPE_CHECKING:
    import torch

__all__ = ["COLOURS", "Box", "Detection", "Detector", "Slots", "judged", "phrases", "with_article"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as fractions 0..1 of the picture's sides."""

CURE = "Name a smaller detector, or say device: cpu in its settings; limner doctor says what fits."
REMEMBERED = 64
"""Sets of queries whose text features are kept; claims repeat from round to round."""
COLOURS = (
    *("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"),
    "grey",
)
"""The colours that are told apart; what is said of another one is left to another judge."""

LEAST, MOST = 0.03, 12
"""Finds that are less probable are left out, and so are all of a name but the best so many."""
SAME, CLOSE = 0.5, 0.35
"""Two finds of a name are one thing where their boxes share so much (intersection over union), or
their centres are nearer, both across and down, than so much of their mean side."""
MANY, SEVERAL = 4, 2


@dataclass(frozen=True, slots=True)
class Detection:
    """One find: the name that was asked for, where it is, and how sure it is, 0..1."""

    name: str
    box: Box
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, right and down, in 0..1."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def side(self) -> float:
        """The longer side of the box, in 0..1 of the picture's."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class Slots:
    """A statement about a picture in slots, as `judge` takes it; see `roles.Statement`."""

    kind: str
    subject: str = ""
    value: str = ""
    object: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Family:
    """How one kind of model is asked: the words around a name, and from which score on it is there.

    `steep` is by how much the log odds of a find rise with those of its score; `short` whether the
    model is sound in 16 bits.
    """

    words: str
    threshold: float
    steep: float = 2.0
    short: bool = True


FAMILIES = {
    "owlvit": _Family("a photo of {}", 0.1),
    "owlv2": _Family("a photo of {}", 0.2),
    "grounding-dino": _Family("", 0.35, short=False),
    "mm-grounding-dino": _Family("", 0.35, short=False),
}
"""By `model_type`; the thresholds are those of the models' own demonstrations."""

Found = Mapping[str, Sequence[Detection]]
"""The finds of each name in one picture, each thing once, best first."""


class Detector:
    """Finds things by name, with any folder that `AutoModelForZeroShotObjectDetection` opens.

    `threshold`, above 0 and below 1, is the score from which on something is rather there than not;
    `steep` how fast its probability rises there (the factor of its log odds). `words` is what is
    asked, with {} for a name and its article. With `rivals` a thing's colour is told by comparing
    it with all others; without, the phrase decides alone. None takes what suits the model's kind.
    `batch` is how many pictures are looked at, or texts are read, at a time; fewer, where memory
    runs out.
    """

    world: World | None = None

    def __init__(  # noqa: PLR0913
        self,
        folder: Path,
        name: str,
        *,
        device: str = "auto",
        threshold: float | None = None,
        steep: float | None = None,
        words: str | None = None,
        rivals: bool = True,
        batch: int = 8,
    ) -> None:
        if threshold is not None and not 0 < threshold < 1:
            raise BadInput("A detector's threshold is between 0 and 1.", "For instance 0.2.")
        verify(folder)
        with opening(name, "detector"):
            from transformers import (
                AutoConfig,
                AutoImageProcessor,
                AutoModelForZeroShotObjectDetection,
                AutoTokenizer,
            )

            local = {"local_files_only": True, "trust_remote_code": False}
            kind = AutoConfig.from_pretrained(folder, **local).model_type
            family = FAMILIES.get(kind)
            if family is None:
                raise ModelUnusable(
                    f"{name!r} is no detector that limner knows: {kind}.",
                    f"Known: {', '.join(FAMILIES)}.",
                )
            self._device, dtype = place(device, () if family.short else ("float32",))
            self._tokenizer = AutoTokenizer.from_pretrained(folder, **local)
            self._eyes = AutoImageProcessor.from_pretrained(folder, backend="pil", **local)
            model = load(AutoModelForZeroShotObjectDetection, folder, dtype)
        self._model: Any = model.to(self._device).eval()
        self._owl, self._batch, self._rivals = kind.startswith("owl"), batch, rivals
        self._words = family.words if words is None else words
        self._threshold = threshold or family.threshold
        self._steep = family.steep if steep is None else steep
        self._texts: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self.name = named(folder, name)

    def locate(self, picture: Image.Image, name: str) -> list[Detection]:
        """Where a thing is in a picture: every find that is rather there than not, surest first.

        `name` is in the singular, as in "cat" or "red cat"; of a small world, in its own words.
        """
        found = self.detect([picture], [name])[0][name]
        return [one for one in found if one.score >= 0.5]

    def detect(
        self, pictures: Sequence[Image.Image], names: Sequence[str]
    ) -> list[dict[str, list[Detection]]]:
        """For each picture the finds of each name: every thing once, with its probability."""
        import torch

        once = tuple(dict.fromkeys(names))
        found: list[dict[str, list[Detection]]] = [{name: [] for name in once} for _ in pictures]
        if not once:
            return found
        sizes: dict[tuple[int, int], list[int]] = {}
        for number, picture in enumerate(pictures):  # those of one size need no padding
            sizes.setdefault(picture.size, []).append(number)
        with torch.inference_mode(), telling("The detector", CURE):
            for numbers in sizes.values():
                few = [pictures[number].convert("RGB") for number in numbers]
                parts = list(in_parts(lambda some: self._looked(some, once), few, self._batch))
                rows = [row for part in parts for row in part]
                for number, (scores, boxes) in zip(numbers, rows, strict=True):
                    found[number] = self._finds(once, scores, boxes)
        return found

    def judge(
        self, pictures: Sequence[Image.Image], claims: Sequence[Statement]
    ) -> list[list[float | None]]:
        """How probable each claim is of each picture: [picture][claim], in 0..1 or None.

        None for what boxes can't tell: style, scene, light, text, actions, and what the model's
        world lacks. What claims share is looked for once. See `judged`.
        """
        told = [self._told(claim) for claim in claims]
        rivals = COLOURS if self._rivals else ()
        names = [name for claim in told if claim for name in phrases(claim, rivals)]
        return [
            [None if claim is None else judged(claim, found) for claim in told]
            for found in self.detect(pictures, names)
        ]

    def _told(self, claim: Statement) -> Slots | None:
        """The claim with the names of the model's own world, where it has one."""
        told = Slots(claim.kind, claim.subject, claim.value, claim.object, claim.text)
        if self.world is None:
            return told if (claim.subject + claim.object).isascii() else None
        if not self.world.shows(claim):
            return None
        called = cast("Callable[[str], str]", getattr(self.world, "named", str))
        told = replace(told, subject=called(claim.subject), object=called(claim.object))
        return told if told.subject and bool(told.object) == bool(claim.object) else None

    def _finds(
        self, names: Sequence[str], scores: torch.Tensor, boxes: torch.Tensor
    ) -> dict[str, list[Detection]]:
        """Every thing once; `scores` are [box, name], `boxes` [box, 4]."""
        offset = math.log(self._threshold / (1 - self._threshold))
        chances = (self._steep * (scores.logit(1e-6) - offset)).sigmoid()
        found: dict[str, list[Detection]] = {}
        for column, name in enumerate(names):
            order = chances[:, column].argsort(descending=True)
            order = order[chances[order, column] >= LEAST][: 20 * MOST]
            rows = zip(boxes[order].tolist(), chances[order, column].tolist(), strict=True)
            found[name] = _once([Detection(name, tuple(box), score) for box, score in rows])[:MOST]
        return found

    def _looked(
        self, pictures: Sequence[Image.Image], names: tuple[str, ...]
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """For each picture of one size the scores [box, name] and the corners [box, 4] in 0..1."""
        scores, boxes = (self._by_owl if self._owl else self._by_dino)(pictures, names)
        middle, half = boxes[..., :2], boxes[..., 2:] / 2
        corners = boxes.new_zeros(boxes.shape)
        corners[..., :2], corners[..., 2:] = middle - half, middle + half
        if self._owl and self._squares:
            wide, tall = pictures[0].size
            side = max(wide, tall)
            corners = corners * corners.new_tensor([side / wide, side / tall] * 2)
        return list(zip(scores.float().cpu(), corners.clamp(0, 1).float().cpu(), strict=True))

    @property
    def _squares(self) -> bool:
        """Whether pictures are filled up to squares, on the right or below, to be seen."""
        return bool(getattr(self._eyes, "do_pad", False))

    def _by_owl(
        self, pictures: Sequence[Image.Image], names: tuple[str, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = self._pixels([_squared(p) if self._squares else p for p in pictures])
        grid, _ = self._model.image_embedder(pixel_values=pixels)
        flat = grid.flatten(1, 2)
        said = self._remembered(names, self._read)
        logits, _ = self._model.class_predictor(flat, said[None].expand(len(flat), -1, -1))
        return logits.sigmoid(), self._model.box_predictor(flat, grid)

    def _pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        size = (self._eyes.size["width"], self._eyes.size["height"])
        # Brought to size here: OWLv2's own processor wants scipy for that.
        small = [p.resize(size, Image.Resampling.BICUBIC) for p in pictures]
        shown = self._eyes(
            images=small, do_resize=False, do_pad=False, do_center_crop=False, return_tensors="pt"
        )
        return cast("torch.Tensor", shown["pixel_values"].to(self._device, self._model.dtype))

    def _read(self, names: tuple[str, ...]) -> torch.Tensor:
        """One vector for each name, [name, width]."""
        import torch

        asked = [self._words.format(with_article(name)) for name in names]
        return torch.cat(list(in_parts(self._encoded, asked, 8 * self._batch)))

    def _encoded(self, texts: Sequence[str]) -> torch.Tensor:
        most = int(self._model.config.text_config.max_position_embeddings)
        tokens = self._tokenizer(
            list(texts),
            padding="max_length",
            truncation=True,
            max_length=min(most, int(self._tokenizer.model_max_length)),
            return_tensors="pt",
        ).to(self._device)
        whole = getattr(self._model, self._model.base_model_prefix)
        heard = whole.text_model(**tokens).pooler_output
        return cast("torch.Tensor", whole.text_projection(heard))

    def _by_dino(
        self, pictures: Sequence[Image.Image], names: tuple[str, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """All names in one text, one after another; in several where that grows too long.

        A find's score for a name is the mean over the name's tokens. Boxes of several texts are
        laid end to end, each with scores for its own names alone.
        """
        import torch

        seen = self._eyes(images=list(pictures), return_tensors="pt")
        seen = seen.to(self._device, self._model.dtype)
        scores, boxes = [], []
        first = 0
        for ids, spans in self._remembered(names, self._spelled):
            tokens = torch.tensor([ids] * len(pictures), device=self._device)
            given = {"input_ids": tokens, "token_type_ids": torch.zeros_like(tokens)}
            told = self._model(**seen, **given, attention_mask=torch.ones_like(tokens))
            chances = told.logits.sigmoid()
            here = chances.new_zeros((*chances.shape[:2], len(names)))
            for number, (start, end) in enumerate(spans, start=first):
                here[..., number] = chances[..., start:end].mean(-1)
            first += len(spans)
            scores.append(here)
            boxes.append(told.pred_boxes)
        return torch.cat(scores, dim=1), torch.cat(boxes, dim=1)

    def _spelled(self, names: tuple[str, ...]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Token ids of as few texts as can be, with where each name's own begin and end."""
        start, end = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        stop = self._tokenizer.convert_tokens_to_ids(".")
        most = int(getattr(self._model.config, "max_text_len", 256)) - 1
        texts: list[tuple[list[int], list[tuple[int, int]]]] = []
        for name in names:
            read = self._tokenizer(name.lower(), add_special_tokens=False)["input_ids"][: most - 2]
            if not texts or len(texts[-1][0]) + len(read) + 1 > most:
                texts.append(([start], []))
            ids, spans = texts[-1]
            spans.append((len(ids), len(ids) + len(read)))
            ids += [*read, stop]
        return [([*ids, end], spans) for ids, spans in texts]

    def _remembered(self, names: tuple[str, ...], read: Callable[[tuple[str, ...]], Any]) -> Any:
        """What was made of this very set of names, which is done once."""
        if names not in self._texts:
            self._texts[names] = read(names)
        self._texts.move_to_end(names)
        if len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)
        return self._texts[names]


def with_article(name: str) -> str:
    """`a cat`, `an orange cat`, `an umbrella`."""
    vowel = name[:1].lower() in "aeio" or name.lower().startswith("um")
    return f"{'an' if vowel and name else 'a'} {name}"


def phrases(claim: Statement, rivals: Sequence[str] = ()) -> list[str]:
    """The names that have to be looked for to judge a claim; none where boxes can't tell.

    `rivals` are the colours that a claim's own is compared with.
    """
    if claim.kind not in _JUDGED or not claim.subject:
        return []
    asked = [name for name in (claim.subject, claim.object) if name]
    if colour := _colour(claim):
        asked += [f"{each} {claim.subject}" for each in dict.fromkeys((colour, *rivals))]
    return asked


def judged(claim: Statement, found: Found) -> float | None:
    """How probable a claim is by what was found in a picture, 0..1; None where boxes can't tell.

    A find's score is taken as the probability that it is there, each apart from all others. What is
    said of a thing is false where there is none, and is said of all of its kind, unless the text
    begins with a number of them ("One cat is red.").
    """
    decide = _JUDGED.get(claim.kind)
    if decide is None or not claim.subject:
        return None
    return decide(claim, found)


def _object(claim: Statement, found: Found) -> float | None:
    least = {"": 1, "many": MANY}.get(claim.value, SEVERAL)
    return _at_least(least, [one.score for one in found[claim.subject]])


def _count(claim: Statement, found: Found) -> float | None:
    if not claim.value.isdecimal():
        return None
    numbers = _numbers([one.score for one in found[claim.subject]])
    count = int(claim.value)
    return numbers[count] if count < len(numbers) else 0.0


def _absent(claim: Statement, found: Found) -> float | None:
    if claim.value:  # a red one is absent, or all but one: more than a name says
        return None
    return 1 - _some(found[claim.subject])


def _coloured(claim: Statement, found: Found) -> float | None:
    colour = _colour(claim)
    if not colour:
        return None
    rivals = [c for c in COLOURS if c != colour and f"{c} {claim.subject}" in found]

    def wears(one: Detection) -> float:
        own, *others = (_score_at(one, found[f"{c} {claim.subject}"]) for c in (colour, *rivals))
        share = min(1.0, own / one.score)
        return share * _sigmoid(_log_odds(own) - _log_odds(max(others))) if others else share

    if claim.value.startswith("not "):
        return _all(claim, found, lambda one: 1 - wears(one))
    return _all(claim, found, wears)


def _sized(claim: Statement, found: Found) -> float | None:
    if claim.value not in ("small", "large"):
        return None
    way = 1 if claim.value == "large" else -1
    return _all(claim, found, lambda one: _sigmoid(way * (one.side - LARGE) / SHARP))


def _placed(claim: Statement, found: Found) -> float | None:
    value = claim.value.removeprefix("not ")
    stands = _PLACES.get(value)
    if stands is None:
        return None
    if value != claim.value:
        return _all(claim, found, lambda one: 1 - stands(*one.centre))
    return _all(claim, found, lambda one: stands(*one.centre))


def _related(claim: Statement, found: Found) -> float | None:
    """Each of one kind is so to each of the other."""
    stands = _RELATIONS.get(claim.value)
    if stands is None or not claim.object or claim.object == claim.subject:
        return None
    ours, theirs = found[claim.subject], found[claim.object]
    chance = _some(ours) * _some(theirs)
    for one, other in product(ours, theirs):
        across, down = (a - b for a, b in zip(one.centre, other.centre, strict=True))
        chance *= 1 - one.score * other.score * (1 - stands(across, down))
    return chance


_JUDGED: dict[str, Callable[[Statement, Found], float | None]] = {
    "object": _object,
    "count": _count,
    "absent": _absent,
    "colour": _coloured,
    "attribute": _coloured,
    "size": _sized,
    "place": _placed,
    "relation": _related,
}

LARGE = 0.375
"""A thing is large from that share of the picture's side on."""
SHARP, LOOSE = 1 / 64, 1 / 32
"""How far from such a limit the odds change by a factor of e: of sides and places, of distances."""
EDGE, INNER = 0.37, 0.42
"""What is left of the first, from either side, is on the left; within the second it is central."""
ASKEW, APART = 1.4, 0.1875
"""One thing is left of another where it is so many times further across than down, and so far."""

_SOME = re.compile(r"(one|two|three|four|[1-9]) (?!of)", re.IGNORECASE)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4}


def _beyond(share: float) -> float:
    return _sigmoid((EDGE - share) / SHARP)


def _within(share: float) -> float:
    return _sigmoid((share - INNER) / SHARP) * _sigmoid((1 - INNER - share) / SHARP)


_PLACES: dict[str, Callable[[float, float], float]] = {
    "left": lambda x, y: _beyond(x),
    "right": lambda x, y: _beyond(1 - x),
    "centre": lambda x, y: _within(x),
    "top": lambda x, y: _beyond(y),
    "bottom": lambda x, y: _beyond(1 - y),
}


def _towards(along: float, aside: float) -> float:
    """How surely one thing is in a direction from another, that far along it and that far aside."""
    return _sigmoid((along - max(ASKEW * abs(aside), APART)) / LOOSE)


_RELATIONS: dict[str, Callable[[float, float], float]] = {
    "left of": lambda across, down: _towards(-across, down),
    "right of": lambda across, down: _towards(across, down),
    "above": lambda across, down: _towards(-down, across),
    "below": lambda across, down: _towards(down, across),
    "beside": lambda across, down: _towards(abs(across), down),
}


def _all(claim: Statement, found: Found, holds: Callable[[Detection], float]) -> float:
    """That there are some, and that it holds of all; or of so many as the text begins with."""
    ours = found[claim.subject]
    if some := _SOME.match(claim.text):
        number = _NUMBERS.get(some[1].lower()) or int(some[1])
        return _at_least(number, [one.score * holds(one) for one in ours])
    chance = _some(ours)
    for one in ours:
        chance *= 1 - one.score * (1 - holds(one))
    return chance


def _colour(claim: Statement) -> str:
    """The colour that a claim speaks of; "" for none that is told apart."""
    value = claim.value.removeprefix("not ")
    return value if claim.kind in ("colour", "attribute") and value in COLOURS else ""


def _numbers(chances: Sequence[float]) -> list[float]:
    """How probable each number of things is, none first: a Poisson binomial distribution."""
    numbers = [1.0]
    for chance in chances:
        more, same = [0.0, *numbers], [*numbers, 0.0]
        numbers = [a * chance + b * (1 - chance) for a, b in zip(more, same, strict=True)]
    return numbers


def _at_least(number: int, chances: Sequence[float]) -> float:
    return sum(_numbers(chances)[number:])


def _some(found: Sequence[Detection]) -> float:
    return 1 - math.prod(1 - one.score for one in found)


def _score_at(one: Detection, others: Sequence[Detection]) -> float:
    """The score of what was found in the same place under another name; next to none without."""
    here = [o.score for o in others if _overlap(one.box, o.box) >= SAME or _near(one, o)]
    return max(here, default=1e-3)


def _once(found: Sequence[Detection]) -> list[Detection]:
    """Every thing once, of finds that are sorted, surest first."""
    kept: list[Detection] = []
    for one in found:
        if not any(_overlap(one.box, o.box) >= SAME or _near(one, o) for o in kept):
            kept.append(one)
    return kept


def _near(one: Detection, other: Detection) -> bool:
    far = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    return far < CLOSE * (one.side + other.side) / 2


def _overlap(one: Box, other: Box) -> float:
    """The share of two boxes' union that both have."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    both = max(across, 0.0) * max(down, 0.0)
    whole = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - both
    return both / whole if whole > 0 else 0.0


def _squared(picture: Image.Image) -> Image.Image:
    """The picture in the upper left of a black square."""
    square = Image.new("RGB", (max(picture.size),) * 2)
    square.paste(picture)
    return square


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -30.0), 30.0)))


def _log_odds(chance: float) -> float:
    kept = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))
