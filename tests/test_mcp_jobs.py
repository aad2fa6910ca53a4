"""limner as a tool of an assistant: work in the background, and what happens when one hangs up."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from assisted import REQUEST, SLOW, client, fields, hung_up, inside, refusal, slow


@pytest.mark.asyncio
async def test_a_job_goes_on_while_nobody_waits(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        job = await fields(connected, "start", request=REQUEST, seed=7)
        fetched = await fields(connected, "result", job=job["job"], seconds=45)
        again = await fields(connected, "result", job=job["job"], seconds=0)
        change = await fields(
            connected, "start", take=fetched["picture"]["take"], request="a blue cat", seed=2
        )
        changed = await fields(connected, "result", job=change["job"], seconds=45)
    assert job["state"] in ("waiting", "running", "done") and job["seed"] == 7
    assert fetched["job"]["state"] == "done" and fetched == again
    assert "blue" in changed["picture"]["prompt"]


@pytest.mark.asyncio
async def test_who_hangs_up_cancels_and_the_next_is_served(tmp_path: Path) -> None:
    async with client(tmp_path, script=SLOW) as connected:
        await hung_up(connected)
        # One thread paints: unless the first one stopped, this would wait for 10,000 pictures.
        after = await fields(connected, "imagine", request="a dog", budget=1, seed=1)
    assert after["candidates"] == 1


@pytest.mark.asyncio
async def test_a_cancelled_job_keeps_the_best_so_far(tmp_path: Path) -> None:
    async with inside(tmp_path, studio=slow) as connected:
        job = (await fields(connected, "start", request=REQUEST))["job"]
        while (standing := await fields(connected, "status", job=job))["candidates"] < 2:
            assert standing["state"] in ("waiting", "running")
            await anyio.sleep(0.05)
        early = await fields(connected, "result", job=job, seconds=0)
        for _ in range(16):
            await fields(connected, "start", request="a dog")
        assert "16 requests in line" in await refusal(connected, "start", request="a dog")
        await fields(connected, "cancel", job=job)
        fetched = await fields(connected, "result", job=job, seconds=45)
    assert early["picture"] is None and early["job"]["step"] > 0
    assert fetched["job"]["state"] == "cancelled"
    assert fetched["picture"]["ended"] == "cancelled" and fetched["picture"]["candidates"] >= 2
    assert Path(fetched["picture"]["file"]).is_file()
