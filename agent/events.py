"""What happens while a request is worked on, one record each; every interface shows these."""

from __future__ import annotations

from dataclasses import dataclass

from PIL.Image import Image

from limner.agent.brief.prompt import Span
from limner.agent.brief.tool_call import Call
from limner.agent.plain import one_line
from limner.agent.records import Brief, Candidate, Claim, Result

__all__ = [
    "BriefReady",
    "BriefToken",
    "CandidateReady",
    "Decided",
    "Event",
    "Finished",
    "PaintingStep",
    "PromptRevised",
    "Replied",
    "TurnHeard",
]


@dataclass(frozen=True, slots=True)
class BriefToken:
    """A piece of the brief as the writer writes it; any slice of its JSON, unchecked."""

    text: str


@dataclass(frozen=True, slots=True)
class BriefReady:
    """The brief is drafted, and these claims follow from it.

    `fallback` is "" or one line on why the request itself is used as the brief; `why` is "" or one
    line on why the writer added little or nothing to it. `repaired` names what the writer said that
    was never asked, or had lost: it was mended. `spans` are the parts of the prompt, each with
    where it came from.
    """

    brief: Brief
    claims: tuple[Claim, ...]
    fallback: str = ""
    why: str = ""
    repaired: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What did not go as it should: what fell back, was corrected, or isn't used."""
        corrected, dropped = "; ".join(self.repaired), ", ".join(self.brief.dropped)
        lines = (
            self.fallback,
            f"the writer was corrected: {corrected}" if corrected else "",
            f"not used: {dropped}" if dropped else "",
        )
        return tuple(one_line(line) for line in lines if line)


@dataclass(frozen=True, slots=True)
class PaintingStep:
    """One denoising step of a round is done: `number` of `of`, 1-based.

    `previews` maps the index of a candidate within the round to a rough picture.
    """

    round: int
    number: int
    of: int
    previews: dict[int, Image]


@dataclass(frozen=True, slots=True)
class CandidateReady:
    """A candidate is painted and looked at; `best` when it is the best so far.

    `spent` is what its run had cost by then, in image-equivalents.
    """

    candidate: Candidate
    best: bool
    spent: float = 0.0


@dataclass(frozen=True, slots=True)
class Decided:
    """What comes next, and why.

    `what` is "done", "stop", "revise" (the wording), "repaint" (from fresh seeds), "repair" (a
    place in the best candidate), "aim" (which place), or "drop" (which of many are painted on).
    """

    round: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class PromptRevised:
    """The writer reworded the prompt; `reply` is what it says about that."""

    round: int
    before: str
    after: str
    reply: str


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """What a line of a conversation was understood as; what follows does that."""

    call: Call


@dataclass(frozen=True, slots=True)
class Replied:
    """What is said to the user, where nothing is painted: an answer, or a question with choices."""

    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a request."""

    result: Result


Event = (
    BriefToken
    | BriefReady
    | PaintingStep
    | CandidateReady
    | Decided
    | PromptRevised
    | TurnHeard
    | Replied
    | Finished
)
