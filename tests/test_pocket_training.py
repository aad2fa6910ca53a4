"""Training, at toy size on the real classes: it learns, it resumes, and what it ships opens."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from limner.errors import BadInput
from limner.pipelines.critic_clip import ClipCritic
from limner.pipelines.painter_diffusers import DiffusersPainter
from limner.pipelines.pocket import autoencoder, painter, places, train
from limner.pipelines.pocket.calibrating import kind_of
from limner.pipelines.pocket.critic import answers
from limner.pipelines.pocket.dataset import open_drawn, scenes, tensor
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.lessons import easy_rows
from limner.pipelines.pocket.muon import Muon, orthogonal, sorted_parameters
from limner.pipelines.pocket.painter import EASY_STEPS, Averaged
from limner.pipelines.pocket.repaint import repaint
from limner.pipelines.pocket.report import summary
from limner.pipelines.pocket.scene import Scene, seen
from limner.pipelines.pocket.ship import ship, take_out
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.pocket.spoil import CROWDED, spoiled, with_faults
from limner.pipelines.pocket.tokens import all_statements
from limner.pipelines.pocket.training import TrainingRun, curve
from limner.pipelines.registry import open_detector
from limner.pipelines.roles import GeneratedImage, ImageRequest

TINY = {
    "world": "{count: 24, seed: 3}",
    "autoencoder": "{fresh: true, steps: 12, batch: 2, width: 8, crop: 64, pictures: 24}",
    "critic": "{fresh: true, steps: 3, batch: 4, shape: {vision: 32, vision_layers: 1, text: 32, "
    "text_layers: 1, patch: 32, shared: 16}}",
    "painter": "{fresh: true, steps: 3, batch: 4, pairs: 8, shape: {channels: [16, 32], text: 32, "
    "text_layers: 1, head: 16}}",
    "repaint": "{count: 4, batch: 2, steps: 4, seed: 3}",
    "spoil": "{count: 6}",
    "label": "{drawn: 12, painted: 6, seed: 3}",
    "detector": "{fresh: true, steps: 3, batch: 4}",
    "calibrate": "{count: 6}",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training folder with every part but the writer trained for a moment."""
    out = tmp_path_factory.mktemp("training")
    for part, text in TINY.items():
        settings = out / f"{part}.yaml"
        settings.write_text(text)
        train.run(part, settings, out)
    return out


