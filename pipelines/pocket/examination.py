"""Examines the models that ship, gate by gate, and writes the card that says how they did."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.pipelines import registry
from limner.pipelines.pocket import report
from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.report import Gate
from limner.pipelines.pocket.ship import WEIGHTS

if TYPE_CHECKING:
    from limner.pipelines.roles import Critic, Painter

MEBIBYTE = 2**20
ASKED = 256
"""Scenes that the painter is asked about, for each thing that it is to know."""


def examine(
    out: Path, *, scenes: int = 60, dialogues: int = 60, guidance: float = 3.0
) -> list[Gate]:
    """Measure every gate that needs no exact judge; leaves a sheet and the figures in `out`.

    `scenes` drawn afresh, `dialogues` for each paper of the writer's exam; pictures take 25 steps.
    Takes some minutes on two cores. What the painter gets right: `python -m benchmarks.painted`.
    """
    out.mkdir(parents=True, exist_ok=True)
    painter = registry.open_painter("pocket", {"steps": 25, "guidance": guidance})
    critic = registry.open_critic("pocket", {})
    gates = [
        *_autoencoder(scenes, out),
        *_painter(),
        *_critic(critic, scenes),
        *_detector(scenes),
        *_writer(dialogues, out),
        *_speed(painter, critic, guidance),
        _size(),
    ]
    report.keep(gates, out / "gates.json")
    (out / "gates.md").write_text(report.table(gates) + "\n", encoding="utf-8")
    return gates


def _autoencoder(count: int, out: Path) -> list[Gate]:
    ratio = report.peak_ratio(WEIGHTS, count, out)
    return [Gate("autoencoder", "PSNR of fresh scenes", ">= 28 dB", f"{ratio:.1f} dB", ratio >= 28)]


def _painter() -> list[Gate]:
    """What the painter knows that layout hangs on; half right is chance."""
    import torch
    from diffusers import StableDiffusionPipeline

    from limner.pipelines.pocket.places import KNOWN, knows

    pipe = StableDiffusionPipeline.from_pretrained(
        WEIGHTS / "painter", torch_dtype=torch.float32, safety_checker=None
    )
    found = knows(pipe, ASKED)
    return [
        Gate("painter", said, ">= .80", f"{found[name]:.2f}", found[name] >= 0.8)
        for name, said in KNOWN.items()
    ]


def _critic(critic: Critic, count: int) -> list[Gate]:
    found = report.clean_answers(critic, count)
    name = "critic, drawn scenes"
    return [
        Gate(
            name,
            "area under the ROC curve",
            ">= .98",
            f"{found['area']:.3f}",
            found["area"] >= 0.98,
        ),
        Gate(
            name,
            "false statements that pass",
            "<= 2 %",
            _percent(found["fooled"]),
            found["fooled"] <= 0.02,
        ),
        Gate(name, "true statements that pass", "-", _percent(found["right"]), True),
        Gate(name, "calibration error", "<= .05", f"{found['error']:.3f}", found["error"] <= 0.05),
    ]


def _detector(count: int) -> list[Gate]:
    """How the detector does on drawn scenes; on painted ones: `python -m benchmarks.detector`."""
    found = report.found_answers(registry.open_detector("pocket", {}), count)
    name = "detector, drawn scenes"
    area, false, true = found["area"], found["fooled"], found["right"]
    return [
        Gate(name, "area under the ROC curve", ">= .97", f"{area:.3f}", area >= 0.97),
        Gate(name, "false claims that pass", "<= 5 %", _percent(false), false <= 0.05),
        Gate(name, "true claims that pass", ">= 92 %", _percent(true), true >= 0.92),
    ]


def _writer(count: int, out: Path) -> list[Gate]:
    from limner.pipelines.pocket import writer_exam

    results = writer_exam.examine(WEIGHTS / "writer", count, "cpu", held=count)
    (out / "writer.json").write_text(results.dumps(), encoding="utf-8")
    gates = [
        Gate(
            "writer",
            f"{mark.paper}: kept",
            f">= {mark.gate:.2f}",
            f"{mark.kept:.3f}",
            mark.kept >= mark.gate,
        )
        for mark in results.marks
        if mark.gate
    ]
    held = results.held or 0.0
    return [
        Gate("writer", "valid JSON under the grammar", "100 %", _percent(held), held == 1),
        *gates,
    ]


def _speed(painter: Painter, critic: Critic, guidance: float) -> list[Gate]:
    eight = report.seconds_for(painter, 8, 25, guidance)
    spec = report.development_specs(2, 1)[0]
    picture = report.paint(painter, [canonical(spec)], guidance, 2)[0]
    texts, foils = report.asked(spec)
    look = _quickest(lambda: critic.look([picture] * 8, texts[:8], foils[:8]))
    return [
        Gate(
            "speed",
            "picture of 25 steps in a batch of 8",
            "<= 0.6 s",
            f"{eight:.2f} s",
            eight <= 0.6,
        ),
        Gate(
            "speed",
            f"critique of 8 pictures x {len(texts[:8])} claims",
            "<= 0.1 s",
            f"{look:.3f} s",
            look <= 0.1,
        ),
    ]


def _size() -> Gate:
    size = sum(p.stat().st_size for p in WEIGHTS.rglob("*") if p.is_file()) / MEBIBYTE
    return Gate("size", "all weights", "<= 64 MiB", f"{size:.1f} MiB", size <= 64)


def _quickest(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
