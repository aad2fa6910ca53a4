"""Says whether each model still works, by having it do the least that it can."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from limner.agent.archive.recipe import without_home
from limner.agent.plain import first_line
from limner.agent.records import Brief
from limner.agent.search.rounds import order_of
from limner.agent.search.run import Run, settle
from limner.agent.studio import Studio
from limner.pipelines.roles import GeneratedImage, TaskWriter

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["Checkup", "examine"]

_FRESH = 10.0  # seconds for which a finding holds
_LEAST = "a red square"


@dataclass(slots=True)
class Checkup:
    """The last finding, and when it was made."""

    found: dict[str, str] | None = None
    at: float = 0.0

    @property
    def fresh(self) -> dict[str, str] | None:
        """What was found, where that is not long ago."""
        return self.found if time.monotonic() - self.at < _FRESH else None

    def note(self, found: dict[str, str]) -> None:
        """Keeps a finding."""
        self.found, self.at = found, time.monotonic()


def examine(studio: Studio) -> dict[str, str]:
    """Each model with "ok", or with one line on what is wrong: a real forward pass of each."""
    parts: dict[str, Callable[[Studio], Any]] = {
        "writer": _write,
        "painter": _paint,
        "critic": _look,
    }
    return {part: _state(work, studio) for part, work in parts.items()}


def _state(work: Callable[[Studio], Any], studio: Studio) -> str:
    try:
        work(studio)
    except Exception as problem:  # models are anyone's code, and this is here to find out
        return without_home(first_line(problem))
    return "ok"


def _write(studio: Studio) -> None:
    """Waits for the first words only."""
    with closing(cast("Generator[str, None, None]", _words(studio.writer.writer))) as pieces:
        if not any(pieces):
            raise ValueError("it says nothing")


def _words(writer: BaseChatModel | TaskWriter) -> Iterator[str]:
    """The start of an answer to the least that a writer can be asked."""
    if isinstance(writer, TaskWriter):
        painter = {"dialect": "short", "tokens": 77, "world": ""}
        yield from writer.write_task("draw", {"request": _LEAST, "known": [], **painter}, 0)
        return
    with_seed: dict[str, Any] = {"seed": 0} if getattr(writer, "holds_json", False) else {}
    for piece in writer.stream([("human", f"draw: {_LEAST}")], **with_seed):
        yield str(piece.text)


def _paint(studio: Studio) -> None:
    """One step of one picture."""
    settings = replace(settle(studio.settings, studio.painter.dialect, {}), steps=1)
    run = Run(_LEAST, 0, settings, Brief(_LEAST, _LEAST))
    painting = studio.painter.paint([order_of(run, studio.painter)])
    try:
        if not any(isinstance(done, GeneratedImage) for done in painting):
            raise ValueError("it paints nothing")
    finally:
        painting.close()


def _look(studio: Studio) -> None:
    picture = Image.new("RGB", (64, 64), "grey")
    ((probability,),) = studio.critic.look([picture], [_LEAST], [["a grey square"]])
    if not 0 <= probability <= 1:
        raise ValueError("it gives something that is no probability")
