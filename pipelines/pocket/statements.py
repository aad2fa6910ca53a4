"""The statements that the pocket critic knows: each true one beside those that contradict it."""

from __future__ import annotations

from limner.pipelines.pocket.world import MOST, number, world


def count_statement(name: str, count: int) -> str:
    """`there is one cat`, `there are two cats`, `there is no cat`; of over four, `many`."""
    noun = world().things[name].counted(max(count, 1))
    verb = "are" if count > 1 else "is"
    return f"there {verb} {number(count)} {noun}"


def counts(name: str) -> list[str]:
    """Every statement about how many there are; index = the count, the last for any more."""
    return [count_statement(name, n) for n in range(MOST + 2)]


def colours(name: str, count: int) -> list[str]:
    """`the cat is red` for every colour, then its own, then that there is none."""
    said = [f"{_subject(name, count)} {colour}" for colour in world().colours]
    return [*said, f"{_subject(name, count)} in natural colours", count_statement(name, 0)]


def sizes(name: str, count: int) -> list[str]:
    """`the cat is small`, `the cat is large`, there is none."""
    return [*(f"{_subject(name, count)} {s}" for s in world().sizes), count_statement(name, 0)]


def places(name: str, count: int) -> list[str]:
    """`the cat is on the left`, `in the centre`, `on the right`, there is none."""
    said = {"left": "on the left", "centre": "in the centre", "right": "on the right"}
    return [*(f"{_subject(name, count)} {s}" for s in said.values()), count_statement(name, 0)]


def relations(name: str, other: str) -> list[str]:
    """`the cat is left of the dog`, right of, above, below; then that one of them is missing."""
    said = [f"the {name} is {how} the {other}" for how in world().relations]
    return [*said, count_statement(name, 0), count_statement(other, 0)]


def wheres() -> list[str]:
    """What the ground is; the last says that there is none."""
    return [*(f"the ground is {ground}" for ground in world().where), "there is no ground"]


def lights() -> list[str]:
    """What the sky is, or the backdrop."""
    return [
        f"the backdrop is {light}" if light.startswith("plain") else f"the sky shows {light}"
        for light in world().light
    ]


def styles() -> list[str]:
    """How it is drawn."""
    return [f"the style is {style}" for style in world().styles]


def _subject(name: str, count: int) -> str:
    return f"the {world().things[name].counted(count)} {'are' if count > 1 else 'is'}"
