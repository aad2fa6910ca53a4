"""The wheel ships every package folder with its files, and importing limner costs nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import limner

ROOT = Path(__file__).parent.parent
ROOMS = ("agent", "benchmarks", "configs", "pipelines", "prompts")
STAYS = {  # large pictures for the README alone
    "limner/benchmarks/contact-sheet.png",
    "limner/benchmarks/page.png",
}
HEAVY = {"torch", "diffusers", "transformers", "langchain_core", "langchain", "accelerate", "numpy"}
MODULES = [path for room in ("limner", *ROOMS) for path in sorted((ROOT / room).rglob("*.py"))]
VAGUE = re.compile(
    r"(?:^|_)(?:manager|helper|utils?|handler|processor|data|info|misc|common)(?:_|$)"
)


def test_every_package_folder_is_declared() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {"limner"} | {
        "limner." + ".".join(init.parent.relative_to(ROOT).parts)
        for room in ROOMS
        for init in (ROOT / room).rglob("__init__.py")
    }
    assert set(settings["tool"]["setuptools"]["packages"]) == found


@pytest.mark.parametrize("room", ROOMS)
def test_doorway_links_to(room: str) -> None:
    link = ROOT / "limner" / room
    if not link.is_symlink():
        pytest.skip("checkout without symlinks: only type checking needs them")
    assert link.resolve() == ROOT / room


def test_only_one_name_is_installed() -> None:
    ours = {name for name, owners in packages_distributions().items() if "limner" in owners}
    assert {name for name in ours if not name.startswith("__editable__")} <= {"limner"}


@pytest.mark.slow
def test_wheel_has_every_file_that_the_packages_need(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    copy = tmp_path / "copy"
    _copy_sources(copy)
    subprocess.run([*build, "-w", str(tmp_path), str(copy)], check=True, timeout=250)
    (wheel,) = tmp_path.glob("limner-*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    texts = {".py", ".css", ".j2", ".jinja", ".json", ".md", ".txt", ".yaml"}
    kinds = texts | {".jsonl", ".png", ".safetensors"}
    needed = {
        "limner/" + path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in kinds and "__pycache__" not in path.parts
    }
    assert (needed - STAYS) | {"limner/__init__.py", "limner/py.typed"} <= shipped
    assert not {name.split("/")[0] for name in shipped} - {"limner", f"{wheel.stem[:12]}.dist-info"}


def _copy_sources(target: Path) -> None:
    import shutil

    left_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", ".*", "build")
    shutil.copytree(ROOT, target, symlinks=True, ignore=left_out)


@pytest.mark.parametrize("arguments", ["-c 'import limner'", "-m limner --help"])
def test_starting_loads_nothing_heavy(arguments: str) -> None:
    code = {
        "-c 'import limner'": "import limner",
        "-m limner --help": "from limner.agent.cli.main import main; main(['--help'])",
    }[arguments]
    report = f"import sys; {code}; print('LOADED', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.split(".")[0] for name in done.stdout.rpartition("LOADED")[2].split()}
    assert "sys" in loaded
    assert not loaded & (HEAVY | {"PIL", "rich"} if "help" in arguments else HEAVY)


def test_public_names_open_when_asked_for() -> None:
    for name in limner.__all__:
        assert getattr(limner, name)
    assert set(limner.__all__) <= set(dir(limner))
    with pytest.raises(AttributeError, match="Limmer"):
        limner.Limmer  # noqa: B018


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    first = (ast.get_docstring(tree) or "").split("\n")[0]
    assert first.endswith(".") and len(first) > 20
    assert not VAGUE.search(path.stem)
    named = [n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    words = [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in named]
    assert not [w for w in words if VAGUE.search(w) and not w.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_all_is_sorted(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
