"""limner for LangChain: tools that any agent can paint, look and refine with."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, cast

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.tools import BaseTool, ToolException
from pydantic import PrivateAttr

from limner.agent.archive.recipe import written
from limner.agent.events import BriefToken, Event
from limner.agent.jobs import Job, Jobs
from limner.agent.plain import one_line
from limner.agent.studio import Studio
from limner.agent.tools.field_errors import field_error
from limner.agent.tools.outputs import event_dict
from limner.agent.tools.recently_used import RecentlyUsed
from limner.agent.tools.service import ToolService
from limner.agent.tools.toolset import TOOLSET, ToolAnswer, ToolDefinition
from limner.errors import Cancelled, LimnerError

__all__ = ["PROGRESS", "limner_tools"]

PROGRESS = "limner_progress"
"""The name of the custom events that the tools send while they work."""

Answer = tuple[str, dict[str, Any]]
"""A short text for the model that asked, and the whole of it for programs, as JSON has it."""

_TAKES = 256  # with their pictures


def limner_tools(studio: Studio, *, folder: Path | str, jobs: Jobs | None = None) -> list[BaseTool]:
    """The tools of `TOOLSET`: `imagine`, `refine_image`, `score_image` and so on.

    Pictures are written to `folder`, which the model neither sees nor chooses: it knows takes by
    the names that the tools hand out ("t3"). Each tool answers with a short text; the artifact of
    its message has everything, the path, the brief and the verdict among it, in a form that
    checkpoints can keep. While it works, it sends custom events named `PROGRESS`. What a model can
    mend is told to it in one line (`ToolException`); set `handle_tool_error` to False to have it
    raised.

    The tools share one queue of `jobs` before the models; pass your own to share it with others.
    """
    service = ToolService(Path(folder), numbered=True, candidates=RecentlyUsed(_TAKES))
    queue = jobs or Jobs(studio)
    return [_Tool.of(definition, studio, service, queue) for definition in TOOLSET]


def _invalid(problem: Any) -> str:
    """What is wrong with a call's arguments, for the model that made it."""
    errors = problem.errors() if hasattr(problem, "errors") else []
    line = one_line("; ".join(map(field_error, errors)), 300)
    return line or "The arguments are not as the tool wants them."


class _Tool(BaseTool):
    """A tool of limner's; the work is done in the queue's thread."""

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    handle_validation_error: Any = _invalid
    _definition: ToolDefinition = PrivateAttr()
    _studio: Studio = PrivateAttr()
    _service: ToolService = PrivateAttr()
    _queue: Jobs = PrivateAttr()

    @classmethod
    def of(
        cls, definition: ToolDefinition, studio: Studio, service: ToolService, queue: Jobs
    ) -> Self:
        """The tool, ready to be called."""
        made = cls(
            name=definition.name,
            description=definition.description,
            args_schema=definition.arguments,
        )
        made._definition, made._studio = definition, studio
        made._service, made._queue = service, queue
        return made

    def _run(self, **given: Any) -> Answer:
        try:
            job = self._submitted(given)
            try:
                for progress in filter(None, map(self._progress, job.stream())):
                    dispatch_custom_event(PROGRESS, progress)
            finally:
                job.cancel()  # it has ended, or whoever asked was interrupted
            return _answer(job)
        except LimnerError as problem:
            raise _for_the_model(problem) from problem

    async def _arun(self, **given: Any) -> Answer:
        try:
            job = self._submitted(given)
            async with aclosing(job.astream(cancel=True)) as events:
                async for event in events:
                    if progress := self._progress(event):
                        await adispatch_custom_event(PROGRESS, progress)
            return _answer(job)
        except LimnerError as problem:
            raise _for_the_model(problem) from problem

    def _progress(self, event: Event) -> dict[str, Any]:
        """What a listener hears of an event; nothing of a slice of a brief's text."""
        return {} if isinstance(event, BriefToken) else {"tool": self.name, **event_dict(event)}

    def _submitted(self, given: dict[str, Any]) -> Job:
        """The call as a job; what needs no model does not wait for one."""
        definition = self._definition
        work = partial(definition.run, self._service, definition.arguments.model_validate(given))
        if not definition.instant:
            return self._queue.submit(work, label=self.name)
        job = Job(work, self._studio, self.name)
        job.run()
        return job


def _answer(job: Job) -> Answer:
    """What the job came to; one that was cancelled from outside has none, whatever it painted."""
    if job.state == "cancelled":
        raise Cancelled("The request was cancelled.", "Ask again.")
    answer = cast("ToolAnswer", job.result())
    fields = dict(answer.fields)
    if answer.request:
        kept = answer.request.answer
        fields |= {"path": str(kept.path), "image_request": written(kept.take.image_request)}
    return answer.text, fields


def _for_the_model(problem: LimnerError) -> ToolException:
    return ToolException(one_line(f"{problem.message} {problem.hint}", 400))
