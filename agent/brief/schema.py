"""What a writer is asked: its tasks as JSON schemas, as tools, and as the values of templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from limner.agent.brief.english import SMALL_WORDS, words_of
from limner.agent.brief.extract import is_english
from limner.agent.brief.tool_call import TOOLS

__all__ = ["pieces", "schema_for", "template_values", "tools"]

_MOST_PIECES = 16
_LONGEST_PIECE = 300  # characters
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
        cut = finer if len(finer) <= _MOST_PIECES else clauses
    trimmed = [_EDGES.sub("", piece)[:_LONGEST_PIECE].strip() for piece in cut]
    said = dict.fromkeys(piece for piece in trimmed if any(map(str.isalnum, piece)))
    return [*said][:_MOST_PIECES]


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


_TEXT, _QUOTE, _PROMPT = 200, 300, 2_000  # characters
_MOST = 24  # statements
_MOST_SPANS = 240  # quotes that a schema lists
_SPAN, _HAN_SPAN = 6, 8  # words of such a quote; characters in Chinese or Japanese
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+(?:['’-]\w+)*")

_Schema = dict[str, Any]


def schema_for(task: str, values: Mapping[str, Any]) -> _Schema:
    """The JSON schema that a writer's answer to a task is held to, for these values.

    It keeps to what llguidance, llama.cpp, xgrammar and OpenAI's `json_schema` all know: closed
    objects, enums, bounded lists and strings.
    """
    if task == "turn":
        return {"anyOf": [*_calls(values)]}
    # With room to spare beyond the length that the writer is told.
    most = 200 if values.get("dialect") == "short" else min(_tokens(values) * 5, 800)
    fields = {"prompt": _string(most)}
    if task == "draw":
        said = _said(values)
        asked = {quote: _constant(text) if text else _statement(quote) for quote, text in said}
        fields = {"asked": _closed(asked), **fields}
        if values.get("world"):
            fields["not_shown"] = _list({"enum": [quote for quote, _ in said]}, 8)
    return _closed(fields)


def tools(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools of a turn that make sense now, in OpenAI's form; their arguments are held, too."""
    taken = _arguments(values)
    made = {name: _closed(fields) for name, fields in taken.items()}
    if {"select", "edit"} <= taken.keys():  # "the second one, but at night"
        made["select"]["properties"]["then"] = made["edit"]
    return [
        {
            "type": "function",
            "function": {"name": name, "description": TOOLS[name], "parameters": parameters},
        }
        for name, parameters in made.items()
    ]


def _calls(values: Mapping[str, Any]) -> Iterator[_Schema]:
    """The calls, each after the line itself: with it at hand, a small model chooses better."""
    line, taken = _constant(str(values["line"])[:_QUOTE]), _arguments(values)
    called = {name: {"tool": _constant(name), **fields} for name, fields in taken.items()}
    for fields in called.values():
        yield _closed({"line": line, **fields})
    if {"select", "edit"} <= called.keys():
        yield _closed({"line": line, **called["select"], "then": _closed(called["edit"])})


def _arguments(values: Mapping[str, Any]) -> dict[str, dict[str, _Schema]]:
    """What each tool that makes sense now takes, in the order in which a model writes it.

    Numbers are those that exist, quotes those of the line.
    """
    line = str(values["line"])
    claims, candidates, versions = (
        [int(one["number"]) for one in values.get(kind) or ()][: 2 * _MOST]
        for kind in ("claims", "candidates", "versions")
    )
    claim = {"type": "integer", "enum": claims}
    said = {"quote": _quote(line), "text": _string(120, "A plain English sentence that says it.")}
    instruction = _string(160, "The change in one English sentence.")
    always: dict[str, dict[str, _Schema]] = {
        "draw": {
            "request": _string(
                300, "The part of the line that describes the picture, as typed. Empty: once more."
            )
        },
        "edit": {
            "instruction": instruction,
            "remove": _list(claim, 8, "Numbers of the claims that go."),
            "change": _list(_closed({"number": claim, **said}), 4, "Claims in another's place."),
            "add": _list(_closed(said), 4, "Claims that are new."),
        },
        "select": {"candidate": {"type": "integer", "enum": candidates}},
        "undo": {},
        "redo": {},
        "back_to": {"version": {"type": "integer", "enum": versions}},
        "adjust": {"instruction": instruction},
        "save": {},
        "answer": {"text": _string(300, "The answer, in the language of the line.")},
        "ask": {
            "question": _string(160, "One short question."),
            "choices": _list(_string(60), 4, "The answers to choose from."),
        },
    }
    needs = {"edit": claims, "undo": versions, "redo": versions, "back_to": versions}
    needs |= dict.fromkeys(("select", "save", "adjust"), candidates)
    return {name: fields for name, fields in always.items() if needs.get(name, True)}


