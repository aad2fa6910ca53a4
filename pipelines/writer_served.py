"""A writer that a server speaks for: Ollama, llama.cpp, LM Studio, vLLM and others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from pydantic import ConfigDict, Field, PrivateAttr

from limner.errors import ModelFailed
from limner.pipelines.asking import structured

__all__ = ["ServedWriter", "told"]

LONGEST = 200_000
"""Characters after which no reply is read on; a server may have forgotten to stop."""

_REFUSED = (400, 422, 501)


class ServedWriter(BaseChatModel):
    """Streams the replies of a server's model; closing the stream hangs up, so that it stops.

    The server is asked to hold a reply to `json_schema` (OpenAI's `response_format`); one that
    refuses is asked again without. `extra` is sent with each request, as the server's own settings
    want it. See `LocalWriter` for `temperature`, `max_new_tokens` and `seed`.
    """

    model_config = ConfigDict(extra="forbid")

    holds_json: ClassVar[bool] = True
    name: str | None = "served"
    inner: BaseChatModel
    address: str
    temperature: float = 0.0
    max_new_tokens: int = Field(default=768, ge=1)
    seed: int = 0
    extra: dict[str, Any] = Field(default_factory=dict)
    _loose: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "limner-served"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **settings: Any
    ) -> Runnable[Any, AIMessage]:
        """The model with tools that it may call; see `BaseChatModel.bind_tools`."""
        bound = self.inner.bind_tools(tools, tool_choice=tool_choice, **settings)
        assert isinstance(bound, RunnableBinding)
        return self.bind(**bound.kwargs)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **settings: Any
    ) -> Runnable[Any, Any]:
        """A runnable whose reply is read as a JSON schema or a pydantic model says."""
        return structured(self, schema, include_raw, settings)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> Iterator[ChatGenerationChunk]:
        from openai import OpenAIError

        call.pop("ls_structured_output_format", None)  # for whoever traces, not for the server
        length = 0
        try:
            for piece in self._pieces(messages, stop, **call):
                chunk = ChatGenerationChunk(message=piece)
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
                length += len(chunk.text)
                if length > LONGEST:
                    raise ModelFailed(f"The server at {self.address} does not stop speaking.")
        except OpenAIError as problem:
            raise ModelFailed(*told(problem, self.address)) from problem

    def _pieces(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        json_schema: dict[str, Any] | None = None,
        **call: Any,
    ) -> Iterator[AIMessageChunk]:
        from openai import APIStatusError

        held = None if self._loose else json_schema
        try:
            yield from self.inner.stream(messages, stop=stop, **self._asked(held, call))
        except APIStatusError as problem:  # it comes before the first word
            if held is None or problem.status_code not in _REFUSED:
                raise
            yield from self.inner.stream(messages, stop=stop, **self._asked(None, call))
            self._loose = True

    def _asked(self, schema: dict[str, Any] | None, call: dict[str, Any]) -> dict[str, Any]:
        """What the server is sent besides the messages."""
        named = ("max_tokens", "max_new_tokens")
        most = next((call[name] for name in named if name in call), self.max_new_tokens)
        rest = {key: value for key, value in call.items() if key not in named}
        body = {**self.extra, "max_tokens": most}  # the name that all servers know
        if schema:
            form = {"name": "reply", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return {"temperature": self.temperature, "seed": self.seed, **rest, "extra_body": body}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **call))


def told(problem: Exception, address: str) -> tuple[str, str]:
    """What happened between us and the server at that address, and what to do: a line each."""
    from openai import APIConnectionError, APIStatusError

    line = (str(problem).strip() or type(problem).__name__).splitlines()[0][:200]
    if isinstance(problem, APIConnectionError):
        return f"The server at {address} does not answer.", "Start it, or name another writer."
    if isinstance(problem, APIStatusError) and problem.status_code in (401, 403):
        return (
            f"The server at {address} wants a key.",
            "Write it into a file, and name that in the writer's settings: key_file.",
        )
    return f"The server at {address} fails: {line}", "See what it says of it itself."
