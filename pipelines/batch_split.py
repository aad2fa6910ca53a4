"""A batch of pictures that is painted in as many parts as the memory asks for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

from limner.errors import OutOfMemory
from limner.pipelines.oom import free, is_full
from limner.pipelines.roles import GeneratedImage, ImageRequest, ImageStream, Step

__all__ = [
    "BatchSplit",
    "SplitPainter",
]


CURE = "Type a smaller --size, or name a smaller painter; limner doctor says what fits."


class SplitPainter(Protocol):
    """Where parts of a batch are painted, with ways to make do with less memory."""

    def begin(self, orders: Sequence[ImageRequest], tiled: bool) -> ImageStream:
        """Paints them together; `tiled` decodes them piece by piece."""
        ...

    def ease(self) -> bool:
        """Keeps less of the model on the device from now on; False where there is no less."""
        ...


class BatchSplit:
    """Paints a batch, at most so many orders at a time; see `roles.Painting`.

    Where memory runs out, half as many are tried, down to one; then that one is decoded in tiles;
    then the model is offloaded; then `OutOfMemory` is raised. Each order has noise of its own, so
    the parts give the pictures of the whole, but for last bits, and each picture tells its part
    for its company. The steps of each part are told from 1 on, the pictures when all parts are
    done. What was painted in vain is counted in `spent`, for it was computed.
    """

    def __init__(self, easel: SplitPainter, orders: Sequence[ImageRequest], most: int) -> None:
        self._easel = easel
        self._orders = orders
        self._most = most
        self._tiled = False
        self._spent = 0.0
        self._dropped: dict[int, int] = {}
        self._number = 0
        self._now: ImageStream | None = None
        self._part: list[int] = []
        self._steps = self._advance()

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        return self._steps

    def drop(self, index: int) -> None:
        """Spend nothing more on that order; it will not be among the finished pictures."""
        self._dropped.setdefault(index, max(1, self._number))
        if self._now and index in self._part:
            self._now.drop(self._part.index(index))

    def close(self) -> None:
        """Stop between two steps. Closing twice is harmless."""
        self._steps.close()

    @property
    def spent(self) -> float:
        """Image-equivalents so far, in all parts."""
        return self._spent + (self._now.spent if self._now else 0.0)

    def _advance(self) -> Generator[Step | GeneratedImage, None, None]:
        left, finished = list(range(len(self._orders))), list[GeneratedImage]()
        while left := [index for index in left if index not in self._dropped]:
            part = left[: self._most]
            painted = yield from self._painted(part)
            if painted is None:
                free()
                self._with_less(len(part))
            else:
                finished += painted
                left = left[len(part) :]
        yield from (done for done in finished if done.index not in self._dropped)

    def _painted(self, part: list[int]) -> Generator[Step, None, list[GeneratedImage] | None]:
        """The pictures of a part; None when memory ran out."""
        self._part, self._number, pictures = part, 0, list[GeneratedImage]()
        self._now = now = self._easel.begin([self._orders[i] for i in part], self._tiled)
        try:
            for done in now:
                if isinstance(done, GeneratedImage):
                    pictures.append(GeneratedImage(part[done.index], done.picture, *self._beside()))
                else:
                    self._number = done.number
                    shown = {part[index]: picture for index, picture in done.previews.items()}
                    yield Step(done.number, done.of, shown)
        except (MemoryError, RuntimeError) as problem:
            if not is_full(problem):
                raise
            return None
        finally:
            now.close()
            self._spent += now.spent
            self._now = None
        return pictures

    def _beside(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The part as its pictures keep it (see `GeneratedImage`); empty where it is the whole."""
        if len(self._part) == len(self._orders):
            return (), ()
        gone = tuple(self._dropped.get(index, 0) for index in self._part)
        return tuple(self._orders[i].seed for i in self._part), gone if any(gone) else ()

    def _with_less(self, tried: int) -> None:
        """Decides what is tried next, after so many at once were too many."""
        if tried > 1:
            self._most = tried // 2
        elif not self._tiled:
            self._tiled = True
        elif not self._easel.ease():
            raise OutOfMemory("The painter ran out of memory on a single picture.", CURE)
