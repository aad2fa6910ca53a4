"""Has a model's chat template, which is a stranger's program, run only so large and so long."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from jinja2 import TemplateError
from langchain_core.messages import BaseMessage, convert_to_openai_messages

from limner.errors import BadInput, LimnerError, ModelFailed, ModelUnusable

if TYPE_CHECKING:
    import torch

__all__ = [
    "bounded",
    "check_size",
    "prompt_of",
]


LONGEST = 200_000
"""Characters; the longest that are in use have a tenth of it."""

SECONDS = 5.0
"""A conversation takes a template a few milliseconds."""

_TEMPLATE = "<template>"  # what Jinja calls the code that it makes of one


def check_size(model: str, template: Any) -> None:
    """Raises `ModelUnusable` where a model has no chat template, or an outsized one.

    `model` is what to call it, such as "writer 'pocket'".
    """
    if not template:
        raise ModelUnusable(
            f"The {model} has no chat template.", "Use a model tuned for chat (instruct)."
        )
    parts = template.values() if isinstance(template, dict) else [template]
    if sum(len(part) for part in parts) > LONGEST:
        raise ModelUnusable(
            f"The chat template of the {model} is longer than {LONGEST:,} characters.",
            "Use another model.",
        )


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Ends what runs within it in this thread after so long, with `ModelFailed`.

    transformers renders templates in Jinja's sandbox, from which nothing of Python can be reached;
    but the sandbox lets loops run for ever. Here each line of a template, and each call of Python,
    looks at the clock. What one single operation takes, of time or of memory, is not bounded.
    """
    end, before = time.monotonic() + seconds, sys.gettrace()

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise ModelFailed("The writer's chat template takes too long.", "Use another model.")
        return look if frame.f_code.co_filename == _TEMPLATE else None

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


Said = list[dict[str, Any]]

_READ = {"text", "tool_call", "invalid_tool_call", "reasoning", "thinking"}
"""The parts of a message that are text, or that are told or left out elsewhere."""

_TOLD = """You may call these tools, if one of them helps:
<tools>
{tools}
</tools>
To call one, answer with its name and arguments in JSON between these marks, and nothing else:
<tool_call>{{"name": "…", "arguments": {{…}}}}</tool_call>
What it gives comes back to you between <tool_response> and </tool_response>."""


def prompt_of(
    tokenizer: Any, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]] = ()
) -> torch.Tensor:
    """The conversation as tokens; control tokens that a message spells out stay plain text.

    Where the template knows nothing of tools, they are told in the system's words, in the form of
    Hermes. Raises `BadInput` for messages with anything but text, and `ModelFailed` for a
    conversation that the template refuses in every way.
    """
    said = [_spoken(message) for message in convert_to_openai_messages(list(messages))]
    ways = [_in_words(said, tools)]
    if _knows_tools(tokenizer) or not (tools or any(_uses_tools(message) for message in said)):
        ways.insert(0, said)
    problem: Exception | None = None
    for way in [*ways, _without_system(ways[-1])]:  # some families have no system role
        try:
            return _templated(tokenizer, way, tools if way is said else ())
        except LimnerError:
            raise
        except Exception as refused:  # a template is a stranger's program
            problem = refused
    raise ModelFailed(
        f"The writer's chat template refuses this conversation: {_line(problem)}",
        "Begin with the user's message, and let the roles alternate.",
    ) from problem


def _templated(tokenizer: Any, said: Said, tools: Sequence[dict[str, Any]]) -> torch.Tensor:
    with bounded():
        said = _in_parts(said) if _wants_parts(tokenizer) else said
        encoded = tokenizer.apply_chat_template(
            said,
            **({"tools": list(tools)} if tools else {}),
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
            sanitize_control_tokens=True,
            enable_thinking=False,
        )
    return cast("torch.Tensor", encoded["input_ids"])


def _in_parts(said: Said) -> Said:
    return [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in said]


def _wants_parts(tokenizer: Any) -> bool:
    """Whether the template reads lists of parts alone, as that of a model which sees may."""
    word = [{"role": "user", "content": "limner"}]
    return not _tells(tokenizer, word) and _tells(tokenizer, _in_parts(word))


def _tells(tokenizer: Any, said: Said) -> bool:
    try:
        return "limner" in tokenizer.apply_chat_template(said, tokenize=False)
    except TemplateError:
        return False


def _line(problem: Exception | None) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0][:200]


def _spoken(message: dict[str, Any]) -> dict[str, Any]:
    """The message with its content as one text, and arguments as templates want them: objects."""
    made = {**message, "content": _text(message.get("content"))}
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [_called(call) for call in calls]
    return made


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    parts = [part if isinstance(part, dict) else {"type": "text", "text": part} for part in content]
    kinds = {str(part.get("type")) for part in parts}
    if other := kinds - _READ:
        raise BadInput(f"The writer reads text only, not {min(other)}.", "Say it in words.")
    return "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")


def _called(call: dict[str, Any]) -> dict[str, Any]:
    function = dict(call["function"])
    with suppress(TypeError, ValueError):  # what was no JSON is shown as it was
        function["arguments"] = json.loads(function["arguments"])
    return {**call, "function": function}


def _uses_tools(message: dict[str, Any]) -> bool:
    return message["role"] == "tool" or bool(message.get("tool_calls"))


def _knows_tools(tokenizer: Any) -> bool:
    template = tokenizer.chat_template
    return "tool_use" in template if isinstance(template, dict) else "tools" in template


def _in_words(said: Said, tools: Sequence[dict[str, Any]]) -> Said:
    """The conversation with tools, calls and results spelled out in ordinary messages."""
    made = [_in_marks(message) for message in said]
    if not tools:
        return made
    listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    told = _TOLD.format(tools=listed)
    if made and made[0]["role"] == "system":
        return [{**made[0], "content": f"{made[0]['content']}\n\n{told}"}, *made[1:]]
    return [{"role": "system", "content": told}, *made]


def _in_marks(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        inside = message["content"].replace("</tool_response>", "")
        return {"role": "user", "content": f"<tool_response>{inside}</tool_response>"}
    calls = [_in_json(call["function"]) for call in message.get("tool_calls") or ()]
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    return {**rest, "content": "\n".join(filter(None, (message["content"], *calls)))}


def _in_json(function: dict[str, Any]) -> str:
    call = {"name": function["name"], "arguments": function["arguments"]}
    return f"<tool_call>{json.dumps(call, ensure_ascii=False)}</tool_call>"


def _without_system(said: Said) -> Said:
    system = "\n\n".join(m["content"] for m in said if m["role"] == "system")
    rest = [dict(message) for message in said if message["role"] != "system"]
    if rest and system:
        rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
    return rest
