"""The route for chat clients, who send all that was said so far; pictures come as links."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from limner.agent.archive.recorder import SessionRecorder
from limner.agent.brief.verdict import verdict_of
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, Event, Finished, Replied, TurnHeard
from limner.agent.i18n import Language, claim_in, noted, phrase
from limner.agent.jobs import Job
from limner.agent.plain import one_line
from limner.agent.records import Critique
from limner.agent.scoring.evaluate import verdicts
from limner.agent.search.run import Limits
from limner.agent.serve.commands import HELP, asks_for_help
from limner.agent.serve.requests import ChatBody, fitted_limits
from limner.agent.serve.state import MODEL, AppState, TheState
from limner.agent.serve.streams import STREAMED, event_stream, job_result, sse
from limner.agent.studio import Studio
from limner.agent.tools.http_auth import error_body, error_line
from limner.agent.tools.outputs import judged
from limner.errors import BadInput, LimnerError

__all__ = ["routes"]

routes = APIRouter(prefix="/v1/chat", tags=["chat"])

_MARKS = {"holds": "✓", "fails": "✗", "can't tell": "?"}
_SHOWN = ("select", "undo", "redo", "back_to", "adjust", "save")  # without being painted
_HOST_TASK = "### Task:"  # how chat programs ask for titles and tags; {} stands for none
_MOST_REPAINTED = 24  # lines that the server doesn't remember


@routes.post("/completions", operation_id="chat", responses=STREAMED)
async def chat(body: ChatBody, request: Request, state: TheState) -> Response:
    """Say what you want to see, then what should be different; pictures come as links."""
    lines = _lines(body)
    limits, note = fitted_limits(body, state.studio.painter.spec)
    seed = _seed_from(lines) if body.seed is None else body.seed
    answer = _ChatAnswer(state, body, lines, seed, limits, note, str(request.base_url))
    job = state.jobs.submit(answer.work, label="chat")
    if body.stream:
        return event_stream(answer.events(job), cancels=job)
    await job_result(job, request)
    return JSONResponse(answer.whole(job))


@dataclass(slots=True)
class _ChatAnswer:
    """The answer to the last of `lines`, which are all that the user has said.

    It goes on from what is remembered of the lines before; what is not is painted once more, from
    the same seeds, so that the same lines always get the same answer. `base` is this server's own
    address, for links; `note` says that the size is another than was asked for.
    """

    state: AppState
    body: ChatBody
    lines: Sequence[str]
    seed: int
    limits: Limits
    note: str
    base: str
    paragraphs: list[str] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=lambda: {"tool": "", "choices": []})

    def work(self, studio: Studio) -> Generator[Event, None, None]:
        """What the job does; at its end `paragraphs` are the answer."""
        *_, last = self.lines
        if asks_for_help(last):
            self.paragraphs.append(HELP)
            return
        if last.startswith(_HOST_TASK):
            self.paragraphs.append("{}")
            return
        session, known = self._remembered(studio)
        if len(self.lines) - known > _MOST_REPAINTED:
            raise BadInput(
                f"This server has forgotten this conversation, and paints {_MOST_REPAINTED} lines"
                " of one again at most.",
                "Begin a new one.",
            )
        for number in range(known, len(self.lines) - 1):
            yield from self._again(session, self.lines[number])
            self.state.chats.keep(self._key(number + 1), session.fork())
        with closing(session.turn(last)) as events:
            yield from self._answered(events, session)
        self.state.chats.keep(self._key(len(self.lines)), session)

    def _again(self, session: Session, line: str) -> Generator[Event, None, None]:
        """Does an earlier line once more; nobody hears of it."""
        if asks_for_help(line):
            return
        with suppress(LimnerError):  # it was refused then, too, and changed nothing
            yield from session.turn(line)

    def _answered(
        self, events: Generator[Event, None, None], session: Session
    ) -> Generator[Event, None, None]:
        """The events of the last line, of which the answer is made."""
        painted = False
        for event in events:
            match event:
                case TurnHeard(call):
                    self.known["tool"] = call.tool
                case BriefReady(brief):
                    notes = [noted(note, session.language) for note in event.notes]
                    self.paragraphs += filter(None, [one_line(brief.reply), *notes, self.note])
                case Replied(text, choices):
                    numbered = [f"{n}. {one_line(one)}" for n, one in enumerate(choices, start=1)]
                    self.paragraphs.append("\n".join([one_line(text), *numbered]))
                    self.known["choices"] = [*choices]
                case Finished():
                    painted = True
            yield event
        if (painted or self.known["tool"] in _SHOWN) and session.meant is not None:
            self._show(session, session.meant)
        self.paragraphs = self.paragraphs or [phrase(session.language, "ready")]

    def _show(self, session: Session, number: int) -> None:
        """The picture with its verdict, and claim by claim."""
        take, language = session.candidate(number), session.language
        link = self.state.link(session.stamped(number, self.state.profile), self.base)
        title = re.sub(r"[\[\]()<>\\`]", "", one_line(take.brief.request, 80))
        verdict = one_line(verdict_of(take, language, number).said)
        claims = _claim_lines(take.critique, language)
        self.paragraphs += [f"![{title}]({link})", "\n".join([verdict, *claims])]
        self.known |= {"take": number, **judged(take.brief, take.critique)}

    def _remembered(self, studio: Studio) -> tuple[Session, int]:
        """The conversation as it was before what is new, and how many lines that was.

        Only the first to go on from it goes on in its record, too: an archived session has one end.
        """
        for known in range(len(self.lines) - 1, 0, -1):
            if session := self.state.chats.find(self._key(known)):
                fork = session.fork()
                fork.recorder, session.recorder = session.recorder, None
                return fork, known
        archive, profile = self.state.archive, self.state.profile
        recorder = SessionRecorder(archive, profile) if archive else None
        return Session(studio, self.seed, self.limits, recorder=recorder), 0

    def _key(self, count: int) -> str:
        asked = [self.seed, sorted(self.limits.items()), *self.lines[:count]]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def whole(self, job: Job) -> dict[str, Any]:
        """The answer, in OpenAI's shape."""
        message = {"role": "assistant", "content": "\n\n".join(self.paragraphs), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {
            **_head(job, "chat.completion"),
            "choices": [choice],
            "usage": self._usage(),
            "limner": {"seed": self.seed, **self.known},
        }

    async def events(self, job: Job) -> AsyncGenerator[dict[str, str], None]:
        """The same as server-sent events, paragraph by paragraph."""
        sent = 0

        def news() -> list[dict[str, str]]:
            nonlocal sent
            fresh = "".join(f"{paragraph}\n\n" for paragraph in self.paragraphs[sent:])
            sent = len(self.paragraphs)
            return [_delta(job, {"content": fresh})] if fresh else []

        yield _delta(job, {"role": "assistant", "content": ""})
        try:
            async for _ in job.astream():
                for fresh in news():
                    yield fresh
        except LimnerError as error:
            yield sse(error_body(500, error_line(error)))
            return
        for fresh in news():
            yield fresh
        yield _delta(job, {}, "stop", limner={"seed": self.seed, **self.known})
        if (self.body.stream_options or {}).get("include_usage"):
            head = _head(job, "chat.completion.chunk")
            yield sse({**head, "choices": [], "usage": self._usage()})
        yield {"data": "[DONE]"}

    def _usage(self) -> dict[str, int]:
        read = sum(_words_in(message.text) for message in self.body.messages)
        written = _words_in("\n\n".join(self.paragraphs))
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }


