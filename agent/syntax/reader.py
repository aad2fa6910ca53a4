"""Reads prompts that were written for other tools: weights, --ar 16:9, pasted settings and such.

Known are the ways of AUTOMATIC1111's web UI and its kin, ComfyUI, InvokeAI, NovelAI and Midjourney.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from limner.agent.records import Settings
from limner.agent.syntax.cuts import SPLIT, quoted, without
from limner.agent.syntax.found import FoundSettings
from limner.agent.syntax.marks import breaks, front, operators, shares, tags
from limner.agent.syntax.settings import flags, infotext
from limner.agent.syntax.weights import emphasis
from limner.pipelines.roles import PainterSpec
from limner.prompts.quality import asides

__all__ = [
    "ParsedPrompt",
    "compel",
    "parse",
    "pasted_seed",
    "unused_settings",
    "with_pasted",
]


_LONGEST = 20_000  # characters; what is longer is no prompt, and stays as it is
_ROUNDS = 6  # how often what was found may uncover more
_MOST = 32  # LoRAs, weights
_MOST_NAMES = 64  # phrases to avoid, style words, things that are not used
_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
    """What a request says once the syntax of other tools is read.

    `text` is the wish in plain words, each as it was typed, and may be empty; `negative` are
    phrases that must be avoided, `weights` words of `text` with their weight, `loras` names with
    their strength. `style_words` praise the picture or say how it was made ("8k uhd", "f/1.8"):
    for the painter's prompt, never to be looked for. `dropped` names what is understood and not
    used.
    """

    text: str
    negative: tuple[str, ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    loras: tuple[tuple[str, float], ...] = ()
    size: tuple[int, int] | None = None
    aspect: tuple[int, int] | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    style_words: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def parse(request: str) -> ParsedPrompt:
    """The wish in plain words, and what else the syntax of other tools says.

    A request without such syntax comes back as it is, to the last space; so does JSON. Parsing the
    `text` of the answer gives that text again.
    """
    if len(request) > _LONGEST or _is_json(request):
        return ParsedPrompt(request)
    found = FoundSettings()
    text = request
    for _ in range(_ROUNDS):
        before, text = text, _once(text, found)
        if text == before:
            return _parsed(text, found)
    return ParsedPrompt(request)  # brackets within brackets without end are no prompt either


def compel(text: str, weights: Iterable[tuple[str, float]]) -> str:
    """The text with its weights as compel reads them, (tower)1.3; other brackets are escaped."""
    taken: list[tuple[int, int, float]] = []
    for words, weight in sorted(weights, key=lambda one: -len(one[0])):
        whole = rf"(?<![A-Za-z0-9]){re.escape(words)}(?![A-Za-z0-9])"
        for match in re.finditer(whole, text, re.IGNORECASE) if words else ():
            if all(match.end() <= start or end <= match.start() for start, end, _ in taken):
                taken.append((*match.span(), weight))
                break
    pieces, at = [], 0
    for start, end, weight in sorted(taken):
        pieces += [_escaped(text[at:start]), f"({_escaped(text[start:end])}){weight:g}"]
        at = end
    return "".join([*pieces, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return re.sub(r'[()"]', r"\\\g<0>", text)


def _parsed(text: str, found: FoundSettings) -> ParsedPrompt:
    """All that was found, each thing once, and no more than there should be."""
    weights = list(_first(_kept_weights(text, found)).items())
    loras = list(_first(found.loras).items())
    negative = _each(phrase for unlike in found.unlike for phrase in _phrases(unlike, found))
    style_words = _each(found.style_words)
    size, sides = found.size, dict(found.sides)
    if len(sides) == 2:
        size = size or (sides.pop("width")[0], sides.pop("height")[0])
    dropped = _each(
        [
            *found.dropped,
            *(typed for _, typed in sides.values()),
            *(f"({words}:{weight:g})" for words, weight in weights[_MOST:]),
            *(f"<lora:{name}:{weight:g}>" for name, weight in loras[_MOST:]),
            *negative[_MOST_NAMES:],
            *style_words[_MOST_NAMES:],
        ]
    )
    more = [f"{len(dropped) - _MOST_NAMES} more"] if len(dropped) > _MOST_NAMES else []
    return ParsedPrompt(
        text,
        negative=tuple(negative[:_MOST_NAMES]),
        weights=tuple(weights[:_MOST]),
        loras=tuple(loras[:_MOST]),
        size=size,
        aspect=found.aspect,
        seed=found.seed,
        steps=found.steps,
        guidance=found.guidance,
        style_words=tuple(style_words[:_MOST_NAMES]),
        dropped=tuple(dropped[:_MOST_NAMES] + more),
    )


def _phrases(unlike: str, found: FoundSettings) -> list[str]:
    """What a negative prompt names, phrase by phrase, without weights of its own."""
    inner = FoundSettings()
    for read in (flags, tags, breaks, shares, emphasis):
        inner.signs = True
        unlike = read(unlike, inner)
    found.dropped += inner.dropped
    said = ",".join([unlike, *inner.unlike])
    phrases = (part.strip(" \t\"'.") for part in re.split(r"[,，、;；\n|]", said))
    return [re.sub(r"^(?:and|or|no|without) ", "", phrase) for phrase in phrases if phrase]


def _first(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Of each name the first value."""
    first: dict[str, float] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return first


