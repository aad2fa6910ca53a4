"""One worker of a batch as a process of its own: `python -m limner.agent.batch.child FOLDER`.

It tells what happens on standard output, a line of JSON each, and stops when its standard input
is closed: so no worker outlives the command that began it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from limner.agent.batch.group import Rooms
from limner.agent.batch.happenings import Happening
from limner.agent.batch.intake import terms_of
from limner.agent.batch.queue import Queue
from limner.agent.batch.worker import Keeper, work
from limner.agent.view.terminal import kept_clean
from limner.errors import LimnerError

__all__ = ["main", "use_threads"]

_PATIENCE = 30.0  # seconds that a worker may take to stop when nobody waits for it any more


def main() -> int:
    """Work through the batch in the folder that was named; returns the exit code."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command hears Ctrl-C, and closes our input
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output, kept_clean(True):
        try:
            for happening in _worked(Path(sys.argv[1]), stop):
                _say(happening, output, stop)
        except LimnerError as error:
            wrong = {"event": "refused", "error": error.message, "hint": error.hint}
            _say({**wrong, "exit_code": error.exit_code}, output, stop)
            return error.exit_code
    return 0


def _worked(folder: Path, stop: threading.Event) -> Iterator[Happening]:
    with Queue.open(folder) as queue:
        terms = terms_of(queue)
        rooms = Rooms(terms)
        rooms.studio()
        use_threads(terms.threads)
        yield from work(queue, rooms, terms, Keeper(queue, stop))


def _say(happening: Happening, output: IO[str], stop: threading.Event) -> None:
    try:
        print(json.dumps(happening), file=output, flush=True)
    except OSError:  # whoever began this has gone
        stop.set()


def use_threads(number: int) -> None:
    """Have torch use so many threads, if it is in use at all."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(number)


def _listen(stop: threading.Event) -> None:
    """Stop when standard input ends; end by force if that takes too long."""
    while os.read(0, 4096):
        pass
    stop.set()
    threading.Event().wait(_PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
