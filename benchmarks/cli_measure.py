"""The commands `limner bench overhead`, `speed` and `images`: seconds, and distances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.options import Json, Model, Profile

if TYPE_CHECKING:
    from limner.benchmarks.overhead import Figure
    from limner.benchmarks.speed import Gain

__all__ = ["images", "overhead", "speed"]


def overhead(
    repeat: Annotated[int, typer.Option(metavar="N", min=1, help="Runs; the best one counts.")] = 3,
    profile: Profile = "pocket",
    painter: Model = None,
    critic: Model = None,
    inside: Annotated[
        bool, typer.Option("--inside", help="Leave out what starts a process of its own.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Take the agent's time beside diffusers and CLIP by hand, its start, and its memory."""
    import json

    from limner import Studio
    from limner.benchmarks.by_hand import ByHand, weights
    from limner.benchmarks.overhead import from_inside, from_outside
    from limner.benchmarks.report import aligned

    figures = [] if inside else from_outside(repeat, profile)
    hand = ByHand(weights("painter", painter), weights("critic", critic))
    studio = Studio.open(profile, painter=painter, critic=critic)
    figures += from_inside(studio, hand, repeat)
    if as_json:
        print(json.dumps({one.name: one.value for one in figures}))
        return 0
    rows = [[one.name, f"{one.value:.3f}", *_target(one)] for one in figures]
    print(aligned([["figure", "measured", "target", "met"], *rows]))
    return 0


def speed(
    repeat: Annotated[int, typer.Option(metavar="N", min=1, help="Runs; the best one counts.")] = 3,
    profile: Profile = "pocket",
    painter: Model = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Try that too: it takes minutes on a CPU.")
    ] = False,
    attention: Annotated[
        str | None, typer.Option(metavar="NAME", help="Try that backend of diffusers too.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Take the painter's time without and with each setting that is to make it faster."""
    import json
    from dataclasses import asdict

    from limner.benchmarks.report import aligned
    from limner.benchmarks.speed import BATCHES, gains
    from limner.configs import load

    role = load(profile).painter
    spec, settings = (painter, {}) if painter else (role.name, role.settings)
    tried: list[dict[str, object]] = [{"channels_last": True}, {"cache": 0.1}]
    if attention:
        tried.append({"attention": attention})
    if compiled:
        tried.append({"compile": True})
    found = list(gains(spec, settings, tried, repeat))
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return 0
    sizes = [f"{size} at once, ratio" for size in BATCHES]
    head = ["setting", *sizes, "pixels differ by", "first of each, s"]
    print(aligned([head, *map(_gained, found)]))
    return 0


def images(
    one: Annotated[Path, typer.Argument(metavar="A", help="A folder of pictures.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another, real ones for FID.")],
    critic: Model = None,
    inception: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="torch-fidelity's weights; without, no FID and no IS."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Say how far two sets of pictures are apart: CMMD; with Inception's weights, FID and IS."""
    import json

    from limner.benchmarks.by_hand import weights
    from limner.benchmarks.image_metrics import compared

    found = compared(one, other, weights("critic", critic), inception)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    print("\n".join(f"{name:<24} {value:10.4f}" for name, value in found.items()))
    if inception is None:
        print(f"{'FID, IS':<24} {'-':>10}  torch-fidelity's weights are missing: --inception FILE")
    return 0


def _target(figure: Figure) -> tuple[str, str]:
    target = ""
    if figure.most is not None:
        target = f"<= {figure.most:g}"
    elif figure.least is not None:
        target = f">= {figure.least:g}"
    return target, {None: "", True: "yes", False: "no"}[figure.met]


def _gained(gain: Gain) -> list[str]:
    if gain.refused:
        return [gain.setting, gain.refused, "", "", ""]
    ratios = [f"{ratio:.2f}" for ratio in gain.ratios]
    return [gain.setting, *ratios, f"{gain.apart} of 255", f"{gain.first:.1f}"]
