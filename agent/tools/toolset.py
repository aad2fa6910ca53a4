"""Names the tools that other models are offered: what each is told, takes, does and answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from limner.agent.brief.claims import slotted
from limner.agent.brief.extract import extract
from limner.agent.brief.tool_call import Call
from limner.agent.events import Event
from limner.agent.plain import one_line
from limner.agent.records import Brief, Claim
from limner.agent.scoring.inputs import picture_from_base64
from limner.agent.studio import Studio
from limner.agent.tools.arguments import (
    AdjustArguments,
    Arguments,
    DescribeArguments,
    ExpandArguments,
    ImagineArguments,
    QuestionArguments,
    RefineArguments,
    ScoreArguments,
    SelectArguments,
    SessionArguments,
    StartArguments,
    VersionArguments,
    WhereArguments,
)
from limner.agent.tools.outputs import DraftJson, PictureJson, ScoresJson, drafted, scored
from limner.agent.tools.service import ToolService, briefed
from limner.agent.tools.turns import ToolRequest, drawn_seed
from limner.errors import BadInput

__all__ = ["TOOLSET", "ToolAnswer", "ToolDefinition", "claims_edit", "start_turn"]


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answers: a short text for a model, and the same as JSON has it.

    `request` is the turn that it came of, None for a tool that takes none.
    """

    text: str
    fields: Mapping[str, Any]
    request: ToolRequest | None = None

    @classmethod
    def of(cls, request: ToolRequest) -> ToolAnswer:
        """What came of a turn."""
        return cls(request.as_text, request.as_json, request)


