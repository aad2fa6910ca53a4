"""What was found in a prompt of another tool so far: settings, weights, LoRAs, what to avoid."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction

from limner.agent.syntax.cuts import Span
from limner.prompts.words import pairs

__all__ = ["NUMBER", "FoundSettings", "tidy_weight"]

NUMBER = r"[+-]?(?:\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})"
_SIDES = re.compile(r"([\d.]{1,9})\s?[:：xX×*/]\s?([\d.]{1,9})(?:\s?px)?")
_MEANS = pairs("means")


def tidy_weight(weight: float) -> float:
    """The weight within what painters bear."""
    return round(min(max(weight, 0.1), 3.0), 4)


@dataclass(slots=True)
class FoundSettings:
    """What was found so far; `signs` says that this round saw marks of A1111 and its kin.

    `sides` are a width and a height that came one by one, each with how it was typed.
    """

    unlike: list[str] = field(default_factory=list)  # negative prompts, as they were typed
    weights: list[tuple[str, float]] = field(default_factory=list)
    loras: list[tuple[str, float]] = field(default_factory=list)
    size: Span | None = None
    aspect: Span | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    style_words: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    sides: dict[str, tuple[int, str]] = field(default_factory=dict)
    signs: bool = False

    def take(self, name: str, value: str, label: str) -> bool:
        """Takes one setting; False where it is understood and not used.

        The first of a name counts; `label` is how it was typed.
        """
        key = _MEANS.get(name, name)
        if key in ("aspect", "size"):
            sides = _SIDES.fullmatch(value)
            return sides is not None and self.take_shape(sides[1], sides[2], size=key == "size")
        if not (re.fullmatch(NUMBER, value) or value.isdecimal()):
            return False
        number = float(value[:40])
        whole = int(value) if value.isdecimal() and len(value) <= 20 else -1
        if key == "seed" and 0 <= whole < 2**64:
            self.seed = whole if self.seed is None else self.seed
        elif key == "steps" and 1 <= whole <= 1000:
            self.steps = self.steps or whole
        elif key == "guidance" and math.isfinite(number) and 0 <= number <= 100:
            self.guidance = number if self.guidance is None else self.guidance
        elif key in ("width", "height") and 64 <= whole <= 8192:
            self.sides.setdefault(key, (whole, label))
        else:
            return False
        return True

    def take_shape(self, width: str, height: str, *, size: bool) -> bool:
        """Takes a size of 64 to 8192 pixels a side, or a ratio of up to 20 to 1."""
        if size:
            whole = width.isdecimal() and height.isdecimal()
            if not whole or not all(64 <= int(side) <= 8192 for side in (width, height)):
                return False
            self.size = self.size or (int(width), int(height))
            return True
        wide, high = (Fraction(side).limit_denominator(1000) for side in (width, height))
        if not wide or not high or not Fraction(1, 20) <= wide / high <= 20:
            return False
        ratio = (wide / high).limit_denominator(1000)
        self.aspect = self.aspect or (ratio.numerator, ratio.denominator)
        return True
