"""The tools at work: in an agent, with progress, cancelled, and kept in a checkpoint."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from gates import PATIENCE
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from tooled import EXAMPLES, call

from limner.agent.as_langchain import PROGRESS, limner_tools
from limner.agent.jobs import Jobs
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCaller, FakeCritic, FakePainter, FakeWriter


def test_an_agent_paints_looks_and_refines(tmp_path: Path) -> None:
    from langchain.agents import create_agent

    model = FakeCaller(
        calls=(
            ("imagine", {"request": "two red cats", "seed": 1}),
            ("score_image", {"take": "t1", "claims": ["there are two cats"]}),
            ("refine_image", {"take": "t1", "change": "make it night", "seed": 2}),
        ),
        last="t2 is what you asked for.",
    )
    agent = create_agent(model, limner_tools(Studio.open("fake"), folder=tmp_path))
    said = agent.invoke({"messages": [HumanMessage("two red cats at night, please")]})["messages"]
    answers = [message for message in said if isinstance(message, ToolMessage)]
    assert [message.text[:3] for message in answers] == ["t1:", "t1:", "t2:"]
    assert all(message.status == "success" for message in answers)
    assert said[-1].text == "t2 is what you asked for."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t1.png", "t2.png"]


def test_an_agent_hears_of_its_mistakes_and_goes_on(tmp_path: Path) -> None:
    from langchain.agents import create_agent

    model = FakeCaller(
        calls=(
            ("describe_take", {"take": "t7"}),
            ("imagine", {"request": "a cat", "path": "/etc/passwd"}),
        ),
        last="I can't.",
    )
    agent = create_agent(model, limner_tools(Studio.open("fake"), folder=tmp_path))
    said = agent.invoke({"messages": [HumanMessage("a cat")]})["messages"]
    answers = [message for message in said if isinstance(message, ToolMessage)]
    assert [message.status for message in answers] == ["error", "error"]
    assert said[-1].text == "I can't."


def test_messages_survive_a_checkpoint(tools: dict[str, BaseTool]) -> None:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    said, keeper = call(tools["imagine"], request="a cat"), JsonPlusSerializer()
    assert keeper.loads_typed(keeper.dumps_typed(said)).artifact["take"] == "t1"


class Ear(BaseCallbackHandler):
    """Keeps the custom events."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.heard.append((name, data))


def test_a_line_that_closes_is_told_to_the_model(tmp_path: Path) -> None:
    gate, painted = threading.Event(), threading.Event()

    class Waiting(FakeCritic):
        def look(self, *seen: Any) -> list[list[float]]:
            if painted.is_set():
                assert gate.wait(PATIENCE)
            painted.set()
            return [[0.1] * len(seen[1]) for _ in seen[0]]

    studio, said = Studio(FakeWriter(), FakePainter(), Waiting()), list[ToolMessage]()
    jobs = Jobs(studio)
    tools = {t.name: t for t in limner_tools(studio, folder=tmp_path, jobs=jobs)}
    asking = threading.Thread(target=lambda: said.append(call(tools["imagine"], request="a cat")))
    asking.start()
    assert painted.wait(PATIENCE)
    threading.Timer(0.05, gate.set).start()
    jobs.close()
    asking.join(PATIENCE)
    assert said[0].status == "error" and "cancelled" in said[0].text


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_progress_comes_as_custom_events(tools: dict[str, BaseTool], way: str) -> None:
    ear = Ear()
    config: Any = {"callbacks": [ear]}
    if way == "invoke":
        tools["imagine"].invoke(EXAMPLES["imagine"], config)
    else:
        asyncio.run(tools["imagine"].ainvoke(EXAMPLES["imagine"], config))
    assert {name for name, _ in ear.heard} == {PROGRESS}
    kinds = [data["kind"] for _, data in ear.heard]
    assert kinds[0] == "brief" and kinds[-1] == "finished" and "step" in kinds
    assert not ear.heard[0][1]["verdict"]["reached"]  # nothing is painted yet
    assert all(data["tool"] == "imagine" for _, data in ear.heard)


def test_a_cancelled_call_stops_the_painter(tmp_path: Path) -> None:
    gate, steps = threading.Event(), threading.Event()

    class Slow(FakePainter):
        def count_tokens(self, prompt: str) -> int:
            steps.set()
            assert gate.wait(PATIENCE)
            return super().count_tokens(prompt)

    studio = Studio(FakeWriter(), Slow(), FakeCritic())

    async def begin_and_leave(jobs: Jobs) -> None:
        tools = {t.name: t for t in limner_tools(studio, folder=tmp_path, jobs=jobs)}
        task = asyncio.create_task(tools["imagine"].ainvoke({"request": "a cat"}))
        assert await asyncio.to_thread(steps.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Jobs(studio) as jobs:
        asyncio.run(begin_and_leave(jobs))
        gate.set()
        (job,) = jobs.all()
        list(job.stream())
        assert job.state == "cancelled"
    assert not list(tmp_path.iterdir())
