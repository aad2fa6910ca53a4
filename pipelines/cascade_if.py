"""DeepFloyd IF as one pipeline: a small picture in pixels, then a second stage that enlarges it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limner.pipelines.loading import read_parts

__all__ = ["Stages"]


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
