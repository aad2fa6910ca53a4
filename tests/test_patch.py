"""An edit changes what its line names, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from limner.agent.brief.claims import complete, slotted
from limner.agent.brief.patch import ChangeClaim, KeepClaim, apply_patch, edited, words
from limner.agent.brief.tool_call import Call
from limner.agent.records import Brief, Claim


def claims(*texts: str) -> tuple[Claim, ...]:
    return complete(Claim(text) for text in texts)


BEFORE = claims(
    "There are two cups.",
    "The cups are red.",
    "There is one plate.",
    "The cup is left of the plate.",
    "There is no fork.",
)
NIGHT = Claim("It is night.", "light", value="night")
DAY = Claim("It is day.", "light", value="day")


def after(call: Call, before: Sequence[Claim] = BEFORE) -> set[str]:
    return {claim.text for claim in edited(before, call)}


TEXTS = {claim.text for claim in BEFORE}


@pytest.mark.parametrize(
    ("call", "gone", "new"),
    [
        (Call("edit", "make it night", add=(NIGHT,)), set(), {"It is night."}),
        # a small model removes all that it does not repeat: only what the line names goes
        (
            Call("edit", "make it night", add=(NIGHT,), remove=(1, 2, 3, 4, 5)),
            set(),
            {"It is night."},
        ),
        (
            Call("edit", "remove the plate", remove=(3,)),
            {"There is one plate.", "The cup is left of the plate."},
            set(),
        ),
        (
            Call("edit", "blue cups", add=(slotted(Claim("The cups are blue.")),)),
            {"The cups are red."},
            {"The cups are blue."},
        ),
        (
            Call("edit", "three cups", add=(slotted(Claim("There are three cups.")),)),
            {"There are two cups."},
            {"There are three cups."},
        ),
        (
            Call("edit", "no cups", add=(slotted(Claim("There is no cup.")),)),
            {"There are two cups.", "The cups are red.", "The cup is left of the plate."},
            {"There is no cup."},
        ),
        (
            Call("edit", "add a fork", add=(slotted(Claim("There is one fork.")),)),
            {"There is no fork."},
            {"There is one fork."},
        ),
        (
            Call("edit", "right", change={4: slotted(Claim("The cup is right of the plate."))}),
            {"The cup is left of the plate."},
            {"The cup is right of the plate."},
        ),
        (Call("edit", "hm", remove=(9, 0, -1), change={77: NIGHT}), set(), set()),
    ],
)
def test_what_is_not_named_stays(call: Call, gone: set[str], new: set[str]) -> None:
    call = _by_text(call)
    assert after(call) == (TEXTS - gone) | new


def _by_text(call: Call) -> Call:
    """The numbers above count the texts as they are written; claims are sorted."""
    written = [
        "There are two cups.",
        "The cups are red.",
        "There is one plate.",
        "The cup is left of the plate.",
        "There is no fork.",
    ]
    at = {n: [c.text for c in BEFORE].index(text) + 1 for n, text in enumerate(written, start=1)}
    return Call(
        "edit",
        call.line,
        add=call.add,
        remove=tuple(at.get(n, n) for n in call.remove),
        change={at.get(n, n): claim for n, claim in call.change.items()},
    )


def test_a_picture_has_one_light() -> None:
    assert {c.text for c in edited([DAY], Call("edit", "night", add=(NIGHT,)))} == {"It is night."}


def test_the_difference_is_told_as_it_is() -> None:
    brief = Brief("x", "x", BEFORE)
    changed = edited(BEFORE, Call("edit", "blue", add=(slotted(Claim("The cups are blue.")),)))
    made = apply_patch(brief, Brief("x", "x", changed))
    assert [type(one) for one in made] == [ChangeClaim]
    assert words(made) == ["The cups are red → The cups are blue"]
    assert apply_patch(brief, brief) == (KeepClaim(),)
