"""Lets a person change a text in the editor of their choice."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from pathlib import Path

from limner.errors import BadInput

__all__ = ["edited"]


def edited(text: str, editor: str, suffix: str = ".yaml") -> str:
    """The text as the user left it; `editor` is a command line, such as `code --wait`.

    The file lies in a folder that only the user can read, and is gone afterwards. Raises `BadInput`
    when the editor can't be started or says that it failed.
    """
    with tempfile.TemporaryDirectory(prefix="limner-") as folder:
        page = Path(folder) / f"brief{suffix}"
        page.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(editor), str(page)], check=False)
            if done.returncode:
                raise BadInput(f"{editor} ended with {done.returncode}", "nothing was changed")
            return page.read_text(encoding="utf-8")
        except (OSError, ValueError) as problem:
            reason = f"can't edit with {editor!r}: {problem}"
            raise BadInput(
                reason, "set EDITOR to an editor that you have, such as nano"
            ) from problem
