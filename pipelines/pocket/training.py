"""What every training run shares: its clock, learning rate, log, loss curve and checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import torch


class TrainingRun:
    """One resumable run: iterate over it for step numbers until its steps or minutes are spent.

    The learning rate warms up over `warmup` steps, then falls along a half cosine to nothing at the
    end, whichever of `steps` and `minutes` (of this sitting) comes first. `save` is called with the
    run's folder every `every` minutes and at the end.
    """

    def __init__(  # noqa: PLR0913
        self,
        out: Path,
        optimizer: torch.optim.Optimizer,
        save: Callable[[Path], None],
        *,
        steps: int,
        minutes: float | None = None,
        warmup: int = 200,
        every: float = 5.0,
    ) -> None:
        self.out, self.optimizer, self.save = out, optimizer, save
        self.steps, self.minutes, self.warmup, self.every = steps, minutes, warmup, every
        self.peak = [group["lr"] for group in optimizer.param_groups]
        self.step = 0
        self.history: list[dict[str, float]] = []
        out.mkdir(parents=True, exist_ok=True)
        self._resume()

    def __iter__(self) -> Iterator[int]:
        self._start, self._saved, first = time.monotonic(), time.monotonic(), self.step
        while self.done < 1.0:
            self._set_rate(self.step - first)
            yield self.step
            self.step += 1
            if time.monotonic() - self._saved > self.every * 60:
                self.checkpoint()
        self.checkpoint()

    @property
    def done(self) -> float:
        """The share of the run that is over, 0..1."""
        spent = (time.monotonic() - self._start) / 60
        return max(self.step / self.steps, spent / self.minutes if self.minutes else 0.0)

    def log(self, **figures: float) -> None:
        """Keep a row of figures for the curve, and print it."""
        row = {"step": float(self.step), "minutes": (time.monotonic() - self._start) / 60} | figures
        self.history.append(row)
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def checkpoint(self) -> None:
        """Write the model, the optimizer's moments, the log and its curve."""
        self.save(self.out)
        write_moments(self.optimizer, self.out / "moments.safetensors")
        (self.out / "run.json").write_text(json.dumps({"step": self.step}))
        curve(self.history, self.out / "curve.png")
        self._saved = time.monotonic()

    def _set_rate(self, taken: int) -> None:
        warm = min(1.0, (taken + 1) / self.warmup)
        fall = 0.5 + 0.5 * math.cos(math.pi * min(1.0, self.done))
        for group, peak in zip(self.optimizer.param_groups, self.peak, strict=True):
            group["lr"] = peak * warm * fall

    def _resume(self) -> None:
        mark = self.out / "run.json"
        if mark.exists():
            self.step = int(json.loads(mark.read_text())["step"])
            if (self.out / "moments.safetensors").exists():
                read_moments(self.optimizer, self.out / "moments.safetensors")
        log = self.out / "log.jsonl"
        if log.exists():
            self.history = [json.loads(line) for line in log.read_text().splitlines()]


def fast_autocast(device: str) -> torch.autocast:
    """bfloat16 where the processor multiplies it fast: on a GPU, and on a CPU with AVX-512 BF16."""
    import torch

    from limner.pipelines.pocket.muon import has_fast_bfloat16

    kind = device.split(":")[0]
    return torch.autocast(kind, torch.bfloat16, enabled=has_fast_bfloat16(torch.device(device)))


def write_moments(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Adam's two moments of every parameter, as safetensors in the parameters' order."""
    from safetensors.torch import save_file

    moments = {
        f"{number}.{name}": value.contiguous()
        for number, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state[parameter].items()
    }
    save_file(moments, path)


def read_moments(optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Give an optimizer back the moments that `write_moments` kept."""
    from safetensors.torch import load_file

    kept = load_file(path)
    for number, parameter in enumerate(_parameters(optimizer)):
        names = ("step", "exp_avg", "exp_avg_sq")
        state = {name: kept[f"{number}.{name}"] for name in names if f"{number}.{name}" in kept}
        for name in state:
            # A fused optimizer counts its steps on the device, the others on the CPU.
            if name != "step" or optimizer.defaults.get("fused"):
                state[name] = state[name].to(parameter.device)
        if state:
            optimizer.state[parameter] = state


def curve(history: list[dict[str, float]], path: Path, size: tuple[int, int] = (640, 320)) -> None:
    """Draw each logged figure over the steps, on a log scale, as a PNG that a person can read."""
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    names = sorted({name for row in history for name in row} - {"step", "minutes"})
    inks = ("#c0392b", "#2980b9", "#27ae60", "#8e44ad", "#e67e22", "#16a085")
    for number, name in enumerate(names):
        points = [(row["step"], row[name]) for row in history if row.get(name, 0) > 0]
        if len(points) > 1:
            draw.line(_plotted(points, size), fill=inks[number % len(inks)], width=2)
        last = f"{name} {points[-1][1]:.4g}" if points else name
        draw.text((size[0] - 160, 8 + 14 * number), last, fill=inks[number % len(inks)])
    picture.save(path)


def _plotted(points: list[tuple[float, float]], size: tuple[int, int]) -> list[tuple[float, float]]:
    steps = [p[0] for p in points]
    heights = [math.log(p[1]) for p in points]
    wide, low = max(steps) - min(steps) or 1.0, min(heights)
    tall = max(heights) - low or 1.0
    return [
        (
            10 + (size[0] - 20) * (s - steps[0]) / wide,
            size[1] - 10 - (size[1] - 20) * (h - low) / tall,
        )
        for s, h in zip(steps, heights, strict=True)
    ]


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.nn.Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]
