"""The gate: short requests are expanded, half prompts hardly, full ones painted as written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from limner.agent.brief.expansion import expansion_policy
from limner.agent.events import BriefReady
from limner.agent.records import Settings
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

FISHERMAN = (
    "An elderly fisherman in a yellow raincoat mends his net on a wooden pier at dawn, mist over "
    "the grey water, low warm light from the left, shallow depth of field, oil painting with "
    "visible brush strokes"
)
TAGS = (
    "masterpiece, best quality, white dress, silver hair, golden hour, rim light, close-up, "
    "depth of field, bokeh"
)
JIANGNAN = (
    "清晨的江南水乡，薄雾笼罩着青石板路，一位撑着红色油纸伞的女子背影，水墨画风格，留白构图，"
    "远景，宁静的氛围，柔光，倒影在绿色的河水中"
)
FOX = "a watercolour of a red fox in the misty forest at dawn, soft light"


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ("a cat", "full"),
        ("一只可爱的小猫正在玩耍", "full"),
        ("a red cat left of a blue balloon, on the grass", "full"),
        ("two red cats and a dog at night", "full"),
        ("a cosy cabin in the snowy mountains at dusk", "full"),
        ("黄昏时的海边小镇", "full"),
        ("cat " * 30, "full"),
        (FOX, "light"),
        ("a portrait of an old sailor in a blue coat, candlelight, oil painting", "light"),
        ("水彩画，黄昏时的红色灯塔，宁静的海面，远景", "light"),
        ("cat " * 100, "light"),  # long, but of one kind
        ("red blue green yellow pink black white brown grey orange", "light"),
        (FISHERMAN, "skip"),
        (TAGS, "skip"),
        (JIANGNAN, "light"),
        (f"{FISHERMAN}, no boats", "light"),
        (f"{FISHERMAN}, without a hat", "light"),
    ],
)
def test_how_much_is_added(request_: str, kind: str) -> None:
    assert expansion_policy(request_).kind == kind


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("a cat", ""),
        (FOX, "5 details in 14 words: little is added"),
        (FISHERMAN, "9 details in 37 words: painted as you wrote it"),
        (JIANGNAN, "10 details in 36 words: translated, and little is added"),
        (f"{TAGS}, no hat", "9 details in 18 words: what must not be there is kept apart"),
    ],
)
def test_people_are_told_why(request_: str, why: str) -> None:
    assert expansion_policy(request_).why.startswith(why)
    assert bool(expansion_policy(request_).why) == bool(why)


def test_words_within_words_are_one_detail() -> None:
    assert expansion_policy("golden hour " * 30).why.startswith("1 detail in 60 words")
    assert expansion_policy(FOX.upper()) == expansion_policy(FOX)
    assert expansion_policy("a bored redhead in Greyhound station " * 7).why.startswith("0 details")


@pytest.mark.parametrize("kind", ["full", "light", "skip"])
def test_a_profile_can_decide(kind: Any) -> None:
    assert expansion_policy("a cat", kind).kind == kind
    assert expansion_policy(FISHERMAN, kind).why == ""


class Wordy(FakeWriter):
    """A writer that embroiders, and keeps what it was told."""

    told: list[str] = []  # noqa: RUF012 - pydantic copies it for each writer

    def _stream(self, messages: Sequence[Any], *_: Any, **__: Any) -> Any:
        self.told.append(messages[0].text)
        said = {"asked": {"at dawn": "It is dawn."}, "prompt": "embroidered, a cat at dawn"}
        return FakeWriter(replies=(json.dumps(said),))._stream(list(messages))


def ready(request: str, writer: FakeWriter, **settings: Any) -> BriefReady:
    studio = Studio(writer, FakePainter(), FakeCritic(), Settings(**settings))
    *_, last = studio.expand(request, seed=1)
    assert isinstance(last, BriefReady)
    return last


def test_a_full_prompt_stays_and_still_makes_claims() -> None:
    seen = ready(FISHERMAN, Wordy())
    assert seen.brief.prompt == FISHERMAN
    assert [claim.text for claim in seen.claims] == ["It is dawn."]
    assert "fisherman" in seen.brief.unchecked
    assert seen.why.endswith("as you wrote it")


def test_a_half_prompt_is_to_be_kept_by_the_writer() -> None:
    writer = Wordy()
    seen = ready(FOX, writer)
    assert seen.brief.prompt.startswith("embroidered")
    assert "says nearly everything" in writer.told[0]
    assert "little" in seen.why


def test_a_short_request_is_the_writers_to_fill() -> None:
    writer = Wordy()
    seen = ready("a cat at dawn", writer)
    assert (seen.brief.prompt, seen.why) == ("embroidered, a cat at dawn", "")
    assert "says nearly everything" not in writer.told[0]


def test_a_profile_that_skips_paints_every_request_as_it_is() -> None:
    assert ready("a cat", Wordy(), expansion="skip").brief.prompt == "a cat"
    assert ready(FISHERMAN, Wordy(), expansion="full").brief.prompt.startswith("embroidered")


def test_a_writer_that_fails_is_not_said_to_have_added_little() -> None:
    seen = ready(FOX, FakeWriter(replies=("no",)))
    assert seen.fallback and not seen.why
    assert seen.brief.prompt == FOX
