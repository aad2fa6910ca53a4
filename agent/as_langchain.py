"""limner for LangChain: five tools that any agent can paint, look and refine with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, Self, cast

from langchain_core.callbacks import adispatch_custom_event, dispatch_custom_event
from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, PrivateAttr

from limner.agent.desk import arguments
from limner.agent.desk.desk import Answer, Answering, Desk
from limner.agent.desk.progress import plainly
from limner.agent.job import Job
from limner.agent.jobs import Jobs
from limner.agent.plain import one_line
from limner.agent.studio import Studio
from limner.errors import Cancelled, LimnerError

__all__ = ["PROGRESS", "limner_tools"]

PROGRESS = "limner_progress"
"""The name of the custom events that the tools send while they work."""


def limner_tools(studio: Studio, *, folder: Path | str, jobs: Jobs | None = None) -> list[BaseTool]:
    """`imagine`, `refine_image`, `score_image`, `expand_prompt` and `describe_take`.

    Pictures are written to `folder`, which the model neither sees nor chooses: it knows takes by
    the names that the tools hand out ("t3"). Each tool answers with a short text and the claims'
    scores; the artifact of its message has everything, the path and the brief among it, in a form
    that checkpoints can keep. While it works, it sends custom events named `PROGRESS`. What a
    model can mend is told to it in one line (`ToolException`); set `handle_tool_error` to False to
    have it raised.

    The tools share one line of `jobs` before the models; pass your own to share it with others.
    """
    desk, line = Desk(studio, Path(folder)), jobs or Jobs(studio)
    tools: dict[str, tuple[Callable[[Any], Answering], type[BaseModel]]] = {
        "imagine": (desk.imagine, arguments.Imagine),
        "refine_image": (desk.refine_image, arguments.Refine),
        "score_image": (desk.score_image, arguments.Score),
        "expand_prompt": (desk.expand_prompt, arguments.Expand),
        "describe_take": (desk.describe_take, arguments.Describe),
    }
    return [
        _Tool(name=name, description=_ABOUT[name], args_schema=schema).at(studio, ask, line)
        for name, (ask, schema) in tools.items()
    ]


_ABOUT = {
    "imagine": "Paints a picture of what is described, looks at it claim by claim, and paints it "
    "better until it is right or the budget is spent. Returns the name of the best take.",
    "refine_image": "Paints a take anew with something different, from the same noise, and checks "
    "it. Returns the name of the new take; the old one stays as it is.",
    "score_image": "Checks statements about a take, such as 'there are two cats', and says how "
    "probable each is.",
    "expand_prompt": "Writes a full prompt from a short wish, and what would be checked of its "
    "picture. Nothing is painted.",
    "describe_take": "Says what a take was painted from, and which claims hold, fail or can't be "
    "told. Quick: nothing is painted or looked at.",
}
_AT_ONCE = frozenset(("describe_take",))


def _in_one_line(problem: Any) -> str:
    """What is wrong with a call's arguments, for the model that made it."""
    errors = problem.errors() if hasattr(problem, "errors") else []
    said = (f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in errors)
    return one_line("; ".join(said), 300) or "The arguments are not as the tool wants them."


class _Tool(BaseTool):
    """One request of the desk as a tool; the work is done in the line's thread."""

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
                for told in filter(None, map(plainly, job.stream())):
                    dispatch_custom_event(PROGRESS, {"tool": self.name, **told})
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
                    if told := plainly(event):
                        sent = {"tool": self.name, **told}
                        await adispatch_custom_event(PROGRESS, sent)
            return _answer(job)
        except LimnerError as problem:
            raise _told_to_the_model(problem) from problem

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
