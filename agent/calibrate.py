"""Finds out what a critic's numbers are worth: asks it what is known to be false of pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.agent.plain import request_line
from limner.agent.records import Candidate, Claim
from limner.agent.scoring.evaluate import phrased
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.platt import Curve, from_null

__all__ = [
    "ENOUGH",
    "REQUESTS",
    "calibrate",
    "nulls",
    "requests_in",
]


ENOUGH = 8
"""So many false claims of a kind are needed before anything is said of it."""

REQUESTS = (
    "a red bicycle against a brick wall",
    "two fishermen on a pier at dawn",
    "a blue vase left of a white teapot",
    "three clay pots on a shelf at sunset",
    "a green bench beside a yellow lamp post",
    "a large bridge over a river in the rain",
    "a small lighthouse on a cliff, oil painting",
    "an orange bus right of a black taxi",
    "four lemons in a bowl before a plain grey wall",
    "a woman in a purple coat, photograph",
    "a train in the snow at night",
    "a brown violin on a wooden table, watercolour",
)
"""What is painted to calibrate a critic, where the painter has no world of its own."""


def calibrate(
    studio: Studio, requests: Sequence[str] = (), *, seed: int = 0, passing: float = 0.05
) -> Iterator[Candidate | dict[str, Curve]]:
    """Paints each request once, and yields each candidate; last come the curves, by kind of claim.

    Without requests, they are the examples of the painter's world, or else `REQUESTS`.

    Each picture is then asked the claims of all the other requests, of which nearly none is true:
    the null distribution. The curves let a share `passing` of these hold. Raises `BadInput` for
    fewer than four requests, and what the models raise.
    """
    world = studio.writer.world
    requests = requests or (world.examples if world else REQUESTS)
    if len(requests) < 4:
        raise BadInput("Four requests at least are needed.", "Give a file of them, one a line.")
    candidates = []
    for number, request in enumerate(requests):
        result = studio.imagine(
            request, seed=seed + number, budget=1, images_per_round=1, refine=False
        )
        assert result.best  # a painter that fails raises
        candidates.append(result.best)
        yield result.best
    found = nulls(studio, candidates)
    yield {kind: from_null(row, passing) for kind, row in found.items() if len(row) >= ENOUGH}


def nulls(studio: Studio, candidates: Sequence[Candidate]) -> dict[str, list[float]]:
    """How probable each kind of claim seems of pictures that were painted from other briefs."""
    found: dict[str, list[float]] = defaultdict(list)
    for candidate in candidates:
        own = {claim.text for claim in candidate.critique.claims}
        others = [
            c for other in candidates if other is not candidate for c in other.critique.claims
        ]
        worded = [phrased(studio.critic, claim) for claim in others if _new(claim, own)]
        false = [claim for claim in worded if claim]
        rows = studio.critic.look(
            [candidate.picture], [c.text for c in false], [c.foils for c in false]
        )
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
    return claim.text not in own and claim.kind != "absent"
