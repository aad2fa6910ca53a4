"""Paints once in a process of its own, and says how much memory that took at most."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from limner.errors import LimnerError, ModelFailed

__all__ = ["Peak", "measured"]

REQUEST = "a lighthouse"
Peak = dict[str, float]
"""GiB at most: "ram", the machine's own memory, and "gpu"."""


def measured(profile: str, given: Mapping[str, str | None]) -> Peak:
    """The peak of opening a profile's models and painting one round of takes with them.

    Raises `ModelFailed` where that fails.
    """
    told = json.dumps([profile, {part: name for part, name in given.items() if name}])
    command = [sys.executable, "-m", __name__, told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise ModelFailed(lines[-1], "Nothing was measured; limner doctor says what fits.")
    made: Peak = json.loads(done.stdout.splitlines()[-1])
    return made


def _paint(profile: str, given: Mapping[str, str]) -> Peak:
    import resource

    import torch

    from limner.agent.studio import Studio

    studio = Studio.open(profile, **given)
    takes = studio.settings.takes
    studio.imagine(REQUEST, seed=1, takes=takes, budget=takes, refine=False)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    ram = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    gpu = torch.cuda.max_memory_reserved() / 2**30 if torch.cuda.is_available() else 0.0
    return {"ram": round(ram, 2), "gpu": round(gpu, 2)}


if __name__ == "__main__":
    try:
        print(json.dumps(_paint(*json.loads(sys.argv[1]))))  # noqa: T201
    except LimnerError as told:
        sys.exit(f"{told.message} {told.hint}")
