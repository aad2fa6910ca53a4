"""Says whether each model still works, by having it do the least that it can."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from limner.agent.archive.recipe import without_home
from limner.agent.plain import first_line
from limner.agent.records import Brief
from limner.agent.search.rounds import image_request_of
from limner.agent.search.run import Run, settle
from limner.agent.studio import Studio
from limner.agent.syntax.reader import parse
from limner.pipelines.roles import GeneratedImage, TaskWriter

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["check_models"]

_LEAST = "a red square"


def check_models(studio: Studio) -> dict[str, str]:
    """Each model with "ok", or with one line on what is wrong: a real forward pass of each."""
    found = {}
    for role, check in {"writer": _write, "painter": _paint, "critic": _look}.items():
        try:
            check(studio)
            found[role] = "ok"
        except Exception as problem:  # models are anyone's code, and this is here to find out
            found[role] = without_home(first_line(problem))
    return found


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
    settings = replace(settle(studio.settings, studio.painter.spec, {}), steps=1)
    run = Run(_LEAST, parse(_LEAST), 0, settings, Brief(_LEAST, _LEAST))
    painting = studio.painter.paint([image_request_of(run, studio.painter)])
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
