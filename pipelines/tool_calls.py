"""Finds the calls of tools in what a language model wrote, however it spells them."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import InvalidToolCall, ToolCall, ToolCallChunk
from langchain_core.messages.tool import invalid_tool_call as invalid_call
from langchain_core.messages.tool import tool_call as valid_call
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import (
    BaseOutputParser,
    JsonOutputParser,
    PydanticOutputParser,
)
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.errors import BadInput

__all__ = [
    "CallOptions",
    "ReadCalls",
    "calls_schema",
    "chosen",
    "plain_start",
    "read_calls",
    "structured",
]


LONGEST = 100_000
"""Characters of a reply that are looked at for calls."""

Tools = Sequence[Mapping[str, Any]]
"""Tools in OpenAI's form, as `convert_to_openai_tool` gives it."""

_MARKED = re.compile(
    r"<tool_call>(?P<tagged>.*?)(?:</tool_call>|\Z)"  # Qwen, Hermes, SmolLM
    r"|<function=(?P<named>[\w.-]+)>(?P<inside>.*?)(?:</function>|\Z)"  # Llama 3.1
    r"|(?:\[TOOL_CALLS\]|<\|python_tag\|>)(?P<rest>.*)\Z",  # Mistral, Llama 3
    re.DOTALL,
)
_FUNCTION = re.compile(r"\s*<function=([\w.-]+)>(.*?)(?:</function>|\Z)\s*", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([\w.-]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_ARGUED = re.compile(r"\s*([\w.-]+)(?:\[ARGS\])?(?=\{)")  # newer Mistrals
_FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_STARTS = re.compile(r"[<\[{`]")


@dataclass(frozen=True, slots=True)
class ReadCalls:
    """What a model said: the words that are for people, the calls, and what was no proper call."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    invalid: tuple[InvalidToolCall, ...] = ()

    @property
    def chunks(self) -> list[ToolCallChunk]:
        """The calls, the broken ones last, as a stream has them."""
        said = [(c["name"], json.dumps(c["args"]), c["id"]) for c in self.calls]
        said += [(c["name"] or "", c["args"] or "", c["id"]) for c in self.invalid]
        return [
            tool_call_chunk(name=name, args=args, id=id, index=index)
            for index, (name, args, id) in enumerate(said, start=1)  # the text is the part 0
        ]


def read_calls(said: str, tools: Tools) -> ReadCalls:
    """The calls in a reply, in their order, and the text around them.

    Understood are the marks of Qwen and Hermes (`<tool_call>`, with JSON or with XML in it), of
    Llama 3 and of Mistral, and bare JSON that names one of the `tools`. A marked call that can't be
    read is invalid; bare text that can't be read is text.
    """
    text, calls, invalid, end = "", list[ToolCall](), list[InvalidToolCall](), 0
    for mark in _MARKED.finditer(said[:LONGEST]):
        text, end = text + said[end : mark.start()], mark.end()
        try:
            calls += [_call(*found) for found in _marked(mark, tools)]
        except (ValueError, RecursionError) as problem:
            # With its mark, so that nobody takes the half of a call for the whole of another.
            invalid.append(invalid_call(name=None, args=mark[0], id=_id(), error=str(problem)))
    if end:
        return ReadCalls((text + said[end:]).rstrip(), tuple(calls), tuple(invalid))
    bare = _bare(said, {_name(tool) for tool in tools})
    return ReadCalls("", bare) if bare else ReadCalls(said)


def plain_start(said: str) -> int:
    """How many characters of a reply are text for certain, whatever follows."""
    found = _STARTS.search(said)
    return len(said[: found.start() if found else len(said)].rstrip())


def calls_schema(tools: Tools, only: str = "") -> dict[str, Any]:
    """The JSON schema of one call of any of the tools, or of the one that is named `only`."""
    definitions: dict[str, Any] = {}
    forms = []
    for tool in tools:
        if only in ("", _name(tool)):
            told = dict(tool["function"].get("parameters") or {"type": "object", "properties": {}})
            definitions |= told.pop("$defs", {})
            forms.append(_form({"const": _name(tool)}, told))
    return {"anyOf": forms} | ({"$defs": definitions} if definitions else {})


def _form(name: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": name, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _marked(mark: re.Match[str], tools: Tools) -> list[tuple[str, object]]:
    """The name and the arguments of each call under one mark. Raises `ValueError`."""
    if mark["named"] is not None:
        return [(mark["named"], _inside(mark["named"], mark["inside"], tools))]
    if mark["tagged"] is not None:
        if found := _FUNCTION.fullmatch(mark["tagged"]):
            return [(found[1], _inside(found[1], found[2], tools))]
        return [_named(value) for value in _values(mark["tagged"])]
    if argued := _ARGUED.match(mark["rest"]):
        return [(argued[1], next(_values(mark["rest"][argued.end() :])))]
    return [_named(value) for value in _values(mark["rest"])]


def _inside(name: str, body: str, tools: Tools) -> object:
    """The arguments between the tags of a function: JSON, or a tag for each."""
    given = _PARAMETER.findall(body)
    if not given and body.strip():
        return next(_values(body))
    kinds = next((_properties(tool) for tool in tools if _name(tool) == name), {})
    return {key: _typed(text, kinds.get(key, {})) for key, text in given}


def _typed(text: str, schema: Mapping[str, Any]) -> object:
    """What the text stands for, where the tool wants something else than a text."""
    if schema.get("type") == "string":
        return text
    try:
        return _loads(text)
    except ValueError:
        return text


def _bare(said: str, names: set[str]) -> tuple[ToolCall, ...]:
    """The calls in a reply of nothing but JSON; () where any of it is something else."""
    fenced = _FENCED.fullmatch(said)
    body = (fenced[1] if fenced else said).strip()
    if body[:1] not in ("{", "["):
        return ()
    try:
        found = [_named(value) for value in _values(body)]
        return tuple(_call(*call) for call in found) if {n for n, _ in found} <= names else ()
    except (ValueError, RecursionError):
        return ()


def _values(text: str) -> Iterator[object]:
    """The JSON values in a text, lists taken apart. Raises `ValueError` for anything between."""
    text, at = text[:LONGEST].strip(), 0
    if not text:
        raise ValueError("the call is empty")
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        yield from value if isinstance(value, list) else [value]
        at += len(text[at:]) - len(text[at:].lstrip(" \t\n\r;,"))


def _named(value: object) -> tuple[str, object]:
    """The name and the arguments of a call in JSON, under any of the usual keys."""
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        raise ValueError("the call has no name")
    keys = ("arguments", "parameters", "args")
    return value["name"], next((value[key] for key in keys if key in value), {})


def _call(name: str, arguments: object) -> ToolCall:
    given = _loads(arguments) if isinstance(arguments, str) else arguments
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise ValueError("the arguments are no object")
    return valid_call(name=name, args=given, id=_id())


def _loads(text: str) -> object:
    return _DECODER.decode(text)


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool["function"]["name"])


def _properties(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    return (tool["function"].get("parameters") or {}).get("properties") or {}


def _id() -> str:
    return f"call_{uuid.uuid4().hex}"


ANY = "*"
"""The choice of any tool, but of one."""


class CallOptions(BaseModel):
    """The settings of one call, its own before the model's."""

    model_config = ConfigDict(extra="forbid")

    temperature: float = Field(ge=0, le=10)
    max_new_tokens: int = Field(ge=1)
    seed: int
    json_schema: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: str = ""

    @classmethod
    def of(cls, model: Any, call: dict[str, Any]) -> CallOptions:
        """What a call asks of a model that has defaults. Raises `BadInput` for anything else."""
        own = {key: getattr(model, key) for key in ("temperature", "max_new_tokens", "seed")}
        given = {{"max_tokens": "max_new_tokens"}.get(key, key): v for key, v in call.items()}
        given.pop("ls_structured_output_format", None)  # for whoever traces, not for the model
        try:
            return cls.model_validate({**own, **given})
        except ValidationError as problem:
            wrong = ", ".join(str(error["loc"][0]) for error in problem.errors())
            raise BadInput(
                f"The writer cannot be asked for that: {wrong}.",
                f"It takes: {', '.join(cls.model_fields)}.",
            ) from problem

    @property
    def offered(self) -> list[dict[str, Any]]:
        """The tools that the model may call this time."""
        return [] if self.tool_choice == "none" else self.tools

    @property
    def grammar(self) -> dict[str, Any] | None:
        """The JSON schema that the reply is held to; None for free speech."""
        if self.json_schema or not self.offered or not self.tool_choice:
            return self.json_schema
        only = "" if self.tool_choice == ANY else self.tool_choice
        return calls_schema(self.offered, only)


def chosen(tools: Sequence[dict[str, Any]], choice: Any) -> str:
    """The choice of a tool in one word: a name, "none", `ANY`, or "" for a free one."""
    if isinstance(choice, dict):
        choice = (choice.get("function") or choice).get("name") or choice.get("type")
    known = {True: ANY, False: "", None: "", "any": ANY, "required": ANY, "auto": "", ANY: ANY}
    names = [tool["function"]["name"] for tool in tools]
    if choice == "none" or choice in names:
        return str(choice)
    if choice not in known or (known[choice] and not tools):
        raise BadInput(f"There is no tool {choice!r}.", f"Bound are: {', '.join(names) or 'none'}.")
    return known[choice]


def structured(
    model: BaseChatModel, schema: Any, include_raw: bool, settings: dict[str, Any]
) -> Runnable[Any, Any]:
    """The model held to a schema, with its reply read; see `BaseChatModel.with_structured_output`.

    With `include_raw`, what can't be read is not raised but told: raw, parsed, parsing_error.
    """
    rest = {key: value for key, value in settings.items() if key not in ("method", "strict")}
    json_schema = convert_to_json_schema(schema)
    about = {"kwargs": {"method": "json_schema"}, "schema": json_schema}
    bound = model.bind(json_schema=json_schema, ls_structured_output_format=about, **rest)
    parser: BaseOutputParser[Any] = JsonOutputParser()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = PydanticOutputParser(pydantic_object=schema)
    if not include_raw:
        return bound | parser
    read = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    unread = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=bound) | read.with_fallbacks([unread], exception_key="parsing_error")
