"""Says in plain words what a critic saw: which claims hold, which do not, which nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator

from limner.agent.plain import one_line
from limner.agent.records import Brief, Critique, Take

__all__ = ["described", "verdicts"]


def verdicts(critique: Critique) -> tuple[str, ...]:
    """For each claim "holds", "fails" or "can't tell", in the claims' order.

    Nobody can tell where the claim was not checked, or where it seems to hold and the claim that it
    needs fails.
    """
    return tuple(_verdict(critique, at) for at in range(len(critique.claims)))


def described(seen: Take | Critique) -> str:
    """What a critic saw in a picture, a line for each verdict; needs no model.

    The words are those of the claims and the brief, on clean single lines.
    """
    critique = seen.critique if isinstance(seen, Take) else seen
    lines = [*_lines(critique)] or ["nothing was claimed of it"]
    if isinstance(seen, Take):
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


def _head(take: Take) -> str:
    size = f"{take.order.width} × {take.order.height} pixels, seed {take.order.seed}"
    return f"painted: {one_line(take.order.prompt, 400)} ({size})"


def _claim(critique: Critique, at: int) -> str:
    text, probability = one_line(critique.claims[at].text, 200), critique.probabilities[at]
    return text if probability is None else f"{text} ({probability:.2f})"


def _verdict(critique: Critique, at: int) -> str:
    probability, needs = critique.probabilities[at], critique.claims[at].needs
    if probability is None or (probability >= critique.threshold and needs in critique.failed):
        return "can't tell"
    return "holds" if probability >= critique.threshold else "fails"
