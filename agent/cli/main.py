"""The command `limner`: reads what was typed, runs it, and says with a number how it ended."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from limner.agent.cli.audit import audit
from limner.agent.cli.batch import EPILOG, batch
from limner.agent.cli.chat import at_a_terminal, chat
from limner.agent.cli.doctor import calibrate, doctor
from limner.agent.cli.gallery import ArchiveFolder, gallery
from limner.agent.cli.models import models, pull
from limner.agent.cli.options import (
    Budget,
    Explain,
    Json,
    Model,
    Out,
    Profile,
    Seconds,
    Seed,
    Size,
    Takes,
    Writer,
    above_zero,
)
from limner.agent.cli.serve import mcp, serve
from limner.agent.plain import one_line, request_line, uncapped
from limner.agent.tools.arguments import pixels
from limner.errors import INTERRUPTED, BadInput, LimnerError, OutOfMemory

__all__ = [
    "app",
    "main",
]


Form = Literal["screen", "quiet", "json"]
_OTHERS = set(
    "again audit batch calibrate chat doctor gallery mcp models pull serve show train".split()
)
_MORE = """\b
Other commands:
  limner              at a terminal: the same as limner chat
  limner chat         talk about a picture until it is right
  limner show FILE    how a picture came to be
  limner again FILE   paint it once more and compare every pixel
  limner gallery      what was painted so far; as a page with --export
  limner batch FILE   every request in a file, as a folder of pictures
  limner audit FOLDER what a writer did to all the requests of a batch
  limner mcp          be a tool of an assistant, by the Model Context Protocol
  limner calibrate    find out what a critic's numbers are worth
  limner doctor       what this machine has, and where the models would go
  limner models       which painters there are, here and in general
  limner pull MODEL   fetch a model from the hub, after saying what that takes
  limner serve        answer over HTTP, and on a page of your own machine
  limner train PART   train the pocket models
  limner bench        measure limner against other uses of the same budget
  limner rate A B     say which pictures of two folders are better
  limner draw WORDS   the same as limner WORDS

\b
Exit codes:
  0    a picture was saved (or a brief printed)
  1    a model failed and nothing could be saved; again: not identical
  2    something typed, a file or a model's folder is not usable
  3    the safety policy refused it
  4    with --strict: saved, but not all that was asked is seen in it
  130  interrupted; the best take so far is saved, if there is one
