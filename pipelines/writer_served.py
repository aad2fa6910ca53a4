"""A writer that a server speaks for: Ollama, llama.cpp, LM Studio, vLLM and others."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urldefrag, urlsplit

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from pydantic import ConfigDict, Field, PrivateAttr, ValidationError

from limner.errors import BadInput, MissingExtra, ModelFailed, ModelUnusable
from limner.pipelines.tool_calls import structured

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "ServedWriter",
    "open_served_writer",
    "told",
]


LONGEST = 200_000
"""Characters after which no reply is read on; a server may have forgotten to stop."""

_REFUSED = (400, 422, 501)


class ServedWriter(BaseChatModel):
    """Streams the replies of a server's model; closing the stream hangs up, so that it stops.

    The server is asked to hold a reply to `json_schema` (OpenAI's `response_format`); one that
    refuses is asked again without, and not again with one (`holds_json`). `extra` is sent with
    each request, as the server's own settings want it. See `LocalWriter` for `temperature`,
    `max_new_tokens` and `seed`.
    """

    model_config = ConfigDict(extra="forbid")

    calls_tools: ClassVar[bool] = True
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

    @property
    def holds_json(self) -> bool:
        """Whether the server takes a JSON schema, as far as is known."""
        return not self._loose

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


SERVERS = {"llamacpp": 8080, "lmstudio": 1234, "ollama": 11434, "vllm": 8000}
"""Programs that speak OpenAI's chat completions, and the ports that they listen on unasked."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Which model of which provider; `url` where it is spoken to in OpenAI's way, else ""."""

    provider: str
    model: str
    url: str

    @classmethod
    def of(cls, spec: str, base_url: str | None) -> _Place:
        provider, _, model = spec.partition(":")
        if provider == "http":
            url, model = urldefrag(spec)
            return cls("openai", model, base_url or url)
        if provider in SERVERS:
            base_url = base_url or f"http://127.0.0.1:{SERVERS[provider]}/v1"
        return cls(provider, model, (base_url or "") if provider in (*SERVERS, "openai") else "")


def open_served_writer(spec: str, base_url: str | None = None, **settings: Any) -> BaseChatModel:
    """The writer called `provider:model`.

    Of ollama, llamacpp, lmstudio and vllm, at `base_url` or their own port; of openai with a
    `base_url`, or of the address http://127.0.0.1:PORT/v1#MODEL: a server that is asked at once
    whether it has the model. No model stands for the only one. Of any other provider: LangChain's
    chat model, with the settings that it takes. Raises `MissingExtra` for a package that is not
    here, and `ModelUnusable` for what cannot be reached or is unknown.
    """
    place = _Place.of(spec, base_url)
    if place.url:
        return _open_server(place, **settings)
    own = {"base_url": base_url} if base_url else {}
    writer: BaseChatModel = _chat_model(place, name=spec, **own, **settings)
    return writer


def _open_server(
    place: _Place,
    key_file: str | None = None,
    remote: bool = False,
    timeout: float = 600,
    **settings: Any,
) -> ServedWriter:
    """`key_file` holds the server's key; `remote` allows one on another machine."""
    _check_near(place.url, remote)
    key = _key(Path(key_file)) if key_file else "none"  # one in the environment is for others
    inner = _chat_model(
        _Place("openai", place.model or "any", place.url),
        base_url=place.url,
        api_key=key,
        timeout=timeout,
        max_retries=0,
        use_responses_api=False,
        http_client=_client(remote),
        default_headers={"Connection": "close"},  # no line is left open between two requests
    )
    inner.model_name = _chosen(place, _listed(inner, place.url))
    name = f"{place.provider}:{inner.model_name}"
    return ServedWriter(name=name, inner=inner, address=place.url, **settings)


def _chat_model(place: _Place, **settings: Any) -> Any:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(place.model, model_provider=place.provider, **settings)
    except ImportError as problem:
        found = re.search(r"pip install [^`'\"]*", str(problem))
        ours = "pip install 'limner[openai]'" if place.provider == "openai" else ""
        raise MissingExtra(
            f"A writer of {place.provider!r} needs a package that is not installed.",
            f"Type: {ours or (found[0].strip() if found else 'pip install langchain-…')}",
        ) from problem
    except TypeError:  # a setting that it has not
        raise
    except Exception as problem:  # anyone's code, which raises anything
        raise ModelUnusable(
            f"The writer {place.provider}:{place.model} cannot be opened: {_line(problem)}",
            f"On this machine: {', '.join(SERVERS)}; other providers want their package and a key.",
        ) from problem


def _line(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        return str(problem.errors()[0]["msg"])
    return (str(problem).strip() or type(problem).__name__).splitlines()[0][:200]


def _client(remote: bool) -> Any:
    """Goes straight to this machine: through no proxy, and wherever it is sent, nowhere else."""
    try:
        from openai import DefaultHttpxClient
    except ImportError:
        return None  # `_chat_model` says what is missing
    return DefaultHttpxClient(trust_env=remote, follow_redirects=False)


def _check_near(url: str, remote: bool) -> None:
    try:
        host = urlsplit(url).hostname or ""
        near = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near and not remote:
        raise BadInput(
            f"The server at {url} is not on this machine.",
            "Say remote: true in the writer's settings, if your words may go there.",
        )


def _key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{path} can't be read as a key.", "Name a file with the key.") from None


def _listed(inner: Any, url: str) -> list[str]:
    """The server's models; none where it does not list them."""
    from openai import APIStatusError, OpenAIError

    try:
        page = inner.root_client.with_options(timeout=10).models.list()
        return [str(model.id) for model in page.data or ()]
    except APIStatusError as problem:
        if problem.status_code in (404, 405):
            return []
        raise ModelUnusable(*told(problem, url)) from problem
    except (OpenAIError, ValueError, TypeError, AttributeError) as problem:
        raise ModelUnusable(*told(problem, url)) from problem


def _chosen(place: _Place, listed: list[str]) -> str:
    wanted = place.model
    if wanted and (not listed or wanted in listed):
        return wanted
    if f"{wanted}:latest" in listed:  # Ollama's own way to shorten it
        return wanted
    if not wanted and len(listed) == 1:
        return listed[0]
    what = f"has no model {wanted!r}" if wanted else "has more than one model, or lists none"
    has = ", ".join(listed[:8]) + (" …" if len(listed) > 8 else "")
    raise ModelUnusable(f"The server at {place.url} {what}.", f"It has: {has or 'none'}.")
