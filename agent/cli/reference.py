"""Writes docs/commands.md from the commands: `python -m limner.agent.cli.reference`."""

from __future__ import annotations

from typing import Any

import typer

from limner.agent.cli.main import COMMANDS, command_named

__all__ = ["reference"]

_HEAD = """# Commands

Made from the commands themselves by `python -m limner.agent.cli.reference`. `limner WORDS` is
`limner draw WORDS`; `limner bench` and `limner rate` tell about themselves with `--help`.
"""
_EXIT_CODES = """## Exit codes

| code | meaning |
| --- | --- |
| 0 | a picture was saved, or a brief printed; a conversation was left |
| 1 | a model failed and nothing could be saved; for `reproduce`: not identical; for `batch`: a \
row fell short, failed, was set aside or could not be used; for `audit --strict`: something was \
found; for `doctor`: a model is not here, or they don't fit |
| 2 | something typed, a file or a model's folder is not usable; one line on standard error says \
what to type |
| 3 | the safety policy refused the request, or every picture that came of it |
| 4 | with `--strict`: saved, but not all that was asked is seen in it |
| 130 | interrupted; the best picture so far is saved, if there is one; a batch goes on with the \
same line |
| 143 | a batch that the system ended; it goes on with the same line |
"""


def reference() -> str:
    """The page, in Markdown."""
    names = ("draw", *sorted(COMMANDS))
    apps: dict[str, Any] = {name: command_named(name) for name in names}
    commands: dict[str, Any] = {name: typer.main.get_command(apps[name]) for name in names}
    pages = [_described(name, command) for name, command in commands.items() if not command.hidden]
    return "\n".join([_HEAD, *pages, _EXIT_CODES])


def _described(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    typed = " ".join(["limner", name, *(p.metavar or p.name.upper() for p in arguments)])
    lines = [f"## {name}", "", f"`{typed}`", "", _one_line(command.help), ""]
    rows = [(f"`{p.metavar or p.name.upper()}`", p) for p in arguments if _help(p)]
    rows += [(_spelling(p), p) for p in options if "--help" not in p.opts]
    if rows:
        lines += ["| option | what it does |", "| --- | --- |"]
        lines += [f"| {spelling} | {_help(p)} |" for spelling, p in rows]
        lines.append("")
    return "\n".join(lines)


def _spelling(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return f"`{names}{value}`".replace("|", "\\|")


def _help(param: Any) -> str:
    text = _one_line(getattr(param, "help", "") or "")
    default = param.default
    shown = default is not None and default is not False and getattr(param, "show_default", True)
    return text + (f" [default: {default}]" if shown and not callable(default) else "")


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference())
