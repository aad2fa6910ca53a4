"""The painter's prompt: cut to what it reads, in a style, and with the origin of every word."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal, NamedTuple

from limner.agent.brief.claims import complete
from limner.agent.brief.english import SMALL_WORDS, stem, stems, words_of
from limner.agent.plain import one_line
from limner.agent.records import Brief, Claim
from limner.pipelines.roles import PainterSpec
from limner.prompts.styles import Style, styles

__all__ = [
    "Fitted",
    "Origin",
    "Span",
    "clauses",
    "fit",
    "nearest",
    "restyled",
    "size_for",
    "sized",
    "spans",
    "styled",
    "wording",
]


_BORDER = re.compile(r"(?<=[,;.!?])\s+|(?<=[，；。、！？])\s*")
_WORDS = re.compile(r"[⺀-鿿豈-﫿]|[^\s⺀-鿿豈-﫿]+|\s+")
_LOOSE = " ,;，；、"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that the painter reads to its end, and what had to go, in the order of reading."""

    prompt: str
    cut: tuple[str, ...] = ()


def fit(
    prompt: str,
    count: Callable[[str], int],
    most: int,
    keep: Sequence[str] = (),
    style: str = "",
) -> Fitted:
    """The prompt with the style's words behind it, in at most `most` tokens as `count` counts them.

    What is too much goes clause by clause, from the end: first the style's, then those of the
    prompt that say nothing of `keep` (words that the user stated), then the others. Only when a
    single clause is left and still too long does it lose words from its end. What fits is left
    exactly as it is.
    """
    whole = _glued(prompt, style)
    if count(whole) <= most:
        return Fitted(whole)
    every = [_Clause(text, _rank(text, keep)) for text in clauses(prompt)]
    every += [_Clause(text, _STYLE) for text in clauses(style)]
    left = _left(every, count, most)
    kept = _joined([every[i] for i in left])
    short = _shortened(kept, count, most)
    cut = [clause.text.strip(_LOOSE) for i, clause in enumerate(every) if i not in left]
    return Fitted(short, tuple(filter(None, [kept[len(short) :].strip(_LOOSE), *cut])))


def clauses(prompt: str) -> list[str]:
    """The prompt at its commas and full stops, each with the space behind it; nothing is lost."""
    ends = [found.end() for found in _BORDER.finditer(prompt)]
    edges = [0, *ends, len(prompt)]
    return [prompt[a:b] for a, b in pairwise(edges) if a < b]


_STYLE, _ADDED, _STATED = range(3)


class _Clause(NamedTuple):
    """A clause with the space behind it, and how much it matters."""

    text: str
    rank: int


def _rank(clause: str, keep: Sequence[str]) -> int:
    text = clause.casefold()
    return _STATED if any(word and word.casefold() in text for word in keep) else _ADDED


def _left(every: Sequence[_Clause], count: Callable[[str], int], most: int) -> list[int]:
    """The places of the clauses that fit together, or of the one that matters most."""
    left = list(range(len(every)))
    for index in sorted(left, key=lambda i: (every[i].rank, -i)):
        if len(left) == 1 or count(_joined([every[i] for i in left])) <= most:
            break
        left.remove(index)
    return left


def _joined(left: Sequence[_Clause]) -> str:
    prompt = "".join(text for text, rank in left if rank != _STYLE)
    style = "".join(text for text, rank in left if rank == _STYLE)
    return _glued(prompt.rstrip(_LOOSE), style.rstrip(_LOOSE))


def _glued(prompt: str, style: str) -> str:
    return (" " if prompt.endswith((".", "!", "?")) else ", ").join(filter(None, (prompt, style)))


def _shortened(text: str, count: Callable[[str], int], most: int) -> str:
    """As many of its first words as fit, or characters of Chinese or of one endless word."""
    if count(text) <= most:
        return text
    return _start(_WORDS.findall(text), count, most) or _start(list(text), count, most)


def _start(pieces: Sequence[str], count: Callable[[str], int], most: int) -> str:
    lengths = range(1, len(pieces) + 1)
    fits = bisect_right(lengths, most, key=lambda n: count("".join(pieces[:n]).rstrip()))
    return "".join(pieces[:fits]).rstrip(_LOOSE)


def styled(brief: Brief, style: Style, spec: PainterSpec, known: Sequence[str] = ()) -> Brief:
    """The brief in that style and no other.

    The style's words become the brief's `style_prompt`, which follows the prompt as far as the
    painter reads; what it avoids becomes `style_negative`, where the painter heeds a negative
    prompt; and it is claimed that the picture has that style. Where the painter has only the
    `known` styles, the nearest of them is taken, and where none is near, the brief stays as it is.
    Doing it twice changes nothing.
    """
    name = nearest(style, known)
    if not name:
        return brief
    before = [claim.value for claim in brief.claims if claim.kind == "style"]
    other = [claim for claim in brief.claims if claim.kind != "style"]
    claim = Claim(f"The style is {name}.", "style", "style", value=name)
    named = {said for value in before for said in _names(value)}
    return replace(
        brief,
        prompt=_without(brief.prompt, {*named, *style.words, name}),
        claims=complete([*other, claim]),
        style_prompt=f"{name} style" if known else style.adds,
        style_negative=style.avoids if spec.negative and not known else (),
    )


def nearest(style: Style, known: Sequence[str] = ()) -> str:
    """What a painter of the `known` styles has for this one, "" for nothing; () knows them all."""
    if not known:
        return style.name
    return next((name for name in (style.name, *style.near) if name in known), "")


