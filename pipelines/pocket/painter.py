"""Trains the painter: a latent diffusion model that learns to draw what a caption says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from limner.pipelines.pocket.autoencoder import LATENTS, autocast
from limner.pipelines.pocket.lessons import Lessons
from limner.pipelines.pocket.places import Lesson, PlaceLessons, knows
from limner.pipelines.pocket.pointer import Pointer
from limner.pipelines.pocket.sheets import development_prompts, paint_sheet
from limner.pipelines.pocket.tokens import LENGTH
from limner.pipelines.pocket.training import TrainingRun

if TYPE_CHECKING:
    from diffusers import (
        AutoencoderTiny,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from torch import Tensor, nn
    from transformers import CLIPTextModel, CLIPTokenizer

CELLS = 16
GAMMA = 5.0
EASY, EASY_STEPS = 0.75, 400
LAYOUT = 700
"""From this time step on what is painted is where things stand, not yet what they look like."""
MARGIN = 0.02


@dataclass(frozen=True)
class PainterShape:
    """The size of a painter: channels at 16, 8 and 4 cells, and its text encoder."""

    channels: tuple[int, ...] = (64, 128, 192)
    text: int = 192
    text_layers: int = 3
    head: int = 32


def new_unet(shape: PainterShape) -> UNet2DConditionModel:
    """An untrained denoiser for 16 x 16 x 16 latents.

    It attends to the caption at 8 and 4 cells; at 16, attention costs a quarter and adds little.
    The caption as a whole joins the time step and scales every layer, as a class would: so what
    the picture is about need not be learned through attention first.
    """
    from diffusers import UNet2DConditionModel

    levels = len(shape.channels)
    return UNet2DConditionModel(
        sample_size=CELLS,
        in_channels=LATENTS,
        out_channels=LATENTS,
        block_out_channels=shape.channels,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * (levels - 1)),
        up_block_types=(*("CrossAttnUpBlock2D",) * (levels - 1), "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=shape.text,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
        # Of heads, despite its name: diffusers kept the misnomer for old checkpoints.
        attention_head_dim=[c // shape.head for c in shape.channels],
        norm_num_groups=16,
    )


def new_text_encoder(tokenizer: CLIPTokenizer, shape: PainterShape) -> CLIPTextModel:
    """An untrained `CLIPTextModel` for the tokenizer's words."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.text,
            intermediate_size=4 * shape.text,
            num_hidden_layers=shape.text_layers,
            num_attention_heads=shape.text // 32,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_scheduler() -> DDIMScheduler:
    """v-prediction down to pure noise, which flat backdrops need (arXiv:2305.08891)."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
        set_alpha_to_one=True,
    )


class Noised(NamedTuple):
    """Latents under noise, the time steps that say how much, and the answer that is wanted."""

    seen: Tensor
    times: Tensor
    aim: Tensor


class Averaged:
    """A running mean of a model's weights, which paints better than the weights themselves."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.mean = {name: p.detach().clone() for name, p in model.named_parameters()}

    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the model; faster at first, when the mean knows little."""
        import torch

        keep = min(self.decay, (1 + step) / (10 + step))
        values = [p.detach() for _, p in model.named_parameters()]
        torch._foreach_lerp_(list(self.mean.values()), values, 1 - keep)

    def into(self, model: nn.Module) -> nn.Module:
        """A copy of the model that has the mean for its weights."""
        from copy import deepcopy

        twin = deepcopy(model)
        twin.load_state_dict(self.mean, strict=False)
        return twin


def train(  # noqa: PLR0913, PLR0915
    lessons: Lessons,
    autoencoder: AutoencoderTiny,
    tokenizer: CLIPTokenizer,
    out: Path,
    *,
    device: str = "cpu",
    minutes: float | None = None,
    steps: int = 16_000,
    batch: int = 64,
    rate: float = 3e-4,
    decay: float = 0.999,
    high: float = 0.5,
    places: float = 0.75,
    pairs: int = 8000,
    shape: PainterShape | None = None,
    compiled: bool = False,
) -> None:
    """Learn to denoise latents (N x 16 x 16 x 16) under their captions (N x W x 64 token ids).

    Besides, a head that does not ship points out what stands in each cell, so that words find
    their places and shapes. The first steps show mostly scenes of one kind of thing; one caption
    in ten is empty, for classifier-free guidance. A share `high` of all time steps is of those
    where layout is decided. A share `places` of each batch comes from so many `pairs` of mirrored
    twins, of which the words of one must do worse for the other. `out` becomes a
    `StableDiffusionPipeline` folder of the mean weights; `out/raw` keeps the weights themselves
    for going on.
    """
    import torch

    from limner.pipelines.pocket.muon import Muon, sorted_parameters

    torch.manual_seed(0)
    unet, text = _opened(out, tokenizer, shape or PainterShape(), device)
    model = torch.nn.ModuleDict({"unet": unet, "text": text})
    mean = Averaged(model, decay)
    pointer = Pointer(unet).to(device)
    pointer.go_on(out / "raw" / "pointer.safetensors")
    learners = torch.nn.ModuleDict({"model": model, "pointer": pointer.head})
    optimizer = Muon(*sorted_parameters(learners), rate=rate)
    signal = new_scheduler().alphas_cumprod.to(device)
    denoise = torch.compile(unet) if compiled else unet
    twins = round(places * batch / 2)
    place_lessons = PlaceLessons(pairs, autoencoder, tokenizer)

    def save(folder: Path) -> None:
        pipe = assembled(mean.into(model), autoencoder, tokenizer)
        pipe.save_pretrained(folder)
        paint_sheet(pipe, development_prompts(24), folder / "sheet.png")
        unet.save_pretrained(folder / "raw" / "unet")
        text.save_pretrained(folder / "raw" / "text_encoder")
        pointer.keep(folder / "raw" / "pointer.safetensors")
        run.log(**knows(pipe))

    run = TrainingRun(out, optimizer, save, steps=steps, minutes=minutes, warmup=100)
    torch.manual_seed(run.step)  # else each sitting would repeat the lessons of the first
    for step in run:
        easy = EASY if run.step < EASY_STEPS else 0.0
        clean, said, turned, there = _dealt(lessons, batch - 2 * twins, easy, place_lessons, twins)
        with autocast(device):
            noised = _noised(clean, signal, high)
            # Before the errors proper: the pointer takes what the last pass saw.
            again, wrong = _confused(denoise, text, noised, turned)
            errors = _errors(denoise, text, noised, said)
            pointed = pointer.loss(*there)
        confused = _hinge(errors[again], wrong)
        error = (errors * _weight(signal[noised.times])).mean()
        loss = error + 0.1 * pointed + confused
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        mean.update(model, step)
        if step % 50 == 0:
            run.log(error=error.item(), pointed=pointed.item(), confused=confused.item())


def _dealt(
    lessons: Lessons, ordinary: int, easy: float, places: PlaceLessons, twins: int
) -> Lesson:
    """A batch of ordinary lessons, followed by pairs of twins, whose words alone are turned."""
    import torch

    clean, said, there = lessons.deal(ordinary, easy)
    more = places.deal(twins)
    return Lesson(
        torch.cat([clean, more.clean]),
        torch.cat([said, more.said]),
        more.turned,
        (torch.cat([there[0], more.there[0]]), torch.cat([there[1], more.there[1]])),
    )


def _noised(clean: Tensor, signal: Tensor, high: float) -> Noised:
    import torch

    noise = torch.randn_like(clean)
    times = _times(len(clean), len(signal), high).to(clean.device)
    alpha = signal[times][:, None, None, None]
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    return Noised(noisy, times, alpha.sqrt() * noise - (1 - alpha).sqrt() * clean)


def _errors(denoise: Any, text: Any, noised: Noised, said: Tensor) -> Tensor:
    """The error of each answer under its caption, in v-prediction."""
    guess = denoise(noised.seen, noised.times, text(input_ids=said).last_hidden_state).sample
    errors: Tensor = (guess.float() - noised.aim).square().mean(dim=(1, 2, 3))
    return errors


def _confused(denoise: Any, text: Any, noised: Noised, turned: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows are looked at again under words turned round, and their errors then.

    `turned` are false words for the last of the rows; of these, all where layout is decided.
    """
    first = len(noised.times) - len(turned)
    rows = first + (noised.times[first:] > LAYOUT).nonzero()[:, 0]
    if not len(rows):
        return rows, noised.aim.new_zeros(0)
    again = Noised(*(part[rows] for part in noised))
    return rows, _errors(denoise, text, again, turned[rows - first])


