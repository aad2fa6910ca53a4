"""Lets several requests paint in one batch: each waits until the others have ordered, too."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from limner.pipelines.roles import GeneratedImage, ImageRequest, ImageStream, Painter, Step

__all__ = [
    "BatchSlot",
    "SharedBatch",
    "SlotStream",
]


MOST = 8
"""Pictures in one batch, where nobody says otherwise."""


class SharedBatch:
    """Orders of several requests, made into batches of at most `most` pictures.

    Who orders first is painted first, and with it, in the order of ordering, whoever else fits:
    same painter, size, steps, guidance and strength of a start, and a negative prompt as well or
    none as well (where only some have one, a pipeline gives the others an empty one, which is not
    the same picture).
    The orders of one request stay together, even where they alone are more than `most`. So which
    pictures are painted together follows from the requests alone; no clock has a part in it.

    A batch that breaks is painted again one request at a time, so that the one which breaks it
    breaks alone.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._waiting: list[SlotStream] = []
        self._batch: _Batch | None = None

    def seat(self, painter: Painter) -> BatchSlot:
        """The painter as one request sees it."""
        return BatchSlot(self, painter)

    def advance(self) -> bool:
        """One step of the batch in hand, or of the next; False when nobody has ordered anything."""
        if self._batch is None and self._waiting:
            self._batch = self._begin(self._waiting[0])
        if self._batch is None:
            return False
        if not self._batch.step():
            self._end(self._batch)
        return True

    def order(self, painting: SlotStream) -> None:
        """Puts an order at the end of the line."""
        self._waiting.append(painting)

    def leave(self, painting: SlotStream) -> None:
        """Spends nothing more on what that request has ordered."""
        if painting in self._waiting:
            self._waiting.remove(painting)
        if self._batch and painting in self._batch.seats:
            self._batch.leave(painting)

    def close(self) -> None:
        """Stops the batch in hand between two steps. Closing twice is harmless."""
        if self._batch:
            self._batch.close()
        self._batch = None
        self._waiting.clear()

    def _begin(self, first: SlotStream) -> _Batch:
        chosen, room = [first], self.most - len(first.orders)
        for other in [] if first.alone else self._waiting[1:]:
            if not other.alone and other.kind == first.kind and len(other.orders) <= room:
                chosen.append(other)
                room -= len(other.orders)
        for painting in chosen:
            self._waiting.remove(painting)
        return _Batch(chosen)

    def _end(self, batch: _Batch) -> None:
        self._batch = None
        batch.close()
        if batch.problem is None:
            return
        if len(batch.seats) == 1:
            batch.seats[0].problem = batch.problem
            return
        for painting in batch.seats:
            painting.alone = True
        self._waiting[:0] = [painting for painting in batch.seats if not painting.over]


class BatchSlot:
    """A painter as one of several requests sees it; see `roles.Painter`.

    What it paints tells a step 0 when it waits for the others. Whoever asks for more without
    letting them order is painted with those who are there.
    """

    def __init__(self, company: SharedBatch, painter: Painter) -> None:
        self.name = painter.name
        self.dialect = painter.dialect
        self.painter = painter
        self.company = company
        self.hand: SlotStream | None = None

    @property
    def waits(self) -> bool:
        """True while this request can't go on before the company does."""
        return self.hand is not None and self.hand.waits

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> SlotStream:
        """Orders pictures, to be painted with those that the others order."""
        self.hand = SlotStream(self, list(orders), preview_every)
        return self.hand

    def cost(self, order: ImageRequest) -> float:
        """What the whole order will cost, in image-equivalents."""
        return self.painter.cost(order)

    def count_tokens(self, prompt: str) -> int:
        """The length of a prompt in the painter's own tokens."""
        return self.painter.count_tokens(prompt)


