"""Asks the critic what is true of pictures; one that breaks leaves them unverified."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from PIL.Image import Image

from limner.agent.brief.extract import is_english
from limner.agent.plain import first_line, one_line
from limner.agent.records import Brief, Candidate, Claim, Critique, Settings
from limner.agent.scoring.places import standing
from limner.errors import ModelFailed
from limner.pipelines.roles import Critic, Judge

__all__ = [
    "described",
    "instead",
    "look",
    "phrased",
    "unseen",
    "verdicts",
    "weighed",
]


def look(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...], settings: Settings
) -> tuple[list[Critique], str]:
    """A critique of each picture; and "", or one line on why nothing could be checked."""
    unknown: list[list[float | None]] = [[None] * len(claims) for _ in pictures]
    found, failed = unknown, ""
    if not claims:
        failed = "unverified: the brief makes no claim that could be checked"
    else:
        try:
            found = _finite(weighed(critic, pictures, claims, settings))
        except Exception as problem:  # a critic is anyone's code; an unverified picture is one too
            failed = f"unverified: the critic failed: {first_line(problem)}"
    return [Critique(claims, tuple(row), settings.threshold) for row in found], failed


def unseen(claims: tuple[Claim, ...], settings: Settings) -> Critique:
    """The critique of a picture that the critic is not shown."""
    return Critique(claims, (None,) * len(claims), settings.threshold)


def weighed(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...], settings: Settings
) -> list[list[float | None]]:
    """How probable each claim is of each picture, calibrated: pictures x claims.

    What is no number stays none. Raises whatever the critic raises, and `ModelFailed` for too few
    answers.
    """
    seen = _judged(critic, pictures, claims)
    told = [all(row[at] is not None for row in seen) for at in range(len(claims))]
    rest = tuple(claim for claim, done in zip(claims, told, strict=True) if not done)
    compared = [iter(row) for row in _compared(critic, pictures, rest, settings)]
    return [
        [probability if done else next(others) for probability, done in zip(row, told, strict=True)]
        for row, others in zip(seen, compared, strict=True)
    ]


def _judged(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...]
) -> list[list[float | None]]:
    """What a critic that sees where things are says; None for what it leaves to comparing."""
    if not pictures or not isinstance(critic, Judge):
        return [[None] * len(claims) for _ in pictures]
    found = critic.judge(pictures, claims)
    _check_number(found, pictures)
    return found


def _compared(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...], settings: Settings
) -> list[list[float | None]]:
    """What comparing pictures with sentences says, calibrated."""
    worded = [phrased(critic, claim) for claim in claims]
    told = [claim for claim in worded if claim is not None]
    if not told:
        return [[None] * len(claims) for _ in pictures]
    raw = critic.look(pictures, [c.text for c in told], [c.foils for c in told])
    _check_number(raw, pictures)
    rows = [iter(_calibrated(row, told, settings)) for row in raw]
    found = [[None if c is None else next(row) for c in worded] for row in rows]
    if not settings.locate:
        return found
    asked = [now or claim for now, claim in zip(worded, claims, strict=True)]
    return standing(critic, pictures, asked, found, settings)


def _check_number(rows: Sequence[object], pictures: Sequence[Image]) -> None:
    if len(rows) != len(pictures):
        raise ModelFailed(f"it looked at {len(rows)} of {len(pictures)} pictures")


def phrased(critic: Critic, claim: Claim) -> Claim | None:
    """The claim in the words that the critic was taught; None where it can't judge that.

    A critic without a small world of its own takes plain English: what is in another script it
    can't tell.
    """
    world = getattr(critic, "world", None)
    if world is None:
        return claim if claim.text.isascii() or is_english(claim.text) else None
    words = world.phrased(claim)
    return None if words is None else replace(claim, text=words[0], foils=words[1])


def _calibrated(
    row: Sequence[float], claims: Sequence[Claim], settings: Settings
) -> list[float | None]:
    """What the critic's own probabilities stand for, each by the curve of its kind of claim."""
    curves = settings.calibration
    return [curves[c.kind](p) if c.kind in curves else p for p, c in zip(row, claims, strict=True)]


