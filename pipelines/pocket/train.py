"""The commands that make the pocket models, from drawing the world to the last checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import yaml

from limner.errors import BadInput
from limner.pipelines.loading import hushed
from limner.pipelines.pocket.ship import WEIGHTS, ship, take_out

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny
    from transformers import CLIPTokenizer

    from limner.pipelines.pocket.dataset import Drawn

Settings = dict[str, Any]


def run(
    part: str,
    settings: Path | None = None,
    out: Path = Path("pocket-training"),
    device: str = "cpu",
    minutes: float | None = None,
) -> None:
    """Train one part of the pocket suite, or `all`, going on from the last checkpoint in `out`.

    `minutes` bounds this sitting; the learning rate falls to nothing at its end. Raises `BadInput`
    for an unknown part, an unusable device, or when a part that it builds on is missing.
    """
    if part not in PARTS:
        raise BadInput(f"There is no part called {part}.", f"Choose from: {', '.join(PARTS)}.")
    prepare(device)
    with hushed("transformers", "diffusers"):
        _run(part, settings_of(part, settings, device), out, device, minutes)


def _run(part: str, settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    """Train from `out`'s own checkpoint, else from what ships, unless `fresh` asks for neither."""
    if not settings.pop("fresh", False):
        take_out(part, out)
    PARTS[part](settings, out, device, minutes)


def prepare(device: str) -> None:
    """Set torch up for training: no denormals, and fast matrix products where they exist."""
    import torch

    if device != "cpu" and not torch.cuda.is_available():
        raise BadInput(f"This torch sees no {device} device.", "Train with --device cpu.")
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def settings_of(part: str, path: Path | None, device: str) -> Settings:
    """A part's settings: the file given, or the one that ships; `cuda:` overrides on a GPU."""
    shipped = files(__package__).joinpath("settings", f"{part}.yaml")
    source = path or shipped
    if path is None and not shipped.is_file():
        return {}
    settings: Settings = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
    on_gpu = settings.pop("cuda", {})
    return settings | on_gpu if device != "cpu" else settings


def tokenizer_in(out: Path) -> CLIPTokenizer:
    """The tokenizer of painter and critic: that which ships, else one grown on first use."""
    from transformers import CLIPTokenizer

    from limner.pipelines.pocket.tokens import grow_tokenizer

    folder, shipped = out / "tokenizer", WEIGHTS / "painter" / "tokenizer"
    if not folder.exists():
        if not shipped.exists():
            return grow_tokenizer(folder)
        copytree(shipped, folder)

    return CLIPTokenizer.from_pretrained(folder)


def drawn_in(out: Path) -> Drawn:
    """The data set of an earlier `world`."""
    from limner.pipelines.pocket.dataset import open_drawn

    if not (out / "world" / "pictures.npy").exists():
        raise BadInput("The world is not drawn yet.", f"limner train world --out {out}")
    return open_drawn(out / "world")


def autoencoder_in(out: Path, device: str) -> AutoencoderTiny:
    """The autoencoder of an earlier sitting, ready for use."""
    from diffusers import AutoencoderTiny

    folder = out / "autoencoder"
    if not (folder / "config.json").exists():
        raise BadInput("There is no autoencoder yet.", f"limner train autoencoder --out {out}")
    return AutoencoderTiny.from_pretrained(folder).to(device).eval()


