"""The pocket world's writer: rules that read English and Chinese, and a small model beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr

from limner.errors import ModelUnusable
from limner.pipelines.pocket.language.dialogues import drawing, turning
from limner.pipelines.pocket.reading.claims import ClaimReply, ReadClaim, row
from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.lines import completed, read_line
from limner.pipelines.pocket.reading.request import drawn, read_request
from limner.pipelines.pocket.reading.steering import names_nothing
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.writer_held import schema_for
from limner.pipelines.writer_local import LocalWriter, open_local_writer

__all__ = ["PocketWriter", "open_pocket_writer", "proposed_call"]

_PIECE = 48  # characters of a streamed piece
_LONGEST = 160  # characters of a line that the model is asked about
_MOST_TOKENS = 96
_MOST_CLAIMS = 16
_CELLS = 5  # of a proposed row: kind, subject, value, object, quote
_MOST_THINGS = 100


class PocketWriter(LocalWriter):
    """Answers the writer's tasks for the small world, by rule wherever the rules can read.

    The model is asked about a line or a request of which the rules can read nothing, and where it
    is spoken to as a chat model; its weights are opened then. The tasks work without it.
    """

    _weights: Path | None = PrivateAttr(default=None)
    _opened: bool = PrivateAttr(default=False)
    _opening: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def world(self) -> SmallWorld:
        """What its painter can show."""
        return SmallWorld()

    @property
    def model(self) -> Any:
        """The small language model, opened when it is first needed."""
        self._open()
        return super().model

    @property
    def device(self) -> str:
        """Where the model computes; the rules need no device."""
        return super().device if self._opened else "cpu"

    def _open(self) -> None:
        if self._opened:
            return
        if self._weights is None:
            raise ModelUnusable(f"The writer {self.name!r} has no weights: it only reads by rule.")
        opened = open_local_writer(self._weights, str(self.name), **self._opening)
        self.hold(opened.model, opened._tokenizer, self._weights, False, opened._reopen)
        self._opened = True

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._open()
        yield from super()._stream(messages, stop, run_manager, **call)

    def later(self, folder: Path, **settings: Any) -> None:
        """Say where the weights are; they are opened when they are needed."""
        self._weights, self._opening = folder, settings

    def write_task(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        """The answer to one task as JSON, in pieces; see `roles.TaskWriter`."""
        answer = json.dumps(self._answer(task, values, seed), ensure_ascii=False)
        for start in range(0, len(answer), _PIECE):
            yield answer[start : start + _PIECE]

    def _answer(self, task: str, values: Mapping[str, Any], seed: int) -> dict[str, Any]:
        if task == "draw":
            return self._draw(values, seed)
        if task == "turn":
            return self._turn(values)
        if task == "describe":
            return self._describe(values)
        return {"prompt": _reworded(values, seed)}

    def _draw(self, values: Mapping[str, Any], seed: int) -> dict[str, Any]:
        request = read_request(str(values.get("request") or ""), seed)
        if request.asked or request.sure or request.foreign:
            return request.answer()
        line = " ".join(str(values["request"]).split())
        rows = _proposed_rows(self._proposed("draw", line, ()), line)
        return drawn(line, rows, seed).answer() if rows else request.answer()

    def _turn(self, values: Mapping[str, Any]) -> dict[str, Any]:
        call = read_line(values)
        if not call.pop("unread", False) or not values.get("claims"):
            return call
        line = " ".join(str(values["line"]).split())
        asked = [claim for claim in values["claims"] if claim.get("source") != "invented"]
        proposed = proposed_call(self._proposed("turn", line, asked), line)
        return completed(proposed, values) if proposed else call

    def _describe(self, values: Mapping[str, Any]) -> dict[str, Any]:
        claims = [_statement(claim) for claim in values.get("claims") or ()]
        absent = [c.subject for c in claims if c.kind == "absent" and c.subject and not c.value]
        return {"prompt": SmallWorld().prompt(claims), "negative": absent}

    def _proposed(self, kind: str, line: str, claims: Sequence[Mapping[str, Any]]) -> str:
        """The model's answer to a line that the rules can't read; "" without a model."""
        if self._weights is None or len(line) > _LONGEST:
            return ""
        stated = [_stated(claim) for claim in claims][:_MOST_CLAIMS]
        told = drawing(line) if kind == "draw" else turning(stated, line)
        schema = schema_for(kind, line, stated)
        said = self.invoke(told, json_schema=schema, temperature=0.0, max_tokens=_MOST_TOKENS)
        return str(said.content)


def _stated(claim: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return str(claim["kind"]), str(claim["subject"]), str(claim["value"]), str(claim["object"])


def _reworded(values: Mapping[str, Any], seed: int) -> str:
    """Other words for the same picture, of its claims where these are told."""
    claims = [_statement(claim) for claim in values.get("claims") or ()]
    return SmallWorld().wording(claims, seed) if claims else str(values.get("prompt") or "")


def _statement(claim: Any) -> ReadClaim:
    """A claim of a task's values."""

    def slot(name: str) -> str:
        found = claim.get(name) if isinstance(claim, Mapping) else getattr(claim, name, "")
        return str(found or "")

    return ReadClaim(*map(slot, ("text", "kind", "subject", "value", "object")))


def open_pocket_writer(folder: Path, name: str, **settings: Any) -> PocketWriter:
    """The pocket writer; its weights in that folder, where there are some, are opened when needed.

    Raises nothing for a folder without weights: the rules work alone.
    """
    lexicon()  # compiled before anyone waits for an answer
    opening = {key: settings.pop(key) for key in ("device", "bits") if key in settings}
    writer = PocketWriter(name=name, **settings)
    if (folder / "config.json").is_file():
        writer.later(folder, **opening)
    return writer


# What the small language model proposes for a line that the rules can't read. Measured on such
# lines, it is right about things that no table knows ("add a zeppelin"), and mostly guesses the
# rest. So only those things count.


def _proposed_rows(answer: str, line: str) -> list[ClaimReply]:
    """The things that a proposed draft asks for and that the line names."""
    return _named_things(_json_object(answer).get("asked"), line)


def proposed_call(answer: str, line: str) -> dict[str, Any] | None:
    """The proposed call, where it is an edit that only adds things that the line names."""
    call = _json_object(answer)
    if call.get("tool") != "edit" or call.get("remove") or call.get("change"):
        return None
    add = _named_things(call.get("add"), line)
    if not add or len(add) < len(call.get("add") or ()):
        return None
    return {"tool": "edit", "add": add, "remove": [], "change": []}


def _json_object(answer: str) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except ValueError:  # cut off: nothing is proposed
        return {}
    return read if isinstance(read, dict) else {}


def _named_things(rows: object, line: str) -> list[ClaimReply]:
    found: list[ClaimReply] = []
    for cells in rows if isinstance(rows, list) else ():
        if isinstance(cells, list) and len(cells) == _CELLS and _plausible(cells, line):
            kind, subject, value, _, quote = map(str, cells)
            found.append({**row(kind, subject, value), "quote": quote})
    return found


def _plausible(cells: Sequence[Any], line: str) -> bool:
    """Whether it counts a thing by its name in the line, which no table knows."""
    kind, subject, value, _, quote = map(str, cells)
    if kind != "count" or not value.isdecimal() or not 0 < int(value) < _MOST_THINGS:
        return False
    named = subject.lower() in quote.lower() and quote in line
    return named and lexicon().noun(subject) is None and not names_nothing(subject)
