"""Cuts a request into pieces that each say one thing, for a writer to state one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from limner.agent.brief.english import SMALL_WORDS, words_of
from limner.agent.brief.extract import is_english
from limner.agent.brief.reply_json import read_object
from limner.agent.brief.tool_call import TOOLS
from limner.agent.plain import one_line
from limner.agent.records import KINDS

__all__ = [
    "AskedStatement",
    "ChangedStatement",
    "DescribeReply",
    "DrawReply",
    "RewordReply",
    "TurnReply",
    "pieces",
    "schema_for",
    "template_values",
    "tools",
]


_MOST = 16  # pieces
_LONGEST = 300  # characters of one
_READ = 4_000  # characters of a request that are cut into pieces
_SIGNS = re.compile(r"[.,](?!\d)|[;:!?\n，。；：！？、]")
_JOINTS = re.compile(  # behind "-ed" a small word belongs to it: "filled with books"
    r"(?<!ed)\s+(?=(?:with|on|in|at|by|from|through|against)\s)"
    r"|\s+(?=(?:and|but|without|under|above|below|near|behind|beside|between|inside|beneath|that|who"
    r"|which|while|wearing|holding)\s)",
    re.IGNORECASE,
)
_EDGES = re.compile(
    r"^(?:and|but)\s+|^的|\s+(?:and|of|a|an|the|that says|that reads|saying)$", re.IGNORECASE
)
_EMPTY = SMALL_WORDS | frozenset("says reads saying called named labelled labeled written".split())
_BESIDES = _EMPTY | frozenset(
    "left right top bottom middle centre center front back side foreground background".split()
)


def pieces(request: str) -> list[str]:
    """The request in pieces that each say one thing, verbatim and in order; at most 16.

    Cut at signs; English also before its small words, as long as that gives no more than 16.
    """
    clauses = [part.strip() for part in _SIGNS.split(request[:_READ]) if part.strip()]
    cut = clauses
    if is_english(request):
        finer = [piece for clause in clauses for piece in _finer(clause)]
        cut = finer if len(finer) <= _MOST else clauses
    trimmed = [_EDGES.sub("", piece)[:_LONGEST].strip() for piece in cut]
    return list(dict.fromkeys(piece for piece in trimmed if any(map(str.isalnum, piece))))[:_MOST]


def _finer(clause: str) -> list[str]:
    """A clause cut before its small words, unless too little would stand alone ("and white")."""
    made: list[str] = []
    for piece in _JOINTS.split(clause):
        words = words_of(piece)
        lone = piece.casefold().startswith(("and ", "but ")) and len(words) == 2
        if made and (lone or _BESIDES.issuperset(words)):
            made[-1] = clause[clause.find(made[-1]) : clause.find(piece) + len(piece)]
        else:
            made.append(piece)
    return [piece for piece in made if not _EMPTY.issuperset(words_of(piece))]


_TEXT = 200  # characters of a statement
_QUOTE = 300
_PROMPT = 2_000
_MOST_WRITER_SCHEMA = 24  # items of a list
_SPANS = 240  # quotes that a schema lists
_SPAN = 6  # words of such a quote
_HAN_SPAN = 8  # characters of one in Chinese or Japanese


def _text(longest: int) -> BeforeValidator:
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


def _texts(said: object) -> object:
    if isinstance(said, str):
        said = re.split(r"[,;，；、\n]", said)
    given = [*said.values()] if isinstance(said, dict) else said
    return [one for one in _few(given) if isinstance(one, str | int | float) and str(one).strip()]


def _numbers(said: object) -> object:
    given = said if isinstance(said, list) else [] if said is None else [said]
    read = (_number(one) for one in given[:_MOST_WRITER_SCHEMA])
    return [one for one in read if isinstance(one, int) and not isinstance(one, bool)]


def _few(said: object) -> list[Any]:
    return said[:_MOST_WRITER_SCHEMA] if isinstance(said, list) else []


def _items(said: object) -> object:
    """Statements as a list of objects: they come as a list, as quotes with their statements, or as
    quotes alone.
    """
    if isinstance(said, dict) and not {"quote", "text"} <= said.keys():
        made = [_item(quote, one) for quote, one in said.items()]
    else:
        made = _few([said] if isinstance(said, dict) else said)
    made = [
        _item(one, f"The picture shows {one.strip(' .')}.") if isinstance(one, str) else one
        for one in made
    ]
    fit = (one for one in made[:_MOST_WRITER_SCHEMA] if isinstance(one, dict) and one.get("text"))
    return [one for one in fit if not isinstance(one["text"], dict)]


def _item(quote: object, said: object) -> object:
    return {"quote": quote, **said} if isinstance(said, dict) else {"quote": quote, "text": said}


_Word = Annotated[str, Field(max_length=80), _text(80)]
_Words = Annotated[list[_Word], Field(max_length=_MOST_WRITER_SCHEMA), BeforeValidator(_texts)]
_Sentence = Annotated[str, Field(max_length=_TEXT), _text(_TEXT)]
_Quote = Annotated[str, Field(max_length=_QUOTE), _text(_QUOTE)]
_Prose = Annotated[str, Field(max_length=_PROMPT), _text(_PROMPT)]
_Int = Annotated[int, BeforeValidator(_number)]


class _Reply(BaseModel):
    """Forgives a model the keys that it adds or leaves out."""

    model_config = ConfigDict(extra="ignore")


class AskedStatement(_Reply):
    """One statement that was asked for, with the words that say it."""

    quote: Annotated[_Quote, Field(description="The words that say it, exactly as typed.")] = ""
    text: Annotated[_Sentence, Field(description="A plain English sentence that says them.")] = ""
    kind: Annotated[_Word, Field(json_schema_extra={"enum": list(KINDS)})] = "other"
    subject: _Word = ""
    value: _Word = ""
    object: _Word = ""


class ChangedStatement(AskedStatement):
    """The same in the place of a numbered claim."""

    number: Annotated[_Int, Field(description="The claim that it replaces.")] = 0


_Asked = Annotated[
    list[AskedStatement], Field(max_length=_MOST_WRITER_SCHEMA), BeforeValidator(_items)
]
_Changed = Annotated[
    list[ChangedStatement], Field(max_length=_MOST_WRITER_SCHEMA), BeforeValidator(_items)
]


class DrawReply(_Reply):
    """What a request asks for, and a description of a picture that has it all."""

    asked: _Asked = []
    prompt: _Prose = ""
    negative: _Words = []
    reply: Annotated[str, Field(max_length=400), _text(400)] = ""
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
    request: Annotated[
        _Prose,
        Field(description="The description of the new picture, in the words that were typed."),
    ] = ""
    instruction: Annotated[
        Annotated[str, Field(max_length=300), _text(300)],
        Field(description="The change, in one English sentence."),
    ] = ""
    remove: Annotated[
        list[int],
        Field(max_length=_MOST_WRITER_SCHEMA, description="Numbers of the claims that go."),
        BeforeValidator(_numbers),
    ] = []
    change: Annotated[_Changed, Field(description="Claims that are put in another's place.")] = []
    add: Annotated[_Asked, Field(description="Claims that are new.")] = []
    candidate: Annotated[_Int | None, Field(description="The number of a candidate.")] = None
    version: Annotated[_Int | None, Field(description="The number of a version.")] = None
    text: Annotated[
        Annotated[str, Field(max_length=600), _text(600)],
        Field(description="The answer, in the language of the line."),
    ] = ""
    question: Annotated[_Quote, Field(description="One short question.")] = ""
    choices: Annotated[_Words, Field(description="The answers to choose from.")] = []
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
        return {**data, **(arguments if isinstance(arguments, dict) else {}), "tool": name}


_TAKES: dict[str, tuple[str, ...]] = {
    "draw": ("request",),
    "edit": ("instruction", "remove", "change", "add"),
    "select": ("candidate",),
    "undo": (),
    "redo": (),
    "back_to": ("version",),
    "adjust": ("instruction",),
    "save": (),
    "answer": ("text",),
    "ask": ("question", "choices"),
}
"""What each tool of a turn takes, in the order in which a model writes it."""


def tools() -> list[dict[str, Any]]:
    """The tools of a turn as OpenAI's chat completions take them."""
    fields = _fields(TurnReply)
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": TOOLS[name],
                "parameters": _closed({key: fields[key] for key in takes}),
            },
        }
        for name, takes in _TAKES.items()
    ]