"""


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
others = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
others.command()(chat)
# What typer raises for a mistyped line; it exports this class only as the base of another.
_Mistyped = cast("type[typer.BadParameter]", typer.BadParameter.__base__)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"limner {version('limner')}")
        raise typer.Exit


@app.command(epilog=_MORE)
def draw(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="REQUEST", show_default=False, help="What to see, in any language."),
    ] = None,
    seed: Seed = None,
    budget: Budget = None,
    seconds: Seconds = None,
    takes: Takes = None,
    size: Size = None,
    out: Out = Path(),
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    explain: Explain = False,
    no_refine: Annotated[
        bool, typer.Option("--no-refine", help="Paint once; reword nothing.")
    ] = False,
    expand_only: Annotated[
        bool, typer.Option("--expand-only", help="Write the brief; paint nothing.")
    ] = False,
    archive: ArchiveFolder = None,
    no_archive: Annotated[
        bool, typer.Option("--no-archive", help="Keep nothing but the picture.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 unless all that was asked is seen.")
    ] = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the picture's path only.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="And stop.")
    ] = False,
) -> int:
    """Paint what REQUEST says, look at it claim by claim, and paint it better."""
    form: Form = "json" if as_json else "quiet" if quiet else "screen"
    if not words and form == "screen" and not expand_only and at_a_terminal():
        models = (writer, painter, critic)
        return chat(
            seed,
            budget,
            seconds,
            takes,
            size,
            out,
            profile,
            *models,
            explain=explain,
            archive=archive,
            no_archive=no_archive,
        )
    request = request_line(" ".join(words or []))
    shape = pixels(size)
    above_zero(budget=budget, seconds=seconds, takes=takes)
    from limner.agent.cli.draw import DrawRequest, brief_only, draw_and_save

    wish = DrawRequest(
        request=request,
        seed=_seed(request) if seed is None else seed,
        budget=budget,
        seconds=seconds,
        takes=takes,
        size=shape,
        refine=not no_refine,
        out=out,
        archive=archive,
        archived=not no_archive,
        profile=profile,
        models={"writer": writer, "painter": painter, "critic": critic},
        explained=explain,
        strict=strict,
        form=form,
    )
    return brief_only(wish) if expand_only else draw_and_save(wish)


def _seed(request: str) -> int:
    """The seed that was pasted with a request, or another for each time."""
    from limner.agent.syntax.reader import pasted_seed

    seed = pasted_seed(request)
    return int.from_bytes(os.urandom(4), "big") if seed is None else seed


@others.command()
def show(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> int:
    """Tell how the picture in FILE came to be."""
    from limner.agent.cli.draw import tell

    return tell(file, as_json)


@others.command()
def again(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which models, if not those it names.")
    ] = None,
    painter: Model = None,
    as_json: Json = False,
) -> int:
    """Paint the picture in FILE once more and say whether every pixel is the same."""
    from limner.agent.cli.draw import paint_again

    return paint_again(file, profile, painter, as_json)


others.command()(gallery)
others.command(epilog=EPILOG)(batch)
others.command()(audit)
others.command()(calibrate)
others.command()(doctor)
others.command()(mcp)
others.command()(models)
others.command()(pull)
others.command()(serve)


@others.command()
def train(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="world, autoencoder, critic, monitor, painter, repaint, spoil, calibrate, writer, "
            "ship, report, or all of them.",
        ),
    ],
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A YAML file of settings.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for checkpoints, curves and samples.")
    ] = Path("pocket-training"),
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="Stop, ready to go on, after so long.")
    ] = None,
) -> int:
    """Train PART of the pocket models, or all of them, going on from the last checkpoint."""
    above_zero(minutes=minutes)
    from limner.pipelines.pocket import train as training

    training.run(part, settings, out, device, minutes)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `arguments` default to those typed."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    _calm()
    try:
        return _run(typed)
    except LimnerError as error:
        return _refuse(error, "--json" in typed)
    except _Mistyped as error:
        message = error.format_message().rstrip(".")
        return _refuse(BadInput(message, "type limner --help"), "--json" in typed)
    except MemoryError:
        return _refuse(OutOfMemory("the memory is full", "type a smaller --size or --takes"), False)
    except (KeyboardInterrupt, typer.Abort):
        _complain("limner: interrupted — nothing was saved")
        return INTERRUPTED


def _run(typed: list[str]) -> int:
    """Anything that does not start with a command's name is a request to draw."""
    first = typed[0] if typed else ""
    further = None if first in _OTHERS else _further(first)
    if further is not None:
        rest, name = typed[1:], f"limner {first}"
        return int(further(args=rest, prog_name=name, standalone_mode=False) or 0)
    chosen = others if first in _OTHERS else app
    rest = typed[1:] if first == "draw" else typed
    return int(chosen(args=rest, prog_name="limner", standalone_mode=False) or 0)


def _further(word: str) -> Callable[..., Any] | None:
    """The command of that name that another package, or limner's own bench, adds to limner."""
    if not (word.isascii() and word.isidentifier() and word.islower()):
        return None
    from importlib.metadata import entry_points

    found = entry_points(group="limner.commands", name=word)
    return cast("Callable[..., Any]", next(iter(found)).load()) if found else None


def _calm() -> None:
    """Keep the libraries' own bars and warnings off the terminal, unless they are asked for."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="replace")


def _refuse(error: LimnerError, as_json: bool) -> int:
    if as_json:
        from limner.agent.terminal.terminal import say
        from limner.agent.tools.outputs import error_json

        say(error_json(error))
    hint = f" — {uncapped(error.hint)}" if error.hint else ""
    _complain(one_line(f"limner: {uncapped(error.message)}{hint}", 600))
    return error.exit_code


def _complain(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr)
