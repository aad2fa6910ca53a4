"""The form that the pocket writer's answers are held to, and the share that come out whole."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.language.annotated_text import Row
from limner.pipelines.pocket.language.dialogues import Dialogue
from limner.pipelines.pocket.language.picture import Picture
from limner.pipelines.pocket.writer_tokens import KINDS

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

Schema = dict[str, Any]
COUNTS = ("count", "object")
LONGEST = 320  # tokens of an answer
LINE, LONGEST_PIECE = 400, 24  # characters of a line that are quoted from; words of a quote
QUOTE: Schema = {"$ref": "#/$defs/quote"}
WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")


def schema_for(kind: str, line: str, stated: Sequence[Row] = ()) -> Schema:
    """The JSON schema of the answer to a `draw` or a `turn`.

    Whatever is quoted is a piece of the line. What is `stated` of the picture, that alone, can be
    removed or changed.
    """
    word: Schema = {"type": "string", "maxLength": 60}
    quote: Schema = {"enum": pieces(line)}
    row: list[Schema] = [{"enum": list(KINDS)}, word, word, word, QUOTE]
    if kind == "draw":
        return _record(asked=_list(_row(*row))) | {"$defs": {"quote": quote}}
    number: Schema = {"enum": list(range(1, len(stated) + 1))}
    none: Schema = {"const": []}
    other: Schema = {"type": "integer", "minimum": 1, "maximum": 99}
    request: Schema = {"enum": ["", *endings(line)]}
    edit = _record(
        tool={"const": "edit"},
        add=_list(_row(*row)),
        remove=_list(number) if stated else none,
        change=_list(_row(number, *row)) if stated else none,
    )
    calls = [
        {"$ref": "#/$defs/edit"},
        _record(tool={"const": "draw"}, request=request),
        _record(tool={"const": "select"}, candidate=other),
        _record(tool={"const": "select"}, candidate=other, then={"$ref": "#/$defs/edit"}),
        _record(tool={"const": "back_to"}, version=other),
        *(_record(tool={"const": t}) for t in ("undo", "redo", "adjust", "save", "answer", "ask")),
    ]
    return {"anyOf": calls, "$defs": {"quote": quote, "edit": edit}}


def settled(call: dict[str, Any], stated: Sequence[Row]) -> dict[str, Any]:
    """A tool call whose edit says rightly what is new and what replaces which earlier statement.

    The writer knows what the line states, and is less sure of the numbers: a statement of the same
    kind about the same thing replaces the earlier one, whatever number was given; another number
    counts only where one thing is exchanged for another.
    """
    if "then" in call:
        return call | {"then": settled(call["then"], stated)}
    if call.get("tool") != "edit":
        return call
    picture, add, change = Picture(list(stated), []), [], {}
    given = [(0, row) for row in call["add"]] + [(at, row) for at, *row in call["change"]]
    for at, row in given:
        kind, subject, value, other, _ = row
        known = picture.replaced((kind, subject, value, other))
        exchanged = kind in COUNTS and 0 < at <= len(stated) and stated[at - 1][0] in COUNTS
        number = known or (at if exchanged else 0)
        if not number:
            add.append(row)
        elif tuple(row[:4]) != tuple(stated[number - 1]):
            change[number] = [number, *row]
    return call | {"add": add, "change": list(change.values())}


def pieces(line: str) -> list[str]:
    """Every run of up to so many words of a line, a Chinese character counting as a word."""
    words = [match.span() for match in WORD.finditer(line[:LINE])]
    runs = (words[at : at + LONGEST_PIECE] for at in range(len(words)))
    return list(dict.fromkeys(line[run[0][0] : end] for run in runs for _, end in run)) or [""]


def endings(line: str) -> list[str]:
    """The line from each of its words on, without the punctuation at its end."""
    words = [match.span() for match in WORD.finditer(line[:LINE])]
    return list(dict.fromkeys(line[start : words[-1][1]] for start, _ in words))


def held_answers(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, asked: Sequence[Dialogue]
) -> list[str]:
    """The likeliest answers that the schema allows, one after the other."""
    from limner.pipelines.decoding import JsonMask, TokenSampler, decode, vocabulary

    end = {int(tokenizer.eos_token_id)}
    words = vocabulary(tokenizer, model.get_output_embeddings().weight.shape[0], end)
    answers = []
    for one in asked:
        given = tokenizer.apply_chat_template(
            [{"role": "user", "content": one.human}],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        )
        mask = JsonMask(words, schema_for(one.kind, one.line, one.stated))
        tokens = decode(
            model,
            given["input_ids"],
            most=LONGEST,
            ends=end,
            choose=TokenSampler(0.0, 0),
            mask=mask,
        )
        answers.append(str(tokenizer.decode(list(tokens), skip_special_tokens=True)))
    return answers


def whole_share(answers: Sequence[str]) -> float:
    """The share of answers that are whole JSON."""
    return sum(map(_whole, answers)) / max(len(answers), 1)


def _whole(answer: str) -> bool:
    try:
        return isinstance(json.loads(answer), dict)
    except ValueError:
        return False


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": 24}


def _row(*cells: Schema) -> Schema:
    """A list of so many cells in that order."""
    length = len(cells)
    return {
        "type": "array",
        "prefixItems": list(cells),
        "items": False,
        "minItems": length,
        "maxItems": length,
    }


def _record(**fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