def schema_for(task: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema that a writer's answer to a task is held to, for these values.

    It keeps to what llguidance, llama.cpp, xgrammar and OpenAI's `json_schema` all know: closed
    objects, enums, bounded lists and strings.
    """
    if task == "turn":
        return _turn_schema(values)
    prompt = _string(_longest(values))
    if task == "draw":
        return _draw_schema(values, prompt)
    return _closed({"prompt": prompt})


def template_values(task: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The same values as texts, for the template of that name."""
    if task == "turn":
        return _turn_values(values)
    words = {"length": _length(values), "world": str(values.get("world") or "")}
    if task == "draw":
        known = [f'"{said[0]}": {said[1]}' for said in _said(values) if said[1]]
        light = str(values.get("light") or "")
        return {
            "request": str(values["request"]),
            "known": "\n".join(known),
            "light": light,
            "dialect": str(values.get("dialect") or "prose"),
            **words,
        }
    if task == "describe":
        claims = [str(claim["text"]) for claim in values["claims"][: 2 * _MOST_WRITER_SCHEMA]]
        before = str(values.get("before") or "")[:_PROMPT]
        return {"claims": "\n".join(claims), "before": before, **words}
    return {**{key: str(values[key])[:_PROMPT] for key in ("prompt", "wrong", "right")}, **words}


def _draw_schema(values: Mapping[str, Any], prompt: dict[str, Any]) -> dict[str, Any]:
    said = _said(values)
    statements = {quote: _constant(text) if text else _statement(quote) for quote, text in said}
    fields = {"asked": _closed(statements), "prompt": prompt}
    if values.get("world"):
        fields["not_shown"] = _list({"enum": [quote for quote, _ in said]}, 8)
    return _closed(fields)


def _statement(quote: str) -> dict[str, Any]:
    """A sentence that is not much longer than its quote, so that it can't run on."""
    longer = 8 if _HAN.search(quote) else 1.6
    return _string(min(40 + int(longer * len(quote)), _TEXT))


def _said(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The request in pieces, each with the statements that are known of it, or ""."""
    request = str(values["request"])
    spans = _known(request, values.get("known") or ())
    said: list[tuple[str, str]] = []
    at = 0
    for start, end, text in [*spans, (len(request), len(request), "")]:
        said += [(piece, "") for piece in pieces(request[at:start])]
        said += [(request[start:end], text)] if text else []
        at = end
    return [*{quote: (quote, text) for quote, text in said}.values()][:_MOST_WRITER_SCHEMA]


def _known(request: str, known: Iterable[Mapping[str, Any]]) -> list[tuple[int, int, str]]:
    """Where claims that code knows are said: start, end, and their statements; none overlap."""
    spans: list[tuple[int, int, str]] = []
    for claim in known:
        quote, text = str(claim["quote"]), str(claim["text"])
        start = request.find(quote) if quote else -1
        translated = text.isascii() or claim.get("kind") == "text"
        if start >= 0 and len(quote) <= _QUOTE and translated:
            spans.append((start, start + len(quote), text))
    merged: list[tuple[int, int, str]] = []
    for start, end, text in sorted(spans):
        if merged and start < merged[-1][1]:
            before = merged.pop()
            start, end, text = before[0], max(end, before[1]), f"{before[2]} {text}"
        merged.append((start, end, text))
    return merged[:_MOST_WRITER_SCHEMA]


def _turn_schema(values: Mapping[str, Any]) -> dict[str, Any]:
    """One of the tools that make sense now, with the numbers that exist."""
    numbers = {
        "claims": [int(claim["number"]) for claim in values.get("claims") or ()][
            : 2 * _MOST_WRITER_SCHEMA
        ],
        "candidates": [int(one["number"]) for one in values.get("candidates") or ()],
        "versions": [int(one["number"]) for one in values.get("versions") or ()],
    }
    line = str(values["line"])
    item = {"quote": _quote(line), "text": _string(120)}
    claim = {"type": "integer", "enum": numbers["claims"]}
    fields: dict[str, dict[str, Any]] = {
        "request": _string(300),
        "instruction": _string(160),
        "remove": _list(claim, 8),
        "change": _list(_closed({"number": claim, **item}), 4),
        "add": _list(_closed(item), 4),
        "candidate": {"type": "integer", "enum": numbers["candidates"]},
        "version": {"type": "integer", "enum": numbers["versions"]},
        "text": _string(300),
        "question": _string(160),
        "choices": _list(_string(60), 4),
    }
    return {"anyOf": [*_calls(line, fields, numbers)]}


def _calls(
    line: str, fields: Mapping[str, dict[str, Any]], numbers: Mapping[str, Sequence[int]]
) -> Iterator[dict[str, Any]]:
    """The calls, each after the line itself: with it at hand, a small model chooses better."""
    said = _constant(line[:_QUOTE])
    takes = {name: {key: fields[key] for key in keys} for name, keys in _TAKES.items()}
    always = ("draw", "answer", "ask")
    needs = {"edit": "claims", "select": "candidates", "save": "candidates", "adjust": "candidates"}
    calls = {
        name: _closed({"line": said, "tool": _constant(name), **taken})
        for name, taken in takes.items()
        if name in always or numbers[needs.get(name, "versions")]
    }
    yield from calls.values()
    if {"select", "edit"} <= calls.keys():
        then = _closed({"tool": _constant("edit"), **takes["edit"]})
        select = {"line": said, "tool": _constant("select"), **takes["select"]}
        yield _closed({**select, "then": then})


def _quote(line: str) -> dict[str, Any]:
    """A quote of the line: one of its runs of words where those are few, else any text."""
    words = [found.span() for found in _WORD.finditer(line[:_QUOTE])]
    single = all(end - start == 1 for start, end in words)
    longest = _HAN_SPAN if single else _SPAN
    runs = [
        line[words[a][0] : words[b][1]]
        for a in range(len(words))
        for b in range(a, min(a + longest, len(words)))
    ]
    runs = [*dict.fromkeys(runs)]
    return {"type": "string", "enum": runs} if 0 < len(runs) <= _SPANS else _string(_QUOTE)


_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+(?:['’-]\w+)*")


def _turn_values(values: Mapping[str, Any]) -> dict[str, str]:
    claims = [f"{one['number']}. {one['text']}" for one in values.get("claims") or ()]
    versions = [f"{one['number']}. {one['words']}" for one in values.get("versions") or ()]
    return {
        "line": str(values["line"]),
        "claims": "\n".join(claims),
        "versions": "\n".join(versions),
        "candidates": "\n".join(_candidates(values)),
        "verdict": _verdict(values.get("verdict") or {}),
        "language": str(values.get("language") or "english"),
        "world": str(values.get("world") or ""),
    }


def _candidates(values: Mapping[str, Any]) -> Iterator[str]:
    for one in values.get("candidates") or ():
        chosen = ", selected" if one["number"] == values.get("selected") else ""
        seen = f"version {one['version']}, {one['holds']} of {one['of']} hold"
        yield f"{one['number']}. {seen}{chosen}"


def _verdict(verdict: Mapping[str, Any]) -> str:
    named = {"fails": "wrong", "cannot_tell": "can't be told", "unchecked": "not looked at"}
    named |= {"not_shown": "can't be painted"}
    said = [
        f"{words}: {'; '.join(verdict[key])}" for key, words in named.items() if verdict.get(key)
    ]
    return "\n".join(said) or ("all right" if verdict.get("reached") else "")


def _length(values: Mapping[str, Any]) -> str:
    """How long a description may be, in words for a writer."""
    tokens = max(int(values.get("tokens") or 77), 20)
    if values.get("dialect") == "tags":
        return (
            f"{min(tokens // 8, 8)} to {min(tokens // 4, 30)} short tags with commas between them"
        )
    if values.get("dialect") == "short":
        return f"one short sentence of at most {min(tokens // 2, 25)} words"
    most = min(int(tokens * 0.7), 120)
    return f"plain prose of {min(40, most // 2)} to {most} words"


def _longest(values: Mapping[str, Any]) -> int:
    """The same in characters, with room to spare."""
    if values.get("dialect") == "short":
        return 200
    return min(max(int(values.get("tokens") or 77), 20) * 5, 800)


def _closed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An object with these keys, all of them, in this order, and no other."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": [*fields],
        "additionalProperties": False,
    }


def _constant(text: str) -> dict[str, Any]:
    return {"type": "string", "enum": [text]}


def _string(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest}


def _list(item: Mapping[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": dict(item), "maxItems": most}


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a model as JSON schemas that stand alone, without titles and defaults."""
    whole = model.model_json_schema()
    shared = whole.get("$defs", {})

    def plain(part: Any) -> Any:
        if isinstance(part, list):
            return [plain(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = {**shared[part["$ref"].rpartition("/")[2]], **part}
        if "properties" in part:
            inner = part["properties"].items()
            return _closed({key: plain(one) for key, one in inner if key not in _SLOTS})
        left_out = ("title", "default", "$ref")
        return {key: plain(one) for key, one in part.items() if key not in left_out}

    own = shared.get(model.__name__, whole)["properties"]
    fields = {key: one for key, one in own.items() if key != "then"}
    return {key: _not_null(plain(one)) for key, one in fields.items()}


_SLOTS = ("subject", "value", "object")  # code derives them; a model needn't write them


def _not_null(field: dict[str, Any]) -> dict[str, Any]:
    """A field that may be left empty as one that is there."""
    given = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
    rest = {key: one for key, one in field.items() if key != "anyOf"}
    return {**given[0], **rest} if len(given) == 1 else field
