"""The writer's lessons: dialogues drawn anew for every step, as rows of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.language.dialogues import Dialogue, dialogue
from limner.pipelines.pocket.writer_tokens import END, PAD, USER, WRITER

ROW = 256
CHUNK = 2000  # dialogues that are drawn and packed at a time
OPEN_ROWS = 24


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of `ROW` tokens; `parts` numbers the dialogues in each row, twice the number where the
    token is the writer's to say, minus one where it is the user's; 0 is padding.
    """

    tokens: NDArray[np.uint16]
    parts: NDArray[np.uint8]


def texts(seed: int, number: int) -> Iterator[str]:
    """Human texts and answers, to learn tokens from."""
    for at in range(number):
        one = dialogue(Random(f"tokens:{seed}:{at}"))
        yield one.human
        yield one.answer


def batches(tokenizer: Path, seed: int, first: int, size: int, workers: int) -> Iterator[TokenRows]:
    """Batches of so many rows without end, from the dialogues of chunk `first` on, none twice."""
    jobs = ((str(tokenizer), seed, chunk * CHUNK, CHUNK) for chunk in count(first))
    if workers < 2:
        yield from _dealt(map(pack, jobs), size)
    else:
        with get_context("spawn").Pool(workers) as pool:
            yield from _dealt(
                (rows for job in jobs for rows in pool.imap(pack, _split(job, workers))), size
            )


def pack(job: tuple[str, int, int, int]) -> TokenRows:
    """Draw some dialogues and lay them into rows, each where it fits first."""
    from tokenizers import Tokenizer

    kept, seed, first, number = job
    tokenizer = Tokenizer.from_file(kept)
    tokenizer.encode_special_tokens = True
    rows: list[tuple[list[int], list[int]]] = []
    for at in range(first, first + number):
        said, answer = encoded(tokenizer, dialogue(Random(f"{seed}:{at}")))
        length = len(said) + len(answer)
        if length > ROW:
            continue
        row = next((r for r in rows[-OPEN_ROWS:] if len(r[0]) + length <= ROW), None)
        if row is None:
            row = ([], [])
            rows.append(row)
        part = row[1][-1] + 2 if row[1] else 2
        row[0].extend([*said, *answer])
        row[1].extend([part - 1] * len(said) + [part] * len(answer))
    tokens = np.full((len(rows), ROW), tokenizer.token_to_id(PAD), dtype=np.uint16)
    parts = np.zeros((len(rows), ROW), dtype=np.uint8)
    for at, (ids, numbers) in enumerate(rows):
        tokens[at, : len(ids)] = ids
        parts[at, : len(numbers)] = numbers
    return TokenRows(tokens, parts)


def encoded(tokenizer: Any, one: Dialogue) -> tuple[list[int], list[int]]:
    """The tokens of what the user says, up to the writer's turn, and those of the answer."""
    user, writer, end = (tokenizer.token_to_id(t) for t in (USER, WRITER, END))
    said = tokenizer.encode(one.human, add_special_tokens=False).ids
    answer = tokenizer.encode(one.answer, add_special_tokens=False).ids
    return [user, *said, writer], [*answer, end]


def _split(job: tuple[str, int, int, int], workers: int) -> list[tuple[str, int, int, int]]:
    kept, seed, first, number = job
    share = -(-number // workers)
    return [(kept, seed, first + at, min(share, number - at)) for at in range(0, number, share)]


def _dealt(chunks: Iterable[TokenRows], size: int) -> Iterator[TokenRows]:
    """The rows of each chunk in batches; a rest too small for one is left out."""
    for rows in chunks:
        for at in range(0, len(rows.tokens) - size + 1, size):
            yield TokenRows(rows.tokens[at : at + size], rows.parts[at : at + size])
