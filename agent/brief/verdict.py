"""What may be said of a picture: which asked claims hold, and what nobody has looked at."""

from __future__ import annotations

from collections.abc import Iterable

from limner.agent.i18n import Language, claim_in, language_of, phrase
from limner.agent.records import Brief, Candidate, Claim, Critique, Verdict

__all__ = [
    "left_open",
    "verdict",
    "verdict_of",
]


def verdict(
    brief: Brief,
    critique: Critique | None = None,
    language: Language | None = None,
    number: int | None = None,
) -> Verdict:
    """What is known of a picture of that brief; without a critique, before anything is painted.

    `language` is that of the sentence, by default the request's; `number` is what people call the
    picture. A claim that could be judged only on a parent that fails can't be told.
    """
    language = language or language_of(brief.request)
    judged = critique or Critique(brief.claims, (None,) * len(brief.claims))
    groups = _grouped(judged)
    holds, fails, cannot_tell = groups["holds"], groups["fails"], groups["cannot_tell"]
    reached = bool(holds) and not (fails or cannot_tell or brief.unchecked or brief.not_shown)
    said = _said(brief, groups, reached, language, number, painted=critique is not None)
    return Verdict(
        reached,
        _texts(holds),
        _texts(fails),
        _texts(cannot_tell) if critique else (),
        brief.unchecked,
        brief.not_shown,
        said,
        _texts(groups["invented_holds"]),
        _texts(groups["invented_fails"]),
    )


def verdict_of(
    take: Candidate, language: Language | None = None, number: int | None = None
) -> Verdict:
    """The verdict on a take, by its own brief and critique."""
    return verdict(take.brief, take.critique, language, number)


def _grouped(critique: Critique) -> dict[str, list[Claim]]:
    groups: dict[str, list[Claim]] = {
        name: [] for name in ("holds", "fails", "cannot_tell", "invented_holds", "invented_fails")
    }
    failed = set(critique.failed)
    for at, claim in enumerate(critique.claims):
        probability = critique.probabilities[at]
        true = probability is not None and probability >= critique.threshold
        if claim.source == "invented":
            if probability is not None:
                groups["invented_holds" if true else "invented_fails"].append(claim)
        elif probability is None or (true and claim.needs in failed):
            groups["cannot_tell"].append(claim)
        else:
            groups["holds" if true else "fails"].append(claim)
    return groups


def _texts(claims: Iterable[Claim]) -> tuple[str, ...]:
    return tuple(claim.text for claim in claims)


def _said(
    brief: Brief,
    groups: dict[str, list[Claim]],
    reached: bool,
    language: Language,
    number: int | None,
    *,
    painted: bool,
) -> str:
    comma = phrase(language, "comma")
    name = phrase(language, "numbered", n=number) if number is not None else ""
    if reached:
        kind = "reached" if len(groups["holds"]) > 1 else "reached_one"
        return name + phrase(language, kind, total=len(groups["holds"]))
    parts = {
        "fails": [claim_in(claim, language) for claim in groups["fails"]],
        "cannot_tell": [claim_in(claim, language) for claim in groups["cannot_tell"]],
        "unchecked": [*brief.unchecked],
        "not_shown": [*brief.not_shown],
    }
    if not painted:
        del parts["cannot_tell"]
    total = sum(len(groups[kind]) for kind in ("holds", "fails", "cannot_tell"))
    counts = {"holds": len(groups["holds"]), "total": total}
    kind = "some_hold" if painted else "unpainted"
    made = [phrase(language, kind if total else "none_asked", **counts)]
    made += [
        phrase(language, kind, texts=comma.join(texts)) for kind, texts in parts.items() if texts
    ]
    return name + phrase(language, "semicolon").join(made)


def left_open(brief: Brief, language: Language = "english") -> list[str]:
    """Lines about what was asked and nobody will look at, or this painter can't show."""
    comma = phrase(language, "comma")
    parts = (("unchecked", brief.unchecked), ("not_shown", brief.not_shown))
    return [phrase(language, name, texts=comma.join(words)) for name, words in parts if words]
