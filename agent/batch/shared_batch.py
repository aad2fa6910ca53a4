"""Lets several rows paint in one batch: each waits until the others have asked, too."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from limner.pipelines.roles import GeneratedImage, ImageRequest, ImageStream, Painter, Step

__all__ = ["BatchSlot", "SharedBatch", "SlotStream"]

MOST = 8
"""Pictures in one batch, where nobody says otherwise."""


class SharedBatch:
    """Image requests of several rows, made into batches of at most `most` pictures.

    Whose requests come first is painted first, and with them, in the order of asking, whatever
    else fits: same painter, size, steps, guidance and strength of a start, and a negative prompt as
    well or none as well (where only some have one, a pipeline gives the others an empty one, which
    is not the same picture). The requests of one row stay together, even where they alone are more
    than `most`. So which pictures are painted together follows from the requests alone; no clock
    has a part in it.

    A batch that breaks is painted again row by row, so that the one which breaks it breaks alone.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._waiting: list[SlotStream] = []
        self._current: _Batch | None = None

    def slot(self, painter: Painter) -> BatchSlot:
        """The painter as one row sees it."""
        return BatchSlot(self, painter)

    def advance(self) -> bool:
        """One step of the current batch, or of the next; False when nobody has asked for any."""
        if self._current is None and self._waiting:
            self._current = self._begin(self._waiting[0])
        if self._current is None:
            return False
        if not self._current.step():
            self._end(self._current)
        return True

    def submit(self, stream: SlotStream) -> None:
        """Puts the requests of a row at the end of the line."""
        self._waiting.append(stream)

    def leave(self, stream: SlotStream) -> None:
        """Spends nothing more on what that row has asked for."""
        if stream in self._waiting:
            self._waiting.remove(stream)
        if self._current and stream in self._current.streams:
            self._current.leave(stream)

    def close(self) -> None:
        """Stops the current batch between two steps; closing twice is harmless."""
        if self._current:
            self._current.close()
        self._current = None
        self._waiting.clear()

    def _begin(self, first: SlotStream) -> _Batch:
        chosen, room = [first], self.most - len(first.requests)
        for other in [] if first.alone else self._waiting[1:]:
            if not other.alone and other.kind == first.kind and len(other.requests) <= room:
                chosen.append(other)
                room -= len(other.requests)
        for stream in chosen:
            self._waiting.remove(stream)
        return _Batch(chosen)

    def _end(self, batch: _Batch) -> None:
        self._current = None
        batch.close()
        if batch.problem is None:
            return
        if len(batch.streams) == 1:
            batch.streams[0].problem = batch.problem
            return
        for stream in batch.streams:
            stream.alone = True
        self._waiting[:0] = [stream for stream in batch.streams if not stream.over]


class BatchSlot:
    """A painter as one of several rows sees it; see `roles.Painter`.

    Its stream gives a step 0 when it waits for the others. Whoever asks for more without letting
    them ask is painted with those who are there.
    """

    def __init__(self, shared: SharedBatch, painter: Painter) -> None:
        self.name = painter.name
        self.spec = painter.spec
        self.painter = painter
        self.shared = shared
        self.stream: SlotStream | None = None

    @property
    def waits(self) -> bool:
        """True while this row can't go on before the shared batch does."""
        return self.stream is not None and self.stream.waits

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> SlotStream:
        """Asks for pictures, to be painted with those that the others ask for."""
        self.stream = SlotStream(self, list(orders), preview_every)
        return self.stream

    def cost(self, order: ImageRequest) -> float:
        """What the whole request will cost, in image-equivalents."""
        return self.painter.cost(order)

    def count_tokens(self, prompt: str) -> int:
        """The length of a prompt in the painter's own tokens."""
        return self.painter.count_tokens(prompt)


class SlotStream:
    """What one row has asked for; see `roles.ImageStream`. `spent` is its own share."""

    def __init__(self, slot: BatchSlot, requests: list[ImageRequest], preview_every: int) -> None:
        self.slot = slot
        self.requests = requests
        self.preview_every = preview_every
        self.costs = [slot.painter.cost(request) for request in requests]
        self.spent = 0.0
        self.live = set(range(len(requests)))
        self.alone = False
        self.over = False
        self.problem: Exception | None = None
        self.ready: deque[Step | GeneratedImage] = deque()
        self._pieces = self._stream()
        slot.shared.submit(self)

    @property
    def kind(self) -> tuple[object, ...]:
        """What requests must have in common to be painted in one batch."""
        one = self.requests[0]
        negative = any(request.negative for request in self.requests)
        over = (one.start.strength, one.start.box is None) if one.start else None
        own = (one.width, one.height, one.steps, one.guidance, over)
        return (id(self.slot.painter), *own, negative)

    @property
    def waits(self) -> bool:
        """True when there is nothing to give before the batch goes on."""
        return not (self.ready or self.over or self.problem)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        return self._pieces

    def drop(self, index: int) -> None:
        """Spend nothing more on that request."""
        self.live.discard(index)

    def close(self) -> None:
        """Leave the batch; the others' pictures go on."""
        self.over = True
        self.slot.shared.leave(self)
        self._pieces.close()

    def _stream(self) -> Generator[Step | GeneratedImage, None, None]:
        while True:
            if self.waits:
                yield Step(0, self.requests[0].steps, {})
            while self.waits:
                self.slot.shared.advance()
            if self.problem:
                raise self.problem
            if not self.ready:
                return
            yield self.ready.popleft()