def _hinge(right: Tensor, wrong: Tensor) -> Tensor:
    """How far false words fail to do worse than true ones, in shares of the error."""
    import torch

    if not len(right):
        return right.new_zeros(())
    missed: Tensor = torch.relu((1 + MARGIN) * right - wrong)
    return missed.mean() / right.detach().mean()


def _times(count: int, most: int, high: float) -> Tensor:
    """Time steps: a share `high` of those where layout is decided, all alike, and else the middle.

    There shapes are decided (arXiv:2403.03206, logit-normal), which take longest to learn.
    """
    import torch

    middling = (torch.randn(count).sigmoid() * most).long().clamp(max=most - 1)
    return torch.where(torch.rand(count) < high, torch.randint(LAYOUT, most, (count,)), middling)


def _weight(signal: Tensor) -> Tensor:
    """(min(SNR, gamma) + 1) / (SNR + 1): min-SNR for v-prediction, yet not zero at pure noise."""
    ratio = signal / (1 - signal).clamp(min=1e-8)
    weight: Tensor = (ratio.clamp(max=GAMMA) + 1) / (ratio + 1)
    return weight


def _opened(
    out: Path, tokenizer: CLIPTokenizer, shape: PainterShape, device: str
) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    raw = out / "raw"
    if raw.exists():
        unet = UNet2DConditionModel.from_pretrained(raw / "unet")
        text = CLIPTextModel.from_pretrained(raw / "text_encoder")
    else:
        unet, text = new_unet(shape), new_text_encoder(tokenizer, shape)
    # A tenth faster on a CPU, more on a GPU.
    return unet.to(device, memory_format=torch.channels_last), text.to(device)


def assembled(
    model: nn.Module, autoencoder: AutoencoderTiny, tokenizer: CLIPTokenizer
) -> StableDiffusionPipeline:
    """The parts put together as a pipeline that diffusers can save and open."""
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=model.text,
        tokenizer=tokenizer,
        unet=model.unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
