"""limner from Python: scoring, refining, describing, coroutines, and many threads in one studio."""

from __future__ import annotations

import asyncio
import gc
import io
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import aclosing, closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from limner import Brief, Critique, PaintingStep, Studio, Take
from limner.agent import keep
from limner.agent.asked import asked
from limner.agent.described import described, verdicts
from limner.agent.events import BriefReady, Event, Finished, TakeReady
from limner.agent.locks import stated
from limner.agent.records import Claim, Settings, Thing
from limner.agent.seen import picture_from
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakePainter, FakePainting, FakeWriter
from limner.pipelines.roles import Dialect, Order, Painted, Step

PATIENCE = 120
WISH = "two red cats and a dog at night"


def texts(said: Any) -> list[str]:
    return [claim.text for claim in asked(said)]


READ = {
    "the cat is red": ["the cat is red"],
    "The cats are red.": ["the cats are red"],
    "there are two cats": ["there are two cats"],
    "a cat": ["there is one cat"],
    "no dogs": ["there is no dog"],
    "cats": ["there are cats"],
    "cats at night": ["there are cats", "the sky shows night"],
    "an orange cat": ["there is one cat", "the cat is orange"],
    "the ground is grass": ["the ground is grass"],
    "a kitten left of a blue balloon": [
        *("there is one cat", "there is one balloon"),
        *("the balloon is blue", "the cat is left of the balloon"),
    ],
    "the cat is above the dog": ["the cat is above the dog"],
    "a large cat on the left": ["there is one cat", "the cat is large", "the cat is on the left"],
    "the cat is not red": ["the cat is not red"],
    "a robot playing chess": ["a robot playing chess"],
    "一只猫": ["一只猫"],
}


@pytest.mark.parametrize(("said", "claimed"), READ.items(), ids=READ)
def test_sentences_become_claims(said: str, claimed: list[str]) -> None:
    claims = asked(said)
    assert [claim.text for claim in claims] == claimed
    for at, claim in enumerate(claims):
        assert claim.foils and claim.text not in claim.foils
        assert claim.needs is None or claim.needs < at


def test_claims_of_ours_have_their_own_foils() -> None:
    (claim,) = asked("the cat is red")
    assert "the cat is blue" in claim.foils and "there is no cat" in claim.foils
    (said,) = asked("the cat plays chess with a robot")
    assert said.kind == "said" and said.foils[0] == "there is no cat"


def test_several_sentences_keep_their_order_and_needs() -> None:
    claims = asked(["no dogs", "a red cat", "the sky shows night"])
    assert [c.text for c in claims] == [
        *("there is no dog", "there is one cat", "the cat is red", "the sky shows night")
    ]
    assert [c.needs for c in claims] == [None, None, 1, None]


def test_a_brief_makes_its_own_claims() -> None:
    assert texts(Brief("x", "x", things=(Thing("cat", 2),))) == ["there are two cats"]


@pytest.mark.parametrize("said", ["", " \n", [], ["a cat", ""], ["the cat plays"] * 65])
def test_nothing_and_too_much_are_refused(said: Any) -> None:
    with pytest.raises(BadInput):
        asked(said)


def encoded(form: str, picture: Image.Image | None = None, **how: Any) -> bytes:
    buffer = io.BytesIO()
    (picture or Image.new("RGB", (4, 2), "red")).save(buffer, form, **how)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_pictures_of_three_kinds_are_opened(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"  # the name says nothing
    path.write_bytes(encoded(form))
    for given in (path, encoded(form), Image.open(path)):
        picture = picture_from(given)
        assert picture.mode == "RGB" and picture.size == (4, 2)


def test_a_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert picture_from(encoded("JPEG", exif=exif)).size == (2, 4)


def claims_to_be(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        encoded("GIF"),
        encoded("PNG")[:45],
        encoded("WEBP")[:20],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        claims_to_be(100_000, 100_000),
        claims_to_be(8_193, 1),
        claims_to_be(8_000, 8_000),
        b"\0" * (64 * 2**20 + 1),
    ],
    ids="empty gif-head gif cut cut-webp svg bomb wide empty-inside long".split(),
)
def test_what_is_no_such_picture_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        picture_from(content)


def test_addresses_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="path"):
        picture_from("https://example.com/cat.png")
    with pytest.raises(BadInput, match="can't read"):
        picture_from(tmp_path / "none.png")
    with pytest.raises(BadInput, match="8193"):
        picture_from(Image.new("L", (8_193, 1)))


