"""The corpus that teaches the pocket writer: what people say, and the JSON to answer with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from limner.pipelines.pocket.language.annotated_text import Row
from limner.pipelines.pocket.language.lexicon import ENGLISH, LANGUAGES, pick, table
from limner.pipelines.pocket.language.picture import SPEAKERS
from limner.pipelines.pocket.language.scene_requests import (
    RequestedThing,
    SceneRequest,
    described,
    scene_request,
    several,
)
from limner.pipelines.pocket.language.turns import turned

KINDS = ("draw", "turn")
SHARES = (45, 55)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One exchange: its kind, the line that was typed, and the JSON to answer with.

    `stated` is what was stated before of the picture that the line is about.
    """

    kind: str
    language: str
    line: str
    answer: str
    stated: tuple[Row, ...] = ()

    @property
    def human(self) -> str:
        """The line and what was stated before, as the writer is given them."""
        return drawing(self.line) if self.kind == "draw" else turning(self.stated, self.line)


def dialogue(chance: Random, kind: str = "", language: str = "", exam: bool = False) -> Dialogue:
    """One exchange of the corpus; the same for the same state of `chance`.

    Without a kind or a language, they are drawn as training wants them. `exam` uses wordings and
    names that training never sees.
    """
    kind = kind or chance.choices(KINDS, SHARES)[0]
    language = language or chance.choice(LANGUAGES)
    if kind == "draw":
        text, answer = _draw(chance, language, exam)
        return Dialogue(kind, language, text, dumps(answer))
    rows, line, call = _turn(chance, language, exam)
    return Dialogue(kind, language, line, dumps(call), tuple(rows))


def drawing(request: str) -> str:
    """A request as the writer is given it."""
    return f"draw: {' '.join(request.split())}"


def turning(rows: Sequence[Row], line: str) -> str:
    """What is stated of a picture, and a line about it, as the writer is given them."""
    stated = [" ".join(part for part in (str(at), *row) if part) for at, row in enumerate(rows, 1)]
    return "\n".join(["turn:", *stated, f"line: {' '.join(line.split())}"])


def dumps(answer: dict[str, Any]) -> str:
    """Compact JSON."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _draw(chance: Random, language: str, exam: bool) -> tuple[str, dict[str, Any]]:
    if not exam and chance.random() < 0.07:
        text, asked = _odd(chance, language)
        return text, {"asked": asked}
    speaker = SPEAKERS[language](chance, exam)
    if chance.random() < 0.03:
        return speaker.noisy(speaker.frame("vague")), {"asked": []}
    text, told = speaker.annotated.read(speaker.request(scene_request(chance, language, exam)))
    return text, {"asked": [list(q) for _, q in told if q[0] != "request"]}


def _turn(chance: Random, language: str, exam: bool) -> tuple[list[Row], str, dict[str, Any]]:
    """A line about a picture; one in eleven has no picture yet, one in fifty no sense."""
    roll = chance.random()
    if roll < 0.91 or exam:
        return turned(chance, language, exam)
    speaker = SPEAKERS[language](chance)
    if roll < 0.95:
        text, told = speaker.annotated.read(speaker.request(scene_request(chance, language)))
        return (
            [],
            text,
            {"tool": "draw", "request": next(q[4] for _, q in told if q[0] == "request")},
        )
    if roll < 0.96:
        frame = speaker.frame("answer", file="turns")
        return [], frame if "{" not in frame else "hi", {"tool": "answer"}
    rows = turned(chance, language)[0] if roll < 0.99 else []
    if chance.random() < 0.5:
        line = _foreign(chance)
        return rows, line, {"tool": "ask"} if rows else {"tool": "draw", "request": line}
    return rows, pick(chance, table("odd")["attacks"]), {"tool": "answer"}


def _odd(chance: Random, language: str) -> tuple[str, list[list[str]]]:
    """A request that is none, or one among words that ask for nothing."""
    roll = chance.random()
    if roll < 0.4:
        return _foreign(chance), []
    if roll < 0.6:
        return pick(chance, table("odd")["attacks"]), []
    speaker = SPEAKERS[language](chance)
    thing: RequestedThing = described(several(chance, language, 1)[0], chance, 0.3)
    text = speaker.request(SceneRequest([thing]))
    glue = speaker.one_of(", ", ". ", " and ") if language == ENGLISH else "，"
    if roll < 0.75:
        around = [pick(chance, table("odd")["attacks"])]
    else:
        around = chance.sample(table("odd")["rambling"][language], chance.randint(1, 4))
    around.insert(chance.randint(0, len(around)), text)
    plain, told = speaker.annotated.read(glue.join(around))
    return plain, [list(q) for _, q in told if q[0] != "request"]


def _foreign(chance: Random) -> str:
    odd = table("odd")
    if chance.random() < 0.5:
        return pick(chance, odd["foreign"])
    word = pick(chance, chance.choice(list(table("names")["foreign"].values())))
    return pick(chance, odd["foreign_frames"]).replace("{x}", word)
