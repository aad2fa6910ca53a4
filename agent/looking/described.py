"""Says in plain words what a critic saw: which claims hold, which do not, which nobody can tell."""

from __future__ import annotations

from limner.agent.plain import one_line
from limner.agent.records import Critique, Take

__all__ = ["described", "verdicts"]


def verdicts(critique: Critique) -> tuple[str, ...]:
    """For each claim "holds", "fails" or "can't tell", in the claims' order.

    Nobody can tell where the claim was not checked, or where the claim that it needs fails.
    """
    return tuple(_verdict(critique, at) for at in range(len(critique.claims)))


def described(seen: Take | Critique) -> str:
    """What a critic saw in a picture, a line for each verdict; needs no model.

    The words are those of the claims and the brief, on clean single lines.
    """
    critique = seen.critique if isinstance(seen, Take) else seen
    lines = [_head(seen)] if isinstance(seen, Take) else []
    told = verdicts(critique)
    for verdict in ("holds", "fails", "can't tell"):
        texts = [_claim(critique, at) for at, said in enumerate(told) if said == verdict]
        lines += [f"{verdict}: {'; '.join(texts)}"] if texts else []
    return "\n".join(lines if told else [*lines, "nothing was claimed of it"])


def _head(take: Take) -> str:
    size = f"{take.order.width} × {take.order.height} pixels, seed {take.order.seed}"
    return f"painted: {one_line(take.order.prompt, 400)} ({size})"


def _claim(critique: Critique, at: int) -> str:
    text, probability = one_line(critique.claims[at].text, 200), critique.probabilities[at]
    return text if probability is None else f"{text} ({probability:.2f})"


def _verdict(critique: Critique, at: int) -> str:
    probability, needs = critique.probabilities[at], critique.claims[at].needs
    if probability is None or needs in critique.failed:
        return "can't tell"
    return "holds" if probability >= critique.threshold else "fails"