class SlotStream:
    """What one request has ordered; see `roles.Painting`. `spent` is its own share."""

    def __init__(self, seat: BatchSlot, orders: list[ImageRequest], preview_every: int) -> None:
        self.seat = seat
        self.orders = orders
        self.preview_every = preview_every
        self.costs = [seat.painter.cost(order) for order in orders]
        self.spent = 0.0
        self.live = set(range(len(orders)))
        self.alone = False
        self.over = False
        self.problem: Exception | None = None
        self.told: deque[Step | GeneratedImage] = deque()
        self._pieces = self._tell()
        seat.company.order(self)

    @property
    def kind(self) -> tuple[object, ...]:
        """What orders must have in common to be painted in one batch."""
        one = self.orders[0]
        negative = any(order.negative for order in self.orders)
        over = (one.start.strength, one.start.box is None) if one.start else None
        own = (one.width, one.height, one.steps, one.guidance, over)
        return (id(self.seat.painter), *own, negative)

    @property
    def waits(self) -> bool:
        """True when there is nothing to tell before the batch goes on."""
        return not (self.told or self.over or self.problem)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        return self._pieces

    def drop(self, index: int) -> None:
        """Spend nothing more on that order."""
        self.live.discard(index)

    def close(self) -> None:
        """Leave the company; the others' pictures go on."""
        self.over = True
        self.seat.company.leave(self)
        self._pieces.close()

    def _tell(self) -> Generator[Step | GeneratedImage, None, None]:
        while True:
            if self.waits:
                yield Step(0, self.orders[0].steps, {})
            while self.waits:
                self.seat.company.advance()
            if self.problem:
                raise self.problem
            if not self.told:
                return
            yield self.told.popleft()


class _Batch:
    """Several requests' orders on the real painter."""

    def __init__(self, seats: Sequence[SlotStream]) -> None:
        self.seats = list(seats)
        self.problem: Exception | None = None
        self._places = [(seat, index) for seat in seats for index in range(len(seat.orders))]
        self._painting: ImageStream | None = None
        self._steps: Iterator[Step | GeneratedImage] = iter(())
        self._gone: dict[int, int] = {}
        self._number = 0

    def step(self) -> bool:
        """Goes on to the next step or, after the last, to the pictures; False at the end."""
        try:
            if self._painting is None:
                self._start()
            assert self._painting
            self._drop()
            before = self._painting.spent
            done = next(self._steps, None)
            self._share(self._painting.spent - before, done)
        except Exception as problem:  # a painter is anyone's code; told to whom it concerns
            self.problem = problem
            return False
        if isinstance(done, Step):
            self._number = done.number
            self._tell(done)
            return True
        while isinstance(done, GeneratedImage):
            seat, index = self._places[done.index]
            seat.told.append(GeneratedImage(index, done.picture, *self._beside(done)))
            done = next(self._steps, None)
        for seat in self.seats:
            seat.over = True
        return False

    def leave(self, seat: SlotStream) -> None:
        """Drops all orders of one of them."""
        seat.live.clear()
        if not any(seat.live for seat in self.seats):
            self.close()

    def close(self) -> None:
        """Stops between two steps."""
        if self._painting:
            self._painting.close()

    def _start(self) -> None:
        painter = self.seats[0].seat.painter
        orders = [seat.orders[index] for seat, index in self._places]
        self._painting = painter.paint(orders, max(seat.preview_every for seat in self.seats))
        self._steps = iter(self._painting)

    def _drop(self) -> None:
        assert self._painting
        for place, (seat, index) in enumerate(self._places):
            if index not in seat.live and place not in self._gone:
                self._gone[place] = max(1, self._number)
                self._painting.drop(place)

    def _beside(self, done: GeneratedImage) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The batch as a picture keeps it; what the painter told, where one request is alone.

        A picture's last bits depend on how many are in the batch and on its place among them, not
        on what the others show. So whoever paints it again may put anything in the others' places;
        but its own seed stands at its own place alone.
        """
        if len(self.seats) == 1:
            return done.company, done.gone
        place = done.index
        seeds = [seat.orders[index].seed for seat, index in self._places]
        own = seeds[place]
        company = tuple(
            own if here == place else seed ^ (seed == own) for here, seed in enumerate(seeds)
        )
        gone = tuple(self._gone.get(here, 0) for here in range(len(seeds)))
        return company, gone if any(gone) else ()

    def _share(self, spent: float, done: Step | GeneratedImage | None) -> None:
        """Puts a step on the accounts of those whose orders were in it."""
        if not isinstance(done, Step) or not spent:
            return
        places = list(enumerate(self._places))
        live = [(seat, index) for place, (seat, index) in places if place not in self._gone]
        costs = math.fsum(seat.costs[index] for seat, index in live)
        if not math.isclose(spent * done.of, costs, rel_tol=1e-6):  # the dropped are painted on
            live = self._places
            costs = math.fsum(seat.costs[index] for seat, index in live)
        for seat, index in live:
            seat.spent += spent * seat.costs[index] / costs

    def _tell(self, step: Step) -> None:
        for seat in self.seats:
            if seat.over:
                continue
            wanted = seat.preview_every and step.number % seat.preview_every == 0
            own = {
                index: step.previews[place]
                for place, (who, index) in enumerate(self._places)
                if wanted and who is seat and place in step.previews
            }
            seat.told.append(Step(step.number, step.of, own))
