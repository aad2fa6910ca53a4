"""Saves the work on pictures that nobody wants any more, in pipelines that can't let go of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = [
    "ActiveRows",
    "denoisers",
]


WHOLE = {"img_ids", "txt_ids", "image_rotary_emb"}
"""Arguments that are not one for each picture, even where their length happens to fit."""


def denoisers(pipe: Any) -> list[Any]:
    """The networks that a pipeline runs at every step."""
    found = getattr(pipe, "denoisers", None) or [
        getattr(pipe, name, None) for name in ("unet", "transformer")
    ]
    return [part for part in found if part is not None]


class ActiveRows:
    """Runs the denoiser on the wanted rows of a batch alone; the others get anything back.

    A pipeline of diffusers keeps its batch in local variables, which only a few let a callback
    change. Its denoiser, where nearly all time goes, takes the batch as arguments, and those can
    be cut on the way in. `computed` counts the rows of the last run.
    """

    def __init__(self, size: int) -> None:
        self.computed = size
        self._size = size
        self._wanted = list(range(size))
        self._cut: tuple[int, list[int]] | None = None

    def leave(self, rows: Sequence[int]) -> None:
        """Go on with those rows alone."""
        self._wanted = list(rows)

    @contextmanager
    def on(self, parts: Sequence[torch.nn.Module]) -> Iterator[None]:
        """Within it, the parts are spared."""
        with ExitStack() as hooks:
            for part in parts:
                before = part.register_forward_pre_hook(self._before, with_kwargs=True)
                hooks.callback(before.remove)
                hooks.callback(part.register_forward_hook(self._after).remove)
            yield

    def _before(self, _: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self.computed, self._cut = self._size, None
        length = _length(given[0] if given else next(iter(named.values()), None))
        if len(self._wanted) == self._size or not length or length % self._size:
            return None
        parts = range(0, length, self._size)  # with guidance, the batch is there twice
        rows = [part + row for part in parts for row in self._wanted]
        self.computed, self._cut = len(self._wanted), (length, rows)
        kept = {k: v if k in WHOLE else _rows(v, length, rows) for k, v in named.items()}
        return tuple(_rows(value, length, rows) for value in given), kept

    def _after(self, _: Any, __: Any, made: Any) -> Any:
        return made if self._cut is None else _spread(made, *self._cut)


def _length(value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    return int(value.shape[0]) if getattr(value, "ndim", 0) else 0


def _rows(value: Any, length: int, rows: list[int]) -> Any:
    """Those rows of a value that has `length` of them, however deep in a dictionary."""
    if isinstance(value, dict):
        return {key: _rows(item, length, rows) for key, item in value.items()}
    if _length(value) != length:
        return value
    return [value[row] for row in rows] if isinstance(value, list) else value[rows]


def _spread(made: Any, length: int, rows: list[int]) -> Any:
    """The rows where they were; between them the first again, since pipelines divide by norms."""
    if isinstance(made, tuple):
        return tuple(_spread(item, length, rows) for item in made)
    if isinstance(made, dict):  # also an output class of diffusers
        for key, item in made.items():
            made[key] = _spread(item, length, rows)
        return made
    if _length(made) != len(rows):
        return made
    if isinstance(made, list):
        placed = dict(zip(rows, made, strict=True))
        return [placed.get(row, made[0]) for row in range(length)]
    whole = made[:1].repeat(length, *[1] * (made.ndim - 1))
    whole[rows] = made
    return whole
