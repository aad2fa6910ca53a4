"""The line before the models: order, bounds, cancelling, and listeners of every kind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from itertools import islice

import pytest
from gates import PATIENCE, Gate

from limner.agent.events import BriefReady, Decided, Event, Finished, PaintingStep
from limner.agent.jobs import Jobs, calling
from limner.agent.records import Result, Settings
from limner.agent.studio import Studio
from limner.errors import BadInput, Busy, Cancelled, ModelFailed
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter


@pytest.fixture
def studio() -> Studio:
    critic = FakeCritic([[0.4]])
    return Studio(FakeWriter(), FakePainter(), critic, Settings(images_per_round=2, budget=6.0))


@pytest.fixture
def jobs(studio: Studio) -> Iterator[Jobs]:
    with Jobs(studio, waiting=2, kept=3) as line:
        yield line


def painting(studio: Studio) -> Generator[Event, None, None]:
    return studio.stream("a red cat", seed=1, preview_every=1)


def test_a_painting_has_its_events_and_its_result(jobs: Jobs, studio: Studio) -> None:
    job = jobs.submit(painting, label="a cat")
    result = job.result(PATIENCE)
    assert isinstance(result, Result) and result.ended == "budget"
    assert job.state == "done" and job.error is None and job.label == "a cat"
    kinds = [type(event) for event in job.stream()]
    assert kinds == [type(event) for event in painting(studio)]
    assert jobs.get(job.id) is job and len(job.id) >= 20


def test_every_listener_hears_all_of_it(jobs: Jobs) -> None:
    heard: list[list[Event]] = []
    gate = Gate(5)
    job = jobs.submit(gate)
    listeners = [threading.Thread(target=lambda: heard.append([*job.stream()])) for _ in range(4)]
    for listener in listeners:
        listener.start()
    gate.open.set()
    for listener in listeners:
        listener.join(PATIENCE)
    assert heard == [[Decided(n, "repaint", "waiting") for n in range(5)]] * 4
    assert job.result() == "through"


def test_rough_pictures_are_not_kept(jobs: Jobs) -> None:
    job = jobs.submit(painting)
    job.result(PATIENCE)
    steps = [event for event in job.stream() if isinstance(event, PaintingStep)]
    assert len(steps) >= 4 and not any(step.previews for step in steps)


def test_the_last_rough_picture_is_there_while_it_paints(studio: Studio) -> None:
    jobs, seen = Jobs(studio), threading.Event()

    def stops_at_the_third(room: Studio) -> Generator[Event, None, None]:
        for event in painting(room):
            yield event
            if isinstance(event, PaintingStep) and event.number == 3:
                assert seen.wait(PATIENCE)

    with jobs:
        job = jobs.submit(stops_at_the_third)
        steps = (event for event in job.stream() if isinstance(event, PaintingStep))
        assert [step.number for step in islice(steps, 3)] == [1, 2, 3]
        again = (event for event in job.stream() if isinstance(event, PaintingStep))
        assert [bool(step.previews) for step in islice(again, 3)] == [False, False, True]
        seen.set()


def test_one_runs_at_a_time_and_in_order(jobs: Jobs) -> None:
    ran: list[tuple[int, str]] = []

    def work(number: int) -> Callable[[Studio], object]:
        return lambda _: ran.append((number, threading.current_thread().name))

    made = [jobs.submit(calling(work(number))) for number in range(3)]
    for job in made:
        job.result(PATIENCE)
    assert ran == [(number, "limner-models") for number in range(3)]


def test_the_line_is_bounded(jobs: Jobs) -> None:
    gate = Gate()
    running = jobs.submit(gate)
    assert gate.begun.wait(PATIENCE)
    first, second = jobs.submit(painting), jobs.submit(painting)
    with pytest.raises(Busy, match="2 requests"):
        jobs.submit(painting)
    first.cancel()
    assert first.state == "cancelled"
    third = jobs.submit(painting)  # there is room again
    assert [job.state for job in (running, second, third)] == ["running", "waiting", "waiting"]
    running.cancel()
    gate.open.set()
    assert isinstance(third.result(PATIENCE), Result)
    assert running.state == "cancelled" and gate.closed


def test_what_waited_and_is_cancelled_never_begins(jobs: Jobs) -> None:
    gate, begun = Gate(1), list[int]()
    jobs.submit(gate)
    job = jobs.submit(calling(lambda _: begun.append(1)))
    job.cancel()
    gate.open.set()
    jobs.submit(calling(lambda _: None)).result(PATIENCE)
    assert not begun and list(job.stream()) == []
    with pytest.raises(Cancelled):
        job.result()


def test_a_cancelled_painting_keeps_its_takes(jobs: Jobs) -> None:
    seen = threading.Event()

    def waits_in_the_second_round(room: Studio) -> Generator[Event, None, None]:
        for event in painting(room):
            yield event
            if isinstance(event, PaintingStep) and event.round == 1:
                assert seen.wait(PATIENCE)

    job = jobs.submit(waits_in_the_second_round)
    next(e for e in job.stream() if isinstance(e, PaintingStep) and e.round == 1)
    job.cancel()
    seen.set()
    result = job.result(PATIENCE)
    assert isinstance(result, Result) and result.ended == "cancelled"
    assert len(result.candidates) == 2 and result.best is result.candidates[0]
    assert result.spent == pytest.approx(2)
    *_, last = job.stream()
    assert isinstance(last, Finished) and job.state == "cancelled" and job.error is None


def test_cancelling_stops_the_painter_between_two_steps(jobs: Jobs) -> None:
    seen = threading.Event()

    def waits_at_the_second_step(room: Studio) -> Generator[Event, None, None]:
        for event in painting(room):
            yield event
            if isinstance(event, PaintingStep) and event.number == 2:
                assert seen.wait(PATIENCE)

    job = jobs.submit(waits_at_the_second_step)
    next(e for e in job.stream() if isinstance(e, PaintingStep) and e.number == 2)
    job.cancel()
    seen.set()
    *_, last = job.stream()
    assert isinstance(last, PaintingStep) and last.number == 3  # the one it was at, and no other
    assert job.state == "cancelled"


def test_errors_are_the_jobs_own(jobs: Jobs) -> None:
    bad = jobs.submit(lambda studio: studio.stream("", seed=1))
    with pytest.raises(BadInput, match="empty"):
        bad.result(PATIENCE)
    with pytest.raises(BadInput, match="empty"):
        list(bad.stream())
    broken = jobs.submit(calling(lambda _: 1 / 0))
    with pytest.raises(ModelFailed, match="ZeroDivisionError") as caught:
        broken.result(PATIENCE)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (bad.state, broken.state) == ("failed", "failed")
    assert jobs.submit(calling(lambda _: "still here")).result(PATIENCE) == "still here"


def test_only_the_last_that_ended_are_remembered(jobs: Jobs) -> None:
    made = [jobs.submit(calling(lambda _: None)) for _ in range(3)]
    for job in made:
        job.result(PATIENCE)
    made.append(jobs.submit(calling(lambda _: None)))
    made[-1].result(PATIENCE)
    jobs.submit(calling(lambda _: None)).result(PATIENCE)
    with pytest.raises(BadInput, match="no such job"):
        jobs.get(made[0].id)
    assert jobs.get(made[-1].id) is made[-1]
    with pytest.raises(BadInput):
        jobs.get("guessed")


def test_an_ended_job_lets_go_of_its_work(jobs: Jobs) -> None:
    gate = Gate(1)
    gate.open.set()
    gone = weakref.ref(gate)
    job = jobs.submit(gate)
    del gate
    job.result(PATIENCE)
    jobs.submit(calling(lambda _: None)).result(PATIENCE)
    gc.collect()
    assert gone() is None


def test_closing_ends_everything(studio: Studio) -> None:
    jobs, gate = Jobs(studio), Gate()
    running, waiting = jobs.submit(gate), jobs.submit(painting)
    assert gate.begun.wait(PATIENCE)
    threading.Timer(0.05, gate.open.set).start()
    jobs.close()
    assert (running.state, waiting.state) == ("cancelled", "cancelled")
    with pytest.raises(Busy, match="closed"):
        jobs.submit(painting)
    jobs.close()


def test_a_forgotten_line_ends_its_thread(studio: Studio) -> None:
    jobs = Jobs(studio)
    named: list[threading.Thread] = []
    jobs.submit(calling(lambda _: named.append(threading.current_thread()))).result(PATIENCE)
    del jobs
    gc.collect()
    named[0].join(PATIENCE)
    assert not named[0].is_alive()


def test_waiting_has_an_end(jobs: Jobs) -> None:
    gate = Gate(1)
    job = jobs.submit(gate)
    with pytest.raises(TimeoutError):
        job.result(0.01)
    gate.open.set()
    assert job.result(PATIENCE) == "through"


def test_a_brief_is_a_job_too(jobs: Jobs) -> None:
    job = jobs.submit(lambda studio: studio.expand("a red cat", seed=1))
    *_, last = job.stream()
    assert isinstance(last, BriefReady) and job.result() is None
