"""Shows how a critic is calibrated, and keeps what was found beside its profile."""

from __future__ import annotations

from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from limner import configs
from limner.agent.archive import whole
from limner.agent.looking.calibrating import calibrate, requests_in
from limner.agent.plain import one_line
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.platt import Curve

__all__ = ["calibrated"]


def calibrated(profile: str, requests: Path | None, passing: float, seed: int, out: Path) -> int:
    """Runs `calibrate`, prints the curves and writes the profile with them to a new file."""
    if out.suffix not in {".yaml", ".yml"}:
        raise BadInput("The profile's name must end in .yaml.", "For instance: --out mine.yaml")
    wishes = requests_in(requests) if requests else []
    console = Console(stderr=True)
    curves: dict[str, Curve] = {}
    for found in calibrate(Studio.open(profile), wishes, seed=seed, passing=passing):
        if isinstance(found, dict):
            curves = found
        else:
            console.print(f"looked at: {one_line(found.brief.request)}", markup=False)
    chosen = configs.load(profile).model_dump(mode="json", exclude_defaults=True)
    chosen["calibration"] = {kind: [round(v, 4) for v in c] for kind, c in curves.items()}
    text = yaml.safe_dump(chosen, allow_unicode=True, sort_keys=False)
    path = whole.write_new(out, text.encode())
    console.print(_table(curves))
    print(path)
    return 0


def _table(curves: dict[str, Curve]) -> Table:
    """For each kind of claim, what the critic has to say from now on for it to hold."""
    table = Table("claims of", "hold from", "instead of")
    for kind, curve in sorted(curves.items()):
        needed = 1 - Curve(1.0, curve.shift)(0.5)
        table.add_row(kind, f"{needed:.2f}", "0.50")
    return table
