"""What a critic's numbers are worth, found by asking it what is false."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image as images

from limner import configs
from limner.agent.calibrate import REQUESTS, calibrate, nulls, requests_in
from limner.agent.cli import main
from limner.agent.records import Candidate, Claim, Settings
from limner.agent.scoring.evaluate import look
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.platt import Curve, fit, from_null

PICTURE = images.new("RGB", (64, 64))


def test_a_curve_of_its_own_changes_nothing() -> None:
    assert [Curve()(p) for p in (0.1, 0.5, 0.9)] == pytest.approx([0.1, 0.5, 0.9])


def test_a_boastful_critic_is_taken_at_its_worth() -> None:
    """Says 0.9 where 6 of 10 are true and 0.1 where 4 of 10 are."""
    said = [0.9] * 1000 + [0.1] * 1000
    truths = ([True] * 6 + [False] * 4) * 100 + ([True] * 4 + [False] * 6) * 100
    curve = fit(said, truths)
    assert curve(0.9) == pytest.approx(0.6, abs=0.01)
    assert curve(0.1) == pytest.approx(0.4, abs=0.01)


def test_one_example_says_less_than_many() -> None:
    assert 0.4 < fit([0.9], [False])(0.9) < 0.9
    assert fit([0.9] * 100, [False] * 100)(0.9) < 0.3


def test_few_of_the_false_claims_pass() -> None:
    said = [number / 100 for number in range(1, 100)]
    curve = from_null(said, 0.1)
    assert sum(curve(p) >= 0.5 for p in said) == 10


def test_a_kind_is_judged_by_its_own_curve() -> None:
    claims = tuple(Claim(kind, kind, foils=("no",)) for kind in ("count", "colour"))
    settings = Settings(calibration={"count": Curve(1.0, -3.0)})
    ((critique,), failed) = look(FakeCritic([[0.9, 0.9]]), [PICTURE], claims, settings)
    assert not failed
    assert critique.probabilities == pytest.approx((0.31, 0.9), abs=0.01)
    assert critique.failed == (0,)


def test_no_claim_of_a_picture_itself_is_taken_for_false() -> None:
    studio = Studio(FakeWriter(), FakePainter(), FakeCritic())
    *takes, curves = calibrate(studio, REQUESTS[:4], seed=1)
    painted = [take for take in takes if isinstance(take, Candidate)]
    assert [take.brief.request for take in painted] == list(REQUESTS[:4])
    found = nulls(studio, painted)
    own = sum(len(take.critique.claims) for take in painted)
    assert sum(map(len, found.values())) <= 3 * own
    assert isinstance(curves, dict) and "other" in curves


def test_a_critic_with_a_world_is_asked_in_its_own_words() -> None:
    class Worldly(FakeCritic):
        """Was taught capitals, and knows nothing of moons."""

        world = SimpleNamespace(
            phrased=lambda claim: None if "moon" in claim.text else (claim.text.upper(), ("NO",))
        )

        def look(self, pictures: Any, claims: Sequence[str], foils: Any) -> list[list[float]]:
            assert all(text == text.upper() for text in claims)
            return super().look(pictures, claims, foils)

    wishes = ["two cats", "three dogs", "four moons", "five cups"]
    studio = Studio(FakeWriter(), FakePainter(), Worldly())
    *takes, _ = calibrate(studio, wishes, seed=1)
    found = nulls(studio, [take for take in takes if isinstance(take, Candidate)])
    assert {kind: len(row) for kind, row in found.items()} == {"count": 9}  # not of the moons


def test_the_command_writes_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.yaml"
    assert main.main(["calibrate", "--profile", "fake", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    chosen = configs.load(out)
    assert chosen.painter.name == "fake" and chosen.calibration["count"][1] < 0
    assert Studio.open(out).settings.calibration["count"].shift == chosen.calibration["count"][1]


def test_what_is_no_list_of_requests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        requests_in(tmp_path / "none.txt")
    (tmp_path / "few.txt").write_text("a cat\n\na dog\n")
    assert requests_in(tmp_path / "few.txt") == ["a cat", "a dog"]
    with pytest.raises(BadInput, match="Four requests"):
        next(calibrate(Studio.open("fake"), ["a cat"]))
    assert main.main(["calibrate", "--profile", "fake", "--out", "mine.txt"]) == 2