Working = Generator[Event, None, ToolAnswer]


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """One tool: its words, its arguments, the JSON of its answer, and what it does.

    It takes a turn of a conversation (`turn`), or does something else (`other`). `paints` is true
    where something is changed, `instant` where no model is needed.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: Any
    turn: Callable[[ToolService, Any], ToolRequest] | None = None
    other: Callable[[ToolService, Studio, Any], Working] | None = None
    paints: bool = True
    instant: bool = False

    def run(self, service: ToolService, given: Arguments, studio: Studio) -> Working:
        """Does it: an iterator of what happens, which returns the answer."""
        if self.turn:
            return _taken(service, studio, self.turn(service, given))
        assert self.other
        return self.other(service, studio, given)


def _taken(service: ToolService, studio: Studio, request: ToolRequest) -> Working:
    return ToolAnswer.of((yield from service.work(request, studio)))


def _imagine(_: ToolService, given: ImagineArguments) -> ToolRequest:
    call = Call("draw", given.request, request=given.request)
    return ToolRequest(call, given.seed, given.limits, given.style or "", session=given.session)


def _refine(service: ToolService, given: RefineArguments) -> ToolRequest:
    turn = given.change or partial(
        claims_edit, add=given.add or (), remove=given.remove or (), replace=given.replace or {}
    )
    return ToolRequest(turn, given.seed, given.limits, **_where(service, given))


def start_turn(service: ToolService, given: StartArguments) -> ToolRequest:
    """What is to be done in the background: a new picture, or a change to a take."""
    if given.take is None:
        return _imagine(service, given)
    if given.style or given.size or given.session:
        raise BadInput("a change keeps the take's own style and size", "name the take alone")
    take = service.find(given.take)
    return ToolRequest(given.request, given.seed, given.limits, take=take)


def _adjust(service: ToolService, given: AdjustArguments) -> ToolRequest:
    call = Call("adjust", given.finish, instruction=given.finish)
    return ToolRequest(call, **_where(service, given))


def _where(service: ToolService, given: WhereArguments) -> dict[str, Any]:
    return {
        "take": service.find(given.take) if given.take else None,
        "session": given.session,
    }


def _select(_: ToolService, given: SelectArguments) -> ToolRequest:
    return ToolRequest(Call("select", candidate=given.candidate), session=given.session)


def _undo(_: ToolService, given: SessionArguments) -> ToolRequest:
    return ToolRequest(Call("undo"), session=given.session)


def _redo(_: ToolService, given: SessionArguments) -> ToolRequest:
    return ToolRequest(Call("redo"), session=given.session)


def _back_to(_: ToolService, given: VersionArguments) -> ToolRequest:
    return ToolRequest(Call("back_to", version=given.version), session=given.session)


def _ask(_: ToolService, given: QuestionArguments) -> ToolRequest:
    return ToolRequest(given.question, session=given.session, answers_only=True)


def _score(service: ToolService, studio: Studio, given: ScoreArguments) -> Working:
    yield from ()
    claims = [one_line(claim) for claim in given.claims]
    if not all(claims):
        raise BadInput("a claim is empty", 'say what should be true: "the door is red"')
    if given.picture:
        return ToolAnswer(*scored(studio.score(picture_from_base64(given.picture), claims)))
    kept = service.find(given.take or "")
    text, fields = scored(studio.score(kept.take.picture, claims))
    return ToolAnswer(f"{kept.name}: {text}", fields)


def _expand(_: ToolService, studio: Studio, given: ExpandArguments) -> Working:
    seed = drawn_seed() if given.seed is None else given.seed
    ready = yield from briefed(studio, given.request, seed)
    return ToolAnswer(*drafted(ready, seed))


def _describe(service: ToolService, _: Studio, given: DescribeArguments) -> Working:
    yield from ()
    kept = service.find(given.take)
    return ToolAnswer.of(ToolRequest("describe", kept.seed, tool="answer", kept=kept))


def claims_edit(
    brief: Brief, *, add: Sequence[str], remove: Sequence[int], replace: Mapping[int, str]
) -> Call:
    """The edit that adds claims to a brief, and takes out or changes others by their numbers.

    Raises `BadInput` for a number that no claim has.
    """
    for number in (*remove, *replace):
        if not 1 <= number <= len(brief.claims):
            known = f"Claims: 1 to {len(brief.claims)}." if brief.claims else "It has none yet."
            raise BadInput(f"There is no claim {number}.", known)
    old = {number: brief.claims[number - 1].text.rstrip(".") for number in (*remove, *replace)}
    said = [
        *(f"remove: {old[number]}" for number in remove),
        *(f"{old[number]} → {one_line(text)}" for number, text in replace.items()),
        *(one_line(text) for text in add),
    ]
    return Call(
        "edit",
        "; ".join(said),
        add=tuple(claim for text in add for claim in _claims(text)),
        remove=tuple(remove),
        change={number: _claims(text)[0] for number, text in replace.items()},
        unchecked=(),
    )


def _claims(text: str) -> tuple[Claim, ...]:
    line = one_line(text)
    return extract(line) or (slotted(Claim(line, quote=line)),)


TOOLSET = (
    ToolDefinition(
        "imagine",
        "Paint a picture",
        "Paints a picture of a request on this machine: expands the request into a prompt, paints "
        "several takes, checks each against what was asked, rewords what failed, and returns the "
        "best take with its verdict and seed. Takes from seconds to minutes. Pass the request in "
        "the user's own words. With session, the new picture is part of that conversation.",
        ImagineArguments,
        PictureJson,
        turn=_imagine,
    ),
    ToolDefinition(
        "refine_image",
        "Change a picture",
        "Does what one line says about a picture: paints it anew with a change and leaves the rest "
        "as it is ('make it night', 'without the hat'), finishes it ('brighter'), or answers a "
        "question about it; or edits its claims by number (add, remove, replace). Give a take, to "
        "go on from that picture alone, or a session, to go on with the conversation. Where "
        "limner asks back, choices are the answers: call it again with the whole change.",
        RefineArguments,
        PictureJson,
        turn=_refine,
    ),
    ToolDefinition(
        "adjust_image",
        "Finish a picture",
        "Finishes a picture without painting: brightness, contrast, colour, size, crop. Give a "
        "take or a session. Returns the name of the finished take; the old one stays as it is.",
        AdjustArguments,
        PictureJson,
        turn=_adjust,
    ),
    ToolDefinition(
        "select_image",
        "Choose among a session's pictures",
        "Means another picture of a session from now on, by its number there, and returns it.",
        SelectArguments,
        PictureJson,
        turn=_select,
    ),
    ToolDefinition(
        "undo_change",
        "Undo the last change",
        "Goes back to what a session was before its last change, and returns that picture.",
        SessionArguments,
        PictureJson,
        turn=_undo,
    ),
    ToolDefinition(
        "redo_change",
        "Redo what was undone",
        "Does again in a session what undo_change took back, and returns that picture.",
        SessionArguments,
        PictureJson,
        turn=_redo,
    ),
    ToolDefinition(
        "back_to_version",
        "Go back to a version",
        "Goes on from an earlier version of a session, and returns its picture.",
        VersionArguments,
        PictureJson,
        turn=_back_to,
    ),
    ToolDefinition(
        "ask_about_session",
        "Ask what was done",
        "Answers a question about a session: what was painted, changed or seen. Paints nothing.",
        QuestionArguments,
        PictureJson,
        turn=_ask,
        paints=False,
    ),
    ToolDefinition(
        "score_image",
        "Check statements about a picture",
        "Says how probable each statement is of a picture, from 0 to 1, as limner's critic sees "
        "it. Give a take, or a picture in base64. Short, single statements work best.",
        ScoreArguments,
        ScoresJson,
        other=_score,
        paints=False,
    ),
    ToolDefinition(
        "expand_prompt",
        "Write a prompt",
        "Turns a request into the prompt that limner would paint, and the claims that it would "
        "check, without painting anything; says what of it can't be checked or shown.",
        ExpandArguments,
        DraftJson,
        other=_expand,
        paints=False,
    ),
    ToolDefinition(
        "describe_take",
        "Describe a picture",
        "Says what a take shows as far as limner's critic sees it, which claims hold, and how it "
        "was made. Quick: nothing is painted or looked at.",
        DescribeArguments,
        PictureJson,
        other=_describe,
        paints=False,
        instant=True,
    ),
)
"""The tools that MCP and LangChain offer, in the order in which they are listed."""
