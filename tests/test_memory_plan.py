"""What fits where: plans for a laptop and GPUs of three sizes, from sizes alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from limner.agent.machine import first_fitting, opened, planned
from limner.errors import BadInput
from limner.pipelines.families import families, family_named
from limner.pipelines.memory import (
    PARTS,
    Machine,
    MemoryPlan,
    ModelSize,
    declared,
    here,
    need_of,
    parts_of,
    plan,
)

LAPTOP = Machine(16)
EIGHT = Machine(16, 8, "a GPU", "cuda")
SIXTEEN = Machine(32, 16, "a GPU", "cuda")
TWENTY_FOUR = Machine(64, 24, "a GPU", "cuda")
WRITER = ModelSize("writer", "4B", 4.0, 4.0, 0.6, few_bits=True)
CRITIC = ModelSize("critic", "CLIP L", 0.43, 0.43, 0.15)


def ways(machine: Machine, key: str, **fixed: object) -> tuple[str, ...]:
    made = trio(machine, key, **fixed)
    assert made.fits
    assert made.gpu <= machine.gpu
    assert made.ram <= machine.ram
    return tuple(str(place.way) for place in made.places)


def trio(machine: Machine, key: str, **fixed: object) -> MemoryPlan:
    return plan(machine, [WRITER, declared(family_named(key), key, fixed), CRITIC], takes=4)


@pytest.mark.parametrize(
    ("machine", "key", "writer", "painter", "critic"),
    [
        (LAPTOP, "sd15-lcm", "on the CPU, in 8 bits", "on the CPU", "on the CPU"),
        (EIGHT, "sd15", "on the GPU, in 4 bits", "on the GPU", "on the GPU"),
        (SIXTEEN, "sd15", *["on the GPU"] * 3),
        (SIXTEEN, "sdxl", *["on the GPU, in turn"] * 2, "on the GPU"),
        (
            *(SIXTEEN, "flux2-klein", "on the GPU, in turn"),
            *("on the GPU, offloaded by model", "on the GPU"),
        ),
        (TWENTY_FOUR, "sdxl", *["on the GPU"] * 3),
        (
            *(TWENTY_FOUR, "z-image-turbo", "on the GPU"),
            *("on the GPU, offloaded by model", "on the GPU"),
        ),
    ],
)
def test_what_goes_where(
    machine: Machine, key: str, writer: str, painter: str, critic: str
) -> None:
    assert ways(machine, key) == (writer, painter, critic)


def test_the_reason_is_told_in_words() -> None:
    assert trio(SIXTEEN, "sd15").why == "All of it stays on the GPU."
    made = trio(SIXTEEN, "sdxl")
    assert made.why.startswith("All at once would take 17.7 GiB; the GPU has 14.7")
    places = {place.need.part: place.why for place in made.places}
    assert "closed while the painter works" in places["writer"]
    assert "2 of 4 pictures at once" in places["painter"]


def test_what_fits_nowhere_is_planned_as_small_as_it_goes() -> None:
    made = trio(EIGHT, "qwen-image")
    assert not made.fits
    assert made.why.startswith("Nothing fits")
    assert str(made.places[1].way) == "on the GPU, in 4 bits, offloaded by model"


def test_what_was_decided_holds() -> None:
    assert ways(SIXTEEN, "sdxl", offload="group")[1] == "on the GPU, offloaded by group"
    assert ways(TWENTY_FOUR, "sd15", device="cpu")[1] == "on the CPU"
    place = trio(SIXTEEN, "sdxl", offload="group").place("painter")
    assert place
    assert place.settings()["offload"] == "group"


def test_quantizing_painters_takes_cuda() -> None:
    apple = Machine(24, 16, "Apple GPU", "mps")
    assert "bits" not in str([place.settings() for place in trio(apple, "z-image").places[1:]])


def test_a_plan_is_what_models_are_opened_with() -> None:
    writer, painter, critic = (place.settings() for place in trio(EIGHT, "sdxl").places)
    assert writer == {"device": "auto", "bits": 4}
    assert painter["device"] == "auto"
    assert critic == {"device": "auto"}
    assert plan(Machine(64), [CRITIC]).places[0].settings() == {"device": "cpu"}


@pytest.mark.parametrize("machine", [LAPTOP, EIGHT, SIXTEEN, TWENTY_FOUR])
def test_every_family_has_a_plan(machine: Machine) -> None:
    for family in families():
        made = trio(machine, family.key)
        assert len(made.places) == 3
        assert made.fits or made.why.startswith("Nothing fits")


def test_without_a_gpu_they_take_turns_too() -> None:
    writer, painter = ModelSize("writer", "1B", 1.0, 1.0), declared(family_named("sd15-lcm"))
    ways = {
        ram: [str(place.way) for place in plan(Machine(ram), [writer, painter]).places]
        for ram in (16, 8, 7)
    }
    assert ways[16] == ["on the CPU"] * 2
    assert "on the CPU, in turn" in ways[8]


def test_larger_models_never_take_less() -> None:
    gpus = [trio(TWENTY_FOUR, key).gpu for key in ("sd15", "sdxl")]
    assert gpus == sorted(gpus)
    assert WRITER.weights(4) < WRITER.weights(8) < WRITER.weights(16) < WRITER.weights(32)


def test_auto_takes_the_largest_that_fits_well() -> None:
    painters = [declared(family_named(key), key) for key in ("sd15", "sdxl", "qwen-image")]
    found = {"painter": painters, "writer": [WRITER], "critic": [CRITIC]}
    picked = [first_fitting(m, found) for m in (LAPTOP, SIXTEEN, TWENTY_FOUR)]
    assert [one["painter"].name for one in picked if one] == ["sd15", "sdxl", "sdxl"]
    assert first_fitting(Machine(1), found) is None


def test_sizes_are_read_from_headers(tiny: Path) -> None:
    sizes = parts_of(tiny / "painter")
    assert set(sizes) == {"text_encoder", "unet", "vae"}
    decided = {"device": "cpu", "at_once": 3}
    need = need_of("painter", "tiny", tiny / "painter", {**decided, "steps": 3})
    assert need
    assert need.params == pytest.approx(sum(sizes.values()))
    assert need.largest == max(sizes.values())
    assert need.fixed == decided
    place = plan(LAPTOP, [need]).place("painter")
    assert place and place.settings() == decided
    assert need.work < 0.01
    assert need_of("painter", "nobody/knows", None, {}) is None
    known = need_of("painter", "stabilityai/stable-diffusion-xl-base-1.0", None, {})
    assert known
    assert known.params == 3.5


def test_this_machine_has_memory() -> None:
    assert here().ram > 0


def test_fakes_and_objects_are_placed_by_nobody() -> None:
    assert planned("fake").plan is None
    mixed = planned("pocket", {"painter": object()})
    assert mixed.plan
    assert [place.need.part for place in mixed.plan.places] == ["writer", "critic"]


def test_auto_on_a_bare_machine_is_pocket_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.agent.machine.cached", lambda: iter(()))
    now = planned("auto", {}, LAPTOP)
    assert now.name == "pocket"
    assert now.profile.painter.name == "pocket"
    assert now.why[0].startswith("profile pocket, for no writer and no painter and no critic")
    assert now.why[2].endswith("limner pull stable-diffusion-v1-5/stable-diffusion-v1-5")


def test_auto_takes_what_is_there(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"me/writer": "writer", "me/painter": "painter", "me/clip": "clip"}
    cache = [(name, tiny / folder) for name, folder in there.items()]
    monkeypatch.setattr("limner.agent.machine.cached", lambda: iter(cache))
    now = planned("auto", {}, LAPTOP)
    assert now.name == "auto"
    assert [getattr(now.profile, part).name for part in PARTS] == list(there)
    assert "painter me/painter" in now.why[0]
    named = planned("auto", {"painter": str(tiny / "painter")}, LAPTOP)
    assert named.models["painter"][0] == str(tiny / "painter")
    assert named.profile.critic.name == "me/clip"


@pytest.mark.slow
def test_what_takes_turns_is_closed_while_others_work(tiny: Path) -> None:
    """With the plan of a machine on which writer and painter fit one by one alone."""
    given = {part: str(tiny / name) for part, name in _TINY.items()}
    now = planned("pocket", given, Machine(16))
    assert now.plan
    places = [
        replace(place, way=replace(place.way, in_turn=place.need.part != "critic"))
        for place in now.plan.places
    ]
    models = opened(replace(now, plan=replace(now.plan, places=tuple(places))))
    writer, painter = models["writer"], models["painter"]
    assert writer._model is None  # it was closed before the painter was opened
    first = writer.invoke("a cat", max_new_tokens=4)
    assert painter._palette is None
    assert painter.count_tokens("a cat") > 0  # which needs no weights
    assert painter._palette is None
    list(painter.paint([_order()]))
    assert writer._model is None
    assert writer.invoke("a cat", max_new_tokens=4).text == first.text
    assert painter._palette is None


def test_a_writer_that_looks_too_stays_open() -> None:
    """Its critic is at work while the painter is; the painter still goes when it may."""
    seeing = replace(WRITER, stays=True)
    made = plan(SIXTEEN, [seeing, declared(family_named("sdxl"))])
    assert made.fits
    assert not made.places[0].way.in_turn
    assert trio(SIXTEEN, "sdxl").places[0].way.in_turn
    now = planned("pocket", {"critic": "writer"})
    assert now.plan
    assert [place.need.stays for place in now.plan.places] == [True, False]


_TINY = {"writer": "writer", "painter": "painter", "critic": "clip"}


def _order() -> Any:
    from limner.pipelines.roles import ImageRequest

    return ImageRequest("a cat", 1, 64, 64, 2, 5.0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"bits": 3}, "3 bits"), ({"offload": "far"}, "'far'"), ({"bits": 4}, "CUDA GPU alone")],
)
def test_what_a_painter_can_t_be_kept_as(settings: dict[str, Any], said: str, tiny: Path) -> None:
    from limner.pipelines.registry import open_painter

    with pytest.raises(BadInput, match=said):
        open_painter(tiny / "painter", {"device": "cpu", **settings})
