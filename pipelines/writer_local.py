"""A writer in this process: any transformers language model as a LangChain chat model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr

from limner.pipelines.chat_format import check_size, prompt_of
from limner.pipelines.decoding import (
    JsonMask,
    Spelling,
    TokenSampler,
    decode,
    endings,
    until,
    vocabulary,
)
from limner.pipelines.device import ModelSwap, place
from limner.pipelines.loading import check_bits, load_quantized, opening
from limner.pipelines.oom import telling
from limner.pipelines.still import sees, template
from limner.pipelines.tool_calls import CallOptions, chosen, plain_start, read_calls, structured
from limner.pipelines.weights import named, verify

if TYPE_CHECKING:
    import torch

__all__ = ["LocalWriter", "open_local_writer"]

CURE = "Say bits: 4 in its settings, or name a smaller --writer; limner doctor says what fits."


class LocalWriter(BaseChatModel):
    """Streams a local model's reply, token by token; closing the stream stops it at once.

    `temperature` 0 takes the likeliest token, above 0 samples: the same seed gives the same text.
    `max_new_tokens` (LangChain's `max_tokens`) bounds a reply; one that was cut off says so in its
    metadata (`finish_reason` "length"). `stop` are texts that end it. A call can override all four,
    and give a `json_schema` that the reply is held to. Tools that are bound reach the model through
    its chat template; a model that was not taught to call tools can be made to (`tool_choice`).
    """

    model_config = ConfigDict(extra="forbid")

    holds_json: ClassVar[bool] = True
    calls_tools: ClassVar[bool] = False  # its grammar holds it to more than its template could
    name: str | None = "local"
    temperature: float = 0.0
    max_new_tokens: int = Field(
        default=768, validation_alias=AliasChoices("max_new_tokens", "max_tokens"), ge=1
    )
    seed: int = 0
    stop: list[str] | None = None
    _model: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _words: Any = PrivateAttr(default=None)
    _folder: Path = PrivateAttr(default=Path())
    _sees: bool = PrivateAttr(default=False)
    _reopen: Callable[[], Any] | None = PrivateAttr(default=None)
    _swap: ModelSwap | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "limner-local"

    @property
    def model(self) -> Any:
        """The transformers model that writes; it is opened again if it was closed."""
        if self._swap:
            self._swap.turn(self)
        if self._model is None and self._reopen:
            self._model = self._reopen()
        return self._model

    @property
    def device(self) -> str:
        """Where it computes, as torch names it."""
        return str(self._model.device)

    @property
    def folder(self) -> Path:
        """Where the model was opened from."""
        return self._folder

    @property
    def sees(self) -> bool:
        """Whether the model could read pictures, too."""
        return self._sees

    def hold(
        self,
        model: Any,
        tokenizer: Any,
        folder: Path = Path(),
        sees: bool = False,
        reopen: Callable[[], Any] | None = None,
    ) -> None:
        """Gives the writer its loaded model and tokenizer; `reopen` loads that model once more."""
        self._model, self._tokenizer, self._words = model, tokenizer, None
        self._folder, self._sees, self._reopen = folder, sees, reopen

    def join(self, swap: ModelSwap) -> None:
        """Ask for a turn from now on, before it writes."""
        self._swap = swap

    def release(self) -> None:
        """Let go of the weights until it writes again."""
        if self._reopen:
            self._model = None

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **settings: Any
    ) -> Runnable[Any, AIMessage]:
        """The model with tools that it may call; see `BaseChatModel.bind_tools`.

        `tool_choice` "any" (or "required", or True) holds the reply to a call of one of them, a
        tool's name to a call of that; "none" lets it call nothing, None and "auto" leave it free.
        Raises `BadInput` for the name of no tool.
        """
        told = [convert_to_openai_tool(tool) for tool in tools]
        choice = chosen(told, tool_choice)
        rest = {k: v for k, v in settings.items() if k not in ("strict", "parallel_tool_calls")}
        return self.bind(tools=told, tool_choice=choice, **rest)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **settings: Any
    ) -> Runnable[Any, Any]:
        """A runnable whose reply is held to a JSON schema or a pydantic model, and read as one.

        The reply is decoded under the schema's grammar, whatever `method` LangChain is asked for.
        """
        return structured(self, schema, include_raw, settings)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> Iterator[ChatGenerationChunk]:
        asked = CallOptions.of(self, call)
        prompt = prompt_of(self._tokenizer, messages, asked.offered)
        told = {"input_tokens": prompt.shape[1], "output_tokens": 0}
        pieces = until(self._pieces(prompt, asked, told), stop or self.stop or [])
        chunks = _spoken(pieces, asked.offered) if asked.offered else _said(pieces)
        while True:
            try:
                chunk = next(chunks)
            except StopIteration as end:
                yield self._last(told, str(end.value))
                return
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **call))

    def _pieces(
        self, prompt: torch.Tensor, asked: CallOptions, told: dict[str, int]
    ) -> Generator[str, None, str]:
        """The reply as text; counts its tokens in `told` and returns why it ended."""
        spelling, model = Spelling(self._tokenizer), self.model
        tokens = decode(
            model,
            prompt,
            most=asked.max_new_tokens,
            ends=endings(model, self._tokenizer),
            choose=TokenSampler(asked.temperature, asked.seed),
            mask=self._mask(asked.grammar) if asked.grammar else None,
        )
        while True:
            try:
                with telling("The writer", CURE):
                    token = next(tokens)
            except StopIteration as end:
                yield spelling.rest()
                return str(end.value)
            told["output_tokens"] += 1
            if piece := spelling.add(token):
                yield piece

    def _mask(self, schema: dict[str, Any]) -> JsonMask:
        if self._words is None:
            rows = self._model.get_output_embeddings().weight.shape[0]
            self._words = vocabulary(self._tokenizer, rows, endings(self._model, self._tokenizer))
        return JsonMask(self._words, schema)

    def _get_ls_params(self, stop: list[str] | None = None, **call: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop, **call)
        params["ls_provider"] = "limner"
        params["ls_model_name"] = str(call.get("model") or self.name)
        params["ls_max_tokens"] = self.max_new_tokens
        return params

    def _last(self, told: dict[str, int], ended: str) -> ChatGenerationChunk:
        usage = UsageMetadata(
            input_tokens=told["input_tokens"],
            output_tokens=told["output_tokens"],
            total_tokens=sum(told.values()),
        )
        told_of_it = {"finish_reason": ended, "model_name": self.name}
        return ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                chunk_position="last",
                response_metadata=told_of_it,
                usage_metadata=usage,
            )
        )


def open_local_writer(
    folder: Path, name: str, device: str = "auto", bits: int | None = None, **settings: Any
) -> LocalWriter:
    """The language model in that folder, checked before it is opened.

    A model that reads pictures with its words is opened with its eyes, so that they may serve a
    critic. `bits` are those of `quantized.load`. Raises `ModelUnusable` for a folder that is not a
    sound language model with a chat template.
    """
    check_bits(bits)
    verify(folder)
    with opening(name, "writer"):
        from transformers import AutoTokenizer

        seeing = sees(folder)
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        tokenizer.chat_template = tokenizer.chat_template or template(folder)
        check_size(f"writer {name!r}", tokenizer.chat_template)
        prompt_of(tokenizer, [HumanMessage("A cat.")])  # before anyone waits for its answer

    def reopen() -> Any:
        return _loaded(folder, name, device, bits)

    full = named(folder, name) + (f":{bits}bit" if bits else "")
    writer = LocalWriter(name=full, **settings)
    writer.hold(reopen(), tokenizer, folder, seeing, reopen)
    return writer


def _loaded(folder: Path, name: str, device: str, bits: int | None) -> Any:
    """The weights of a folder, where they are used; with their eyes, where they have some."""
    where, dtype = place(device)
    with opening(name, "writer"):
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

        kind = AutoModelForImageTextToText if sees(folder) else AutoModelForCausalLM
        return load_quantized(kind, folder, where, dtype, bits)


def _said(pieces: Generator[str, None, str]) -> Generator[ChatGenerationChunk, None, str]:
    """The reply as it comes, all of it text; returns why it ended."""
    while True:
        try:
            yield ChatGenerationChunk(message=AIMessageChunk(content=next(pieces)))
        except StopIteration as end:
            return str(end.value)


def _spoken(
    pieces: Generator[str, None, str], tools: Sequence[dict[str, Any]]
) -> Generator[ChatGenerationChunk, None, str]:
    """The reply with its calls of tools: text as it comes, until a call may have begun."""
    said, told, ended = "", 0, "stop"
    while True:
        try:
            said += next(pieces)
        except StopIteration as end:
            ended = str(end.value)
            break
        if (sure := plain_start(said)) > told:
            yield ChatGenerationChunk(message=AIMessageChunk(content=said[told:sure]))
            told = sure
    spoken = read_calls(said, tools)
    if spoken.text[told:]:
        yield ChatGenerationChunk(message=AIMessageChunk(content=spoken.text[told:]))
    if spoken.chunks:
        called = AIMessageChunk(content="", tool_call_chunks=spoken.chunks)
        yield ChatGenerationChunk(message=called)
    return "tool_calls" if spoken.calls and ended == "stop" else ended
