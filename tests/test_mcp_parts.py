"""The parts of the door for assistants, one by one, and what is said of them in the documents."""

from __future__ import annotations

import base64
import importlib
import io
import json
import random
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from assisted import LINES
from PIL import Image

from limner.agent.cli.main import main
from limner.agent.events import BriefReady, CandidateReady, Decided, PaintingStep
from limner.agent.mcp.calls import listed_tools
from limner.agent.mcp.content import LARGEST_PREVIEW, answer_of, preview
from limner.agent.mcp.progress import RequestProgress
from limner.agent.records import Result
from limner.agent.scoring.inputs import picture_from_base64
from limner.agent.studio import Studio
from limner.agent.tools.toolset import ToolAnswer
from limner.agent.tools.turns import IssuedCandidate, ToolRequest
from limner.errors import BadInput, MissingExtra

HOSTS = (Path(__file__).parent.parent / "docs" / "mcp-hosts.md").read_text(encoding="utf-8")
MOST = 1_000_000  # bytes of a result, where hosts draw the line


def noise(width: int, height: int) -> Image.Image:
    """A picture that no format makes small."""
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def kept(folder: Path, picture: Image.Image | None = None, seed: int = 7) -> IssuedCandidate:
    from dataclasses import replace

    result = Studio.open("fake").imagine("a red cat", seed=seed)
    assert result.best
    best = replace(result.best, picture=picture) if picture else result.best
    path = folder / f"{seed}.png"
    best.picture.save(path)
    return IssuedCandidate.of(replace(result, best=best), path, "a red cat", seed)


@pytest.mark.parametrize("size", [(64, 64), (700, 300), (2_000, 1_500), (3_000, 40)])
def test_a_preview_is_small_whatever_it_shows(size: tuple[int, int]) -> None:
    content, kind = preview(noise(*size))
    assert len(content) <= LARGEST_PREVIEW
    shown = Image.open(io.BytesIO(content))
    assert shown.get_format_mimetype() == kind
    assert max(shown.size) <= 768
    assert abs(shown.width / shown.height - size[0] / size[1]) < 0.1 * size[0] / size[1]


def test_a_plain_picture_keeps_every_pixel() -> None:
    picture = Image.new("RGB", (64, 48), "teal")
    content, kind = preview(picture)
    assert kind == "image/png"
    assert Image.open(io.BytesIO(content)).tobytes() == picture.tobytes()


def test_a_whole_answer_fits_into_what_hosts_take(tmp_path: Path) -> None:
    picture = kept(tmp_path, noise(1_024, 1_024))
    request = ToolRequest("a red cat", 7, tool="adjust", kept=picture)
    answer = answer_of(ToolAnswer.of(request))
    assert len(answer.model_dump_json(by_alias=True).encode()) < MOST


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_a_picture_comes_in(kind: str, head: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 16), "red").save(buffer, kind)
    assert picture_from_base64(head + base64.b64encode(buffer.getvalue()).decode()).size == (32, 16)


def test_a_large_picture_comes_in_smaller() -> None:
    buffer = io.BytesIO()
    Image.new("L", (8_000, 400), 200).save(buffer, "PNG")
    picture = picture_from_base64(base64.b64encode(buffer.getvalue()).decode())
    assert picture.size == (2_048, 102) and picture.mode == "RGB"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%%%",
        "/etc/passwd",
        "aGVsbG8=",
        "data:text/html;base64,aGVsbG8=",
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode(),
        base64.b64encode(b"GIF89a" + bytes(40)).decode(),
        base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(),
    ],
)
def test_what_is_no_picture_stays_out(text: str) -> None:
    with pytest.raises(BadInput):
        picture_from_base64(text)


def test_files_that_were_changed_are_noticed(tmp_path: Path) -> None:
    take = kept(tmp_path)
    assert take.content() == take.path.read_bytes()
    take.path.write_bytes(b"something else")
    with pytest.raises(BadInput, match="was changed"):
        take.content()
    take.path.unlink()
    with pytest.raises(BadInput, match="is gone"):
        take.content()


def test_nothing_painted_is_nothing_kept(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nothing was painted"):
        IssuedCandidate.of(Result(None, (), "failed", 0, 0), tmp_path / "x.png", "a cat", 1)


def test_progress_only_grows_and_never_passes_its_end() -> None:
    watch, said = RequestProgress(), []
    for event in Studio.open("fake").stream("two red cats and a blue dog at night", seed=2):
        if watch.see(event):
            said.append((watch.done, watch.rounds, watch.doing))
            assert isinstance(event, BriefReady | PaintingStep | CandidateReady | Decided) or said
    assert [done for done, *_ in said] == sorted({done for done, *_ in said})
    assert all(done <= of for done, of, _ in said)
    assert watch.candidates >= 4 and watch.verdict and watch.verdict.said


def test_descriptions_never_change_and_schemas_are_simple() -> None:
    text = json.dumps([tool.model_dump(mode="json") for tool in listed_tools()])
    assert text == json.dumps([tool.model_dump(mode="json") for tool in listed_tools()])
    for tool in listed_tools():
        _check_strict(tool.input_schema)
        assert '"anyOf"' not in json.dumps(tool.input_schema)


def _check_strict(schema: dict[str, Any]) -> None:
    assert schema["type"] == "object" and schema["additionalProperties"] is False
    for field in schema["properties"].values():
        kind = field["type"]
        if kind == "string":
            assert "maxLength" in field or field["pattern"].endswith("$")
        elif kind == "array":
            assert field["maxItems"] <= 64 and {"maxLength", "maximum"} & field["items"].keys()
        elif kind == "object":
            assert field["maxProperties"] <= 64 and "maxLength" in field["additionalProperties"]
        else:
            assert "maximum" in field


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("limner.agent.mcp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(MissingExtra, match="mcp") as missing:
        importlib.import_module("limner.agent.mcp.server")
    assert "limner[mcp]" in missing.value.hint


def test_help_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcp", "--help"]) == 0
    told = capsys.readouterr().out
    for option in ("--http", "--port", "--token-file", "--out", "--profile", "--no-archive"):
        assert option in told


def test_the_door_opens_without_loading_a_model() -> None:
    code = "import limner.agent.mcp.server, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert not {"torch", "diffusers", "transformers"} & set(done.stdout.split())


def test_the_hosts_settings_are_whole() -> None:
    servers: list[dict[str, Any]] = []
    for block in re.findall(r"^```json\n(.*?)^```$", HOSTS, re.DOTALL | re.MULTILINE):
        ((_, named),) = json.loads(block).items()
        servers.append(named["limner"])
    (block,) = re.findall(r"^```toml\n(.*?)^```$", HOSTS, re.DOTALL | re.MULTILINE)
    servers.append(tomllib.loads(block)["mcp_servers"]["limner"])
    started = [server for server in servers if "command" in server]
    assert len(started) == 4 and len(servers) == 5
    for server in started:
        assert server["command"] == "/path/to/limner" and server["args"] == ["mcp"]


def test_the_manual_has_a_line_for_each_way_in() -> None:
    assert [["limner", "mcp"], "limner mcp --http --port 8765".split()] == LINES


def test_every_tool_is_in_the_document() -> None:
    for tool in listed_tools():
        assert f"`{tool.name}`" in HOSTS
