"""What one call of a local model can ask for: how long, how wild, and in which form."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import (
    BaseOutputParser,
    JsonOutputParser,
    PydanticOutputParser,
)
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.errors import BadInput
from limner.pipelines.tool_calls import calls_schema

__all__ = ["Asked", "chosen", "structured"]

ANY = "*"
"""The choice of any tool, but of one."""


class Asked(BaseModel):
    """The settings of one call, its own before the model's."""

    model_config = ConfigDict(extra="forbid")

    temperature: float = Field(ge=0, le=10)
    max_new_tokens: int = Field(ge=1)
    seed: int
    json_schema: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: str = ""

    @classmethod
    def of(cls, model: Any, call: dict[str, Any]) -> Asked:
        """What a call asks of a model that has defaults. Raises `BadInput` for anything else."""
        own = {key: getattr(model, key) for key in ("temperature", "max_new_tokens", "seed")}
        given = {{"max_tokens": "max_new_tokens"}.get(key, key): v for key, v in call.items()}
        given.pop("ls_structured_output_format", None)  # for whoever traces, not for the model
        try:
            return cls.model_validate({**own, **given})
        except ValidationError as problem:
            wrong = ", ".join(str(error["loc"][0]) for error in problem.errors())
            raise BadInput(
                f"The writer cannot be asked for that: {wrong}.",
                f"It takes: {', '.join(cls.model_fields)}.",
            ) from problem

    @property
    def offered(self) -> list[dict[str, Any]]:
        """The tools that the model may call this time."""
        return [] if self.tool_choice == "none" else self.tools

    @property
    def grammar(self) -> dict[str, Any] | None:
        """The JSON schema that the reply is held to; None for free speech."""
        if self.json_schema or not self.offered or not self.tool_choice:
            return self.json_schema
        only = "" if self.tool_choice == ANY else self.tool_choice
        return calls_schema(self.offered, only)


def chosen(tools: Sequence[dict[str, Any]], choice: Any) -> str:
    """The choice of a tool in one word: a name, "none", `ANY`, or "" for a free one."""
    if isinstance(choice, dict):
        choice = (choice.get("function") or choice).get("name") or choice.get("type")
    known = {True: ANY, False: "", None: "", "any": ANY, "required": ANY, "auto": "", ANY: ANY}
    names = [tool["function"]["name"] for tool in tools]
    if choice == "none" or choice in names:
        return str(choice)
    if choice not in known or (known[choice] and not tools):
        raise BadInput(f"There is no tool {choice!r}.", f"Bound are: {', '.join(names) or 'none'}.")
    return known[choice]


def structured(
    model: BaseChatModel, schema: Any, include_raw: bool, settings: dict[str, Any]
) -> Runnable[Any, Any]:
    """The model held to a schema, with its reply read; see `BaseChatModel.with_structured_output`.

    With `include_raw`, what can't be read is not raised but told: raw, parsed, parsing_error.
    """
    rest = {key: value for key, value in settings.items() if key not in ("method", "strict")}
    json_schema = convert_to_json_schema(schema)
    about = {"kwargs": {"method": "json_schema"}, "schema": json_schema}
    bound = model.bind(json_schema=json_schema, ls_structured_output_format=about, **rest)
    parser: BaseOutputParser[Any] = JsonOutputParser()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = PydanticOutputParser(pydantic_object=schema)
    if not include_raw:
        return bound | parser
    read = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    unread = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=bound) | read.with_fallbacks([unread], exception_key="parsing_error")
