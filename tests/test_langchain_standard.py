"""The tools pass LangChain's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from tooled import EXAMPLES, call, tools_in


class _Standard:
    """A tool with one session to speak of, changed once; LangChain's classes do the rest."""

    tools: dict[str, BaseTool]
    name = ""

    @pytest.fixture(autouse=True, params=EXAMPLES)
    def _with_a_session(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self.name, self.tools = request.param, tools_in(tmp_path)
        call(self.tools["imagine"], request="a red cat", seed=1)
        call(self.tools["refine_image"], session=1, change="make it blue", seed=1)
        if self.name == "redo_change":
            call(self.tools["undo_change"], session=1)

    @property
    def tool_constructor(self) -> BaseTool:
        return self.tools[self.name]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


class TestUnit(_Standard, ToolsUnitTests):
    """What needs no call."""


class TestIntegration(_Standard, ToolsIntegrationTests):
    """What calls the tools."""


def test_every_tool_has_an_example(tmp_path: Path) -> None:
    assert tools_in(tmp_path).keys() == EXAMPLES.keys()
