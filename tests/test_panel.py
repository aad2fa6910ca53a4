"""Several critics as one: each claim goes to who can tell, a small world to its own pictures."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from limner.agent import machine
from limner.agent.records import Claim, Settings
from limner.agent.scoring.evaluate import look
from limner.agent.scoring.panel import Panel
from limner.configs import Profile, Role
from limner.pipelines import registry
from limner.pipelines.fakes import FakeCritic
from limner.pipelines.roles import Statement

PICTURES = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]


class Counts:
    """A judge that knows numbers alone."""

    name = "counts"
    world: Any = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def judge(
        self, pictures: Sequence[Image.Image], claims: Sequence[Statement]
    ) -> list[list[float | None]]:
        self.asked += [claim.text for claim in claims]
        return [[0.25 if claim.kind == "count" else None for claim in claims] for _ in pictures]


class Asked(FakeCritic):
    """A fake critic that remembers what it was asked."""

    texts: tuple[str, ...] = ()

    def look(
        self,
        pictures: Sequence[Image.Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        self.texts = tuple(claims)
        return [[0.75 for _ in claims] for _ in pictures]


CLAIMS = (
    Claim("There are two dogs.", "count", subject="dog", value="2", foils=("There is one dog.",)),
    Claim("The style is pastel.", "style", value="pastel", foils=("The style is flat.",)),
)


def test_each_claim_goes_to_who_can_tell() -> None:
    critic, judge = Asked(), Counts()
    critiques, failed = look(Panel(critic, judge), PICTURES, CLAIMS, Settings())
    assert not failed
    assert [one.probabilities for one in critiques] == [(0.25, 0.75)] * 2
    assert critic.texts == ("The style is pastel.",)


def test_without_a_judge_the_critic_is_asked_everything() -> None:
    critic = Asked()
    critiques, _ = look(critic, PICTURES, CLAIMS, Settings())
    assert [one.probabilities for one in critiques] == [(0.75, 0.75)] * 2


def test_a_judge_that_breaks_leaves_pictures_unverified() -> None:
    judge = Counts()
    judge.judge = lambda pictures, claims: [[0.5] * len(claims)]  # type: ignore[method-assign]
    critiques, failed = look(Panel(Asked(), judge), PICTURES, CLAIMS, Settings())
    assert "looked at 1 of 2" in failed
    assert [one.probabilities for one in critiques] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("painters", "detectors", "joined"),
    [(None, None, True), ("world", "world", True), ("world", None, True), (None, "world", False)],
)
def test_a_small_worlds_detector_sees_only_pictures_of_it(
    painters: str | None, detectors: str | None, joined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Counts()
    judge.world = detectors
    monkeypatch.setattr(registry, "open_detector", lambda name, settings: judge)
    painter, critic = SimpleNamespace(world=painters), Asked()
    made = machine._panel(painter, critic, Role(name="pocket"))
    assert isinstance(made, Panel) is joined
    assert joined or made is critic


def test_a_profile_names_a_detector_by_its_name_alone() -> None:
    said = {"writer": {"name": "a"}, "painter": {"name": "b"}, "critic": {"name": "c"}}
    parts: dict[str, Any] = {part: Role.model_validate(role) for part, role in said.items()}
    assert Profile(**parts).detector is None
    assert Role.model_validate("google/owlv2-base-patch16-ensemble").settings == {}
