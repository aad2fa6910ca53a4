"""Out of memory, at every stage: less at a time, tiles, from elsewhere, or one line with a cure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL.Image import Image

from limner.agent.studio import Studio
from limner.errors import OutOfMemory
from limner.pipelines.fakes import FakeCritic, FakeWriter
from limner.pipelines.oom import in_parts, is_full, offload
from limner.pipelines.registry import open_critic, open_painter, open_writer
from limner.pipelines.roles import GeneratedImage, ImageRequest, Step


def orders(*seeds: int) -> list[ImageRequest]:
    return [ImageRequest(f"a cat {seed}", seed, 64, 64, 3, 5.0) for seed in seeds]


def finish(painting: Any) -> dict[int, Image]:
    with closing(painting):
        return {done.index: done.picture for done in painting if isinstance(done, GeneratedImage)}


def alike(one: dict[int, Image], other: dict[int, Image], most: int = 2) -> bool:
    pairs = [(np.asarray(one[i], int), np.asarray(other[i], int)) for i in one]
    return one.keys() == other.keys() and all(np.abs(a - b).max() <= most for a, b in pairs)


@pytest.fixture(scope="module")
def painter(tiny: Path) -> Any:
    return open_painter(tiny / "painter", {"device": "cpu", "steps": 3})


@contextmanager
def room_for(part: Any, most: int) -> Iterator[list[int]]:
    """A simulated GPU: the part runs out of memory from `most` rows on. Tells how many came."""
    whole, seen = part.forward, list[int]()

    def tight(rows: torch.Tensor, *given: Any, **named: Any) -> Any:
        seen.append(len(rows))
        if len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return whole(rows, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part, "forward", tight)
        yield seen


def test_fewer_are_painted_together_and_come_out_the_same(painter: Any) -> None:
    whole = finish(painter.paint(orders(1, 2, 3, 4, 5)))
    with room_for(painter._palette.pipe.unet, 4) as seen:  # two pictures, with and without words
        painting = painter.paint(orders(1, 2, 3, 4, 5))
        parts = finish(painting)
    assert alike(whole, parts)
    assert max(seen[1:]) <= 4
    assert seen[0] == 10
    assert painting.spent == pytest.approx(5)


def test_orders_are_dropped_from_any_part(painter: Any) -> None:
    whole = finish(painter.paint(orders(1, 2, 3)))
    painting, pictures = painter.paint(orders(1, 2, 3), preview_every=1), {}
    with room_for(painter._palette.pipe.unet, 2):
        for done in painting:
            if isinstance(done, Step) and done.number == 2 and 0 in done.previews:
                painting.drop(0)
                painting.drop(2)
            elif isinstance(done, GeneratedImage):
                pictures[done.index] = done.picture
    assert alike({1: whole[1]}, pictures)
    assert painting.spent == pytest.approx(2 / 3 + 1)


def test_what_is_known_to_fit_is_not_tried_beyond(tiny: Path, painter: Any) -> None:
    told = {"device": "cpu", "steps": 3, "at_once": 2}
    few: Any = open_painter(tiny / "painter", told)
    with room_for(few._palette.pipe.unet, 99) as seen:
        assert alike(finish(painter.paint(orders(1, 2, 3))), finish(few.paint(orders(1, 2, 3))))
    assert seen == [4, 4, 4, 2, 2, 2]
    large = ImageRequest("a cat", 1, 128, 128, 3, 5.0)
    assert few.paint([large])._most == 1  # four times the area


def test_decoding_one_by_one_loses_nothing_that_was_denoised(painter: Any) -> None:
    whole, eyes = finish(painter.paint(orders(1, 2))), painter._palette.pipe.vae
    with room_for(eyes.decoder, 1) as seen, room_for(painter._palette.pipe.unet, 99) as steps:
        assert alike(whole, finish(painter.paint(orders(1, 2))))
    assert seen == [2, 1, 1]
    assert len(steps) == 3
    assert not eyes.use_slicing
    assert not eyes.use_tiling


def test_then_in_tiles(painter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    eyes = painter._palette.pipe.vae
    with room_for(eyes.decoder, 0):
        monkeypatch.setattr(eyes, "_tiled_decode", lambda rows: torch.zeros(1, 3, 64, 64))
        assert len(finish(painter.paint(orders(1)))) == 1


def test_then_it_is_offloaded_and_then_that_request_fails_alone(
    painter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finish(painter.paint(orders(1)))
    palette, eased = painter._palette, list[str]()
    monkeypatch.setattr(palette, "where", torch.device("cuda"))
    told = "limner.pipelines.diffusers_pipes.offload"
    monkeypatch.setattr(told, lambda pipe, where, how: eased.append(how))
    with room_for(palette.pipe.unet, 0), pytest.raises(OutOfMemory) as caught:
        finish(painter.paint(orders(1)))
    assert eased == ["model", "group"]
    assert "smaller --size" in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
    monkeypatch.setattr(palette, "offload", "")
    assert alike(before, finish(painter.paint(orders(1))), 0)  # the next one is painted


@pytest.mark.parametrize("how", ["model", "group"])
def test_offloaded_pipelines_paint_the_same(how: str, tiny: Path, painter: Any) -> None:
    """Between a CPU and itself: accelerate's hooks and diffusers' groups are real."""
    moved: Any = open_painter(tiny / "painter", {"device": "cpu", "steps": 3})
    offload(moved._palette.pipe, torch.device("cpu"), how)
    assert alike(finish(painter.paint(orders(1, 2))), finish(moved.paint(orders(1, 2))), 0)


def test_a_request_that_finds_no_memory_says_so_in_one_line(painter: Any) -> None:
    studio = Studio(FakeWriter(), painter, FakeCritic())
    with room_for(painter._palette.pipe.unet, 0), pytest.raises(OutOfMemory, match="single"):
        studio.imagine("a red cat", seed=1, images_per_round=2, budget=2)
    assert studio.imagine("a red cat", seed=1, images_per_round=2, budget=2, refine=False).best


def test_a_critic_looks_at_fewer_at_a_time(tiny: Path) -> None:
    critic: Any = open_critic(tiny / "clip", {"device": "cpu"})
    from PIL import Image as images

    seen = [images.new("RGB", (40, 40), colour) for colour in ("red", "green", "blue")]
    whole = critic.look(seen, ["a cat"], [["a dog", "a car"]])
    critic._texts.clear()
    with room_for(critic._model.vision_model.embeddings, 1):
        assert critic.look(seen, ["a cat"], [["a dog", "a car"]]) == [
            pytest.approx(row, abs=1e-4) for row in whole
        ]
    with room_for(critic._model.vision_model.embeddings, 0), pytest.raises(OutOfMemory) as caught:
        critic.look(seen, ["a cat"], [["a dog", "a car"]])
    assert "--critic" in caught.value.hint


def test_a_writer_without_memory_gives_way_to_the_users_words(tiny: Path) -> None:
    writer: Any = open_writer(tiny / "writer", {"device": "cpu", "max_new_tokens": 4})
    with pytest.MonkeyPatch.context() as patch:

        def full(*_: Any, **__: Any) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

        patch.setattr(writer._model, "forward", full)
        with pytest.raises(OutOfMemory, match="The writer ran out"):
            writer.invoke("a cat")
        studio = Studio(writer, open_painter("fake", {}), FakeCritic())
        result = studio.imagine("a red cat", seed=1, budget=1, images_per_round=1)
    assert result.best
    assert any("ran out of memory" in note for note in result.notes)


def test_opening_without_memory_is_told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", full)
    with pytest.raises(OutOfMemory, match="no memory to open the writer") as caught:
        open_writer(tiny / "writer", {"device": "cpu"})
    assert "limner doctor" in caught.value.hint


def test_parts_grow_smaller_where_memory_runs_out() -> None:
    def work(items: Any) -> int:
        if len(items) > 2:
            raise MemoryError
        return len(items)

    assert list(in_parts(work, range(7), 5)) == [2, 2, 2, 1]
    assert list(in_parts(work, [], 5)) == []
    with pytest.raises(ZeroDivisionError):
        list(in_parts(lambda items: 1 // 0, [1, 2], 2))


def test_what_counts_as_full() -> None:
    told = "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"
    assert is_full(RuntimeError(told))
    assert is_full(MemoryError())
    assert is_full(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_full(RuntimeError("the shapes do not match"))
    assert not is_full(ValueError("out of memory"))


LIMITED = """
import resource, sys
import torch
torch.set_num_threads(1)
from limner.errors import OutOfMemory
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import GeneratedImage, ImageRequest
painter = open_painter(sys.argv[1], {"device": "cpu"})
eyes = painter._palette.pipe.vae
slowly = eyes.enable_slicing
eyes.enable_slicing = lambda: (print("one by one"), slowly())
def paint(size, seeds):
    orders = [ImageRequest("a cat", seed, size, size, 1, 5.0) for seed in seeds]
    return sum(isinstance(done, GeneratedImage) for done in painter.paint(orders))
paint(64, [1])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for spare in (90, 60, 40, 25, 15, 8, 4, 0):
    resource.setrlimit(resource.RLIMIT_AS, (used + (spare << 20), -1))
    try:
        print("painted", paint(512, range(4)))
    except OutOfMemory as problem:
        print(problem.message, problem.hint)
        break
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
print("painted", paint(64, [1, 2]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs /proc")
def test_a_process_with_little_room_makes_do_or_says_so(tiny: Path) -> None:
    """Four pictures decoded at once take some 120 MiB, one takes some 70; how much is to spare
    beside them is the machine's: so the room shrinks until even one is too much."""
    command = [sys.executable, "-c", LIMITED, str(tiny / "painter")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    *lines, last, after = done.stdout.splitlines()
    assert ("one by one", "painted 4") in pairwise(lines)
    assert "The painter ran out" in last and "limner doctor" in last
    assert after == "painted 2"
