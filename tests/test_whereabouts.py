"""Where things stand is found by covering places, for a critic that only knows what is there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL import Image

from limner.agent.brief.claims import complete, spoken
from limner.agent.records import Claim, Critique, Settings
from limner.agent.scoring.evaluate import look

RED, BLUE = (200, 30, 30), (30, 30, 200)
LOCATE = Settings(locate=True)
CAT, DOG = Claim("There is one cat."), Claim("There is one dog.")
BESIDE = complete([CAT, DOG, Claim("The cat is left of the dog.")])


class FakeColourCritic:
    """Takes red for a cat and blue for a dog, and says half to half of anything else."""

    def __init__(self) -> None:
        self.name = "fake"
        self.looks = 0

    def look(
        self,
        pictures: Sequence[Image.Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        """Nine in ten where the colour is there, one in ten where it is not."""
        self.looks += len(pictures)
        return [[_seen(picture, claim) for claim in claims] for picture in pictures]


def _seen(picture: Image.Image, claim: str) -> float:
    if not claim.startswith("There"):
        return 0.5
    colour = RED if "cat" in claim else BLUE
    pixels = [tuple(pixel) for row in _rows(picture) for pixel in row]
    return 0.9 if pixels.count(colour) > 20 else 0.1


def _rows(picture: Image.Image) -> list[list[tuple[int, ...]]]:
    import numpy as np

    return [[tuple(map(int, pixel)) for pixel in row] for row in np.asarray(picture)]


def scene(cat: tuple[int, int] | None, dog: tuple[int, int] | None) -> Image.Image:
    """A grey picture of 64 pixels a side with squares of ten, known by their middles."""
    picture = Image.new("RGB", (64, 64), (128, 128, 128))
    for colour, spot in ((RED, cat), (BLUE, dog)):
        if spot:
            x, y = spot
            picture.paste(colour, (x - 5, y - 5, x + 5, y + 5))
    return picture


def critique(picture: Image.Image, claims: tuple[Claim, ...], settings: Settings) -> Critique:
    (found,), failed = look(FakeColourCritic(), [picture], claims, settings)
    assert not failed
    return found


@pytest.mark.parametrize(
    ("cat", "dog", "true"),
    [
        ((12, 32), (52, 32), {"left of"}),
        ((52, 30), (12, 34), {"right of"}),
        ((32, 10), (32, 54), {"above"}),
        ((34, 54), (30, 10), {"below"}),
        ((12, 12), (52, 52), set[str]()),  # neither plainly
    ],
)
def test_relations(cat: tuple[int, int], dog: tuple[int, int], true: set[str]) -> None:
    for how in ("left of", "right of", "above", "below"):
        claims = complete([CAT, DOG, Claim(f"The cat is {how} the dog.")])
        found = critique(scene(cat, dog), claims, LOCATE)
        assert (found.probabilities[-1] or 0) != 0.5
        assert ((found.probabilities[-1] or 0) > 0.5) is (how in true)


@pytest.mark.parametrize(("x", "side"), [(10, "left"), (32, "centre"), (54, "right")])
def test_places(x: int, side: str) -> None:
    for place, said in (
        ("left", "on the left"),
        ("centre", "in the centre"),
        ("right", "on the right"),
    ):
        claims = complete([CAT, Claim(f"The cat is {said}.")])
        found = critique(scene((x, 32), None), claims, LOCATE)
        assert ((found.probabilities[-1] or 0) > 0.5) is (place == side)


def test_what_is_not_there_stands_nowhere() -> None:
    found = critique(scene((12, 32), None), BESIDE, LOCATE)
    assert found.probabilities == (0.9, 0.1, 0.5)  # as the critic said


def test_it_is_asked_of_the_critic_unless_a_profile_says_locate() -> None:
    assert critique(scene((12, 32), (52, 32)), BESIDE, Settings()).probabilities[-1] == 0.5


def test_other_words_for_where_are_left_to_the_critic() -> None:
    claims = complete([CAT, DOG, Claim("The cat is behind the dog.")])
    assert claims[-1].things == (0, 1)
    assert critique(scene((12, 32), (52, 32)), claims, LOCATE).probabilities[-1] == 0.5


def test_ten_looks_more_only_where_it_matters() -> None:
    critic = FakeColourCritic()
    look(critic, [scene((12, 32), (52, 32))], complete([CAT]), LOCATE)
    assert critic.looks == 1
    look(critic, [scene((12, 32), (52, 32))], BESIDE, LOCATE)
    assert critic.looks == 12


def test_sentences_keep_whose_places_they_tell() -> None:
    claims = spoken(["The cat is left of the dog.", "There is one dog.", "There is one cat."])
    related = next(claim for claim in claims if claim.kind == "relation")
    assert [claims[thing].text for thing in related.things] == [CAT.text, DOG.text]