class _Batch:
    """The requests of several rows on the real painter."""

    def __init__(self, streams: Sequence[SlotStream]) -> None:
        self.streams = list(streams)
        self.problem: Exception | None = None
        self._places = [(stream, at) for stream in streams for at in range(len(stream.requests))]
        self._painting: ImageStream | None = None
        self._steps: Iterator[Step | GeneratedImage] = iter(())
        self._dropped: dict[int, int] = {}
        self._number = 0

    def step(self) -> bool:
        """Goes on to the next step or, after the last, to the pictures; False at the end."""
        try:
            painting = self._painting or self._start()
            self._drop(painting)
            before = painting.spent
            done = next(self._steps, None)
            self._share(painting.spent - before, done)
        except Exception as problem:  # a painter is anyone's code; raised to whom it concerns
            self.problem = problem
            return False
        if isinstance(done, Step):
            self._number = done.number
            self._pass_on(done)
            return True
        while isinstance(done, GeneratedImage):
            stream, index = self._places[done.index]
            stream.ready.append(GeneratedImage(index, done.picture, *self._batch_of(done)))
            done = next(self._steps, None)
        for stream in self.streams:
            stream.over = True
        return False

    def leave(self, stream: SlotStream) -> None:
        """Drops all requests of one of them."""
        stream.live.clear()
        if not any(stream.live for stream in self.streams):
            self.close()

    def close(self) -> None:
        """Stops between two steps."""
        if self._painting:
            self._painting.close()

    def _start(self) -> ImageStream:
        painter = self.streams[0].slot.painter
        requests = [stream.requests[index] for stream, index in self._places]
        previews = max(stream.preview_every for stream in self.streams)
        self._painting = painter.paint(requests, previews)
        self._steps = iter(self._painting)
        return self._painting

    def _drop(self, painting: ImageStream) -> None:
        for place, (stream, index) in enumerate(self._places):
            if index not in stream.live and place not in self._dropped:
                self._dropped[place] = max(1, self._number)
                painting.drop(place)

    def _batch_of(self, done: GeneratedImage) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The seeds of the batch, and when each was dropped, as a picture keeps them.

        A picture's last bits depend on how many are in the batch and on its place among them, not
        on what the others show. So whoever paints it again may put anything in the others' places;
        but its own seed stands at its own place alone. Where one row is alone, the painter's word
        is kept.
        """
        if len(self.streams) == 1:
            return done.batch_seeds, done.dropped_at
        place = done.index
        seeds = [stream.requests[index].seed for stream, index in self._places]
        own = seeds[place]
        beside = (own if at == place else seed ^ (seed == own) for at, seed in enumerate(seeds))
        dropped = tuple(self._dropped.get(at, 0) for at in range(len(seeds)))
        return tuple(beside), dropped if any(dropped) else ()

    def _share(self, spent: float, done: Step | GeneratedImage | None) -> None:
        """Puts a step on the accounts of those whose requests were in it."""
        if not isinstance(done, Step) or not spent:
            return
        live = [at for place, at in enumerate(self._places) if place not in self._dropped]
        costs = math.fsum(stream.costs[index] for stream, index in live)
        if not math.isclose(spent * done.of, costs, rel_tol=1e-6):  # the dropped are painted on
            live = self._places
            costs = math.fsum(stream.costs[index] for stream, index in live)
        for stream, index in live:
            stream.spent += spent * stream.costs[index] / costs

    def _pass_on(self, step: Step) -> None:
        for stream in self.streams:
            if stream.over:
                continue
            wanted = stream.preview_every and step.number % stream.preview_every == 0
            own = {
                index: step.previews[place]
                for place, (whose, index) in enumerate(self._places)
                if wanted and whose is stream and place in step.previews
            }
            stream.ready.append(Step(step.number, step.of, own))
