"""Who may import whom: the agent knows everyone, and no one knows the agent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "agent": {"agent", "pipelines", "prompts", "configs", "errors"},
    "pipelines": {"pipelines", "errors"},
    "prompts": {"prompts", "errors"},
    "configs": {"configs", "errors"},
}
MODULES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]


def rooms_imported_by(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"limner.relative.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    first = {"agent", "benchmarks", "configs", "pipelines", "prompts", "tests"}
    direct = {name.split(".")[0] for name in names} & first
    return direct | {name.split(".")[1] for name in names if name.startswith("limner.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert rooms_imported_by(path.read_text(encoding="utf-8")) <= MAY_IMPORT[room]


@pytest.mark.parametrize(
    ("source", "rooms"),
    [
        ("from limner.agent import cli", {"agent"}),
        ("import limner.configs", {"configs"}),
        ("def f():\n    from limner.prompts import render", {"prompts"}),
        ("import benchmarks.judge", {"benchmarks"}),
        ("from limner.errors import BadInput", {"errors"}),
        ("import torch", set()),
    ],
)
def test_imports_are_found(source: str, rooms: set[str]) -> None:
    assert rooms_imported_by(source) == rooms
