"""Families of two stages as one pipeline: DeepFloyd IF and Kandinsky 2.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limner.errors import BadInput
from limner.pipelines.loading import read_parts

__all__ = [
    "Kandinsky",
    "Stages",
]


class Stages:
    """Two of Imagen's stages (arXiv:2205.11487), called as one: steps are counted through both.

    The text is read once, by the first stage's encoder.
    """

    _callback_tensor_inputs = ("latents",)
    vae_scale_factor = 1  # it paints pixels

    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second, self.vae = first, second, None
        self.pipes = [first, second]
        self.tokenizer, self.unet = first.tokenizer, second.unet
        self.denoisers = [first.unet, second.unet]
        self.scheduler = first.scheduler
        self.num_timesteps = 0

    @classmethod
    def open(cls, folder: Path, second: Path, how: dict[str, Any]) -> Stages:
        """From the folders of the first and of the second stage."""
        from diffusers import IFPipeline, IFSuperResolutionPipeline

        read_once = {"text_encoder": None, "tokenizer": None, "safety_checker": None}
        return cls(
            IFPipeline.from_pretrained(folder, **how, **read_parts(folder, how["dtype"])),
            IFSuperResolutionPipeline.from_pretrained(second, **read_once, **how),
        )

    def to(self, where: Any) -> Stages:
        """Both, on that device."""
        self.first.to(where)
        self.second.to(where)
        return self

    def set_progress_bar_config(self, **how: Any) -> None:
        """For both."""
        self.first.set_progress_bar_config(**how)
        self.second.set_progress_bar_config(**how)

    def __call__(  # noqa: PLR0913
        self,
        prompt: list[str],
        generator: list[Any],
        width: int,
        height: int,
        num_inference_steps: int,
        guidance_scale: float,
        negative_prompt: list[str] | None = None,
        clean_caption: bool = False,
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: Any = (),
        output_type: str = "pil",
    ) -> Any:
        """Paints small, then large."""
        text, other = self.first.encode_prompt(
            prompt,
            do_classifier_free_guidance=guidance_scale > 1,
            negative_prompt=negative_prompt,
            clean_caption=clean_caption,
        )
        self.num_timesteps = 2 * num_inference_steps
        times = self.second.unet.config.sample_size // self.first.unet.config.sample_size

        def stage(pipe: Any, before: int, size: tuple[int, int], **how: Any) -> Any:
            def after(step: int, time: Any, pixels: Any) -> None:
                callback_on_step_end(self, before + step, time, {"latents": pixels})

            self.scheduler = pipe.scheduler
            return pipe(
                prompt_embeds=text,
                negative_prompt_embeds=other,
                generator=generator,
                width=size[0],
                height=size[1],
                num_inference_steps=num_inference_steps,
                callback=after,
                **how,
            )

        small = (width // times, height // times)
        made = stage(self.first, 0, small, guidance_scale=guidance_scale, output_type="pt").images
        return stage(
            self.second, num_inference_steps, (width, height), image=made, output_type=output_type
        )


class Kandinsky:
    """The prior and the decoder of unCLIP (arXiv:2204.06125), called as one.

    The prior runs for each order by itself, so that its company changes nothing; its steps are
    not counted as painting. Orders can leave the decoder half-way.
    """

    _callback_tensor_inputs = ("latents", "image_embeds")

    def __init__(self, prior: Any, decoder: Any) -> None:
        self.prior, self.decoder = prior, decoder
        self.tokenizer, self.unet, self.vae = prior.tokenizer, decoder.unet, None
        self.pipes = [prior, decoder]
        self.vae_scale_factor = 2 ** (len(decoder.movq.config.block_out_channels) - 1)

    @classmethod
    def open(cls, folder: Path, prior: Path | None, how: dict[str, Any]) -> Kandinsky:
        """From one folder with both, or a decoder's and a prior's. Raises `BadInput`."""
        from diffusers import (
            KandinskyV22CombinedPipeline,
            KandinskyV22Pipeline,
            KandinskyV22PriorPipeline,
        )

        class Whole(KandinskyV22CombinedPipeline):  # type: ignore[misc]
            _load_connected_pipes = False  # a folder's README does not choose what else is opened

        if (folder / "prior_prior").is_dir():
            whole = Whole.from_pretrained(folder, **how, **read_parts(folder, how["dtype"]))
            return cls(whole.prior_pipe, whole.decoder_pipe)
        if prior is None:
            raise BadInput(
                "This folder is a decoder alone; its prior is elsewhere.",
                "In the profile: settings: {prior: kandinsky-community/kandinsky-2-2-prior}",
            )
        return cls(
            KandinskyV22PriorPipeline.from_pretrained(
                prior, **how, **read_parts(prior, how["dtype"])
            ),
            KandinskyV22Pipeline.from_pretrained(folder, **how),
        )

    def over(self) -> Kandinsky:
        """The same weights, to paint over a picture with."""
        from diffusers import KandinskyV22Img2ImgPipeline

        parts = self.decoder
        decoder = KandinskyV22Img2ImgPipeline(
            unet=parts.unet, scheduler=parts.scheduler, movq=parts.movq
        )
        return KandinskyOver(self.prior, decoder)

    def to(self, where: Any) -> Kandinsky:
        """Both, on that device."""
        self.prior.to(where)
        self.decoder.to(where)
        return self

    def set_progress_bar_config(self, **how: Any) -> None:
        """For both."""
        self.prior.set_progress_bar_config(**how)
        self.decoder.set_progress_bar_config(**how)

    @property
    def scheduler(self) -> Any:
        """The decoder's."""
        return self.decoder.scheduler

    @property
    def num_timesteps(self) -> int:
        """The decoder's."""
        return int(self.decoder.num_timesteps)

    def get_timesteps(self, steps: int, strength: float, device: Any) -> Any:
        """The decoder's, for painting over a picture."""
        return self.decoder.get_timesteps(steps, strength, device)

    def __call__(  # noqa: PLR0913
        self,
        prompt: list[str],
        generator: list[Any],
        width: int,
        height: int,
        num_inference_steps: int,
        guidance_scale: float,
        negative_prompt: list[str] | None = None,
        **how: Any,
    ) -> Any:
        """Imagines each prompt, then paints them all."""
        import torch

        unlike: list[Any] = negative_prompt or []
        unlike = unlike or [None] * len(prompt)
        each = [
            self.prior(prompt=one, negative_prompt=other, generator=noise).to_tuple()
            for one, other, noise in zip(prompt, unlike, generator, strict=True)
        ]
        return self.decoder(
            image_embeds=torch.cat([seen for seen, _ in each]),
            negative_image_embeds=torch.cat([other for _, other in each]),
            generator=generator,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            **how,
        )


class KandinskyOver(Kandinsky):
    """The same with a decoder that paints over a picture."""

    def __call__(  # type: ignore[override]  # it needs pictures as well
        self, *, image: list[Any], strength: float, **how: Any
    ) -> Any:
        """Imagines each prompt, then paints over each picture."""
        return super().__call__(image=image, strength=strength, **how)
