"""limner's tools for LangChain, and how a test calls one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool

from limner.agent.as_langchain import limner_tools
from limner.agent.studio import Studio

WISH = "two red cats and a dog at night"


EXAMPLES: dict[str, dict[str, Any]] = {
    "imagine": {"request": "a red cat", "seed": 7},
    "refine_image": {"take": "t1", "change": "make it blue"},
    "adjust_image": {"take": "t1", "finish": "brighter"},
    "select_image": {"session": 1, "candidate": 2},
    "undo_change": {"session": 1},
    "redo_change": {"session": 1},
    "back_to_version": {"session": 1, "version": 1},
    "ask_about_session": {"session": 1, "question": "thanks"},
    "score_image": {"take": "t1", "claims": ["the cat is red", "a robot plays chess"]},
    "expand_prompt": {"request": "a red cat"},
    "describe_take": {"take": "t1"},
}


def tools_in(folder: Path, studio: Studio | None = None) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in limner_tools(studio or Studio.open("fake"), folder=folder)}


def call(tool: BaseTool, **args: Any) -> ToolMessage:
    said = tool.invoke({"type": "tool_call", "name": tool.name, "args": args, "id": "1"})
    assert isinstance(said, ToolMessage)
    return said
