"""Finishing: what is typed, what it does to a picture, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageStat
from pydantic import RootModel

from limner.errors import BadInput
from limner.pipelines.finish import MOST, Finish, apply, known, parse


def picture(width: int = 48, height: int = 32) -> Image.Image:
    """Two gradients and an edge: nothing in it is symmetrical."""
    made = Image.new("RGB", (width, height))
    for x in range(width):
        for y in range(height):
            made.putpixel((x, y), (60 + 2 * x, 40 + 3 * y, 200 if x > y else 90))
    return made


def mean(image: Image.Image) -> list[float]:
    return ImageStat.Stat(image).mean


@pytest.mark.parametrize(
    ("words", "finishes"),
    [
        ("brightness +20%", [("brightness", 1.2)]),
        ("brightness -20 %", [("brightness", 0.8)]),
        ("Brightness 1.5", [("brightness", 1.5)]),
        ("crop 1:1", [("crop", 1, 1)]),
        ("crop 16 : 9", [("crop", 16, 9)]),
        ("resize 1024x768", [("resize", 1024, 768)]),
        ("fill 640 × 480", [("fill", 640, 480)]),
        ("pad 640*480", [("pad", 640, 480)]),
        ("sharpen", [("sharpen", 1)]),
        ("sharpen 50%", [("sharpen", 0.5)]),
        ("upscale x2", [("upscale", 2)]),
        ("upscale 4×", [("upscale", 4)]),
        ("nearest 4", [("nearest", 4)]),
        ("color -100%", [("colour", 0)]),
        ("saturation +10%, warmth +5%", [("colour", 1.1), ("warmth", 1.05)]),
        ("sharpen autocontrast crop 4:3", [("sharpen", 1), ("autocontrast",), ("crop", 4, 3)]),
    ],
)
def test_what_is_typed(words: str, finishes: list[tuple[str, float]]) -> None:
    assert parse(words) == tuple(Finish(name, tuple(numbers)) for name, *numbers in finishes)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "nothing"),
        ("brighten", "'brighten'"),
        ("20% brightness", "'20%'"),
        ("brightness", "how much"),
        ("brightness 20%", "'20%'"),  # to a fifth, or by a fifth?
        ("brightness +900%", "not possible"),
        ("brightness -100%", "not possible"),
        ("contrast lots", "'lots'"),
        ("crop 0:1", "not possible"),
        ("crop 512x512", "'512x512'"),
        ("resize 1024", "'1024'"),
        ("resize 0x10", "not possible"),
        ("resize 9000x10", "not possible"),
        ("upscale 100", "'100'"),
        ("upscale 9", "not possible"),
        ("autocontrast 3", "'3'"),
        ("sharpen " * (MOST + 1), "too many"),
        ("sharpen brightness \x1b[2J", "brightness"),
    ],
)
def test_what_is_refused_and_what_to_type(words: str, named: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(words)
    assert named in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint
    assert "\x1b" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("explode", ()),
        ("brightness", ()),
        ("brightness", (1, 2)),
        ("brightness", (float("nan"),)),
        ("resize", (float("inf"), 5)),
        ("upscale", (1,)),
    ],
)
def test_a_record_from_elsewhere_is_checked(name: str, numbers: tuple[float, ...]) -> None:
    with pytest.raises(BadInput):
        Finish(name, numbers)


FINISHES = st.one_of(
    st.builds(
        lambda name, factor: Finish(name, (factor,)),
        st.sampled_from(["brightness", "contrast", "colour", "warmth"]),
        st.floats(0.5, 2),
    ),
    st.builds(lambda a, b: Finish("crop", (a, b)), st.integers(1, 99), st.integers(1, 99)),
    st.builds(
        lambda name, a, b: Finish(name, (a, b)),
        st.sampled_from(["fill", "pad"]),
        st.integers(1, 64),
        st.integers(1, 64),
    ),
    st.builds(lambda amount: Finish("sharpen", (amount,)), st.floats(0.01, 5)),
    st.just(Finish("autocontrast")),
)


@given(finish=FINISHES)
def test_what_is_shown_can_be_typed_and_what_is_stored_can_be_read(finish: Finish) -> None:
    assert parse(str(finish)) == (finish,)
    stored = RootModel[Finish](finish).model_dump_json()
    assert RootModel[Finish].model_validate_json(stored, strict=True).root == finish


@given(finishes=st.lists(FINISHES, max_size=3))
def test_applied_again_it_is_the_same_to_the_bit(finishes: list[Finish]) -> None:
    one = picture(16, 12)
    before = one.tobytes()
    typed = [parse(str(finish))[0] for finish in finishes]
    first, second = apply(one, finishes), apply(one, typed)
    assert first.tobytes() == second.tobytes()
    assert one.tobytes() == before


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("resize 96x64", (96, 64)),
        ("fill 20x20", (20, 20)),
        ("pad 100x20", (100, 20)),
        ("crop 1:1", (32, 32)),
        ("crop 1:99", (1, 32)),
        ("crop 99:1", (48, 1)),
        ("upscale 2", (96, 64)),
        ("nearest 3 crop 3:2", (144, 96)),
        ("sharpen", (48, 32)),
    ],
)
def test_sizes(words: str, size: tuple[int, int]) -> None:
    assert apply(picture(), parse(words)).size == size


def test_a_resize_never_distorts() -> None:
    with pytest.raises(BadInput, match="another shape") as caught:
        apply(picture(), parse("resize 64x64"))
    assert "fill 64x64" in caught.value.hint


def test_it_never_grows_beyond_the_largest() -> None:
    with pytest.raises(BadInput, match="too many"):
        apply(picture(), parse("upscale 8 " * 3))


def test_light_and_colours_go_the_way_that_was_asked_for() -> None:
    one = picture()
    assert mean(apply(one, parse("brightness +20%"))) > mean(one)
    assert mean(apply(one, parse("brightness -20%"))) < mean(one)
    red, green, blue = mean(apply(one, parse("warmth +20%")))
    assert red > mean(one)[0] and green == mean(one)[1] and blue < mean(one)[2]
    grey = apply(one, parse("colour 0")).getpixel((5, 5))
    assert isinstance(grey, tuple) and len(set(grey)) == 1
    deviation = ImageStat.Stat(one).stddev[0]
    assert ImageStat.Stat(apply(one, parse("contrast +30%"))).stddev[0] > deviation
    assert ImageStat.Stat(apply(one, parse("autocontrast"))).stddev[0] > deviation


def test_neutral_factors_change_nothing() -> None:
    same = [Finish(name, (1,)) for name in ("brightness", "contrast", "colour", "warmth")]
    assert apply(picture(), same).tobytes() == picture().tobytes()


def test_pixels_become_squares() -> None:
    large = apply(picture(3, 2), parse("nearest 4"))
    assert {large.getpixel((x, y)) for x in range(4) for y in range(4)} == {
        picture(3, 2).getpixel((0, 0))
    }


def test_padding_keeps_all_and_is_black() -> None:
    padded = apply(picture(), parse("pad 48x48"))
    assert padded.crop((0, 8, 48, 40)).tobytes() == picture().tobytes()
    assert padded.getpixel((5, 2)) == (0, 0, 0)


def test_any_mode_will_do() -> None:
    for mode in ("L", "RGBA", "P"):
        assert apply(picture().convert(mode), parse("sharpen")).mode == "RGB"


def test_every_operation_is_known_with_an_example_that_works() -> None:
    with pytest.raises(BadInput) as caught:
        parse("nonsense")
    examples = caught.value.hint.removeprefix("For instance: ").removesuffix(".")
    assert tuple(finish.name for finish in parse(examples)) == known()
