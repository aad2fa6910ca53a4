"""A room with a writer, a painter and a critic, in which one of them works at a time."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from PIL.Image import Image

from limner.agent.brief import BriefWriter
from limner.agent.claims import complete, spoken
from limner.agent.events import Event
from limner.agent.looking.described import described
from limner.agent.looking.look import weighed
from limner.agent.looking.seen import picture_from
from limner.agent.machine.planning import opened, planned
from limner.agent.records import Brief, Claim, Critique, Settings, Take
from limner.agent.refining import Refining
from limner.agent.search import Search
from limner.agent.turns import Models, Turns
from limner.errors import BadInput, ModelFailed
from limner.pipelines.platt import Curve
from limner.pipelines.roles import Critic, Order, Painted, Painter, Painting, TaskWriter
from limner.pipelines.safety import OFF, Guard
from limner.pipelines.safety_checker import open_guard

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["Room"]


class Room:
    """A writer, a painter and a critic in one room.

    `names` says which they are, `profile` where they were opened from ("" for objects); `search`
    decides where the budget of a request goes, and `guard` what is not painted or not shown
    (objects that are put in by hand are without one). Any number of threads may share a studio: one
    request at a time computes, the others wait for its next event, or for the end of a batch that
    is being painted. An iterator of events is read in one thread, and may be closed from another.
    """

    def __init__(
        self,
        writer: BaseChatModel | TaskWriter,
        painter: Painter,
        critic: Critic,
        settings: Settings | None = None,
        search: Search | None = None,
        guard: Guard = OFF,
    ) -> None:
        self.painter = painter
        self.critic = critic
        self.settings = settings or Settings()
        told = self.settings
        self.search = search or Refining(
            told.sure,
            repairs=told.repairs,
            patience=told.patience,
            sketches=told.sketches,
            rough=told.rough,
        )
        self.guard = guard
        self.profile = ""
        self.writer = BriefWriter(
            writer,
            getattr(painter, "world", None),
            told.domain,
            painter.dialect,
            told.prompts,
            told.expansion,
        )
        self._models = Models()
        models = {"writer": writer, "painter": painter, "critic": critic}
        self.names: dict[str, str] = {
            part: getattr(model, "name", None) or type(model).__name__
            for part, model in models.items()
        }

    @classmethod
    def open(
        cls,
        profile: str | Path = "pocket",
        *,
        writer: str | Path | BaseChatModel | None = None,
        painter: str | Path | Painter | None = None,
        critic: str | Path | Critic | None = None,
        safety: str | None = None,
    ) -> Self:
        """Opens a profile's models; a name, folder, hub id or object can replace each.

        What limner itself opens goes where `memory.plan` finds room for it; the profile "auto" is
        chosen from what is on the machine. `safety` replaces the profile's: "off", "flag" or
        "block". Raises `BadInput` for an unknown profile or mode, `ModelUnusable` for a model that
        won't open, and `OutOfMemory` for one that has no room.
        """
        now = planned(profile, {"writer": writer, "painter": painter, "critic": critic})
        chosen, models = now.profile, opened(now)
        rest = {key: getattr(chosen, key) for key in Settings.__dataclass_fields__}
        rest["calibration"] = {kind: Curve(*two) for kind, two in chosen.calibration.items()}
        guard = open_guard(safety or chosen.safety, chosen.checker, models["painter"])
        studio = cls(**models, settings=Settings(**rest), guard=guard)
        studio.profile = now.name
        return studio

    def score(self, picture: Image | Path, claims: str | Sequence[str] | Brief) -> Critique:
        """How true each claim is of any picture: of a brief's claims, or of sentences in words.

        The picture is an image or the path of a PNG, JPEG or WebP file, of at most 8,192 pixels a
        side. Raises `BadInput` for what is no such picture or claim, and what the critic raises.
        """
        said, seen = self._spoken(claims), picture_from(picture)
        with self._models.turn():
            (known,) = weighed(self.critic, [seen], said, self.settings)
        return Critique(
            said,
            tuple(p if p is not None and math.isfinite(p) else None for p in known),
            self.settings.threshold,
        )

    def _spoken(self, said: str | Sequence[str] | Brief) -> tuple[Claim, ...]:
        """The claims of a brief or of sentences; a writer that reads by rule cuts these up."""
        made = spoken(said)
        if isinstance(said, Brief) or not self.writer.trusted:
            return made
        return complete(part for claim in made for part in self.writer.read(claim.text) or [claim])

    def describe(self, seen: Take | Image | Path, claims: str | Sequence[str] | Brief = "") -> str:
        """What holds of a picture, what fails and what nobody can tell, in plain words.

        Of a take without `claims` its own critique is told, and no model is used. Raises as
        `score` does.
        """
        if isinstance(seen, Take):
            return described(
                replace(seen, critique=self.score(seen.picture, claims)) if claims else seen
            )
        return described(self.score(seen, claims))

    def in_turn(
        self, events: Generator[Event, None, object], *, paints: bool = True
    ) -> Generator[Event, None, None]:
        """The events, computed only while no other thread uses the models; see `turns`."""
        return Turns(events, self._models, paints=paints)

    def repaint(self, order: Order, batch: Sequence[int] = (), gone: Sequence[int] = ()) -> Image:
        """The picture of one order, painted once more.

        `batch` are the seeds of all orders that were painted with it, its own among them, and
        `gone` after which step each was dropped: a model computes the last bits of a picture
        differently in another company. Without, it is alone.
        Where the order starts from a picture that is not at hand, that one is painted first, in its
        own company.
        Raises `BadInput` when nobody knows what it was painted from.
        """
        order = self._begun(order)
        known = order.seed in batch
        seeds, gone = (list(batch), list(gone)) if known else ([order.seed], [])
        orders = [replace(order, seed=seed) for seed in seeds]
        turn = self._models.turn(paints=True)
        with turn, closing(self.painter.paint(orders)) as painting:
            for done in _painted(painting, gone):
                if seeds[done.index] == order.seed:
                    return done.picture
        raise ModelFailed("The painter finished without a picture.")

    def _begun(self, order: Order) -> Order:
        """The order with the picture that it starts from."""
        start = order.start
        if start is None or start.picture is not None:
            return order
        if start.order is None:
            raise BadInput(
                "It was painted over a picture that is not at hand.",
                "Only what began from words alone can be painted again.",
            )
        picture = self.repaint(start.order, start.company, start.gone)
        return replace(order, start=replace(start, picture=picture))


def _painted(painting: Painting, gone: Sequence[int]) -> Iterator[Painted]:
    """The finished pictures; each order is dropped after the step that `gone` has for it."""
    for done in painting:
        if isinstance(done, Painted):
            yield done
            continue
        for index, step in enumerate(gone):
            if step == done.number:
                painting.drop(index)
