"""Reads requests from a Parquet file, some hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from limner.agent.batch.columns import field_of
from limner.agent.batch.reading_text import Record, text_of
from limner.agent.plain import first_line, one_line
from limner.errors import BadInput, MissingExtra

__all__ = ["from_parquet", "parquet"]

_ROWS = 512


def from_parquet(stream: IO[bytes]) -> Iterator[Record]:
    """The rows of a Parquet file; their lines are their numbers, 1-based.

    Raises `BadInput` for a file that is none or has no column of requests, and `MissingExtra`.
    """
    pyarrow = parquet()
    from pyarrow import ArrowException

    number = 0
    try:
        table = pyarrow.ParquetFile(stream)
        names = [name for name in table.schema_arrow.names]
        if not any(field_of(name) == "request" for name in names):
            shown = ", ".join(one_line(name, 40) for name in names[:8])
            raise BadInput(f"no column is called request, but: {shown}", "name one request")
        for batch in table.iter_batches(batch_size=_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield Record(number, {name: text_of(cell) for name, cell in cells.items()})
    except (ArrowException, OSError, ValueError) as problem:  # some of pyarrow's are only these
        raise BadInput(
            f"that Parquet file can't be read: {first_line(problem)}", "write it anew, or as CSV"
        ) from None


def parquet() -> Any:
    """pyarrow's Parquet; raises `MissingExtra` where it is not installed."""
    try:
        from pyarrow import parquet as found
    except ImportError as problem:
        raise MissingExtra(
            "Parquet needs a package that is not installed", "pip install 'limner[parquet]'"
        ) from problem
    return found
