"""Asks a writer for its tasks, in the strictest form that it takes: tools, a schema, or words."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from limner.agent.brief.reply_json import read_reply, why_unreadable
from limner.agent.brief.schema import schema_for, template_values, tools
from limner.agent.plain import first_line
from limner.errors import LimnerError
from limner.pipelines.roles import TaskWriter
from limner.prompts import render

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

__all__ = ["WriterClient"]

_REFUSALS = (400, 404, 405, 415, 422, 500, 501)  # of a server that doesn't know what it is sent

_LONGEST_PROSE = 400  # characters

_Reply = TypeVar("_Reply", bound=BaseModel)


@dataclass(slots=True)
class WriterClient:
    """Any LangChain chat model, or a writer that takes tasks as they are.

    A turn of a conversation is asked for as the call of a tool where the model calls tools
    (`calls_tools`, or a `bind_tools` of its own), else as JSON: held to a schema where the writer
    can be (`holds_json`), else in words. `no_tools` is why tools are not offered any more.
    `prompts` is a folder of templates that win over ours; `lock` is held while the writer writes.
    """

    writer: BaseChatModel | TaskWriter
    prompts: Path | None = None
    lock: AbstractContextManager[Any] = field(default_factory=nullcontext)
    no_tools: str = field(default="", init=False)

    def ask(
        self, task: str, wanted: type[_Reply], values: Mapping[str, Any], seed: int
    ) -> Generator[str, None, tuple[_Reply | None, str]]:
        """The answer to a task; yields what the writer writes, piece by piece.

        Beside the answer is "" or one line: on why there is none, or in which form the writer had
        to be asked for it. That line comes once: what failed is not tried again. Never raises for
        what the writer does.
        """
        if task == "turn" and self._calls_tools():
            reply, why, lacking = yield from self._by_tool(wanted, values, seed)
            if not lacking:
                return reply, why
            self.no_tools = why
            reply, more = yield from self._by_json(task, wanted, values, seed)
            return reply, f"{why} It was asked for JSON. {more}".rstrip()
        return (yield from self._by_json(task, wanted, values, seed))

    def pieces(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        """The answer in JSON as it comes; raises what the writer raises."""
        with self.lock:
            yield from self._json(task, values, seed)

    def _json(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        if isinstance(self.writer, TaskWriter):
            yield from self.writer.write_task(task, values, seed)
            return
        held = getattr(self.writer, "holds_json", False)
        extra = {"json_schema": schema_for(task, values), "seed": seed} if held else {}
        model = self.writer.bind(**extra) if extra else self.writer
        for piece in model.stream(self._messages(task, values)):
            if piece.text:
                yield str(piece.text)

    def _messages(self, task: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        system, human = render(task, self.prompts, **template_values(task, values))
        return [("system", system), ("human", human)]

    def _by_json(
        self, task: str, wanted: type[_Reply], values: Mapping[str, Any], seed: int
    ) -> Generator[str, None, tuple[_Reply | None, str]]:
        said: list[str] = []
        held = getattr(self.writer, "holds_json", False)
        try:
            for piece in self.pieces(task, values, seed):
                said.append(piece)
                yield piece
        except Exception as problem:  # a writer is anyone's code, and the picture matters more
            return None, _failure(problem)
        reply = read_reply("".join(said), wanted)
        if reply is None:
            return None, f"The writer {why_unreadable(''.join(said))}."
        loose = held and not getattr(self.writer, "holds_json", False)
        return reply, "The writer's server takes no JSON schema." if loose else ""

    def _calls_tools(self) -> bool:
        if self.no_tools or isinstance(self.writer, TaskWriter):
            return False
        from langchain_core.language_models import BaseChatModel

        own = type(self.writer).bind_tools is not BaseChatModel.bind_tools
        return bool(getattr(self.writer, "calls_tools", own))

    def _by_tool(
        self, wanted: type[_Reply], values: Mapping[str, Any], seed: int
    ) -> Generator[str, None, tuple[_Reply | None, str, bool]]:
        """The answer as it is in a call; why there is none, and whether for a lack of tools."""
        assert not isinstance(self.writer, TaskWriter)
        whole: Any = None
        try:
            model = self.writer.bind_tools(tools(values), tool_choice="any")
            extra = {"seed": seed} if getattr(self.writer, "holds_json", False) else {}
            messages = self._messages("turn", {**values, "tools": "yes"})
            with self.lock:
                for piece in model.bind(**extra).stream(messages):
                    whole = piece if whole is None else whole + piece
                    said = (str(piece.text), *(args for _, args in _called(piece)))
                    yield from filter(None, said)
                    if _is_prose(whole):
                        break
        except NotImplementedError:
            return None, "The writer takes no tools.", True
        except Exception as problem:  # a writer is anyone's code, and the picture matters more
            causes = (problem, problem.__cause__)
            refused = any(getattr(one, "status_code", 0) in _REFUSALS for one in causes)
            why = _failure(problem)
            return None, f"The writer takes no tools: {why}" if refused else why, refused
        text = _as_json(whole) if whole else ""
        if reply := read_reply(text, wanted):
            return reply, "", False
        return None, f"The writer called no tool: it {why_unreadable(text)}.", True


def _called(message: AIMessage) -> list[tuple[str, str]]:
    """The calls of a message or of a piece of one: names, and arguments as the model wrote them."""
    chunks = getattr(message, "tool_call_chunks", None)
    if chunks is None:
        chunks = [{**call, "args": json.dumps(call["args"])} for call in message.tool_calls]
        chunks += message.invalid_tool_calls
    return [(chunk["name"] or "", chunk["args"] or "") for chunk in chunks]


def _is_prose(message: AIMessage) -> bool:
    """Whether it talks on without a call: what takes no tools may also never stop."""
    text = str(message.text)
    return len(text) > _LONGEST_PROSE and not (_called(message) or set(text) & {"{", "<", "["})


def _as_json(message: AIMessage) -> str:
    """The first call as one object, with an edit that follows it; the text where none was made."""
    calls = [{"name": name, "arguments": args} for name, args in _called(message) if name]
    if not calls:
        return str(message.text)
    then = [call for call in calls[1:] if call["name"] == "edit"][:1]
    return json.dumps({**calls[0], **({"then": then[0]} if then else {})})


def _failure(problem: Exception) -> str:
    if isinstance(problem, LimnerError):
        return problem.message
    return f"The writer failed: {first_line(problem)}"