def _finite(rows: list[list[float | None]]) -> list[list[float | None]]:
    if not all(p is None or math.isfinite(p) for row in rows for p in row):
        raise ModelFailed("it gave something that is not a number")
    return rows


def instead(critic: Critic, picture: Image, critique: Critique) -> dict[int, str]:
    """For each claim that is to blame, the one of its foils that the critic finds likeliest.

    A foil is weighed against the claim and the other foils, as the claim itself was; one that is no
    likelier than the claim is not told, nor one that another claim denies, which holds: where there
    is a tree, "there is no tree" explains nothing. Raises whatever the critic raises.
    """
    sure = [i for i, p in enumerate(critique.probabilities) if (p or 0) >= critique.threshold]
    told = [phrased(critic, critique.claims[i]) for i in sure]
    denied = {foil for claim in told if claim for foil in claim.foils}
    found = {}
    for index in critique.blamed or critique.failed:
        claim = phrased(critic, critique.claims[index])
        if claim is None:
            continue
        open_ = tuple(foil for foil in claim.foils if foil not in denied)
        likeliest = _likeliest(critic, picture, replace(claim, foils=open_)) if open_ else ""
        if likeliest:
            found[index] = likeliest
    return found


def _likeliest(critic: Critic, picture: Image, claim: Claim) -> str:
    said = [claim.text, *claim.foils]
    (row,) = critic.look([picture], said, [_others(said, text) for text in said])
    best = max(range(len(said)), key=row.__getitem__)
    return said[best] if best else ""


def _others(said: Sequence[str], text: str) -> list[str]:
    return [other for other in said if other != text]


def verdicts(critique: Critique) -> tuple[str, ...]:
    """For each claim "holds", "fails" or "can't tell", in the claims' order.

    Nobody can tell where the claim was not checked, or where it seems to hold and the claim that it
    needs fails.
    """
    return tuple(_verdict(critique, at) for at in range(len(critique.claims)))


def described(seen: Candidate | Critique) -> str:
    """What a critic saw in a picture, a line for each verdict; needs no model.

    The words are those of the claims and the brief, on clean single lines.
    """
    critique = seen.critique if isinstance(seen, Candidate) else seen
    lines = [*_lines(critique)] or ["nothing was claimed of it"]
    if isinstance(seen, Candidate):
        lines = [_head(seen), *lines, *_unseen(seen.brief)]
    return "\n".join(lines)


def _lines(critique: Critique) -> Iterator[str]:
    """The asked claims by what is known of them, then the writer's own."""
    told = verdicts(critique)
    own = [at for at, claim in enumerate(critique.claims) if claim.source == "invented"]
    for verdict in ("holds", "fails", "can't tell"):
        texts = [_claim(critique, i) for i, v in enumerate(told) if v == verdict and i not in own]
        if texts:
            yield f"{verdict}: {'; '.join(texts)}"
    if own:
        texts = [f"{_claim(critique, i)}: {told[i]}" for i in own]
        yield f"added by the writer: {'; '.join(texts)}"


def _unseen(brief: Brief) -> Iterator[str]:
    if brief.unchecked:
        yield f"not checked: {one_line(', '.join(brief.unchecked), 400)}"
    if brief.not_shown:
        yield f"these models can't show: {one_line(', '.join(brief.not_shown), 400)}"


def _head(candidate: Candidate) -> str:
    one = candidate.image_request
    size = f"{one.width} × {one.height} pixels, seed {one.seed}"
    return f"painted: {one_line(one.prompt, 400)} ({size})"


def _claim(critique: Critique, at: int) -> str:
    text, probability = one_line(critique.claims[at].text, 200), critique.probabilities[at]
    return text if probability is None else f"{text} ({probability:.2f})"


def _verdict(critique: Critique, at: int) -> str:
    probability, needs = critique.probabilities[at], critique.claims[at].needs
    if probability is None or (probability >= critique.threshold and needs in critique.failed):
        return "can't tell"
    return "holds" if probability >= critique.threshold else "fails"
