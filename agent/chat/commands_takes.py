"""Commands about single takes: near ones, what is known of one, and what the user thinks of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.chat.chat import Chat

__all__ = ["describe", "meant", "number", "rate", "takes", "vary"]

_MUCH = {"hardly": 0.15, "a little": 0.3, "a bit": 0.3, "some": 0.45, "much": 0.65, "a lot": 0.65}
_VERDICTS = {"good": "good", "bad": "bad", "1": "better", "2": "worse", "=": "equal"}
_RATE = "type /rate #2 good, /rate #2 bad, or /rate #1 #2 and 1, 2 or ="


def vary(chat: Chat, rest: str) -> None:
    """Paints more of what a take shows: its own version, wording and size, other seeds.

    How much they differ counts where the painter can paint over a picture; another begins anew.
    """
    named, _, much = rest.partition(" ") if rest.startswith("#") else ("", "", rest)
    take = number(named, "/vary #2") if named else meant(chat)
    share = _share(much.strip().lower() or "a little")
    near = chat.session.studio.painter.dialect.starts
    how = (
        f"painted over, {share:.0%} anew"
        if near
        else "from fresh seeds: this painter can do no other"
    )
    chat.session.take(take)
    chat.screen.tell(f"#{take} in its own words, {how}", style="dim")
    chat.follow(chat.session.vary(take, share))


def describe(chat: Chat, rest: str) -> None:
    """Tells in words which claims hold on a take, which don't, and what it looks like instead."""
    chat.describe(number(rest, "/describe #2") if rest else meant(chat))


def rate(chat: Chat, rest: str) -> None:
    """Keeps what the user thinks of a take, or of one against another."""
    *named, said = rest.split() or [""]
    if said not in _VERDICTS or len(named) not in (1, 2) or (len(named) == 1) == (said in "12="):
        raise BadInput("what do you think of which take?", _RATE)
    shown = [number(word, "/rate #2 good") for word in named]
    chat.session.rate(_VERDICTS[said], *shown)
    other = f" against #{shown[1]}" if len(shown) > 1 else ""
    chat.screen.tell(f"noted: #{shown[0]}{other} is {_VERDICTS[said]}")


def takes(chat: Chat) -> list[str]:
    """The takes that can be named."""
    return [f"#{number + 1}" for number in range(len(chat.session.takes))]


def meant(chat: Chat) -> int:
    """The take that is meant now. Raises `BadInput` where there is none."""
    if chat.session.meant is None:
        raise BadInput("there is no picture yet", "say what you want to see")
    return chat.session.meant


def number(word: str, example: str) -> int:
    """The number that a word such as `#3` names. Raises `BadInput` for another word."""
    digits = word.strip().removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 7):
        raise BadInput(f"{word!r} is no number" if word else "which one?", f"type {example}")
    return int(digits)


def _share(much: str) -> float:
    """How much may differ, 0 to 1, as in "a little", "30%" or "0.3"."""
    found = re.fullmatch(r"(0?\.\d+|\d{1,2}(?= ?%)) ?%?", much)
    share = _MUCH.get(much, 0.0) if not found else float(found[1]) / (100 if "%" in much else 1)
    if not 0 < share < 1:
        raise BadInput(f"{much!r} is no amount", "type /vary #2 a little, /vary #2 much, or 30%")
    return share
