"""limner for LangChain: five tools that any agent can paint, look and refine with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, PrivateAttr

from limner.agent.archive.recipe import written
from limner.agent.events import BriefToken, Event
from limner.agent.jobs import Job, Jobs
from limner.agent.plain import one_line
from limner.agent.studio import Studio
from limner.agent.tools import arguments
from limner.agent.tools.outputs import drafted, event_dict, scored
from limner.agent.tools.service import RecentlyUsed, ToolRequest, ToolService, briefed
from limner.errors import Cancelled, LimnerError

__all__ = ["PROGRESS", "limner_tools"]

PROGRESS = "limner_progress"
"""The name of the custom events that the tools send while they work."""

Answer = tuple[str, dict[str, Any]]
"""A short text for the model that asked, and the whole of it for programs, as JSON has it."""

Answering = Generator[Event, None, Answer]

_TAKES = 256  # with their pictures


def limner_tools(studio: Studio, *, folder: Path | str, jobs: Jobs | None = None) -> list[BaseTool]:
    """`imagine`, `refine_image`, `score_image`, `expand_prompt` and `describe_take`.

    Pictures are written to `folder`, which the model neither sees nor chooses: it knows takes by
    the names that the tools hand out ("t3"). Each tool answers with a short text; the artifact of
    its message has everything, the path, the brief and the verdict among it, in a form that
    checkpoints can keep. While it works, it sends custom events named `PROGRESS`. What a model can
    mend is told to it in one line (`ToolException`); set `handle_tool_error` to False to have it
    raised.

    The tools share one line of `jobs` before the models; pass your own to share it with others.
    """
    desk = ToolService(Path(folder), numbered=True, takes=RecentlyUsed(_TAKES))
    answers, line = _Answers(studio, desk), jobs or Jobs(studio)
    tools: dict[str, tuple[Callable[[Any], Answering], type[BaseModel]]] = {
        "imagine": (answers.imagine, arguments.ImagineArguments),
        "refine_image": (answers.refine_image, arguments.RefineArguments),
        "score_image": (answers.score_image, arguments.ScoreArguments),
        "expand_prompt": (answers.expand_prompt, arguments.ExpandArguments),
        "describe_take": (answers.describe_take, arguments.DescribeArguments),
    }
    return [
        _Tool(name=name, description=_ABOUT[name], args_schema=schema).at(studio, ask, line)
        for name, (ask, schema) in tools.items()
    ]


_ABOUT = {
    "imagine": "Paints a picture of what is described, looks at it claim by claim, and paints it "
    "better until it is right or the budget is spent. Returns the name of the best take.",
    "refine_image": "Does what one line says about a take: paints it anew with something "
    "different, finishes it (brighter, larger), or answers a question about it without painting. "
    "Returns the name of the take that is meant then; the old one stays as it is.",
    "score_image": "Checks statements about a take, such as 'there are two cups', and says how "
    "probable each is.",
    "expand_prompt": "Writes a full prompt from a short wish, and what would be checked of its "
    "picture. Nothing is painted.",
    "describe_take": "Says what a take was painted from, and which claims hold, fail or can't be "
    "told. Quick: nothing is painted or looked at.",
}
_AT_ONCE = frozenset(("describe_take",))


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the tools do: each is an iterator of a request's events that returns the answer.

    A seed that was not given is drawn here, and told.
    """

    studio: Studio
    desk: ToolService

    def imagine(self, asked: arguments.ImagineArguments) -> Answering:
        """Paints a request, and keeps the best take."""
        return self._worked(ToolRequest(asked.request, _seed(asked.seed), asked.limits))

    def refine_image(self, asked: arguments.RefineArguments) -> Answering:
        """Does what a line says about a take, and keeps the best one where that is painted."""
        start = self.desk.find(asked.take)
        return self._worked(ToolRequest(asked.change, _seed(asked.seed), asked.limits, start=start))

    def score_image(self, asked: arguments.ScoreArguments) -> Answering:
        """Has a take looked at again, for other claims."""
        yield from ()
        kept = self.desk.find(asked.take)
        text, told = scored(self.studio.score(kept.take.picture, asked.claims))
        return f"{kept.name}: {text}", {"take": kept.name, **told}

    def expand_prompt(self, asked: arguments.ExpandArguments) -> Answering:
        """Writes a brief, and paints nothing."""
        seed = _seed(asked.seed)
        ready = yield from briefed(self.studio, asked.request, seed)
        return drafted(ready, seed)

    def describe_take(self, asked: arguments.DescribeArguments) -> Answering:
        """Says what was seen in a take; needs no model."""
        yield from ()
        kept = self.desk.find(asked.take)
        return kept.said, {**kept.told, "path": str(kept.path)}

    def _worked(self, wish: ToolRequest) -> Answering:
        yield from self.desk.work(wish, self.studio)
        kept = wish.answer
        file = {"path": str(kept.path), "order": written(kept.take.order)}
        return wish.said, {**wish.told, **file}


def _seed(given: int | None) -> int:
    return secrets.randbelow(2**32) if given is None else given


def _in_one_line(problem: Any) -> str:
    """What is wrong with a call's arguments, for the model that made it."""
    errors = problem.errors() if hasattr(problem, "errors") else []
    said = (f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in errors)
    return one_line("; ".join(said), 300) or "The arguments are not as the tool wants them."


class _Tool(BaseTool):
    """One of the answers as a tool; the work is done in the line's thread."""

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    handle_validation_error: Any = _in_one_line
    _studio: Studio = PrivateAttr()
    _ask: Callable[[Any], Answering] = PrivateAttr()
    _line: Jobs = PrivateAttr()

    def at(self, studio: Studio, ask: Callable[[Any], Answering], line: Jobs) -> Self:
        """The tool, put to work."""
        self._studio, self._ask, self._line = studio, ask, line
        return self

    def _run(self, **said: Any) -> Answer:
        try:
            job = self._begun(said)
            try:
                for told in filter(None, map(self._told, job.stream())):
                    dispatch_custom_event(PROGRESS, told)
            finally:
                job.cancel()  # it has ended, or whoever asked was interrupted
            return _answer(job)
        except LimnerError as problem:
            raise _told_to_the_model(problem) from problem

    async def _arun(self, **said: Any) -> Answer:
        try:
            job = self._begun(said)
            async with aclosing(job.astream(cancel=True)) as events:
                async for event in events:
                    if told := self._told(event):
                        await adispatch_custom_event(PROGRESS, told)
            return _answer(job)
        except LimnerError as problem:
            raise _told_to_the_model(problem) from problem

    def _told(self, event: Event) -> dict[str, Any]:
        """What a listener hears of an event; nothing of a slice of a brief's text."""
        return {} if isinstance(event, BriefToken) else {"tool": self.name, **event_dict(event)}

    def _begun(self, said: dict[str, Any]) -> Job:
        """The call as a job; what needs no model does not wait for one."""
        asked = cast("type[BaseModel]", self.args_schema).model_validate(said)
        if self.name not in _AT_ONCE:
            return self._line.submit(lambda _: self._ask(asked), label=self.name)
        job = Job(lambda _: self._ask(asked), self._studio, self.name)
        job.run()
        return job


def _answer(job: Job) -> Answer:
    """What the job came to; one that was cancelled from outside has none, whatever it painted."""
    if job.state == "cancelled":
        raise Cancelled("The request was cancelled.", "Ask again.")
    return cast("Answer", job.result())


def _told_to_the_model(problem: LimnerError) -> ToolException:
    return ToolException(one_line(f"{problem.message} {problem.hint}", 400))
