"""The writer's corpus as rows of tokens, drawn by all processors and kept on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.language.dialogues import Dialogue, dialogue
from limner.pipelines.pocket.writer_tokens import END, PAD, USER, WRITER

ROW = 512
CHUNK = 4000  # dialogues that one process draws and packs at a time
OPEN_ROWS = 24


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows of `ROW` tokens; `parts` numbers the dialogues in each row, twice the number where the
    token is the writer's to say, minus one where it is the user's; 0 is padding.
    """

    tokens: NDArray[np.uint16]
    parts: NDArray[np.uint8]


def texts(seed: int, count: int) -> Iterator[str]:
    """Human texts and answers, to learn tokens from."""
    for number in range(count):
        one = dialogue(Random(f"tokens:{seed}:{number}"))
        yield one.human
        yield one.answer


def corpus(folder: Path, count: int, seed: int, workers: int) -> Corpus:
    """The rows of that many dialogues in the tokens of the folder's `tokenizer.json`.

    They are drawn once and kept beside it; another tokenizer means other rows.
    """
    tokens = folder / "tokenizer.json"
    mark = sha256(tokens.read_bytes()).hexdigest()[:12]
    path = folder / f"corpus-{count}-{seed}-{mark}.npz"
    if path.exists():
        kept = np.load(path)
        return Corpus(kept["tokens"], kept["parts"])
    jobs = [(str(tokens), seed, at, min(CHUNK, count - at)) for at in range(0, count, CHUNK)]
    if workers < 2:
        packed = [pack(job) for job in jobs]
    else:
        with get_context("spawn").Pool(workers) as pool:
            packed = list(pool.imap(pack, jobs))
    whole = Corpus(np.concatenate([p[0] for p in packed]), np.concatenate([p[1] for p in packed]))
    np.savez(path, tokens=whole.tokens, parts=whole.parts)
    return whole


def pack(job: tuple[str, int, int, int]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Draw some dialogues and lay them into rows, each where it fits first."""
    from tokenizers import Tokenizer

    kept, seed, first, count = job
    tokenizer = Tokenizer.from_file(kept)
    tokenizer.encode_special_tokens = True
    rows: list[tuple[list[int], list[int]]] = []
    for number in range(first, first + count):
        said, answer = encoded(tokenizer, dialogue(Random(f"{seed}:{number}")))
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
    return tokens, parts


def encoded(tokenizer: Any, one: Dialogue) -> tuple[list[int], list[int]]:
    """The tokens of what the user says, up to the writer's turn, and those of the answer."""
    user, writer, end = (tokenizer.token_to_id(t) for t in (USER, WRITER, END))
    said = tokenizer.encode(one.human, add_special_tokens=False).ids
    answer = tokenizer.encode(one.answer, add_special_tokens=False).ids
    return [user, *said, writer], [*answer, end]
