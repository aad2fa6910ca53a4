"""What can go wrong in a way the user can mend: one line of what happened, one of what to type."""

from __future__ import annotations

INTERRUPTED = 130
"""What a command returns to the shell after Ctrl-C."""


class LimnerError(Exception):
    """The one family of errors that limner raises on purpose.

    `message` says what happened, `hint` what to type or do about it; `exit_code` is what the
    command returns to the shell.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(LimnerError):
    """The request, an option or a file is not usable as given."""

    exit_code = 2


class ModelUnusable(LimnerError):
    """A model cannot be opened: missing, corrupt, of an unknown kind, or not to be trusted."""

    exit_code = 2


class ModelFailed(LimnerError):
    """A model was open and broke while it worked."""


class Blocked(LimnerError):
    """The safety policy refuses what was asked for, or every picture that came of it."""

    exit_code = 3


class OutOfMemory(ModelFailed):
    """There was not enough memory, though all that saves some was tried; smaller things may fit."""


class Busy(LimnerError):
    """Too much is waiting for the models already."""


class Cancelled(LimnerError):
    """It was stopped before there was anything to keep."""

    exit_code = INTERRUPTED


class MissingExtra(LimnerError):
    """A feature needs a package that is not installed; the hint names the extra."""

    exit_code = 2
