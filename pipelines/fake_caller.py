"""An agent's model without weights: it calls tools by a script; for tests and for docs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict

__all__ = ["FakeCaller"]


class FakeCaller(BaseChatModel):
    """Makes the next of its `calls` (a tool's name and arguments) at each turn, then says `last`.

    It counts the calls in the conversation, and so can be asked again.
    """

    model_config = ConfigDict(extra="forbid")

    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    last: str = "That is all."

    @property
    def _llm_type(self) -> str:
        return "limner-fake-caller"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **_: Any
    ) -> Runnable[Any, AIMessage]:
        """The same model: its script knows the tools."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        made = sum(isinstance(m, AIMessage) and bool(m.tool_calls) for m in messages)
        said = AIMessage(self.last)
        if made < len(self.calls):
            name, args = self.calls[made]
            said = AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{made}"}])
        return ChatResult(generations=[ChatGeneration(message=said)])