@pytest.fixture
def studio() -> Studio:
    return Studio(FakeWriter(), FakePainter(), FakeCritic(), Settings(takes=2, budget=4.0))


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
        Claim("there is one cat", ("x",), "count"),
        Claim("the cat is red", ("x",), "colour", needs=0),
        Claim("the sky shows night\x1b[2J\nobey", ("x",), "light"),
        Claim("the ground is grass", ("x",), "where"),
    )
    critique = Critique(claims, (0.2, 0.9, 0.8, None))
    assert described(critique).splitlines() == [
        "holds: the sky shows night obey (0.80)",
        "fails: there is one cat (0.20)",
        "can't tell: the cat is red (0.90); the ground is grass",
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
    assert "holds: there is one robot (0.90)" in studio.describe(
        Image.new("RGB", (8, 8)), "a robot"
    )


def test_a_change_starts_from_the_takes_noise_in_its_size(studio: Studio) -> None:
    before = studio.imagine("two red cats", seed=1, size=(128, 64)).best
    assert before
    events = list(studio.refining(before, "make it blue", seed=2))
    assert isinstance(events[-1], Finished)
    result = events[-1].result
    assert result.takes[0].order.seed == before.order.seed
    assert result.takes[0].picture.size == (128, 64)
    assert "the cats are blue" in [claim.text for claim in result.takes[0].critique.claims]
    again = studio.refine(before, "make it blue", seed=2)
    assert [t.order for t in again.takes] == [t.order for t in result.takes]
    other = studio.refine(before, "make it blue", seed=2, size=(64, 64)).best
    assert other and other.picture.size == (64, 64)


def test_what_was_stated_holds_through_changes(studio: Studio) -> None:
    before = studio.imagine("two red cats", seed=1).best
    assert before
    for locks in ((), stated("two red cats")):
        events = studio.refining(before, "make it night", seed=2, locks=locks)
        ready = next(event for event in events if isinstance(event, BriefReady))
        events.close()
        assert {lock.value for lock in ready.locks} >= {"2", "red"}


def test_changes_are_checked_before_anything_is_drafted(studio: Studio) -> None:
    before = studio.imagine("a cat", seed=1).best
    assert before
    with pytest.raises(BadInput, match="pay"):
        studio.refining(before, "make it night", seed=1, budget=0.01)
    with pytest.raises(BadInput, match="empty"):
        studio.refine(before, "", seed=1)


def test_coroutines_get_the_same_events(studio: Studio) -> None:
    async def gathered() -> list[list[str]]:
        async def one(seed: int) -> list[str]:
            return [_told(event) async for event in studio.astream(WISH, seed=seed)]

        return list(await asyncio.gather(one(1), one(2), one(1)))

    first, second, third = asyncio.run(gathered())
    same = [_told(event) for event in studio.takes(WISH, seed=1)]
    assert first == third == same != second


def _told(event: Event) -> str:
    """The event in words; of a take its order, and of the result that it is there."""
    if isinstance(event, TakeReady):
        return repr(event.take.order)
    return "Finished" if isinstance(event, Finished) else repr(event)


def test_a_coroutine_hears_what_was_wrong(studio: Studio) -> None:
    async def all_of_it() -> None:
        async for _ in studio.astream("", seed=1):
            pass

    with pytest.raises(BadInput, match="empty"):
        asyncio.run(all_of_it())


class Watched(FakePainter):
    """Notices who paints at the same time, stops at a gate, and knows how it ended."""

    def __init__(self) -> None:
        super().__init__(steps=3)
        self.open = 0
        self.most = 0
        self.closed = 0
        self.gate = threading.Event()
        self.gate.set()
        self.waits = threading.Event()

    def paint(self, orders: Sequence[Order], preview_every: int = 0) -> Any:
        return _Watched(self, super().paint(orders, preview_every))


class _Watched:
    def __init__(self, painter: Watched, painting: FakePainting) -> None:
        self._painter = painter
        self._painting = painting
        self._ended = False
        painter.open += 1
        painter.most = max(painter.most, painter.open)

    def __iter__(self) -> Iterator[Step | Painted]:
        for done in self._painting:
            time.sleep(0.001)  # gives the others a chance to interfere
            if not self._painter.gate.is_set():
                self._painter.waits.set()
                assert self._painter.gate.wait(PATIENCE)
            yield done

    def drop(self, index: int) -> None:
        self._painting.drop(index)

    def close(self) -> None:
        self._painting.close()
        self._painter.open -= not self._ended
        self._painter.closed += not self._ended
        self._ended = True

    @property
    def spent(self) -> float:
        return self._painting.spent


@pytest.fixture
def painter() -> Watched:
    return Watched()


@pytest.fixture
def shared(painter: Watched) -> Studio:
    return Studio(FakeWriter(), painter, FakeCritic(), Settings(takes=2, budget=4.0))


def test_threads_share_a_studio_and_one_paints(shared: Studio, painter: Watched) -> None:
    made: dict[int, Any] = {}

    def ask(seed: int) -> None:
        made[seed] = shared.imagine(WISH, seed=seed)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert painter.most == 1 and painter.open == 0 and len(made) == 6
    for seed, result in made.items():
        alone = shared.imagine(WISH, seed=seed)
        assert [t.order for t in alone.takes] == [t.order for t in result.takes]
        assert [t.critique for t in alone.takes] == [t.critique for t in result.takes]


def test_closing_from_another_thread_stops_a_step_later(shared: Studio, painter: Watched) -> None:
    events = shared.takes(WISH, seed=1)
    heard: list[Event] = []
    reader = threading.Thread(target=lambda: heard.extend(events))
    painter.gate.clear()
    reader.start()
    assert painter.waits.wait(PATIENCE)
    closer = threading.Thread(target=events.close)
    closer.start()
    painter.gate.set()
    for thread in (reader, closer):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert painter.closed == 1 and painter.open == 0
    assert not any(isinstance(event, TakeReady) for event in heard)
    assert shared.imagine(WISH, seed=1).best  # the models are free again


def test_who_waits_for_the_models_can_be_closed(shared: Studio, painter: Watched) -> None:
    painter.gate.clear()
    first = threading.Thread(target=lambda: shared.imagine(WISH, seed=1))
    first.start()
    assert painter.waits.wait(PATIENCE)
    second = shared.takes(WISH, seed=2)
    heard: list[Event] = []
    reader = threading.Thread(target=lambda: heard.extend(second))
    reader.start()
    second.close()  # at once, though the first one still paints
    reader.join(PATIENCE)
    assert not reader.is_alive() and heard == [] and first.is_alive()
    painter.gate.set()
    first.join(PATIENCE)
    assert painter.open == 0


def _to_a_step(events: Iterator[Event]) -> None:
    next(event for event in events if isinstance(event, PaintingStep))


def test_between_two_steps_others_wait_and_the_reader_may_look(
    shared: Studio, painter: Watched
) -> None:
    with closing(shared.takes(WISH, seed=1)) as events:
        _to_a_step(events)
        assert shared.score(Image.new("RGB", (8, 8)), "a cat").probabilities
        assert [type(e) for e in shared.expand("a cat", seed=1)][-1] is BriefReady
        with pytest.raises(BadInput, match="middle of another"):
            shared.imagine("a cat", seed=1)
        other = threading.Thread(target=lambda: shared.imagine("a cat", seed=1))
        other.start()
        _to_a_step(events)
        assert painter.most == 1 and other.is_alive()
    other.join(PATIENCE)
    assert not other.is_alive() and painter.most == 1


def test_an_iterator_that_is_forgotten_frees_the_models(shared: Studio, painter: Watched) -> None:
    _to_a_step(shared.takes(WISH, seed=1))
    gc.collect()
    assert painter.open == 0
    assert shared.imagine(WISH, seed=1).best


def test_a_coroutine_that_leaves_stops_the_painter(shared: Studio, painter: Watched) -> None:
    async def leave() -> None:
        async with aclosing(shared.astream(WISH, seed=1)) as events:
            async for event in events:
                if isinstance(event, PaintingStep):
                    painter.gate.clear()
                    return

    asyncio.run(leave())
    painter.gate.set()
    assert shared.imagine(WISH, seed=1).best
    assert painter.open == 0


class Stars:
    """Somebody's own painter, which knows nothing of limner but the protocol."""

    name = "stars"
    dialect = Dialect(size=(32, 32), steps=2)

    def paint(self, orders: Sequence[Order], preview_every: int = 0) -> Any:
        return FakePainting(FakePainter(32, 2), list(orders), preview_every)

    def cost(self, order: Order) -> float:
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

    says = '{"things": [{"name": "star", "count": 3}], "prompt": "three stars"}'
    writer = GenericFakeChatModel(messages=iter([AIMessage(f"Here you are:\n{says}")]))
    studio = Studio.open("fake", writer=writer, painter=Stars(), critic=Sure())
    result = studio.imagine("three stars", seed=1)
    assert result.ended == "done" and result.best and isinstance(result.best, Take)
    assert result.best.picture.size == (32, 32)
    assert [claim.text for claim in result.best.critique.claims] == ["there are three stars"]
    assert studio.names == {"writer": "GenericFakeChatModel", "painter": "stars", "critic": "sure"}


def test_the_same_request_and_seed_are_the_same_file() -> None:
    files = []
    for pause in (0.0, 0.02):
        studio = Studio.open("fake")
        events = studio.takes(WISH, seed=4)
        list(islice(events, 3))
        time.sleep(pause)  # the clock must not be in it
        *_, last = events
        assert isinstance(last, Finished) and last.result.best
        best = last.result.best
        files.append(keep.stamped(last.result, best, WISH, studio, seed=4))
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
