"""Pictures as they come in practice: blurred, stored as JPEG, or through an autoencoder."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files

import numpy as np
from PIL import Image, ImageFilter

Pictures = Sequence[Image.Image]
BLUR = 0.7  # pixels
QUALITY = 75  # of JPEG
BATCH = 10


def clean(pictures: Pictures) -> list[Image.Image]:
    """As they are."""
    return list(pictures)


def blurred(pictures: Pictures) -> list[Image.Image]:
    """Out of focus by a Gaussian of 0.7 pixels."""
    return [picture.filter(ImageFilter.GaussianBlur(BLUR)) for picture in pictures]


def compressed(pictures: Pictures) -> list[Image.Image]:
    """Through JPEG at quality 75."""
    return [_through_jpeg(picture) for picture in pictures]


def autoencoded(pictures: Pictures) -> list[Image.Image]:
    """Through the pocket painter's own autoencoder, on one thread."""
    import torch
    from diffusers import AutoencoderTiny

    torch.set_num_threads(1)
    with as_file(files("limner.pipelines.pocket") / "weights" / "painter" / "vae") as folder:
        model = AutoencoderTiny.from_pretrained(folder, use_safetensors=True).eval()
    found = []
    for at in range(0, len(pictures), BATCH):
        pixels = np.stack([np.asarray(p, np.float32) for p in pictures[at : at + BATCH]])
        with torch.inference_mode():
            given = torch.from_numpy(pixels / 127.5 - 1).permute(0, 3, 1, 2)
            back = model.decoder(model.encoder(given)).clamp(-1, 1).permute(0, 2, 3, 1)
        found += [Image.fromarray(p) for p in ((back + 1) * 127.5).round().byte().numpy()]
    return found


WEARS: dict[str, Callable[[Pictures], list[Image.Image]]] = {
    "clean": clean,
    "blurred": blurred,
    "JPEG": compressed,
    "autoencoded": autoencoded,
}


def _through_jpeg(picture: Image.Image) -> Image.Image:
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=QUALITY)
    return Image.open(stored, formats=["JPEG"]).convert("RGB")