def test_the_newton_schulz_steps_even_out_the_singular_values() -> None:
    torch.manual_seed(0)
    for shape in ((8, 40), (40, 8), (16, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.3 and values.max() < 1.6


def test_muon_fits_a_small_net_and_keeps_embeddings_to_adam() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    x = torch.randn(64, 4)
    y = x.prod(1, keepdim=True)
    optimizer = Muon(*sorted_parameters(model), rate=0.02)
    losses = []
    for _ in range(200):
        loss = (model(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    words = torch.nn.ModuleDict({"embed": torch.nn.Embedding(5, 4), "inner": torch.nn.Linear(4, 4)})
    matrices, others = sorted_parameters(words)
    assert [tuple(p.shape) for p in matrices] == [(4, 4)] and len(others) == 2


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def sitting(steps: int) -> tuple[list[int], torch.Tensor]:
        model = torch.nn.Linear(3, 3)
        torch.nn.init.ones_(model.weight)
        optimizer = Muon(*sorted_parameters(model), rate=0.01)
        run = TrainingRun(tmp_path, optimizer, lambda folder: None, steps=steps, warmup=1)
        taken = []
        for step in run:
            model(torch.ones(1, 3)).square().sum().backward()
            optimizer.step()
            run.log(loss=1.0 + step)
            taken.append(step)
        return taken, optimizer.state[model.weight]["exp_avg"]

    first, pace = sitting(3)
    second, later = sitting(5)
    assert (first, second) == ([0, 1, 2], [3, 4])
    assert later.norm() > pace.norm()  # momentum was given back and grew
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4]


def test_minutes_bound_a_sitting(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    run = TrainingRun(tmp_path, optimizer, lambda folder: None, steps=10**9, minutes=0.002)
    assert 0 < sum(1 for _ in run) < 10**8
    assert optimizer.param_groups[0]["lr"] < 0.2


def test_curves_are_drawn(tmp_path: Path) -> None:
    curve([{"step": 0, "loss": 2.0}, {"step": 9, "loss": 0.5}], tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as opened:
        picture = np.asarray(opened.convert("RGB"))
    assert (picture != 255).any()


def test_the_painter_goes_on_with_all_it_had(trained: Path) -> None:
    kept = trained / "painter" / "raw"
    assert (kept / "pointer.safetensors").exists()
    settings = trained / "more.yaml"
    settings.write_text(TINY["painter"].replace("steps: 3", "steps: 4"))
    train.run("painter", settings, trained)
    assert json.loads((trained / "painter" / "run.json").read_text())["step"] == 4


def test_words_turned_round_are_true_of_the_twin_alone() -> None:
    chance, turned = Random(4), set()
    for _ in range(60):
        pair = places.twins(chance)
        assert _told_truly(pair.said, pair.scene) and _told_truly(pair.turned, pair.twin)
        assert not _told_truly(pair.said, pair.twin) and not _told_truly(pair.turned, pair.scene)
        said, other = (
            text.replace(",", "").replace(".", "").split() for text in pair.worded(chance)
        )
        turned |= {frozenset(two) for two in zip(said, other, strict=True) if two[0] != two[1]}
    known = {
        frozenset(("left", "right")),
        frozenset(("above", "below")),
        frozenset(("over", "under")),
    }
    assert turned == known


def _told_truly(told: Spec, scene: Scene) -> bool:
    truth = seen(scene)
    stand = {group.name: group.place for group in truth.groups}
    right = all(stand[g.name] == g.place for g in told.groups if g.place)
    return right and set(told.links) <= set(truth.links)


def test_twins_are_dealt_beside_each_other(trained: Path) -> None:
    from diffusers import AutoencoderTiny

    tokenizer = train.tokenizer_in(trained)
    model = AutoencoderTiny.from_pretrained(trained / "autoencoder")
    dealt = places.PlaceLessons(6, model, tokenizer).deal(5)
    assert torch.equal(dealt.said.roll(5, 0), dealt.turned)
    assert (dealt.said != dealt.turned).any(1).all()
    for layer in dealt.there:
        one, other = layer.flatten(1).sort().values.chunk(2)
        assert torch.equal(one, other)  # the same things, elsewhere
    one, other = dealt.clean.chunk(2)
    assert (one != other).flatten(1).any(1).all()
    again = places.PlaceLessons(6, model, tokenizer)
    assert torch.equal(again.latents, places.PlaceLessons(6, model, tokenizer).latents)


def test_false_words_must_do_worse_than_true_ones() -> None:
    right = torch.tensor([1.0, 2.0], requires_grad=True)
    wrong = torch.tensor([1.0, 3.0], requires_grad=True)
    hinge = painter._hinge(right, wrong)
    hinge.backward()  # type: ignore[no-untyped-call]
    assert hinge.item() == pytest.approx(painter.MARGIN / 2 / 1.5)
    assert right.grad is not None and wrong.grad is not None
    assert right.grad[0] > 0 > wrong.grad[0]  # the two are pushed apart
    assert right.grad[1] == wrong.grad[1] == 0  # these are far enough apart
    assert painter._hinge(right[:0], wrong[:0]).item() == 0


def test_only_twins_are_asked_again_and_only_where_layout_is_decided() -> None:
    times = torch.tensor([990, 990, 300, 900, 700, 701])
    grid = torch.zeros(6, 2, 2, 2)
    noised = painter.Noised(grid, times, grid)
    heard = []

    def denoise(at: torch.Tensor, when: torch.Tensor, words: torch.Tensor) -> SimpleNamespace:
        heard.append((when.tolist(), words.tolist()))
        return SimpleNamespace(sample=torch.ones_like(at))

    def text(input_ids: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=input_ids)

    rows, errors = painter._confused(denoise, text, noised, torch.arange(4))
    assert rows.tolist() == [3, 5] and errors.tolist() == [1, 1]
    assert heard == [([900, 701], [1, 3])]
    assert len(painter._confused(denoise, text, noised, torch.arange(0))[0]) == 0


def test_a_share_of_the_time_steps_is_where_layout_is_decided() -> None:
    torch.manual_seed(0)
    high = [(painter._times(4000, 1000, h) >= 700).float().mean().item() for h in (0.0, 0.5, 1.0)]
    assert high == pytest.approx([0.2, 0.6, 1.0], abs=0.03)
    assert painter._times(4000, 1000, 1.0).max() == 999


def test_a_painter_deaf_to_words_knows_nothing(trained: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(trained / "painter", safety_checker=None)
    assert set(places.knows(pipe, 4)) == set(places.KNOWN)
    pipe.text_encoder.final_layer_norm.weight.data.zero_()
    assert places.knows(pipe, 4) == {"sides": 0.5, "places": 0.5, "numbers": 0.5}


@pytest.mark.parametrize("heeds", [True, False])
def test_a_painter_is_right_where_the_true_words_help_it(
    trained: Path, monkeypatch: pytest.MonkeyPatch, heeds: bool
) -> None:
    from diffusers import AutoencoderTiny

    tokenizer, ask, helpful = train.tokenizer_in(trained), places._question, set[str]()

    def asked(name: str, chance: Random) -> places.Question:
        question = ask(name, chance)
        assert question[1] != question[2]
        helpful.add(str(tokenizer(question[1 if heeds else 2])["input_ids"]))
        return question

    def unet(noisy: torch.Tensor, _when: int, words: torch.Tensor) -> SimpleNamespace:
        told = [str(ids[: ids.index(tokenizer.eos_token_id) + 1]) for ids in words.tolist()]
        off = torch.tensor([0.0 if text in helpful else 9.0 for text in told])
        return SimpleNamespace(sample=torch.zeros_like(noisy) + off[:, None, None, None])

    monkeypatch.setattr(places, "_question", asked)
    pipe = SimpleNamespace(
        vae=AutoencoderTiny.from_pretrained(trained / "autoencoder"),
        tokenizer=tokenizer,
        scheduler=painter.new_scheduler(),
        text_encoder=lambda input_ids: SimpleNamespace(last_hidden_state=input_ids),
        unet=unet,
    )
    assert set(places.knows(pipe, 6).values()) == {float(heeds)}


def test_what_the_painter_knows_is_logged(trained: Path) -> None:
    lines = (trained / "painter" / "log.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert any(np.isfinite(row.get("confused", np.nan)) for row in rows)
    assert any(set(places.KNOWN) <= set(row) for row in rows)


def test_the_mean_of_the_weights_trails_them() -> None:
    model = torch.nn.Linear(2, 2)
    mean = Averaged(model, 0.9)
    before = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1
    mean.update(model, 1000)
    trailing = dict(mean.into(model).named_parameters())["weight"]
    assert torch.allclose(trailing, before + 0.1, atol=1e-6)


def test_the_autoencoder_learns(trained: Path) -> None:
    rows = [json.loads(r) for r in (trained / "autoencoder" / "log.jsonl").read_text().splitlines()]
    assert rows and all(np.isfinite(row["l1"]) for row in rows)
    with Image.open(trained / "autoencoder" / "sheet.png") as sheet:
        assert sheet.width > 128


def test_blank_questions_do_no_harm(trained: Path) -> None:
    weights = (trained / "critic" / "model.safetensors").read_bytes()
    from safetensors.torch import load

    assert all(torch.isfinite(value).all() for value in load(weights).values())


def test_questions_are_answered_by_a_distribution(trained: Path) -> None:
    from transformers import CLIPModel, CLIPTokenizer

    from limner.pipelines.pocket.critic import statement_tokens

    model = CLIPModel.from_pretrained(trained / "critic")
    tokenizer = CLIPTokenizer.from_pretrained(trained / "critic")
    asked = tensor(open_drawn(trained / "world").questions[:3], "int64")
    seen = torch.nn.functional.normalize(torch.randn(3, 16), dim=-1)
    said = answers(model, statement_tokens(tokenizer), seen, asked).exp()
    assert torch.allclose(said.sum(-1), torch.ones(3, asked.shape[1]), atol=1e-5)
    assert said[asked < 0].sum() == (asked[..., 0] < 0).sum()


def test_easy_rows_show_one_kind(trained: Path) -> None:
    asked = tensor(open_drawn(trained / "world").questions[:])
    said = all_statements()
    for row in easy_rows(asked).tolist():
        counted = [said[n] for n in asked[row, :, 0].tolist() if n >= 0]
        there = [s for s in counted if s.startswith("there") and " no " not in s]
        assert len(there) == 1


def test_what_is_repainted_and_spoiled_joins_the_data(trained: Path) -> None:
    drawn = open_drawn(trained / "world")
    more = with_faults(drawn, trained)
    assert len(drawn.pictures) == 24
    assert len(more.pictures) == 3 * 4 + 2 * 6 + 24  # a quarter each
    assert np.array_equal(more.pictures[:4], more.pictures[8:12])
    assert np.array_equal(more.pictures[12:18], open_drawn(trained / "spoiled").pictures)
    assert np.array_equal(more.pictures[24:], drawn.pictures)
    statements = all_statements()
    asked = [statements[q[0]] for q in more.questions[:4].reshape(-1, 13) if q[0] >= 0]
    assert any(said.startswith("there is no ") for said in asked)


def test_a_spoiled_thing_is_asked_about_as_one_that_is_not_there(trained: Path) -> None:
    kept, statements = open_drawn(trained / "spoiled"), all_statements()
    for (scene, chance), rows in zip(scenes(2, 0, 6), kept.questions, strict=True):
        if chance.random() < CROWDED:
            continue
        picture, whole = spoiled(scene, chance)
        assert not all(whole) and (picture != draw(scene)).any()
        left = {s.name for s, fine in zip(scene.spots, whole, strict=True) if fine}
        lost = {s.name for s in scene.spots} - left
        true = {statements[row[0]] for row in rows if row[0] >= 0}
        assert not any(f"there is one {name}" in true for name in lost)
        assert not lost or any(f"there is no {name}" in true for name in lost)


def test_the_critic_is_calibrated_for_each_kind_of_claim(trained: Path) -> None:
    found = yaml.safe_load((trained / "calibration.yaml").read_text())
    assert {"count", "colour", "light", "style"} <= set(found)
    assert all(scale > 0 for scale, _ in found.values())


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("there are two cats", "count"),
        ("there is no cat", "count"),
        ("there is no ground", "where"),
        ("the ground is sea", "where"),
        ("the backdrop is plain blue", "light"),
        ("the sky shows rain", "light"),
        ("the style is pixel art", "style"),
        ("the cat is small", "size"),
        ("the cats are on the left", "place"),
        ("the cat is left of the dog", "relation"),
        ("the cat is red", "colour"),
        ("the cats are in natural colours", "colour"),
    ],
)
def test_statements_are_sorted_by_what_they_are_about(statement: str, kind: str) -> None:
    assert statement in all_statements()
    assert kind_of(statement) == kind


def test_repainting_wants_the_scenes_that_were_drawn(trained: Path) -> None:
    with pytest.raises(BadInput, match="seed"):
        repaint(open_drawn(trained / "world"), train.tokenizer_in(trained), trained, "cpu", seed=4)


def test_what_is_shipped_opens_and_works(trained: Path, tmp_path: Path) -> None:
    ship(trained, tmp_path)
    shipped = DiffusersPainter(tmp_path / "painter", "toy")
    assert shipped.spec.size == (128, 128)
    order = ImageRequest("a red cat", 1, *shipped.spec.size, steps=2, guidance=3.0)
    (done,) = [d for d in shipped.paint([order]) if isinstance(d, GeneratedImage)]
    critic = ClipCritic(tmp_path / "critic", "toy")
    ((chance,),) = critic.look([done.picture], ["there is one cat"], [["there is no cat"]])
    assert 0 < chance < 1
    manifest = json.loads((tmp_path / "manifest.json").read_text())["files"]
    assert "critic/model.safetensors" in manifest
    for config in tmp_path.rglob("*.json"):
        assert str(trained) not in config.read_text(encoding="utf-8")


def test_the_shipped_detector_opens_as_any_other(trained: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForZeroShotObjectDetection, AutoTokenizer

    ship(trained, tmp_path)
    folder = tmp_path / "detector"
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder, dtype=torch.float32)
    tokens = AutoTokenizer.from_pretrained(folder)(["a red cat"] * 2, return_tensors="pt")
    picture = Image.fromarray(open_drawn(trained / "world").pictures[0])
    pixels = torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        told = model(**tokens, pixel_values=pixels)
    assert told.logits.shape == (2, 16, 1) and torch.isfinite(told.logits).all()
    opened = open_detector(folder, {"words": "{}", "threshold": 1e-4})
    ours = opened.detect([picture], ["red cat"])[0]["red cat"]
    assert ours and all(0 <= side <= 1 for one in ours for side in one.box)
    weights = load_file(folder / "model.safetensors")
    assert all(value.dtype == torch.float16 for value in weights.values())


def test_the_detector_shows_what_it_finds_and_how_it_goes(trained: Path) -> None:
    with Image.open(trained / "detector" / "sheet.png") as sheet:
        assert sheet.width > 128
    lines = (trained / "detector" / "log.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(np.isfinite(rows[0][name]) for name in ("named", "boxes", "missed", "false"))


def test_a_detector_needs_lessons(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as problem:
        train.run("detector", None, tmp_path)
    assert "limner train label" in problem.value.hint


def test_training_goes_on_from_what_shipped(trained: Path, tmp_path: Path) -> None:
    ship(trained, tmp_path / "weights")
    for part in ("autoencoder", "critic", "painter", "detector"):
        assert take_out(part, tmp_path / "out", tmp_path / "weights")
        assert not take_out(part, tmp_path / "out", tmp_path / "weights")  # it has its own now
    from diffusers import UNet2DConditionModel

    shipped = UNet2DConditionModel.from_pretrained(trained / "painter" / "unet")
    taken = UNet2DConditionModel.from_pretrained(tmp_path / "out" / "painter" / "raw" / "unet")
    for one, two in zip(shipped.parameters(), taken.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-3)


def test_what_was_taken_out_skips_the_first_lessons(trained: Path, tmp_path: Path) -> None:
    ship(trained, tmp_path / "weights")
    take_out("painter", tmp_path / "out", tmp_path / "weights")
    assert json.loads((tmp_path / "out" / "painter" / "run.json").read_text())["step"] >= EASY_STEPS
    with pytest.raises(BadInput, match="Nothing is trained"):  # it has not learned anything here
        ship(tmp_path / "out", tmp_path / "again")


def test_the_decoder_learns_on_alone(trained: Path, tmp_path: Path) -> None:
    from shutil import copytree

    from diffusers import AutoencoderTiny

    copytree(trained / "autoencoder", tmp_path / "autoencoder")
    before = AutoencoderTiny.from_pretrained(tmp_path / "autoencoder")
    drawn = open_drawn(trained / "world")
    after = autoencoder.train(
        drawn, tmp_path / "autoencoder", minutes=0.01, batch=2, pictures=8, crop=16
    )
    for part, same in (("encoder", True), ("decoder", False)):
        was, now = (list(getattr(m, part).parameters()) for m in (before, after))
        assert all(torch.equal(a, b) for a, b in zip(was, now, strict=True)) is same


def test_the_encoder_sketches_each_cell_alone_and_bends_nothing(trained: Path) -> None:
    pictures = autoencoder.normalized(tensor(open_drawn(trained / "world").pictures[:8]))
    model = autoencoder.new_autoencoder(8)
    autoencoder.fit_encoder(model, pictures)
    one, other = pictures[:1], pictures[1:2]
    mixed = model.encoder(0.3 * one + 0.7 * other)
    assert torch.allclose(mixed, 0.3 * model.encoder(one) + 0.7 * model.encoder(other), atol=1e-4)
    changed = one.clone()
    changed[..., 64:72, 40:48] = 0.9
    moved = (model.encoder(changed) - model.encoder(one)).abs().sum((0, 1)) > 1e-4
    assert moved.nonzero().tolist() == [[8, 5]]
    spread = model.encoder(pictures).std(dim=(0, 2, 3))
    assert spread[0] > spread[3] > spread[12] > 0.05  # coarse before fine


def test_an_untrained_folder_has_nothing_to_ship(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Nothing is trained"):
        ship(tmp_path, tmp_path / "weights")


def test_a_part_says_what_it_builds_on(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as problem:
        train.run("autoencoder", None, tmp_path)
    assert "limner train world" in problem.value.hint
    with pytest.raises(BadInput, match="no part called"):
        train.run("sculptor", None, tmp_path)


def test_the_summary_of_a_perfect_and_of_a_blind_critic() -> None:
    truths = np.array([True, False] * 50)
    perfect = summary(np.where(truths, 0.999, 0.001), truths)
    assert perfect["right"] == 1 and perfect["fooled"] == 0 and perfect["area"] == 1
    assert perfect["error"] < 0.01
    blind = summary(np.linspace(0, 1, 100), truths)
    assert abs(blind["area"] - 0.5) < 0.1 and blind["error"] > 0.1
