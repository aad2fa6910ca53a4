"""What limner can be asked by a program or another model: each request with a short answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from limner.agent.archive import saving
from limner.agent.desk.arguments import Describe, Expand, Imagine, Refine, Score
from limner.agent.desk.handed_out import Kept
from limner.agent.desk.memory import Memory
from limner.agent.desk.progress import tally
from limner.agent.events import BriefReady, Event, Finished
from limner.agent.language.locks import Lock
from limner.agent.looking.described import described, verdicts
from limner.agent.plain import one_line
from limner.agent.records import Critique, Result
from limner.agent.studio import Studio
from limner.errors import BadInput, ModelFailed

__all__ = ["Answer", "Desk"]

Answer = tuple[str, dict[str, Any]]
"""A short text for whoever asked, and the whole of it for programs, as JSON would have it."""

Answering = Generator[Event, None, Answer]

_TAKES = 256  # with their pictures


@dataclass(frozen=True, slots=True)
class Desk:
    """A studio, and the takes that were painted in it: t1, t2, each a file of `folder`.

    Names go on from the files that are there. The latest takes are remembered, and the files of
    all stay.

    Each method is an iterator of the request's events that returns the answer. What the answer
    says are limner's own words about claims and takes, on clean lines; a seed that was not given is
    drawn here, and told.
    """

    studio: Studio
    folder: Path
    takes: Memory[Kept] = field(default_factory=lambda: Memory(_TAKES))

    def imagine(self, asked: Imagine) -> Answering:
        """Paints a request, and keeps the best take."""
        seed = _seed(asked.seed)
        events = self.studio.takes(asked.request, seed=seed, **asked.limits)
        return (yield from self._painted(events, asked.request, seed))

    def refine_image(self, asked: Refine) -> Answering:
        """Paints a change to a take, and keeps the best one."""
        before, seed = self._take(asked.take), _seed(asked.seed)
        events = self.studio.refining(
            before.take, asked.change, seed=seed, locks=before.locks, **asked.limits
        )
        return (yield from self._painted(events, f"{before.words}; {asked.change}", seed))

    def score_image(self, asked: Score) -> Answering:
        """Has a take looked at again, for other claims."""
        yield from ()
        kept = self._take(asked.take)
        critique = self.studio.score(kept.take.picture, asked.claims)
        text = f"{kept.name}: {tally(critique)}\n{described(critique)}"
        return text, {"take": kept.name, "claims": told(critique)}

    def expand_prompt(self, asked: Expand) -> Answering:
        """Writes a brief, and paints nothing."""
        seed = _seed(asked.seed)
        ready: BriefReady | None = None
        for event in _passed(self.studio.expand(asked.request, seed=seed)):
            ready = event if isinstance(event, BriefReady) else ready
            yield event
        if ready is None:
            raise ModelFailed("the writer wrote no brief", "try again with another seed")
        claims = "; ".join(claim.text for claim in ready.claims) or "nothing that can be checked"
        text = f"prompt: {one_line(ready.brief.prompt)}\nclaims: {one_line(claims)} (seed {seed})"
        return text, {"brief": asdict(ready.brief), "fallback": ready.fallback, "seed": seed}

    def describe_take(self, asked: Describe) -> Answering:
        """Says what was seen in a take; needs no model."""
        yield from ()
        kept = self._take(asked.take)
        return f"{kept.name}: {described(kept.take)}", _whole(kept)

    def _painted(self, events: Iterator[Event], words: str, seed: int) -> Answering:
        locks: tuple[Lock, ...] = ()
        result: Result | None = None
        for event in _passed(events):
            if isinstance(event, BriefReady):
                locks = event.locks
            elif isinstance(event, Finished):
                result = event.result
            yield event
        if result is None:
            raise ModelFailed("nothing was painted", "try again")
        kept = self._keep(result, words, locks, seed)
        return _said(kept), {**_whole(kept), "ended": kept.ended, "notes": kept.notes}

    def _keep(self, result: Result, words: str, locks: tuple[Lock, ...], seed: int) -> Kept:
        path = saving.save(result, words, self.studio, _next(self.folder), seed=seed)
        kept = Kept.of(result, path, words, locks, seed, name=path.stem)
        self.takes.keep(kept.name, kept)
        return kept

    def _take(self, name: str) -> Kept:
        kept = self.takes.find(name)
        if kept is None:
            known = ", ".join(self.takes.names()) or "none yet"
            raise BadInput(
                f"There is no take {one_line(name, 20)!r}.", f"Takes that are known: {known}."
            )
        return kept


def told(critique: Critique) -> list[dict[str, Any]]:
    """Each claim with its probability and what that means."""
    rows = zip(critique.claims, critique.probabilities, verdicts(critique), strict=True)
    return [{"text": c.text, "probability": p, "verdict": said} for c, p, said in rows]


def _next(folder: Path) -> Path:
    files = (re.fullmatch(r"t(\d{1,9})", file.stem) for file in folder.glob("t*.png"))
    return folder / f"t{max((int(found[1]) for found in files if found), default=0) + 1}.png"


def _said(kept: Kept) -> str:
    size = f"{kept.take.order.width} × {kept.take.order.height} pixels"
    head = f"{kept.name}: {tally(kept.take.critique)} ({size}, seed {kept.seed}, {kept.ended})"
    notes = [f"note: {one_line(note, 200)}" for note in kept.notes]
    return "\n".join([head, described(kept.take.critique), *notes])


def _whole(kept: Kept) -> dict[str, Any]:
    return {
        "take": kept.name,
        "path": str(kept.path),
        "request": kept.words,
        "seed": kept.seed,
        "prompt": kept.take.order.prompt,
        "order": asdict(kept.take.order),
        "brief": asdict(kept.take.brief),
        "claims": told(kept.take.critique),
    }


def _seed(given: int | None) -> int:
    return secrets.randbelow(2**32) if given is None else given


def _passed(events: Any) -> Iterator[Event]:
    with closing(events):
        yield from events
