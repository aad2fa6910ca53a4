"""Styles: found by name in two languages, put on, changed, and taken to a world of few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from limner.agent.brief.prompt import nearest, restyled, size_for, styled
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.records import Brief, Claim
from limner.configs import load
from limner.errors import BadInput
from limner.pipelines.fakes import FakeWriter
from limner.pipelines.roles import PainterSpec
from limner.prompts.styles import style, styles

CAT = Claim("There is one cat.", "count", quote="a cat", subject="cat", value="1")
BRIEF = Brief("a cat", "one cat on grass, soft light", (CAT,), negative=("dog",))
PROSE = PainterSpec((512, 512))
POCKET = load("pocket").styles


def in_style(name: str) -> Claim:
    return Claim(f"The style is {name}.", "style", quote=name, value=name)


@pytest.mark.parametrize("name", styles())
def test_every_style_is_whole(name: str) -> None:
    one = styles()[name]
    assert one.called and one.chinese and one.adds
    assert len(one.adds.split()) <= 16  # of 77 tokens, most are the user's
    assert set(one.near) <= set(POCKET)
    assert all(style(word).name == name for word in one.words)


def test_the_fields_that_pictures_are_made_for_are_there() -> None:
    asked = "illustration poster logo character prop photo watercolour".split()
    asked += ["game scene", "teaching picture", "medical diagram", "pixel art"]
    assert set(asked) <= set(styles())


@pytest.mark.parametrize(
    ("words", "name"),
    [("Watercolor", "watercolour"), ("水彩", "watercolour"), (" Pixel  Art ", "pixel art")],
)
def test_a_style_goes_by_many_names(words: str, name: str) -> None:
    assert style(words).name == name


def test_an_unknown_style_lists_what_is_near() -> None:
    with pytest.raises(BadInput) as caught:
        style("watercolours\x1b[2J")
    assert "watercolour" in caught.value.hint
    assert "\x1b" not in caught.value.message


def test_a_style_is_put_on_and_taken_off_without_a_trace() -> None:
    painted = styled(BRIEF, style("watercolour"), PROSE)
    assert painted.style_prompt == "watercolour painting, soft washes, visible paper"
    assert painted.style_negative == ("photo", "hard outlines")
    assert (painted.prompt, painted.negative) == (BRIEF.prompt, BRIEF.negative)
    assert [claim.source for claim in painted.claims] == ["asked", "style"]
    photo = styled(painted, style("photo"), PROSE)
    assert photo == styled(BRIEF, style("photo"), PROSE)


@pytest.mark.parametrize("name", styles())
def test_twice_is_once(name: str) -> None:
    brief = replace(BRIEF, prompt=f"one cat, {name}, soft light", claims=(CAT, in_style(name)))
    for known in ((), POCKET):
        once = styled(brief, style(name), PROSE, known)
        assert styled(once, style(name), PROSE, known) == once


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ("one cat, pixel art", "one cat"),
        ("one cat, in a pixelated style, at night", "one cat, at night"),
        ("one cat, as a watercolor painting.", "one cat"),
        ("one cat, pixel art of a dog on the wall", "one cat, pixel art of a dog on the wall"),
        ("pixel art", "pixel art"),
    ],
)
def test_words_that_only_name_the_former_style_go(prompt: str, left: str) -> None:
    brief = replace(BRIEF, prompt=prompt, claims=(CAT, in_style("pixel art")))
    assert styled(brief, style("watercolour"), PROSE).prompt == left


def test_a_painter_without_negative_prompts_gets_none() -> None:
    assert styled(BRIEF, style("photo"), replace(PROSE, negative=False)).style_negative == ()


@pytest.mark.parametrize(
    ("name", "there"),
    [("pixel art", "pixel art"), ("watercolour", "pastel"), ("poster", "flat"), ("photo", "")],
)
def test_a_small_world_paints_the_nearest_that_it_has(name: str, there: str) -> None:
    assert nearest(style(name), POCKET) == there
    painted = styled(BRIEF, style(name), PROSE, POCKET)
    assert [c.value for c in painted.claims if c.kind == "style"] == [there] * bool(there)
    assert painted.style_prompt == (f"{there} style" if there else "")
    assert painted.style_negative == ()


def test_an_edit_keeps_the_style_unless_it_changes_it() -> None:
    painted = styled(BRIEF, style("watercolour"), PROSE)
    after = replace(painted, prompt="one cat at night, watercolour")
    kept = restyled(painted, after)
    assert kept.prompt == "one cat at night"
    assert kept.style_prompt == painted.style_prompt
    assert kept.style_negative == painted.style_negative
    changed = replace(after, claims=(CAT, in_style("photo")))
    assert restyled(painted, changed).style_prompt == ""
    assert restyled(BRIEF, after).claims == after.claims


def test_the_writer_edits_within_the_style() -> None:
    before = styled(BRIEF, style("logo"), PROSE)
    steps = BriefWriter(FakeWriter()).edit(before, "at night", seed=1)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            edited: Drafted = end.value
            break
    assert any("night" in claim.text for claim in edited.brief.claims)
    assert edited.brief.style_prompt == style("logo").adds


def test_sizes_have_the_shape_and_about_the_area() -> None:
    assert size_for(style("logo"), PROSE) == (512, 512)
    width, height = size_for(style("game scene"), PROSE)
    assert (width, height) == (680, 384)
    assert size_for(style("game scene"), replace(PROSE, largest=512)) == (512, 384)


def test_the_users_own_styles_win(tmp_path: Path) -> None:
    assert styles(tmp_path) == styles()
    mine = (
        "photo: {adds: 'polaroid'}\nmosaic: {called: [tesserae], adds: 'mosaic of small stones'}\n"
    )
    (tmp_path / "styles.yaml").write_text(mine, encoding="utf-8")
    assert style("photo", tmp_path).adds == "polaroid"
    assert style("Tesserae", tmp_path).name == "mosaic"
    assert set(styles(tmp_path)) == {*styles(), "mosaic"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("photo: {}", "adds"),
        ("photo: {adds: x, colour: red}", "colour"),
        ("photo: {adds: x, shape: [0, 1]}", "shape"),
        ("photo: x", "photo"),
        ("- photo", "dictionary"),
        ("{", "styles.yaml"),
        ("!!python/object/apply:os.system ['true']", "styles.yaml"),
    ],
)
def test_a_broken_file_of_styles_is_named(text: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "styles.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=named) as caught:
        styles(tmp_path)
    assert "\n" not in caught.value.message
