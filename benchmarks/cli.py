"""The command `limner bench`, put together from its parts: comparing, labelling, measuring."""

from __future__ import annotations

import typer

from limner.benchmarks import cli_compare, cli_labels, cli_measure

__all__ = ["bench"]

bench = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Measure limner: against other ways to spend the same budget, and in seconds.",
)

for split in cli_compare.SPLITS:
    bench.command(split.name, help=split.told)(cli_compare.comparing(split))
for command in (
    cli_compare.file,
    cli_compare.report,
    cli_measure.overhead,
    cli_measure.speed,
    cli_measure.images,
    cli_labels.sheets,
    cli_labels.labels,
):
    bench.command()(command)
