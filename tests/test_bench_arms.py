"""The arms of the comparison, on fakes: equal budgets, fair choices, no trace in the next one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from benching import WISH, Slow, case, room
from faked import replying
from PIL import Image

from limner.agent.brief.claims import complete
from limner.agent.records import Claim, Settings
from limner.agent.scoring.evaluate import look, phrased
from limner.agent.search.refine import Refine
from limner.benchmarks import trials
from limner.benchmarks.arms import ARMS, INFORMED
from limner.benchmarks.arms.ours import TrueCritic, meanings
from limner.benchmarks.arms.rivals import rendered
from limner.benchmarks.cases import world_cases
from limner.errors import LimnerError, ModelFailed
from limner.pipelines.fakes import FakeCritic, FakeWriter
from limner.pipelines.platt import Curve
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import Scene, Spot
from limner.pipelines.pocket.spec import Group, Spec
from limner.pipelines.roles import GeneratedImage, ImageRequest, InitImage, Step


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("budget", [1, 2, 5, 8])
def test_no_arm_spends_more_than_its_budget(arm: str, budget: int) -> None:
    trial = room().run(ARMS[arm], case(), 1, budget)
    assert 1 <= len(trial.samples) <= budget
    assert 0 < trial.cost.spent <= budget + 1e-9
    assert 0 <= trial.chosen < len(trial.samples)
    at = [shot.at for shot in trial.samples]
    assert at == sorted(at) and at[-1] <= trial.cost.spent + 1e-9


RIVALS = ["best of raw", "best of expanded", "paraphrases", "mils", "no concept left behind"]


@pytest.mark.parametrize("arm", [*RIVALS, "ceiling"])
@pytest.mark.parametrize("budget", [1, 4, 8])
def test_rivals_spend_all_of_it(arm: str, budget: int) -> None:
    assert room().run(ARMS[arm], case(), 1, budget).cost.spent == budget


def test_opt2i_stops_at_a_perfect_score_and_not_before() -> None:
    perfect = room(critic=FakeCritic([[1.0]])).run(ARMS["opt2i"], case(), 1, 8)
    assert (len(perfect.samples), perfect.ended) == (2, "done")
    assert room(critic=FakeCritic([[0.9]])).run(ARMS["opt2i"], case(), 1, 8).cost.spent == 8


def test_best_of_n_varies_the_seed_alone() -> None:
    best = room().run(ARMS["best of expanded"], case(), 1, 8)
    assert len({s.image_request.seed for s in best.samples}) == 8
    assert len({s.image_request.prompt for s in best.samples}) == 1


def test_every_arm_but_the_informed_chooses_what_the_critic_likes_best() -> None:
    for name in set(ARMS) - INFORMED:
        trial = room().run(ARMS[name], case(), 3, 8)
        assert trial.best.critique.score == max(s.critique.score for s in trial.samples), name


def test_the_ceiling_takes_a_right_picture_where_there_is_one() -> None:
    seen: list[bytes] = []

    def third(picture: Image.Image) -> tuple[bool, ...]:
        seen.append(picture.tobytes())
        return (len(seen) == 3,)

    assert room().run(ARMS["ceiling"], case(third), 1, 4).chosen == 2


def test_an_arm_claims_success_only_where_all_that_was_asked_was_seen() -> None:
    sure, half = FakeCritic([[1.0]]), {"asked": {"a dog": "There is one dog."}, "prompt": "a dog"}
    whole = room(critic=sure).run(ARMS["limner"], case(), 1, 2)
    part = room(critic=sure, writer=replying(half)).run(ARMS["limner"], case(), 1, 2)
    assert whole.claimed and whole.brief.unchecked == ()
    assert not part.claimed and "night" in part.brief.unchecked


def test_seeds_only_rewords_nothing() -> None:
    here = room(critic=FakeCritic([[0.1]]))
    trial = here.run(ARMS["limner, seeds only"], case(), 1, 8)
    assert len({s.image_request.prompt for s in trial.samples}) == 1 < len(trial.samples)
    brief, seen = here.brief(WISH, 1), trial.best.critique
    with pytest.raises(LimnerError, match="rewords nothing"):
        here.studio.writer.reword(brief, seen, 1)
    here.run(ARMS["raw"], case(), 1, 1)
    assert here.studio.writer.reword(brief, seen, 1) != brief.prompt


def test_the_parts_of_the_loop_can_be_taken_away() -> None:
    here = room(critic=FakeCritic([[0.1]]))
    assert any(s.image_request.start for s in here.run(ARMS["limner"], case(), 1, 8).samples)
    ARMS["limner, no control"](here, case(), 1, 2)
    assert here.studio.search == Refine(control=0.0)
    unpainted = here.run(ARMS["limner, no repair"], case(), 1, 8).samples
    assert all(s.image_request.start is None for s in unpainted)
    assert here.studio.search == Refine() and not here.painter.spec.repairs
    here.run(ARMS["raw"], case(), 1, 1)
    assert here.painter.spec.repairs


def test_rivals_heed_the_critic_as_calibrated() -> None:
    here = room(critic=FakeCritic([[0.5]]))
    here.studio.settings = replace(here.studio.settings, calibration={"count": Curve(1.0, 2.0)})
    (shot,) = here.run(ARMS["raw"], case(), 1, 1).samples
    counts = [n for n, c in enumerate(shot.critique.claims) if c.kind == "count"]
    assert counts and shot.critique.probabilities[counts[0]] == pytest.approx(0.881, abs=1e-3)
    broken = FakeCritic([[math.nan]])
    with pytest.raises(ModelFailed, match="not a number"):
        room(critic=broken).run(ARMS["raw"], case(), 1, 1)


def test_pictures_painted_over_others_are_told_apart_and_written_down() -> None:
    painter = Slow()
    here = room(painter)
    first = here.run(ARMS["best of expanded"], case(), 1, 1)
    under = Image.new("RGB", (128, 128), "red")
    plain = first.best.image_request
    unknown = [replace(plain, start=InitImage(p, 0.5)) for p in (under, first.best.picture)]
    known = replace(plain, start=InitImage(first.best.picture, 0.5, (0, 0, 64, 64), plain))
    painter.batches.clear()
    for order in (*unknown, known, known):
        here.painter.pictures([order])
    assert painter.batches == [1, 1, 1]
    over = replace(first.best, image_request=known)
    row = trials.row_of(case(), ("limner", 1, 2), replace(first, samples=(first.best, over)), here)
    assert [p.get("over") for p in row["pictures"]] == [None, 0]
    assert row["pictures"][1]["box"] == (0, 0, 64, 64) and row["told"] == 0


def test_an_arm_leaves_no_trace_in_the_next() -> None:
    here = room()
    here.run(ARMS["limner, exact brief, true critic"], case(), 1, 2)
    here.run(ARMS["limner, seeds only"], case(), 1, 2)
    alone = room().run(ARMS["limner"], case(), 1, 8)
    after = here.run(ARMS["limner"], case(), 1, 8)
    assert [s.image_request for s in after.samples] == [s.image_request for s in alone.samples]
    assert [s.critique for s in after.samples] == [s.critique for s in alone.samples]


def test_the_same_order_is_painted_once_and_charged_each_time() -> None:
    painter = Slow()
    here = room(painter)
    first = here.run(ARMS["best of expanded"], case(), 1, 8)
    again = here.run(ARMS["ceiling"], case(), 1, 8)
    assert painter.batches == [8]
    assert first.cost.spent == again.cost.spent == 8
    here.next_case()
    here.run(ARMS["best of expanded"], case(), 1, 8)
    assert painter.batches == [8, 8]


def test_the_metered_painter_paints_the_unknown_in_batches_and_heeds_drops() -> None:
    painter = Slow()
    meter = room(painter).painter
    meter.batch = 2
    orders = [ImageRequest("x", seed, 128, 128, 4, 1.0) for seed in range(5)]
    meter.pictures(orders[3:4])
    painting = meter.paint(orders)
    done: list[int] = []
    for event in painting:
        if isinstance(event, Step) and event.number == 2 and not done:
            painting.drop(1)
            painting.drop(3)
        if isinstance(event, GeneratedImage):
            done.append(event.index)
    assert painter.batches == [1, 2, 2]
    assert done == [0, 2, 4]
    assert painting.spent == pytest.approx(3.5)


def test_previews_are_painted_anew() -> None:
    painter = Slow()
    meter = room(painter).painter
    orders = [ImageRequest("x", 1, 128, 128, 4, 1.0)]
    meter.pictures(orders)
    shown = [e.previews for e in meter.paint(orders, 2) if isinstance(e, Step) and e.previews]
    assert [list(previews) for previews in shown] == [[0], [0]]
    assert painter.batches == [1, 1]


def test_a_general_writer_is_given_the_rivals_own_words() -> None:
    told = "1. two crimson cats, one dog\n2) a dog with two red cats\n<b>\n3. night, cats, dog"
    writer = FakeWriter(replies=(told,))
    here = room(writer=writer, critic=FakeCritic([[0.4]]))
    here.writer.name = "general"
    samples = here.run(ARMS["mils"], case(), 1, 9).samples
    worded = ["two crimson cats, one dog", "a dog with two red cats"]
    assert [s.image_request.prompt for s in samples[:3]] == [WISH, *worded]
    assert (
        len({s.image_request.seed for s in samples[:3]}) == 1
    )  # the words vary, the noise does not
    marked = FakeWriter(replies=("<PROMPT>two cats</PROMPT>\n<PROMPT> a dog </PROMPT>",))
    here = room(writer=marked, critic=FakeCritic([[0.4]]))
    here.writer.name = "general"
    prompts = {s.image_request.prompt for s in here.run(ARMS["opt2i"], case(), 1, 4).samples}
    assert {WISH, "two cats", "a dog"} <= prompts


@pytest.mark.parametrize("name", ["paraphrases", "opt2i", "mils", "no_concept_left_behind"])
def test_the_rivals_words_hold_what_they_need(name: str) -> None:
    row = {"prompt": "a cat", "score": 51, "elements": "there is one cat: 51"}
    values: dict[str, Any] = {"request": WISH, "count": 3, "history": [row]}
    text = rendered(name, **values)
    assert WISH in text and "3" in text and ("51" in text) == (name != "paraphrases")


def test_the_true_critic_knows_every_statement_of_the_exact_briefs() -> None:
    asked = [brief for case in world_cases("quick") if (brief := case.exact)]
    worded = [phrased(TrueCritic(), claim) for brief in asked for claim in brief.claims]
    texts = {claim.text for claim in worded if claim}
    assert len(texts) > 60 and texts <= set(meanings()) and None not in worded


FISH = [Spot("fish", "", "small", x, 92, 40) for x in (24, 64, 104)]
CAT = Spot("cat", "red", "large", 64, 64, 56)
TOLD = [
    (Claim("There are several fish.", "object", subject="fish", value="several"), 3, True),
    (Claim("There are several fish.", "object", subject="fish", value="several"), 1, False),
    (Claim("There are two fish.", "count", subject="fish", value="2"), 3, False),
    (Claim("The fish is in its natural colours.", "colour", subject="fish", value="natural"), 1, 1),
    (Claim("There is no fish.", "absent", subject="fish"), 0, True),
    (Claim("There is no fish.", "absent", subject="fish"), 2, False),
    (Claim("There is no grass.", "absent", subject="grass"), 1, True),
]


@pytest.mark.parametrize(("claim", "fish", "true"), TOLD)
def test_the_true_critic_answers_what_the_world_makes_of_claims(
    claim: Claim, fish: int, true: bool
) -> None:
    spots = tuple(FISH[:fish]) or (CAT,)
    spec = Spec((Group(spots[0].name, len(spots)),), light="plain white", style="flat")
    picture = Image.fromarray(draw(Scene(spec, spots)))
    (found,), _ = look(TrueCritic(), [picture], complete([claim]), Settings())
    assert found.probabilities == (float(true),)