def _quote(line: str) -> _Schema:
    """A quote of the line: one of its runs of words where those are few, else any text."""
    words = [found.span() for found in _WORD.finditer(line[:_QUOTE])]
    longest = _HAN_SPAN if all(end - start == 1 for start, end in words) else _SPAN
    runs = dict.fromkeys(
        line[words[a][0] : words[b][1]]
        for a in range(len(words))
        for b in range(a, min(a + longest, len(words)))
    )
    about = "The words of the line that say it, exactly as typed."
    if 0 < len(runs) <= _MOST_SPANS:
        return {"type": "string", "enum": [*runs], "description": about}
    return _string(_QUOTE, about)


def _statement(quote: str) -> _Schema:
    """A sentence that is not much longer than its quote, so that it can't run on."""
    longer = 8 if _HAN.search(quote) else 1.6
    return _string(min(40 + int(longer * len(quote)), _TEXT))


def _said(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The request in pieces, each with the statements that are known of it, or ""."""
    request, at = str(values["request"]), 0
    said: list[tuple[str, str]] = []
    for start, end, text in [*_known(request, values), (len(request), len(request), "")]:
        said += [(piece, "") for piece in pieces(request[at:start])]
        said += [(request[start:end], text)] if text else []
        at = end
    return [*{quote: (quote, text) for quote, text in said}.values()][:_MOST]


def _known(request: str, values: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Where claims that code knows are said: start, end, and their statements; none overlap."""
    known: Iterable[Mapping[str, Any]] = values.get("known") or ()
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
    return merged[:_MOST]


def template_values(task: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The values of a task as texts, for the template of that name."""
    if task == "turn":
        return _turn_values(values)
    painter = {"length": _length(values), "world": str(values.get("world") or "")}
    if task == "draw":
        known = [f'"{quote}": {text}' for quote, text in _said(values) if text]
        return {
            "request": str(values["request"]),
            "known": "\n".join(known),
            "light": str(values.get("light") or ""),
            "dialect": str(values.get("dialect") or "prose"),
            **painter,
        }
    if task == "describe":
        claims = [str(claim["text"]) for claim in values["claims"][: 2 * _MOST]]
        before = str(values.get("before") or "")[:_PROMPT]
        return {"claims": "\n".join(claims), "before": before, **painter}
    return {**{key: str(values[key])[:_PROMPT] for key in ("prompt", "wrong", "right")}, **painter}


def _turn_values(values: Mapping[str, Any]) -> dict[str, str]:
    claims = (f"{one['number']}. {one['text']}" for one in values.get("claims") or ())
    versions = (f"{one['number']}. {one['words']}" for one in values.get("versions") or ())
    candidates = (
        f"{one['number']}. version {one['version']}, {one['holds']} of {one['of']} hold"
        + (", selected" if one["number"] == values.get("selected") else "")
        for one in values.get("candidates") or ()
    )
    verdict = values.get("verdict") or {}
    named = {"fails": "wrong", "cannot_tell": "can't be told", "unchecked": "not looked at"}
    named |= {"not_shown": "can't be painted"}
    seen = [f"{word}: {'; '.join(verdict[key])}" for key, word in named.items() if verdict.get(key)]
    return {
        "line": str(values["line"]),
        "claims": "\n".join(claims),
        "versions": "\n".join(versions),
        "candidates": "\n".join(candidates),
        "verdict": "\n".join(seen) or ("all right" if verdict.get("reached") else ""),
        "language": str(values.get("language") or "english"),
        "world": str(values.get("world") or ""),
        "tools": str(values.get("tools") or ""),
    }


def _tokens(values: Mapping[str, Any]) -> int:
    return max(int(values.get("tokens") or 77), 20)


def _length(values: Mapping[str, Any]) -> str:
    """How long a description may be, in words for a writer."""
    tokens, dialect = _tokens(values), values.get("dialect")
    if dialect == "tags":
        least, most = min(tokens // 8, 8), min(tokens // 4, 30)
        return f"{least} to {most} short tags with commas between them"
    if dialect == "short":
        return f"one short sentence of at most {min(tokens // 2, 25)} words"
    most = min(int(tokens * 0.7), 120)
    return f"plain prose of {min(40, most // 2)} to {most} words"


def _closed(fields: Mapping[str, Any]) -> _Schema:
    """An object with these keys, all of them, in this order, and no other."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": [*fields],
        "additionalProperties": False,
    }


def _constant(text: str) -> _Schema:
    return {"type": "string", "enum": [text]}


def _string(longest: int, about: str = "") -> _Schema:
    return {"type": "string", "maxLength": longest} | ({"description": about} if about else {})


def _list(item: Mapping[str, Any], most: int, about: str = "") -> _Schema:
    made = {"type": "array", "items": dict(item), "maxItems": most}
    return made | ({"description": about} if about else {})
