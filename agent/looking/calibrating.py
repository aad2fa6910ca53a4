"""Finds out what a critic's numbers are worth: asks it what is known to be false of pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.agent.plain import request_line
from limner.agent.records import Claim, Take
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.platt import Curve, from_null

__all__ = ["ENOUGH", "REQUESTS", "calibrate", "nulls", "requests_in"]

ENOUGH = 8
"""So many false claims of a kind are needed before anything is said of it."""

REQUESTS = (
    "a red cat on the grass",
    "two dogs in the snow at night",
    "a blue car left of a house",
    "three yellow balloons at sunset",
    "a green tree and a white rabbit",
    "a large castle by the sea",
    "a small boat in the rain",
    "an orange pumpkin right of a black robot",
    "four apples before a plain pink backdrop",
    "a purple butterfly above a sunflower",
    "a rocket at night",
    "a brown guitar below the moon, pixel art",
)


def calibrate(
    studio: Studio, requests: Sequence[str] = REQUESTS, *, seed: int = 0, passing: float = 0.05
) -> Iterator[Take | dict[str, Curve]]:
    """Paints each request once, and yields each take; last come the curves, by kind of claim.

    Each picture is then asked the claims of all the other requests, of which nearly none is true:
    the null distribution. The curves let a share `passing` of these hold. Raises `BadInput` for
    fewer than four requests, and what the models raise.
    """
    if len(requests) < 4:
        raise BadInput("Four requests at least are needed.", "Give a file of them, one a line.")
    takes = []
    for number, request in enumerate(requests):
        result = studio.imagine(request, seed=seed + number, budget=1, takes=1, refine=False)
        assert result.best  # a painter that fails raises
        takes.append(result.best)
        yield result.best
    found = nulls(studio, takes)
    yield {kind: from_null(row, passing) for kind, row in found.items() if len(row) >= ENOUGH}


def nulls(studio: Studio, takes: Sequence[Take]) -> dict[str, list[float]]:
    """How probable each kind of claim seems of pictures that were painted from other briefs."""
    found: dict[str, list[float]] = defaultdict(list)
    for take in takes:
        own = {claim.text for claim in take.critique.claims}
        false = [
            c for other in takes if other is not take for c in other.critique.claims if _new(c, own)
        ]
        rows = studio.critic.look([take.picture], [c.text for c in false], [c.foils for c in false])
        for claim, probability in zip(false, rows[0], strict=True):
            found[claim.kind].append(probability)
    return dict(found)


def requests_in(path: Path) -> list[str]:
    """The requests of a file, one a line. Raises `BadInput` when there is no such text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path} can't be read as text.", "Give a UTF-8 text file.") from problem
    return [request_line(line) for line in lines if line.strip()]


def _new(claim: Claim, own: set[str]) -> bool:
    """Whether it is false, as far as the briefs tell: neither claimed, nor of something absent."""
    return claim.text not in own and claim.kind != "avoid"
