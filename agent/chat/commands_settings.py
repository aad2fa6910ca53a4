"""Commands that say how the next pictures are painted: style, seed, size, budget and models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limner import configs
from limner.agent.command_line.options import pixels
from limner.errors import BadInput
from limner.prompts.styles import style as find
from limner.prompts.styles import styles

if TYPE_CHECKING:
    from limner.agent.chat.chat import Chat

__all__ = ["budget", "profile", "profiles", "seed", "size", "style", "styles_there_are"]


def seed(chat: Chat, rest: str) -> None:
    """Shows the seed, or sets it: from then on the same words paint the same pictures."""
    if rest:
        if not rest.isdecimal() or not int(rest) < 2**32:
            raise BadInput(f"{rest!r} is no seed", "type a number, for instance /seed 7")
        chat.session.reseed(int(rest))
    chat.screen.tell(f"seed {chat.session.seed}")


def size(chat: Chat, rest: str) -> None:
    """Shows the size of what is painted next, or sets it; "own" is the painter's own."""
    limits, studio = chat.session.limits, chat.session.studio
    if rest:
        limits["size"] = None if rest == "own" else pixels(rest, "/size 128x128")
    width, height = limits.get("size") or studio.settings.size or studio.painter.dialect.size
    chat.screen.tell(f"size {width} × {height}")


def budget(chat: Chat, rest: str) -> None:
    """Shows what a request may cost, in pictures' worth of painting, or sets it."""
    limits = chat.session.limits
    if rest:
        limits["budget"] = _number(rest)
    chat.screen.tell(f"budget {limits.get('budget') or chat.session.studio.settings.budget:g}")


def style(chat: Chat, rest: str) -> None:
    """Shows the style that pictures are made in, or sets it, by any of its names; or none."""
    session = chat.session
    if rest:
        session.restyle("" if rest == "none" else find(rest, _folder(chat)).name)
    chat.screen.tell(f"style {session.style or 'none: as the brief says'}")


def styles_there_are(chat: Chat) -> list[str]:
    """The names of the styles that can be set."""
    return [*styles(_folder(chat)), "none"]


def profile(chat: Chat, rest: str) -> None:
    """Shows which models are at work, or opens those of another profile."""
    if rest:
        chat.session.studio = chat.open_studio(rest)
        chat.profile = rest
    chat.screen.models(chat.profile, chat.session.studio.names)


def profiles(_: Chat) -> list[str]:
    """The names of the profiles that ship with limner."""
    return configs.known()


def _folder(chat: Chat) -> Path | None:
    return chat.session.studio.settings.prompts


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise BadInput(f"{text!r} is no budget", "type /budget 8, for instance")
    return number