def _world(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    import os

    from limner.pipelines.pocket.dataset import build

    tokenizer_in(out)
    build(out / "world", tokenizer=out / "tokenizer", workers=os.cpu_count() or 1, **settings)


def _autoencoder(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket import autoencoder

    autoencoder.train(
        drawn_in(out), out / "autoencoder", device=device, minutes=minutes, **settings
    )


def _critic(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    _train_critic("critic", settings, out, device, minutes)


def _monitor(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    _train_critic("monitor", settings, out, device, minutes)


def _train_critic(
    name: str, settings: Settings, out: Path, device: str, minutes: float | None
) -> None:
    from limner.pipelines.pocket import critic, spoil, wear

    shape = critic.CriticShape(**settings.pop("shape", {}))
    critic.train(
        spoil.with_faults(drawn_in(out), out),
        tokenizer_in(out),
        out / name,
        worn=wear.by_autoencoder(autoencoder_in(out, device), device),
        device=device,
        minutes=minutes,
        shape=shape,
        **settings,
    )


def _painter(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket import painter
    from limner.pipelines.pocket.autoencoder import latents_of
    from limner.pipelines.pocket.lessons import Lessons

    drawn, model, tokenizer = drawn_in(out), autoencoder_in(out, device), tokenizer_in(out)
    latents = latents_of(model, drawn, device, out)
    scale = 1 / float(latents[:4096].float().std())
    model.register_to_config(scaling_factor=scale)
    shape = painter.PainterShape(**{k: _tupled(v) for k, v in settings.pop("shape", {}).items()})
    painter.train(
        Lessons(latents.mul_(scale), drawn, tokenizer),
        model,
        tokenizer,
        out / "painter",
        device=device,
        minutes=minutes,
        shape=shape,
        **settings,
    )


def _repaint(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket.repaint import repaint

    repaint(drawn_in(out), tokenizer_in(out), out, device, **settings)


def _spoil(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket.spoil import spoil

    spoil(out, tokenizer_in(out), autoencoder_in(out, device), device, **settings)


def _label(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    """Draw and paint the detector's lessons; `minutes` bounds the painting."""
    import torch
    from diffusers import StableDiffusionPipeline

    from limner.pipelines.pocket import detector_lessons

    folder = out / "painter" if (out / "painter" / "model_index.json").exists() else None
    pipe = StableDiffusionPipeline.from_pretrained(
        folder or WEIGHTS / "painter", safety_checker=None, torch_dtype=torch.float32
    )
    seed = settings.get("seed", 5)
    detector_lessons.draw_lessons(out, pipe.vae, settings.get("drawn", 9_000), seed)
    detector_lessons.paint_lessons(out, pipe, settings.get("painted", 6_000), seed + 1, minutes)


def _detector(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket import detector, detector_lessons

    folders = [out / name for name in (detector_lessons.DRAWN, detector_lessons.PAINTED)]
    if not all((folder / "done.json").exists() for folder in folders):
        raise BadInput(
            "There are no lessons for a detector yet.", f"limner train label --out {out}"
        )
    critic = out / "critic" if (out / "critic" / "config.json").exists() else WEIGHTS / "critic"
    drawn, painted = map(detector_lessons.open_marked, folders)
    detector.train(
        drawn, painted, critic, out / "detector", device=device, minutes=minutes, **settings
    )


def _calibrate(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket.calibrating import curves

    found = curves(out, tokenizer_in(out), device, settings.get("count", 400))
    rows = {kind: [round(value, 3) for value in curve] for kind, curve in found.items()}
    (out / "calibration.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")


def _writer(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket import writer

    steps, seed = settings.pop("steps", 20_000), settings.pop("seed", 0)
    shape = writer.WriterSettings(**settings, inner=settings.get("width", 256) * 11 // 4)
    writer.train(out / "writer", device, minutes, steps, seed, shape)


def _ship(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    ship(out)


def _report(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    from limner.pipelines.pocket.examination import examine

    examine(out / "report", **settings)


def _all(settings: Settings, out: Path, device: str, minutes: float | None) -> None:
    for part in (
        "world",
        "autoencoder",
        "critic",
        "monitor",
        "painter",
        "label",
        "detector",
        "writer",
    ):
        _run(part, settings_of(part, None, device), out, device, minutes)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


PARTS: dict[str, Callable[[Settings, Path, str, float | None], None]] = {
    "world": _world,
    "autoencoder": _autoencoder,
    "critic": _critic,
    "monitor": _monitor,
    "painter": _painter,
    "repaint": _repaint,
    "spoil": _spoil,
    "label": _label,
    "detector": _detector,
    "calibrate": _calibrate,
    "writer": _writer,
    "ship": _ship,
    "report": _report,
    "all": _all,
}


def main() -> None:
    """Train a part where `limner` itself is not installed, only torch and the models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--out", type=Path, default=Path("pocket-training"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    run(given.part, given.settings, given.out, given.device, given.minutes)


if __name__ == "__main__":
    main()
