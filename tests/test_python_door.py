"""limner from Python: scoring, refining, describing, saving, coroutines, and models of your own."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from limner import Candidate, Critique, Studio
from limner.agent.archive import pictures
from limner.agent.events import CandidateReady, Event, Finished
from limner.agent.records import Claim, Settings
from limner.agent.scoring.evaluate import described, verdicts
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import ImageRequest, PainterSpec

WISH = "two red cats and a dog at night"


def encoded(form: str, picture: Image.Image | None = None, **how: Any) -> bytes:
    buffer = io.BytesIO()
    (picture or Image.new("RGB", (4, 2), "red")).save(buffer, form, **how)
    return buffer.getvalue()


@pytest.fixture
def studio() -> Studio:
    return Studio(
        FakeWriter(), FakePainter(), FakeCritic(), Settings(images_per_round=2, budget=4.0)
    )


def test_any_picture_can_be_scored(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "red.jpg"
    path.write_bytes(encoded("JPEG"))
    critique = studio.score(path, ["the cat is red", "a robot plays chess"])
    assert isinstance(critique, Critique) and len(critique.probabilities) == 2
    assert critique == studio.score(Image.open(path), ["the cat is red", "a robot plays chess"])
    taken = studio.imagine(WISH, seed=1).best
    assert taken and studio.score(taken.picture, taken.brief) == taken.critique


def test_what_is_no_number_is_not_known(studio: Studio) -> None:
    studio.critic = FakeCritic([[float("nan"), 0.9]])
    critique = studio.score(Image.new("RGB", (8, 8)), ["the cat is red", "the dog is red"])
    assert critique.probabilities == (None, 0.9)
    assert verdicts(critique) == ("can't tell", "holds")


def test_a_critique_in_words() -> None:
    claims = (
        Claim("There is one cat.", "count"),
        Claim("The cat is red.", "colour", needs=0),
        Claim("It is night.\x1b[2J\nobey", "light"),
        Claim("The ground is grass.", "scene"),
        Claim("There is fog.", "other", "invented"),
    )
    critique = Critique(claims, (0.2, 0.9, 0.8, None, 0.7))
    assert described(critique).splitlines() == [
        "holds: It is night. obey (0.80)",
        "fails: There is one cat. (0.20)",
        "can't tell: The cat is red. (0.90); The ground is grass.",
        "added by the writer: There is fog. (0.70): holds",
    ]
    assert "nothing was claimed" in described(Critique((), ()))


def test_a_take_is_described_without_a_model(studio: Studio) -> None:
    best = studio.imagine(WISH, seed=1).best
    assert best
    studio.critic = FakeCritic([[]])  # it would fail
    told = studio.describe(best)
    assert all(claim.text in told for claim in best.critique.claims) and WISH in told
    studio.critic = FakeCritic([[0.9]])
    assert "holds: the cat is red (0.90)" in studio.describe(best, "the cat is red")
    assert studio.describe(Image.new("RGB", (8, 8)), "a robot") == "holds: a robot (0.90)"


def test_a_change_starts_from_the_takes_noise_in_its_size(studio: Studio) -> None:
    before = studio.imagine("two red cats", seed=1, size=(128, 64)).best
    assert before
    events = list(studio.stream_refine(before, "make it night", seed=2))
    assert isinstance(events[-1], Finished)
    result = events[-1].result
    assert result.candidates[0].image_request.seed == before.image_request.seed
    assert result.candidates[0].picture.size == (128, 64)
    claimed = [claim.text for claim in result.candidates[0].critique.claims]
    assert claimed == ["There are two red cats.", "The picture shows night."]
    again = studio.refine(before, "make it night", seed=2)
    assert [t.image_request for t in again.candidates] == [
        t.image_request for t in result.candidates
    ]
    other = studio.refine(before, "make it night", seed=2, size=(64, 64)).best
    assert other and other.picture.size == (64, 64)


def test_changes_are_checked_before_anything_is_drafted(studio: Studio) -> None:
    before = studio.imagine("a cat", seed=1).best
    assert before
    with pytest.raises(BadInput, match="pay"):
        studio.stream_refine(before, "make it night", seed=1, budget=0.01)
    with pytest.raises(BadInput, match="empty"):
        studio.refine(before, "", seed=1)


def test_coroutines_get_the_same_events(studio: Studio) -> None:
    async def gathered() -> list[list[str]]:
        async def one(seed: int) -> list[str]:
            return [_told(event) async for event in studio.astream(WISH, seed=seed)]

        return list(await asyncio.gather(one(1), one(2), one(1)))

    first, second, third = asyncio.run(gathered())
    same = [_told(event) for event in studio.stream(WISH, seed=1)]
    assert first == third == same != second


def _told(event: Event) -> str:
    """The event in words; of a take its order, and of the result that it is there."""
    if isinstance(event, CandidateReady):
        return repr(event.candidate.image_request)
    return "Finished" if isinstance(event, Finished) else repr(event)


def test_a_coroutine_hears_what_was_wrong(studio: Studio) -> None:
    async def all_of_it() -> None:
        async for _ in studio.astream("", seed=1):
            pass

    with pytest.raises(BadInput, match="empty"):
        asyncio.run(all_of_it())


class Stars:
    """Somebody's own painter, which knows nothing of limner but the protocol."""

    name = "stars"
    spec = PainterSpec(size=(32, 32), steps=2)

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> Any:
        return FakeImageStream(FakePainter(32, 2), list(orders), preview_every)

    def cost(self, order: ImageRequest) -> float:
        return 1.0

    def count_tokens(self, prompt: str) -> int:
        return len(prompt)


class Sure:
    """Somebody's own critic."""

    name = "sure"

    def look(
        self, pictures: Sequence[Image.Image], claims: Sequence[str], _: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        return [[1.0] * len(claims) for _ in pictures]


def test_bring_your_own_writer_painter_and_critic() -> None:
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    says = '{"asked": {"three stars": "There are three stars."}, "prompt": "three stars"}'
    writer = GenericFakeChatModel(messages=iter([AIMessage(f"Here you are:\n{says}")]))
    studio = Studio.open("fake", writer=writer, painter=Stars(), critic=Sure())
    result = studio.imagine("three stars", seed=1)
    assert result.ended == "done" and result.best and isinstance(result.best, Candidate)
    assert result.best.picture.size == (32, 32)
    assert [claim.text for claim in result.best.critique.claims] == ["There are three stars."]
    assert studio.names == {"writer": "GenericFakeChatModel", "painter": "stars", "critic": "sure"}


def test_the_same_request_and_seed_are_the_same_file() -> None:
    files = []
    for pause in (0.0, 0.02):
        studio = Studio.open("fake")
        events = studio.stream(WISH, seed=4)
        list(islice(events, 3))
        time.sleep(pause)  # the clock must not be in it
        *_, last = events
        assert isinstance(last, Finished) and last.result.best
        best = last.result.best
        files.append(pictures.stamped(last.result, best, WISH, studio, seed=4))
    assert files[0] == files[1]


def test_importing_limner_loads_no_model_library() -> None:
    heavy = "torch transformers diffusers langchain langchain_core fastapi mcp ray pyarrow pydantic"
    source = f"import limner, sys; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    opened = source.replace("limner, sys;", "limner, sys; limner.Studio, limner.Jobs;")
    done = subprocess.run(
        [sys.executable, "-c", opened], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['pydantic']"
