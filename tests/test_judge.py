"""The exact judge reads what is drawn, refuses what is not, and its prompts stay as they were."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

import limner.benchmarks
from limner.agent.records import Settings
from limner.agent.scoring.evaluate import look
from limner.benchmarks.arms.ours import TrueCritic
from limner.benchmarks.cases import (
    FOLDER,
    SHARES,
    SIZES,
    EvalPrompt,
    eval_prompts,
    exact_brief,
    quick_prompts,
    world_cases,
)
from limner.benchmarks.judge import (
    BESIDE,
    OPEN,
    BenchClaim,
    PromptSpec,
    all_right,
    claims_of,
    dumped,
    loaded,
    verdict,
)
from limner.benchmarks.judge_validation import blurred, compressed, drawn_tallies, falsified
from limner.benchmarks.scene_graph import SceneGraph, parse
from limner.errors import BadInput
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import Scene, Spot, lay_out, seen
from limner.pipelines.pocket.spec import Group, Link, Spec, held_out, link_held_out
from limner.pipelines.pocket.world import world

JUDGES = Path(limner.benchmarks.__path__[0])
CAT = Spot("cat", "red", "large", 36, 92, 56)
FISH = [Spot("fish", "", "small", 100, y, 40) for y in (52, 100)]
TRUTH = Spec(
    (Group("cat", 1, "red", "large", "left"), Group("fish", 2, "blue", "small", "right")),
    (Link("cat", "left of", "fish"),),
    "sand",
    "sunset",
    "pastel",
)


def picture(spec: Spec = TRUTH, spots: tuple[Spot, ...] = (CAT, *FISH)) -> Image.Image:
    return Image.fromarray(draw(Scene(spec, spots)))


@pytest.fixture(scope="module")
def found() -> SceneGraph:
    return parse(picture())


def holds(found: SceneGraph, *claim: str | int | tuple[str, ...]) -> bool:
    return verdict(found, [BenchClaim(*claim)])[0]  # type: ignore[arg-type]


def test_a_picture_is_read_into_what_was_drawn(found: SceneGraph) -> None:
    assert {thing.spot for thing in found.things} == {CAT, *FISH}
    assert (found.where, found.light, found.style) == ("sand", "sunset", "pastel")
    assert found.clear


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (("count", "fish", 2), ("count", "fish", 1)),
        (("count", "fish", OPEN), ("count", "cat", OPEN)),
        (("colour", "cat", "red"), ("colour", "cat", "pink")),
        (("colour", "fish", "blue"), ("colour", "fish", "purple")),
        (("size", "cat", "large"), ("size", "fish", "large")),
        (("place", "fish", "right"), ("place", "fish", "centre")),
        (("relation", "fish", "right of", "cat"), ("relation", "fish", "above", "cat")),
        (("where", "", "sand"), ("where", "", "grass")),
        (("light", "", "sunset"), ("light", "", "day")),
        (("style", "", "pastel"), ("style", "", "flat")),
        (("absent", "dog"), ("absent", "cat")),
        (("exactly", "", ("cat", "fish")), ("exactly", "", ("cat",))),
        (("exactly", "", ("cat", "fish")), ("exactly", "", ("cat", "dog", "fish"))),
    ],
)
def test_each_sort_of_claim_is_decided(
    found: SceneGraph, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    assert holds(found, *right)
    assert not holds(found, *wrong)


@pytest.mark.parametrize("sort", ["colour", "size", "place"])
def test_nothing_is_true_of_a_thing_that_is_not_there(found: SceneGraph, sort: str) -> None:
    every = ("red", "blue", "small", "large", "left", "centre", "right")
    assert not any(holds(found, sort, "dog", value) for value in every)
    assert not holds(found, "relation", "dog", "left of", "cat")


def test_beside_is_either_side_but_not_above() -> None:
    side = parse(picture(spots=(replace(CAT, y=36), FISH[0])))
    over = parse(picture(spots=(replace(CAT, x=100), replace(FISH[0], y=36))))
    assert holds(side, "relation", "cat", BESIDE, "fish")
    assert not holds(over, "relation", "cat", BESIDE, "fish")


def test_drawn_scenes_pass_and_false_descriptions_of_them_fail() -> None:
    drawn = [scene for scene, _ in scenes(4242, 0, 5)]
    pictures = [Image.fromarray(draw(scene)) for scene in drawn]
    truths = [seen(scene) for scene in drawn]
    worn = [*map(blurred, pictures[:3]), *map(compressed, pictures[3:])]
    accepted, refused = drawn_tallies(worn, truths, Random(1))
    assert accepted.share() == 1.0 and sum(accepted.every.values()) > 20
    assert refused.share() == 1.0 and sum(refused.every.values()) > 20


def test_every_change_makes_a_false_description() -> None:
    changed = dict(falsified(TRUTH, Random(3)))
    assert len(changed) == 10
    assert all(asked.spec != TRUTH for asked in changed.values())


def blob(canvas: Image.Image) -> Image.Image:
    """Something that no one can name, in the top left corner."""
    grey = np.random.default_rng(4).normal(128, 90, (10, 10)).clip(0, 255).astype(np.uint8)
    smear = Image.fromarray(grey).resize((40, 40)).convert("RGB")
    canvas.paste(Image.blend(smear, Image.new("RGB", (40, 40), "purple"), 0.5), (8, 8))
    return canvas


def test_a_blob_fails_exactly_and_absences_but_not_what_is_plain() -> None:
    marred = parse(blob(picture()))
    assert not marred.clear
    assert not holds(marred, "exactly", "", ("cat", "fish"))
    assert not holds(marred, "absent", "dog")
    assert holds(marred, "count", "cat", 1) and holds(marred, "colour", "cat", "red")
    assert all_right(marred, PromptSpec(TRUTH, exactly=False)) and not all_right(
        marred, PromptSpec(TRUTH)
    )


@pytest.mark.parametrize("shade", ["#00ff00", "black"])
def test_an_empty_picture_shows_nothing(shade: str) -> None:
    empty = parse(Image.new("RGB", (128, 128), shade))
    assert not empty.things and not holds(empty, "something")


def test_noise_parses_to_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    nothing = parse(Image.fromarray(noise))
    assert (nothing.things, nothing.where, nothing.light) == ((), "", "")
    assert not nothing.clear


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="256 x 128"):
        parse(Image.new("RGB", (256, 128)))


def test_what_is_asked_survives_json() -> None:
    asked = PromptSpec(TRUTH, ("dog",), exactly=False)
    assert loaded(json.loads(json.dumps(dumped(asked)))) == asked
    assert len(claims_of(asked)) == 4 + 4 + 1 + 3 + 1


@pytest.mark.parametrize("name", "judge matching scene_graph".split())
def test_the_judge_knows_no_agent_critic_or_model(name: str) -> None:
    tree = ast.parse(Path(JUDGES, f"{name}.py").read_text(encoding="utf-8"))
    every = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    every |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert every, name
    for module in every:
        allowed = module.startswith(
            ("limner.benchmarks", "limner.errors", "limner.pipelines.pocket.")
        )
        assert allowed or module.split(".")[0] in {"numpy", "PIL", *sys.stdlib_module_names}, module
        assert not {"critic", "wear", "train", "examination"} & set(module.split(".")), module


def example(asked: PromptSpec, chance: Random) -> Image.Image:
    """A picture of a scene that is what was asked for."""
    spec = asked.spec
    groups = spec.groups or (Group("tree" if "tree" not in asked.absent else "cat"),)
    sized = tuple(
        replace(g, size=g.size or "small", count=2 if g.count == OPEN else g.count) for g in groups
    )
    links = tuple(replace(k, how="left of" if k.how == BESIDE else k.how) for k in spec.links)
    colours = {g.colour for g in groups}  # a backdrop of its own colour would swallow a thing
    fit = [x for x in world().light if x.removeprefix("plain ") not in colours]
    if spec.where:
        fit = [x for x in fit if not x.startswith("plain")]
    light = spec.light or chance.choice([x for x in fit if x != "night" or "black" not in colours])
    whole = Spec(sized, links, spec.where, light, spec.style or "flat")
    return Image.fromarray(draw(lay_out(whole, chance)))


@pytest.fixture(scope="module")
def frozen() -> dict[str, list[EvalPrompt]]:
    return {split: eval_prompts(split) for split in SHARES}


def test_prompts_are_frozen(frozen: dict[str, list[EvalPrompt]]) -> None:
    assert {split: len(rows) for split, rows in frozen.items()} == {
        "test": 1200,
        "development": 300,
    }
    for split, share in SHARES.items():
        counts = {c: sum(p.category == c for p in frozen[split]) for c in SIZES}
        assert counts == {c: size * share for c, size in SIZES.items()}


def test_prompts_that_were_changed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test.jsonl").write_bytes((FOLDER / "test.jsonl").read_bytes()[:-2])
    (tmp_path / "SHA256SUMS").write_bytes((FOLDER / "SHA256SUMS").read_bytes())
    monkeypatch.setattr("limner.benchmarks.cases.FOLDER", tmp_path)
    with pytest.raises(BadInput, match="frozen"):
        eval_prompts("test")


def test_no_request_is_asked_twice(frozen: dict[str, list[EvalPrompt]]) -> None:
    every = [p.request.casefold() for rows in frozen.values() for p in rows]
    assert len(set(every)) == len(every) == 1500


def test_only_one_category_asks_for_what_no_training_shows(
    frozen: dict[str, list[EvalPrompt]],
) -> None:
    for prompt in [p for rows in frozen.values() for p in rows]:
        spec = prompt.asked.spec
        strange = any(held_out(g.name, g.colour) for g in spec.groups)
        assert strange == (prompt.category == "out of distribution"), prompt
        assert not any(k.how != BESIDE and link_held_out(k) for k in spec.links), prompt


def test_relations_are_between_single_things(frozen: dict[str, list[EvalPrompt]]) -> None:
    for prompt in [p for rows in frozen.values() for p in rows]:
        counts = {g.name: g.count for g in prompt.asked.spec.groups}
        assert all(counts[k.thing] == counts[k.other] == 1 for k in prompt.asked.spec.links)


def test_k_counts_the_claims_beside_the_first_thing(frozen: dict[str, list[EvalPrompt]]) -> None:
    for prompt in frozen["test"]:
        if prompt.category.startswith("k="):
            sorts = [c for c in claims_of(prompt.asked) if c.sort != "exactly"]
            counted = sum(c.sort == "count" and c.value != 1 for c in sorts)
            assert len(sorts) + counted == 1 + int(prompt.category[2:]), prompt


def test_the_quick_prompts_are_of_every_category() -> None:
    assert len(quick_prompts()) == 60
    assert {p.category for p in quick_prompts()} == set(SIZES)


def test_the_wild_requests_are_in_two_languages(frozen: dict[str, list[EvalPrompt]]) -> None:
    wild = [p.request for p in frozen["test"] if p.category == "wild"]
    assert 20 <= sum(any("一" <= letter <= "鿿" for letter in r) for r in wild) <= 50


@pytest.mark.parametrize("number", range(0, 300, 50))
def test_a_scene_that_meets_a_prompt_is_all_right(
    number: int, frozen: dict[str, list[EvalPrompt]]
) -> None:
    prompt = frozen["development"][number]
    assert all_right(parse(example(prompt.asked, Random(number))), prompt.asked), prompt


@pytest.mark.parametrize("number", [1, 20, 40])
def test_judge_and_true_critic_agree_on_a_scene_that_is_right(number: int) -> None:
    prompt = quick_prompts()[number]
    painted = example(prompt.asked, Random(number))
    brief = exact_brief(prompt.asked, prompt.request)
    assert brief
    (found,), _ = look(TrueCritic(), [painted], brief.claims, Settings())
    assert found.probabilities == (1.0,) * len(brief.claims)
    assert TrueCritic().look([painted], ["it is nice"], [["no"]]) == [[0.0]]
    assert all(world_cases("quick")[number].decide(painted))
