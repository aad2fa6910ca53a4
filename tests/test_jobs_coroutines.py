"""The line before the models, as coroutines listen to it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import aclosing

import pytest
from gates import PATIENCE, Gate

from limner.agent.events import Event
from limner.agent.jobs import Job, Jobs
from limner.agent.studio import Studio
from limner.errors import BadInput, Cancelled


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with Jobs(Studio.open("fake")) as line:
        yield line


def painting(studio: Studio) -> Generator[Event, None, None]:
    return studio.stream("a red cat", seed=1)


async def _kinds(job: Job) -> list[str]:
    return [type(event).__name__ async for event in job.astream()]


def test_coroutines_listen_too(jobs: Jobs) -> None:
    async def both() -> list[list[str]]:
        job = jobs.submit(painting)
        return list(await asyncio.gather(_kinds(job), _kinds(job)))

    first, second = asyncio.run(both())
    assert first == second and first[-1] == "Finished" and "PaintingStep" in first


def test_a_coroutine_hears_of_errors(jobs: Jobs) -> None:
    with pytest.raises(BadInput, match="empty"):
        asyncio.run(_kinds(jobs.submit(lambda studio: studio.stream(" ", seed=1))))


@pytest.mark.parametrize("cancel", [True, False])
def test_leaving_early_cancels_only_if_asked(jobs: Jobs, cancel: bool) -> None:
    gate = Gate(3)

    async def leave() -> Job:
        job = jobs.submit(gate)
        async with aclosing(job.astream(cancel=cancel)) as events:
            async for _ in events:
                break
        gate.open.set()
        return job

    job = asyncio.run(leave())
    if cancel:
        with pytest.raises(Cancelled):
            job.result(PATIENCE)
    else:
        assert job.result(PATIENCE) == "through"


def test_a_cancelled_task_cancels_its_job(jobs: Jobs) -> None:
    gate = Gate(3)

    async def start_and_stop() -> Job:
        job = jobs.submit(gate)

        async def listen() -> None:
            async for _ in job.astream(cancel=True):
                pass

        task = asyncio.create_task(listen())
        await asyncio.to_thread(gate.begun.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open.set()
        return job

    job = asyncio.run(start_and_stop())
    with pytest.raises(Cancelled):
        job.result(PATIENCE)
