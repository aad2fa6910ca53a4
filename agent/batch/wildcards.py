"""Reads alternatives in a request, as in `a {red|blue} cat`, and goes through them."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limner.errors import BadInput

__all__ = ["Choice", "Pattern", "chosen", "count", "every", "pattern"]

_DEEPEST = 20
_PICKS = re.compile(r"(?:(\d{1,3})(-)?(\d{1,3})?|-(\d{1,3}))\$\$")
_JOINER = re.compile(r"([^{}|$\\]*)\$\$")
_WEIGHT = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)::")
_PLAIN = re.compile(r"(?:[^\\{}|]|\\[\s\S]|\\$)+")


@dataclass(frozen=True, slots=True)
class Choice:
    """Some of several patterns, as `{2$$ and $$a|b|c}`: from `least` to `most` of them.

    `weights` say how often each is chosen, as in `{3::a|b}`; `joiner` is put between them.
    """

    options: tuple[Pattern, ...]
    weights: tuple[float, ...]
    least: int = 1
    most: int = 1
    joiner: str = ", "


Pattern = tuple[str | Choice, ...]
"""A text with choices in it."""

Made = tuple[str, tuple[str, ...]]
"""A text made from a pattern, and what was chosen for each of its outermost choices."""


def pattern(text: str) -> Pattern:
    """The text with its alternatives, in the syntax of dynamic prompts.

    `{a|b}` is one of them, `{2$$a|b|c}` two, `{1-2$$ and $$a|b|c}` one or two with " and " between;
    they nest. A weight is written `{3::a|b}`; a backslash takes the meaning from what follows it.
    Nothing is read from files. Raises `BadInput` for braces without a partner, and for more picks
    than there are alternatives.
    """
    found, at = _sequence(text, 0, 0)
    if at < len(text):
        raise BadInput(
            f"a {text[at]} at character {at + 1} has no partner", r"write \} for a brace"
        )
    return found


def count(of: Pattern) -> int:
    """How many texts it makes, each way to pick counted once, in whatever order."""
    return math.prod(_count(part) for part in of if isinstance(part, Choice))


def every(of: Pattern) -> Iterator[Made]:
    """All texts that it makes, one by one; picks stand in the order in which they were written."""
    parts = [part if isinstance(part, str) else _Again(part) for part in of]
    for made in itertools.product(*([part] if isinstance(part, str) else part for part in parts)):
        picked = tuple(m for m, part in zip(made, of, strict=True) if isinstance(part, Choice))
        yield "".join(made), picked


def chosen(of: Pattern, seed: str) -> Made:
    """One of its texts; the same seed gives the same one, on every machine."""
    return _chosen(of, random.Random(seed))


class _Again:
    """The texts of a choice, made anew each time that they are gone through."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    def __iter__(self) -> Iterator[str]:
        choice = self._choice
        for size in range(choice.least, choice.most + 1):
            for some in itertools.combinations(choice.options, size):
                texts = ([text for text, _ in every(option)] for option in some)
                yield from map(choice.joiner.join, itertools.product(*texts))


def _chosen(of: Pattern, dice: random.Random) -> Made:
    made = [part if isinstance(part, str) else _thrown(part, dice) for part in of]
    picked = tuple(m for m, part in zip(made, of, strict=True) if isinstance(part, Choice))
    return "".join(made), picked


def _thrown(choice: Choice, dice: random.Random) -> str:
    size = choice.least + int(dice.random() * (choice.most - choice.least + 1))
    left = list(range(len(choice.options)))
    taken = []
    for _ in range(size):
        taken.append(left.pop(_weighed([choice.weights[i] for i in left], dice.random())))
    return choice.joiner.join(_chosen(choice.options[i], dice)[0] for i in sorted(taken))


def _weighed(weights: Sequence[float], thrown: float) -> int:
    """Which of them a throw within 0..1 hits; all alike where none has any weight."""
    total = sum(weights)
    if not total:
        return int(thrown * len(weights))
    reached = list(itertools.accumulate(weights))
    hit = (i for i, bar in enumerate(reached) if thrown * total < bar)
    return next(hit, len(weights) - 1)


def _count(choice: Choice) -> int:
    """The sum over all sizes of the products of so many options' own counts."""
    ways = [1] + [0] * choice.most
    for option in choice.options:
        own = count(option)
        for size in range(choice.most, 0, -1):
            ways[size] += ways[size - 1] * own
    return sum(ways[choice.least :])


def _sequence(text: str, at: int, depth: int) -> tuple[Pattern, int]:
    """What stands from there to the end of an alternative, or of the text."""
    parts: list[str | Choice] = []
    while at < len(text) and text[at] != "}" and not (text[at] == "|" and depth):
        if text[at] == "{":
            choice, at = _choice(text, at + 1, depth + 1)
            parts.append(choice)
        else:
            plain = _PLAIN.match(text, at)
            end = plain.end() if plain else at + 1
            parts.append(re.sub(r"\\([{}|$:\\])", r"\1", text[at:end]))
            at = end
    return tuple(parts), at


def _choice(text: str, at: int, depth: int) -> tuple[Choice, int]:
    if depth > _DEEPEST:
        raise BadInput(f"braces are nested more than {_DEEPEST} deep", "say it in a simpler way")
    begin = at
    picks, joiner, at = _picks(text, at)
    options: list[Pattern] = []
    weights: list[float] = []
    while True:
        weight = _WEIGHT.match(text, at)
        weights.append(float(weight[1]) if weight else 1.0)
        option, at = _sequence(text, weight.end() if weight else at, depth)
        options.append(option)
        if at >= len(text):
            raise BadInput(f"a {{ at character {begin} has no partner", r"write \{ for a brace")
        at += 1
        if text[at - 1] == "}":
            least, most = _bounds(picks, len(options))
            return Choice(tuple(options), tuple(weights), least, most, joiner), at


def _picks(text: str, at: int) -> tuple[re.Match[str] | None, str, int]:
    picks = _PICKS.match(text, at)
    if not picks:
        return None, ", ", at
    joiner = _JOINER.match(text, picks.end())
    return picks, joiner[1] if joiner else ", ", (joiner or picks).end()


def _bounds(picks: re.Match[str] | None, options: int) -> tuple[int, int]:
    if picks is None:
        return 1, 1
    least = int(picks[1] or 0)
    most = int(picks[3] or picks[4] or (options if picks[2] else least))
    if not least <= most <= options or most < 1:
        raise BadInput(
            f"{{{picks[0]}…}} can't pick so many of {options}", "pick at least 1, at most all"
        )
    return least, most
