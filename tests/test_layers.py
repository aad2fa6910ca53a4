"""Who may import whom: arrows point one way, between folders and between the agent's own parts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "agent": {"agent", "pipelines", "prompts", "configs", "errors"},
    "pipelines": {"pipelines", "errors"},
    "prompts": {"prompts", "errors"},
    "configs": {"configs", "pipelines", "errors"},
}
"""What each folder may import of limner."""

ORDER = (
    ("plain", "i18n", "records", "functions"),
    ("syntax",),
    ("brief",),
    ("events", "history", "model_lock"),
    ("scoring",),
    ("search",),
    ("archive",),
    ("studio", "jobs", "machine"),
    ("reproduce", "calibrate", "conversation"),
    ("tools",),
    ("terminal",),
    ("batch", "serve", "mcp", "as_langchain"),
    ("cli",),
)
"""The parts of the agent from the lowest on: none imports one of a later row."""

RANKS = {part: rank for rank, parts in enumerate(ORDER) for part in parts}


def dotted(path: Path) -> str:
    return "limner." + ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {
    dotted(path).removesuffix(".__init__"): path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def imports(node: ast.AST, *, lazy: bool = True) -> Iterator[str]:
    """What is imported when the code runs; without `lazy`, when its module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        if isinstance(child, ast.ImportFrom):
            yield from (f"{child.module or 'limner.relative'}.{a.name}" for a in child.names)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        yield from imports(child, lazy=lazy)


def folders(names: Iterator[str]) -> set[str]:
    known = {*FOLDERS, "benchmarks", "tests"}
    parts = [name.split(".") for name in names]
    return {p[0] for p in parts if p[0] in known} | {p[1] for p in parts if p[0] == "limner"}


def part(name: str) -> str:
    """The part of the agent that a module is in; "" for what is not the agent's."""
    names = name.split(".")
    return names[2] if names[:2] == ["limner", "agent"] and len(names) > 2 else ""


def test_folders_import_only_what_they_may() -> None:
    for module, path in MODULES.items():
        found = folders(imports(ast.parse(path.read_text(encoding="utf-8"))))
        assert found <= FOLDERS[module.split(".")[1]], module


def test_every_part_of_the_agent_has_its_place_and_imports_none_above() -> None:
    for module, path in MODULES.items():
        if (here := part(module)) and here in RANKS:
            for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
                there = part(name)
                assert not there or RANKS[there] <= RANKS[here], f"{module} imports {name}"
        else:
            assert not here, f"{here} has no place in ORDER"


def test_no_module_imports_itself_by_way_of_others() -> None:
    tops = {
        module: {
            name if name in MODULES else name.rpartition(".")[0]
            for name in imports(ast.parse(path.read_text(encoding="utf-8")), lazy=False)
        }
        & MODULES.keys() - {module}
        for module, path in MODULES.items()
    }
    left = dict(tops)
    while free := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in free:
            del left[module]
    assert not left, f"import each other: {sorted(left)}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from limner.agent import cli", {"agent"}),
        ("import limner.configs", {"configs"}),
        ("def f():\n    from limner.prompts import render", {"prompts"}),
        ("if TYPE_CHECKING:\n    from limner.agent import studio", set()),
        ("import benchmarks.judge", {"benchmarks"}),
        ("from limner.errors import BadInput", {"errors"}),
        ("from . import there", {"relative"}),
        ("import torch", set()),
    ],
)
def test_imports_are_found(source: str, found: set[str]) -> None:
    assert folders(imports(ast.parse(source))) == found
