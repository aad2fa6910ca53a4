"""What a writer answers to each task, read leniently: numbers as text, lists as text, and so on."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from limner.agent.brief.reply_json import read_object
from limner.agent.plain import one_line

__all__ = [
    "AskedStatement",
    "ChangedStatement",
    "DescribeReply",
    "DrawReply",
    "RewordReply",
    "TurnReply",
]

_MOST = 24  # items of a list


def _text(longest: int) -> BeforeValidator:
    """Anything as one line of text, cut between two words after so many characters."""

    def read(said: object) -> str:
        if isinstance(said, list | tuple):
            said = " ".join(str(one) for one in said)
        elif isinstance(said, dict):
            said = " ".join(str(one) for one in said.values())
        text = one_line("" if said is None else str(said)[: 4 * longest])
        return text if len(text) <= longest else text[:longest].rsplit(" ", 1)[0]

    return BeforeValidator(read)


def _number(said: object) -> object:
    found = re.search(r"-?\d{1,6}", said[:40]) if isinstance(said, str) else None
    if found:
        return int(found[0])
    return int(said) if isinstance(said, float) and abs(said) < 1e6 else said


def _numbers(said: object) -> object:
    given = said if isinstance(said, list) else [] if said is None else [said]
    read = (_number(one) for one in given[:_MOST])
    return [one for one in read if isinstance(one, int) and not isinstance(one, bool)]


def _texts(said: object) -> object:
    if isinstance(said, str):
        said = re.split(r"[,;，；、\n]", said)
    given = [*said.values()] if isinstance(said, dict) else said
    return [one for one in _few(given) if isinstance(one, str | int | float) and str(one).strip()]


def _few(said: object) -> list[Any]:
    return said[:_MOST] if isinstance(said, list) else []


def _statements(said: object) -> object:
    """A list of statements; also from quotes with their statements, or from quotes alone."""
    if isinstance(said, dict) and not {"quote", "text"} <= said.keys():
        made = [_statement(quote, one) for quote, one in said.items()]
    else:
        made = _few([said] if isinstance(said, dict) else said)
    made = [
        _statement(one, f"The picture shows {one.strip(' .')}.") if isinstance(one, str) else one
        for one in made
    ]
    fit = (one for one in made[:_MOST] if isinstance(one, dict) and one.get("text"))
    return [one for one in fit if not isinstance(one["text"], dict)]


def _statement(quote: object, said: object) -> object:
    return {"quote": quote, **said} if isinstance(said, dict) else {"quote": quote, "text": said}


_Word = Annotated[str, _text(80)]
_Words = Annotated[list[_Word], BeforeValidator(_texts)]
_Sentence = Annotated[str, _text(200)]
_Line = Annotated[str, _text(300)]
_Prose = Annotated[str, _text(2_000)]
_Int = Annotated[int, BeforeValidator(_number)]


class _Reply(BaseModel):
    """Forgives a model the keys that it adds or leaves out."""

    model_config = ConfigDict(extra="ignore")


class AskedStatement(_Reply):
    """One statement that was asked for, with the words that say it, exactly as typed."""

    quote: _Line = ""
    text: _Sentence = ""
    kind: _Word = "other"
    subject: _Word = ""
    value: _Word = ""
    object: _Word = ""


class ChangedStatement(AskedStatement):
    """The same in the place of a numbered claim."""

    number: _Int = 0


_Asked = Annotated[list[AskedStatement], BeforeValidator(_statements)]
_Changed = Annotated[list[ChangedStatement], BeforeValidator(_statements)]


class DrawReply(_Reply):
    """What a request asks for, and a description of a picture that has it all."""

    asked: _Asked = []
    prompt: _Prose = ""
    negative: _Words = []
    reply: Annotated[str, _text(400)] = ""
    not_shown: _Words = []
    unchecked: _Words | None = None
    invented: _Asked = []


class DescribeReply(_Reply):
    """A description of a picture for the painter."""

    prompt: _Prose
    negative: _Words = []


class RewordReply(_Reply):
    """The same picture in other words."""

    prompt: _Prose


class TurnReply(_Reply):
    """One call of one tool; what a tool does not take is left empty."""

    tool: Literal[
        "draw", "edit", "select", "undo", "redo", "back_to", "adjust", "save", "answer", "ask"
    ]
    request: _Prose = ""
    instruction: _Line = ""
    remove: Annotated[list[int], BeforeValidator(_numbers)] = []
    change: _Changed = []
    add: _Asked = []
    candidate: _Int | None = None
    version: _Int | None = None
    text: Annotated[str, _text(600)] = ""
    question: _Line = ""
    choices: _Words = []
    not_shown: _Words = []
    unchecked: _Words | None = None
    then: TurnReply | None = None

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, data: Any) -> Any:
        """The call as one object: models also say {"name", "arguments"} and {"edit": {…}}."""
        if not isinstance(data, dict):
            return data
        tool = data.get("tool", data.get("name"))
        if tool is None and len(data) == 1:
            ((tool, inner),) = data.items()
        else:
            named = ("arguments", "parameters", "args", "input")
            inner = next((data[key] for key in named if key in data), None)
        arguments = read_object(inner) if isinstance(inner, str) else inner
        name = re.sub(r"\W+", "_", str(tool or "")[:40].strip().casefold())
        made = {**data, **(arguments if isinstance(arguments, dict) else {}), "tool": name}
        then = made.get("then")
        if isinstance(then, dict) and then.keys() & {"instruction", "remove", "change", "add"}:
            made["then"] = {"tool": "edit", **then}  # what follows a selection is an edit
        return made
