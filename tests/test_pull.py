"""Models come from a hub only when they are asked for, whole, and without what could run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_stand_in import MODEL, Hub, served

from limner.pipelines.registry import open_writer

pytestmark = pytest.mark.enable_socket
MORE = {
    "pytorch_model.bin": b"cos\nsystem\n(S'touch canary'\ntR.",
    "modeling_evil.py": b"open('canary', 'w')",
    "model.fp16.safetensors": b"the same once more",
    "tiny-single-file.safetensors": b"and again",
}
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(tiny: Path) -> Iterator[Hub]:
    with served(tiny / "writer", **MORE) as hub:
        yield hub


def environment(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    return kept | {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "NO_PROXY": "*"} | more


def limner(hub: Hub, home: Path, *typed: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "limner", *typed],
        env=environment(hub, home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def pulled(hub: Hub, home: Path) -> Path:
    done = limner(hub, home, "pull", MODEL, "--yes", COLUMNS="400")
    assert done.returncode == 0, done.stderr
    return Path(re.findall(r"fetched to (.*)", done.stdout)[0])


def line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, (done.stdout, done.stderr)
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("limner: ")
    return said


def test_what_it_takes_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    done = limner(hub, tmp_path, "pull", MODEL)
    assert "--yes" in line(done)
    assert "licence apache-2.0" in done.stdout
    assert WEIGHTS in done.stdout
    assert not any(name in done.stdout for name in MORE)
    assert hub.got == []


def test_it_fetches_what_is_opened_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    folder = pulled(hub, tmp_path)
    asked = {name for name, _ in hub.got}
    assert asked == set(hub.files) - set(MORE)
    assert {path.name for path in folder.iterdir()} == asked
    writer: Any = open_writer(folder, {"max_new_tokens": 3})
    assert writer.invoke("hi").text
    hub.got.clear()
    again = limner(hub, tmp_path, "pull", MODEL)
    assert again.stdout.endswith("it is all here\n")
    assert hub.got == []


def test_a_connection_that_breaks_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save

    large = "part/model.safetensors"
    hub.files[large] = whole = save({"a": np.zeros(6_000_000, dtype=np.float32)})
    hub.cut = {large}
    folder = pulled(hub, tmp_path)
    first, second = (asked for name, asked in hub.got if name == large)
    assert first == ""
    assert second == f"bytes={10 * 2**20}-"  # what had come in whole chunks is not asked for again
    assert (folder / large).read_bytes() == whole


def test_after_a_kill_whole_files_are_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    hub.stuck = {WEIGHTS}
    typed = [sys.executable, "-m", "limner", "pull", MODEL, "--yes"]
    with subprocess.Popen(
        typed, env=environment(hub, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as first:
        small = len(set(hub.files) - set(MORE)) - 1
        until = time.monotonic() + 60
        while len([*tmp_path.glob("hub/*/snapshots/*/*")]) < small and time.monotonic() < until:
            time.sleep(0.05)
        first.kill()
    hub.stuck, before = set(), len(hub.got)
    folder = pulled(hub, tmp_path)
    assert {name for name, _ in hub.got[before:]} == {WEIGHTS}
    assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


def test_what_was_damaged_on_its_way_is_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.flipped = {WEIGHTS}
    said = line(limner(hub, tmp_path, "pull", MODEL, "--yes"))
    assert "damaged on its way" in said
    assert not [*tmp_path.glob(f"hub/*/snapshots/*/{WEIGHTS}")]
    hub.flipped = set()
    assert (pulled(hub, tmp_path) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


def test_a_model_of_pickles_alone_is_refused_before_it_is_fetched(
    tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny / "writer", tmp_path / "writer")
    (tmp_path / "writer" / WEIGHTS).rename(tmp_path / "writer" / "pytorch_model.bin")
    with served(tmp_path / "writer") as hub:
        said = line(limner(hub, tmp_path, "pull", MODEL, "--yes"))
        assert "no weights in safetensors" in said
        assert hub.got == []


def test_what_goes_wrong_is_one_line(hub: Hub, tmp_path: Path) -> None:
    assert "HF_HUB_OFFLINE" in line(limner(hub, tmp_path, "pull", MODEL, HF_HUB_OFFLINE="1"))
    assert "no model 'someone/else'" in line(limner(hub, tmp_path, "pull", "someone/else"))
    assert "no model 'a b/../c'" in line(limner(hub, tmp_path, "pull", "a b/../c"))
    hub.status = 500
    assert "500" in line(limner(hub, tmp_path, "pull", MODEL))
    hub.address = "http://127.0.0.1:9"
    assert "cannot be reached" in line(limner(hub, tmp_path, "pull", MODEL))


OPEN = """
import sys
def listen(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print(event, arguments, flush=True)
        raise SystemExit(9)
sys.addaudithook(listen)
from limner.pipelines.registry import open_writer
print(open_writer("someone/tiny", {"max_new_tokens": 3}).invoke("hi").response_metadata)
"""


def test_what_is_here_is_opened_without_a_look_at_the_network(hub: Hub, tmp_path: Path) -> None:
    said = line(limner(hub, tmp_path, "a cat", "--profile", "fake", "--writer", MODEL))
    assert f"limner pull {MODEL}" in said
    assert hub.got == []
    pulled(hub, tmp_path)
    asked = environment(hub, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", OPEN], env=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "someone/tiny" in done.stdout