def restyled(before: Brief, after: Brief) -> Brief:
    """The changed brief in the style of the one before it, unless the change was of the style."""
    own = {claim.value for claim in before.claims if claim.kind == "style"}
    now = {claim.value for claim in after.claims if claim.kind == "style"}
    if not before.style_prompt or now != own:
        return replace(after, style_prompt="", style_negative=()) if now != own else after
    named = {said for value in own for said in _names(value)}
    return replace(after, prompt=_without(after.prompt, named))


def size_for(style: Style, spec: PainterSpec) -> tuple[int, int]:
    """Width and height in pixels: as many as the painter's own size has, in the style's shape."""
    return sized(*style.shape, spec)


def sized(across: int, down: int, spec: PainterSpec) -> tuple[int, int]:
    """The painter's own number of pixels, in a shape of so much width to so much height."""
    area = math.prod(spec.size)
    width = math.sqrt(area * across / down)
    step, most = spec.multiple, spec.largest // spec.multiple
    sides = (min(max(round(side / step), 1), most) * step for side in (width, area / width))
    return next(sides), next(sides)


def _names(name: str) -> set[str]:
    """All that a style goes by."""
    said = name.casefold()
    return {said, *(word for one in styles().values() if said in one.words for word in one.words)}


def _without(prompt: str, names: Iterable[str]) -> str:
    """The prompt without the clauses behind the first that only name one of these styles."""
    any_name = "|".join(re.escape(name) for name in sorted(names) if name)
    only = re.compile(
        rf"(?:in|as|done in)?\s*(?:an?|the)?\s*(?:{any_name})\s*(?:style|art|painting|drawing)?\W*",
        re.IGNORECASE,
    )
    first, *rest = clauses(prompt) or [""]
    kept = [first, *(clause for clause in rest if not only.fullmatch(clause.strip()))]
    return "".join(kept).rstrip(" ,;，；、") if len(kept) <= len(rest) else prompt


Origin = Literal["user", "translated", "inferred", "style", "fix"]

_PIECE = re.compile(r"\w+(?:['’-]\w+)*|\W+")
_HAS_SIGNS = re.compile(r"[^\x00-\u024f]")  # of a writing without spaces, or with other letters


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a prompt and its origin.

    `user`: the words, or another form of them, stand in the request; `translated`: an asked claim
    says them, in another language or in other words than the request; `style`: a style added them;
    `fix`: a revision did; `inferred`: the writer thought of them.
    """

    text: str
    origin: Origin


def spans(brief: Brief, request: str, earlier: Brief | None = None) -> tuple[Span, ...]:
    """The brief's prompt cut by origin; the texts together are the prompt again.

    `earlier` is the brief before a revision. Small words ("a", "on") belong to the word that they
    introduce.
    """
    pieces = _PIECE.findall(brief.prompt)
    new = _inserted(_PIECE.findall(earlier.prompt), pieces) if earlier else frozenset[int]()
    said = _stems_by_origin(brief, request)
    origins: list[Origin | None] = [
        "fix" if i in new and piece[0].isalnum() else _origin(piece, said, request.casefold())
        for i, piece in enumerate(pieces)
    ]
    return _merged(pieces, _filled(pieces, origins))


def _stems_by_origin(brief: Brief, request: str) -> dict[Origin, set[str]]:
    """The stems of what was typed, of what the asked claims say, and of a style's words."""
    claimed = {
        source: [
            slot
            for claim in brief.claims
            if claim.source == source
            for slot in (claim.text, claim.subject, claim.value, claim.object)
        ]
        for source in ("asked", "style")
    }
    return {
        "user": stems(request),
        "translated": stems(*claimed["asked"]),
        "style": stems(*claimed["style"], brief.style_prompt),
    }


def _origin(piece: str, said: dict[Origin, set[str]], request: str) -> Origin | None:
    """Where a word came from; None for signs and small words, which follow their neighbours."""
    word = piece.casefold()
    if not word[0].isalnum() or word in SMALL_WORDS:
        return None
    if _HAS_SIGNS.search(word) and word in request:
        return "user"
    forms = {stem(part) for part in words_of(piece) if part not in SMALL_WORDS}
    return next((origin for origin, known in said.items() if forms & known), "inferred")


def _inserted(before: Sequence[str], after: Sequence[str]) -> frozenset[int]:
    """Which pieces of the later text are not in the earlier, in its order."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    fresh = (range(k, n) for what, _, _, k, n in matcher.get_opcodes() if what != "equal")
    return frozenset(i for run in fresh for i in run)


def _filled(pieces: Sequence[str], origins: Sequence[Origin | None]) -> list[Origin]:
    """Every piece with an origin: a small word that of the next word, a sign that of the last."""
    following: Origin | None = None
    words: list[Origin | None] = []
    for piece, origin in zip(reversed(pieces), reversed(origins), strict=True):
        following = origin or following
        words.append(following if piece[0].isalnum() else None)
    latest: Origin = next((origin for origin in origins if origin), "inferred")
    found: list[Origin] = []
    for word in reversed(words):
        latest = word or latest
        found.append(latest)
    return found


def _merged(pieces: Iterable[str], origins: Iterable[Origin]) -> tuple[Span, ...]:
    made: list[Span] = []
    for text, origin in zip(pieces, origins, strict=True):
        if made and made[-1].origin == origin:
            text = made.pop().text + text
        made.append(Span(text, origin))
    return tuple(made)


def wording(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The words of both wordings in order, each run of them "same", "gone" or "new"."""
    old, new = one_line(before).split(), one_line(after).split()
    for what, i, j, k, n in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield "same", " ".join(old[i:j])
            continue
        if old[i:j]:
            yield "gone", " ".join(old[i:j])
        if new[k:n]:
            yield "new", " ".join(new[k:n])
