"""The form that the pocket writer's answers are held to, and the share that come out whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.language.dialogues import Dialogue

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

Schema = dict[str, Any]
LONGEST = 320  # tokens of an answer


def schema_for(kind: str) -> Schema:
    """The JSON schema of a brief, or of a revision."""
    prompt, reply = _text(600), _text(300)
    if kind == "revise":
        return _record(prompt=prompt, reply=reply)
    word = _text(40)
    count = {"type": "integer", "minimum": 1, "maximum": 12}
    thing = _record(name=word, count=count, colour=word, size=word, place=word)
    return _record(
        things=_list(thing),
        relations=_list(_record(thing=word, how=word, other=word)),
        where=word,
        light=word,
        style=word,
        avoid=_list(word),
        prompt=prompt,
        reply=reply,
    )


def held_answers(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, asked: Sequence[Dialogue]
) -> list[str]:
    """The likeliest answers that the schema allows, one after the other."""
    from limner.pipelines.decoding import Choice, decode
    from limner.pipelines.json_mask import JsonMask, vocabulary

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
        mask = JsonMask(words, schema_for(one.kind))
        tokens = decode(
            model, given["input_ids"], most=LONGEST, ends=end, choose=Choice(0.0, 0), mask=mask
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


def _text(longest: int) -> Schema:
    return {"type": "string", "maxLength": longest}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": 8}


def _record(**fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