def _each(names: Iterable[str]) -> list[str]:
    """Each once, as it was first typed."""
    seen: dict[str, str] = {}
    for name in names:
        tidy = " ".join(name.split())[:_LONGEST_NAME]
        if tidy:
            seen.setdefault(tidy.casefold(), tidy)
    return list(seen.values())


def _kept_weights(text: str, found: FoundSettings) -> Iterator[tuple[str, float]]:
    """The weights of words that the text still has; words of quality are gone from them."""
    for words, weight in found.weights[:_MOST_NAMES]:
        plain = _quality(words, FoundSettings())
        parts = [plain] if plain in text else re.split(r"[,，、;；]", plain)
        for part in map(str.strip, parts):
            if part in text and any(map(str.isalnum, part)):
                yield part, weight
    if len(found.weights) > _MOST_NAMES:
        found.dropped.append(f"{len(found.weights) - _MOST_NAMES} more weights")


def _once(text: str, found: FoundSettings) -> str:
    """One reading of the whole text."""
    found.signs = False
    for read in (front, flags, infotext, tags, operators, breaks, shares, emphasis):
        text = read(text, found)
    return _quality(text, found)


def _is_json(text: str) -> bool:
    """A pasted workflow, whole or torn off."""
    if re.match(r'\s{0,99}\[?\s{0,99}\{\s{0,99}"[^"\n]{0,200}"\s{0,9}:', text):
        return True
    if text.lstrip()[:1] not in ("[", "{"):
        return False
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


# Praise, and how the picture was made.

_MEASURE = re.compile(
    r"(?:^|(?<=[,，;；\n]))[ \t]{0,5}(?:(?P<size>(\d{3,4}) ?[x×*] ?(\d{3,4})(?: ?px| pixels)?)"
    r"|(?:aspect ratio |ar )?(?P<ratio>(\d{1,2}):(\d{1,2}))(?: aspect ratio| ratio| format)?)"
    r"[ \t]{0,5}(?=$|[,，;；\n])",
    re.I,
)


def _quality(text: str, found: FoundSettings) -> str:
    """The text without words of quality, and without its size where that stands for itself."""
    cuts: list[tuple[int, int, str]] = []
    for aside in asides(text, quoted(text)):
        found.style_words += aside.words
        cuts.append((aside.start, aside.end, SPLIT))
    for measure in _MEASURE.finditer(text):
        lone = len(measure[0].strip()) == len(text.strip())
        sides = measure.group(2, 3) if measure["size"] else measure.group(5, 6)
        if not lone and found.take_shape(*sides, size=bool(measure["size"])):
            cuts.append((*measure.span(), ""))
    return without(text, cuts)


_SEEDS = 2**32


def pasted_seed(request: str) -> int | None:
    """The seed that was pasted with a request; None where there is none that limner could use."""
    seed = parse(request).seed
    return seed if seed is not None and 0 <= seed < _SEEDS else None


def with_pasted(settings: Settings, parsed: ParsedPrompt, spec: PainterSpec) -> Settings:
    """The settings with the steps and the guidance that were pasted with a request.

    A painter that was distilled to a few steps without guidance keeps its own.
    """
    if _is_distilled(spec):
        return settings
    return replace(
        settings,
        steps=settings.steps if parsed.steps is None else parsed.steps,
        guidance=settings.guidance if parsed.guidance is None else parsed.guidance,
    )


def unused_settings(parsed: ParsedPrompt, spec: PainterSpec) -> list[str]:
    """The pasted settings that this painter can't use, in words."""
    named = {"steps": parsed.steps, "guidance": parsed.guidance}
    unused = _is_distilled(spec)
    return [f"{name} {value:g}" for name, value in named.items() if unused and value is not None]


def _is_distilled(spec: PainterSpec) -> bool:
    return spec.guidance <= 1
