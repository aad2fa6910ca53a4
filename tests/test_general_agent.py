"""The agent knows no world: no word list names things, and it runs without the pocket models."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from limner.pipelines.pocket.world import world

ROOT = Path(__file__).parent.parent
EXAMPLES = re.compile(
    r'"[^"]*"|\'[^\']*\'|bird.s-eye|[A-Z][a-z]+$|limner [^.]*|“[^”]*”|`[^`]*`|for instance.*',
    re.IGNORECASE,
)
ALLOWED = set(
    "key fire star books book sun fish ball home light spirit sheep fungus kitty ship spacecraft "
    "bird".split()
)
"""Words of the world that are also words of programs, or of grammar (irregular plurals)."""


def nouns() -> set[str]:
    found = set()
    for one in world().things.values():
        found |= {one.name, one.plural, *one.synonyms}
    return {word for word in found if " " not in word} - ALLOWED


def constants(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    docs |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)


def test_no_table_or_rule_of_the_general_agent_names_the_worlds_things() -> None:
    named = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(nouns())))})\b", re.IGNORECASE)
    modules = [*ROOT.glob("agent/**/*.py"), *ROOT.glob("prompts/*.py"), *ROOT.glob("configs/*.py")]
    modules += [ROOT / "pipelines" / "fakes.py"]
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]}"
        for path in modules
        for line, text in constants(path)
        if named.search(EXAMPLES.sub("", text))
    ]
    for path in ROOT.glob("prompts/*.yaml"):
        if path.name != "safety.yaml":
            table = yaml.safe_load(path.read_text(encoding="utf-8"))
            found += [
                f"{path.name}: {text[:60]}"
                for text in texts(table)
                if named.search(EXAMPLES.sub("", text))
            ]
    assert not found, "\n".join(found)


def test_the_general_agent_runs_without_the_pocket_models(tmp_path: Path) -> None:
    script = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("limner.pipelines.pocket"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
from limner import Studio
studio = Studio.open("fake")
result = studio.imagine("a lighthouse in a storm, no people", seed=1)
assert result.best and any(c.kind == "absent" for c in result.best.brief.claims)
after = studio.refine(result.best, "make it night", seed=2)
assert after.best and after.best.brief != result.best.brief
print(studio.save(after, "out.png", request="a lighthouse", seed=1))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out.png").is_file()
