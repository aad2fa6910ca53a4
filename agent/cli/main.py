"""The command `limner`: reads what was typed, runs it, and says with a number how it ended."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from limner.agent.cli.options import (
    ArchiveFolder,
    Budget,
    Explain,
    ImagesPerRound,
    Json,
    Model,
    Out,
    Profile,
    Seconds,
    Seed,
    Size,
    Writer,
    above_zero,
    named,
)
from limner.agent.plain import one_line, request_line, uncapped
from limner.errors import INTERRUPTED, BadInput, LimnerError, OutOfMemory

__all__ = [
    "COMMANDS",
    "app",
    "command_named",
    "main",
]


# Each command's module is imported when the command is typed, and not before.
COMMANDS = {
    "audit": "audit",
    "batch": "batch",
    "calibrate": "doctor",
    "chat": "chat",
    "doctor": "doctor",
    "gallery": "gallery",
    "mcp": "serve",
    "models": "models",
    "pull": "models",
    "reproduce": "show",
    "serve": "serve",
    "show": "show",
    "train": "models",
}
_OLDER = {"again": "reproduce"}
_OLDER_OPTIONS = {"--takes": "--images-per-round"}  # of version 0.1
_SHORTEST_TYPO = 5  # letters: "cat" is a picture, though it is near "chat"
_MORE = """\b
Other commands:
  limner                 at a terminal: the same as limner chat
  limner chat            talk about a picture until it is right
  limner show FILE       how a picture came to be
  limner reproduce FILE  paint it once more and compare every pixel
  limner gallery         what was painted so far; as a page with --export
  limner batch FILE      every request in a file, as a folder of pictures
  limner audit FOLDER    what a writer did to all the requests of a batch
  limner mcp             be a tool of an assistant: the Model Context Protocol
  limner serve           answer over HTTP, and on a page of your own machine
  limner models          which painters there are, and what yours can paint
  limner doctor          what this machine has, and where the models would go
  limner pull MODEL      fetch a model from the hub, after telling its size
  limner calibrate       find out what a critic's numbers are worth
  limner train PART      train the pocket models
  limner bench           measure limner against other uses of the same budget
  limner rate A B        say which pictures of two folders are better
  limner draw WORDS      the same as limner WORDS

\b
Exit codes:
  0    a picture was saved (or a brief printed)
  1    a model failed and nothing could be saved; reproduce: not identical
  2    something typed, a file or a model's folder is not usable
  3    the safety policy refused it
  4    with --strict: saved, but not all that was asked is seen in it
  130  interrupted; the best picture so far is saved, if there is one
"""


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
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
    images_per_round: ImagesPerRound = None,
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
    if not (words or as_json or quiet or expand_only):
        from limner.agent.cli.chat import at_a_terminal, chat

        if at_a_terminal():
            shared = (seed, budget, seconds, images_per_round, size, out, profile, writer, painter)
            return chat(
                *shared, critic=critic, explain=explain, archive=archive, no_archive=no_archive
            )
    request = request_line(" ".join(words or []))
    above_zero(budget=budget, seconds=seconds, images_per_round=images_per_round)
    from limner.agent.cli.draw import DrawRequest, brief_only, draw_and_save
    from limner.agent.search.run import pixels

    asked = DrawRequest(
        request=request,
        seed=_seed(request) if seed is None else seed,
        budget=budget,
        seconds=seconds,
        images_per_round=images_per_round,
        size=pixels(size),
        refine=not no_refine,
        out=out,
        archive=archive,
        archived=not no_archive,
        profile=profile,
        models=named(writer, painter, critic),
        explained=explain,
        strict=strict,
        form="json" if as_json else "quiet" if quiet else "screen",
    )
    return brief_only(asked) if expand_only else draw_and_save(asked)


def _seed(request: str) -> int:
    """The seed that was pasted with a request, or another for each time."""
    from limner.agent.syntax.reader import pasted_seed

    seed = pasted_seed(request)
    return int.from_bytes(os.urandom(4), "big") if seed is None else seed


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
        hint = "type a smaller --size or --images-per-round"
        return _refuse(OutOfMemory("the memory is full", hint), False)
    except (KeyboardInterrupt, typer.Abort):
        _complain("limner: interrupted — nothing was saved")
        return INTERRUPTED


def _run(typed: list[str]) -> int:
    """Anything that does not start with a command's name is a request to draw."""
    options = typed.index("--") if "--" in typed else len(typed)
    for at, word in enumerate(typed[:options]):
        option, equals, value = word.partition("=")
        typed[at] = _OLDER_OPTIONS.get(option, option) + equals + value
    first, rest = (typed[0], typed[1:]) if typed else ("", [])
    if first == "help" and len(rest) < 2:
        return _run([*rest, "--help"])
    command = command_named(_OLDER.get(first, first))
    if command is None:
        _check_typo(typed)
        return int(app(args=typed, prog_name="limner", standalone_mode=False) or 0)
    name = "limner" if first == "draw" else f"limner {first}"
    code = int(command(args=rest, prog_name=name, standalone_mode=False) or 0)
    if first in _OLDER:
        _complain(f"limner: limner {first} is called limner {_OLDER[first]} now")
    return code


def command_named(name: str) -> Callable[..., Any] | None:
    """The command of that name, of limner's own or added by another package; None for a request."""
    if name == "draw":
        return app
    if name in COMMANDS:
        module = import_module(f"limner.agent.cli.{COMMANDS[name]}")
        one = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        one.command(epilog=getattr(module, "EPILOG", None))(getattr(module, name))
        return one
    if not (name.isascii() and name.isidentifier() and name.islower()):
        return None
    from importlib.metadata import entry_points

    found = entry_points(group="limner.commands", name=name)
    return cast("Callable[..., Any]", next(iter(found)).load()) if found else None


def _check_typo(typed: Sequence[str]) -> None:
    """Raises `BadInput` for a single word that is nearly the name of a command."""
    words = [word for word in typed if not word.startswith("-")]
    if len(typed) != 1 or not words or len(words[0]) < _SHORTEST_TYPO:
        return
    if near := get_close_matches(words[0].lower(), COMMANDS, 1, 0.8):
        hint = f"did you mean limner {near[0]}? To paint it, type limner draw {words[0]}"
        raise BadInput(f"there is no command {words[0]!r}", hint)


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