def _lines(body: ChatBody) -> list[str]:
    if body.messages[-1].role != "user":
        raise BadInput("The last message is not the user's.", "End with what you want to see.")
    lines = [message.text.strip() for message in body.messages if message.role == "user"]
    if not lines[-1]:
        raise BadInput("The last message is empty.", "Say what you want to see.")
    return [line for line in lines if line]


def _delta(
    job: Job, delta: dict[str, Any], finish: str | None = None, **more: Any
) -> dict[str, str]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return sse({**_head(job, "chat.completion.chunk"), "choices": [choice], **more})


def _head(job: Job, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{job.id}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "system_fingerprint": None,
    }


def _seed_from(lines: Sequence[str]) -> int:
    """The seed of a conversation whose caller gave none: it follows from its first line."""
    return int.from_bytes(hashlib.sha256(lines[0].encode()).digest()[:4], "big")


def _words_in(text: str) -> int:
    """About as many tokens as a text has: words, signs, and Chinese characters."""
    return len(re.findall(r"[一-鿿]|[^\W一-鿿]+|[^\w\s]", text))


def _claim_lines(critique: Critique, language: Language) -> list[str]:
    """A line for each claim; those that the writer added come last, in one."""
    asked, own = list[str](), list[str]()
    rows = zip(critique.claims, critique.probabilities, verdicts(critique), strict=True)
    for claim, known, seen in rows:
        percent = "" if known is None else f" ({known:.0%})"
        line = f"{_MARKS[seen]} {one_line(claim_in(claim, language))}{percent}"
        (own if claim.source == "invented" else asked).append(line)
    added = phrase(language, "invented", texts=phrase(language, "comma").join(own))
    return [*(f"- {line}" for line in asked), *([f"- {added}"] if own else [])]
