"""Has a model's chat template, which is a stranger's program, run only so large and so long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from limner.errors import ModelFailed, ModelUnusable

__all__ = ["bounded", "check_size"]

LONGEST = 200_000
"""Characters; the longest that are in use have a tenth of it."""

SECONDS = 5.0
"""A conversation takes a template a few milliseconds."""

_TEMPLATE = "<template>"  # what Jinja calls the code that it makes of one


def check_size(model: str, template: Any) -> None:
    """Raises `ModelUnusable` where a model has no chat template, or an outsized one.

    `model` is what to call it, such as "writer 'pocket'".
    """
    if not template:
        raise ModelUnusable(
            f"The {model} has no chat template.", "Use a model tuned for chat (instruct)."
        )
    parts = template.values() if isinstance(template, dict) else [template]
    if sum(len(part) for part in parts) > LONGEST:
        raise ModelUnusable(
            f"The chat template of the {model} is longer than {LONGEST:,} characters.",
            "Use another model.",
        )


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Ends what runs within it in this thread after so long, with `ModelFailed`.

    transformers renders templates in Jinja's sandbox, from which nothing of Python can be reached;
    but the sandbox lets loops run for ever. Here each line of a template, and each call of Python,
    looks at the clock. What one single operation takes, of time or of memory, is not bounded.
    """
    end, before = time.monotonic() + seconds, sys.gettrace()

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise ModelFailed("The writer's chat template takes too long.", "Use another model.")
        return look if frame.f_code.co_filename == _TEMPLATE else None

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)
