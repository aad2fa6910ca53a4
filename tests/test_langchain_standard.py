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
    """A tool with one take to speak of; LangChain's classes do the rest."""

    name = ""
    tools: dict[str, BaseTool]

    @pytest.fixture(autouse=True)
    def _with_a_take(self, tmp_path: Path) -> None:
        self.tools = tools_in(tmp_path)
        call(self.tools["imagine"], request="a red cat", seed=1)

    @property
    def tool_constructor(self) -> BaseTool:
        return self.tools[self.name]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


class TestImagineUnit(_Standard, ToolsUnitTests):
    name = "imagine"


class TestRefineUnit(_Standard, ToolsUnitTests):
    name = "refine_image"


class TestScoreUnit(_Standard, ToolsUnitTests):
    name = "score_image"


class TestExpandUnit(_Standard, ToolsUnitTests):
    name = "expand_prompt"


class TestDescribeUnit(_Standard, ToolsUnitTests):
    name = "describe_take"


class TestImagine(_Standard, ToolsIntegrationTests):
    name = "imagine"


class TestRefine(_Standard, ToolsIntegrationTests):
    name = "refine_image"


class TestScore(_Standard, ToolsIntegrationTests):
    name = "score_image"


class TestExpand(_Standard, ToolsIntegrationTests):
    name = "expand_prompt"


class TestDescribe(_Standard, ToolsIntegrationTests):
    name = "describe_take"
