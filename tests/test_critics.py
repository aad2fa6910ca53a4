"""What every critic must do, held to by the fake one and by real CLIP and SigLIP at tiny size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from limner.errors import BadInput
from limner.pipelines.registry import open_critic
from limner.pipelines.roles import Critic

CLAIMS = ["the cat is red", "there is one dog", "the cat is blue"]
FOILS = [
    ["the cat is blue"],
    ["there is no dog", "there are two dogs"],
    ["the cat is red", "there is no cat"],
]


@pytest.fixture(params=["fake", "clip", "siglip"])
def critic(request: pytest.FixtureRequest, tiny: Path) -> Critic:
    if request.param == "fake":
        return open_critic("fake", {})
    return open_critic(tiny / str(request.param), {"device": "cpu"})


def pictures() -> list[Image.Image]:
    gradient = Image.linear_gradient("L").resize((48, 80))
    return [gradient.convert("RGB"), gradient.rotate(180), Image.new("RGBA", (32, 32), "red")]


def test_a_probability_for_each_claim_of_each_picture(critic: Critic) -> None:
    assert isinstance(critic, Critic)
    judged = critic.look(pictures(), CLAIMS, FOILS)
    assert [len(row) for row in judged] == [3, 3, 3]
    assert all(0 <= p <= 1 for row in judged for p in row)
    assert judged[0] != judged[1] != judged[2]


def test_company_changes_nothing(critic: Critic) -> None:
    together = critic.look(pictures(), CLAIMS, FOILS)
    again = critic.look(pictures(), CLAIMS, FOILS)
    alone = [critic.look([p], CLAIMS, FOILS)[0] for p in pictures()]
    single = critic.look(pictures(), CLAIMS[1:2], FOILS[1:2])
    for i in range(3):
        assert together[i] == pytest.approx(again[i])
        assert together[i] == pytest.approx(alone[i], abs=1e-4)
        assert together[i][1] == pytest.approx(single[i][0], abs=1e-4)


def test_nothing_to_look_at(critic: Critic) -> None:
    assert critic.look([], CLAIMS, FOILS) == []
    assert critic.look(pictures(), [], []) == [[], [], []]


def test_a_claim_without_foils_is_refused(critic: Critic) -> None:
    with pytest.raises(BadInput, match="foils"):
        critic.look(pictures(), CLAIMS, [*FOILS[:2], []])


def test_what_was_asked_before_changes_not_a_bit(critic: Critic, tiny: Path) -> None:
    single = critic.look(pictures(), CLAIMS[:1], FOILS[:1])
    after = critic.look(pictures(), CLAIMS, FOILS)
    fresh = critic if critic.name == "fake" else open_critic(tiny / critic.name, {"device": "cpu"})
    assert after == fresh.look(pictures(), CLAIMS, FOILS)
    assert single == fresh.look(pictures(), CLAIMS[:1], FOILS[:1])


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_two_contraries_share_all_the_probability(kind: str, tiny: Path) -> None:
    critic = open_critic(tiny / kind, {"device": "cpu"})
    one, other = critic.look(pictures()[:1], ["a cat", "a dog"], [["a dog"], ["a cat"]])[0]
    assert one + other == pytest.approx(1)
    assert one != pytest.approx(0.5, abs=1e-9)


def test_the_probability_is_the_softmax_of_the_models_own_logits(tiny: Path) -> None:
    import torch
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    texts = ["a cat", "a dog", "a cow"]
    model = CLIPModel.from_pretrained(tiny / "clip").eval()
    tokens = CLIPTokenizer.from_pretrained(tiny / "clip")(texts, padding=True, return_tensors="pt")
    eyes = CLIPImageProcessorPil.from_pretrained(tiny / "clip")
    with torch.inference_mode():
        seen = model(**tokens, **eyes(images=pictures()[0], return_tensors="pt"))
    expected = float(seen.logits_per_image.softmax(dim=-1)[0, 0])
    judged = open_critic(tiny / "clip", {}).look(pictures()[:1], texts[:1], [texts[1:]])
    assert judged[0][0] == pytest.approx(expected, abs=1e-5)


def test_temperature_sharpens(tiny: Path) -> None:
    near = []
    for temperature in (1.0, 0.001):
        critic = open_critic(tiny / "clip", {"temperature": temperature})
        near.append(abs(critic.look(pictures()[:1], ["a cat"], [["a dog"]])[0][0] - 0.5))
    assert near[0] < near[1]
    with pytest.raises(BadInput):
        open_critic(tiny / "clip", {"temperature": 0})


def test_texts_are_read_once_and_long_ones_cut(tiny: Path) -> None:
    critic: Any = open_critic(tiny / "clip", {"batch": 2})
    read: list[str] = []
    encoded = critic._encoded

    def listen(texts: list[str]) -> Any:
        read.extend(texts)
        return encoded(texts)

    critic._encoded = listen
    critic.look(pictures(), CLAIMS, FOILS)
    critic.look(pictures(), CLAIMS, FOILS)
    assert sorted(read) == sorted({text for group in (CLAIMS, *FOILS) for text in group})
    assert critic.look(pictures()[:1], ["cat " * 200], [["a dog"]])[0][0] > 0


def test_the_scripted_critic_hands_out_its_rows() -> None:
    critic = open_critic("fake", {"scores": [[0.1, 0.2], [0.9]]})
    assert critic.look(pictures(), CLAIMS, FOILS) == [
        [0.1, 0.2, 0.2],
        [0.9, 0.9, 0.9],
        [0.9, 0.9, 0.9],
    ]
