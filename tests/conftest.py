"""What the tests share: no network, an archive of their own, and tiny models of real classes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from seeing import words

if TYPE_CHECKING:
    import httpx
    from langchain_core.tools import BaseTool
    from openai import OpenAI
    from playwright.sync_api import Browser, Page
    from served import Served

    from limner.agent.studio import Studio

os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: threads would only wait
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for size in ("COLUMNS", "LINES"):  # xdist's own, which would win over a terminal's size
        os.environ.pop(size, None)


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An archive for all commands that the tests run, so that none is added to the user's own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMNER_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny models: writer, painter, clip and siglip, opened as any other would be."""
    import torch

    torch.set_num_threads(2)
    folder = tmp_path_factory.mktemp("tiny")
    for name, build in {"writer": _writer, "painter": _painter}.items():
        torch.manual_seed(0)
        build(folder / name)
    for name in ("clip", "siglip"):
        torch.manual_seed(0)
        _critic(name, folder / name)
    return folder


@pytest.fixture(scope="session")
def pocket() -> Studio:
    """The models that ship, with 8 steps to a picture: what is tested needs no better ones."""
    from limner.agent.studio import Studio
    from limner.pipelines.registry import open_painter

    return Studio.open("pocket", painter=open_painter("pocket", {"steps": 8, "guidance": 3.0}))


def _writer(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = words()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,  # bitsandbytes packs 64 numbers together, in 4 bits
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _painter(folder: Path) -> None:
    from diffusers import (
        AutoencoderTiny,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = _letters()
    text = CLIPTextConfig(**_text(tokenizer, 32))
    unet = UNet2DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=2,
        norm_num_groups=1,
    )
    eyes = AutoencoderTiny(
        encoder_block_out_channels=(4, 4, 4, 4),
        decoder_block_out_channels=(4, 4, 4, 4),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    StableDiffusionPipeline(
        unet=unet,
        scheduler=DDIMScheduler(
            prediction_type="v_prediction",
            timestep_spacing="trailing",
            rescale_betas_zero_snr=True,
            clip_sample=False,
            steps_offset=1,
        ),
        vae=eyes,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def _critic(kind: str, folder: Path) -> None:
    import transformers

    tokenizer = _letters()
    text = _text(tokenizer, 16)
    size = {"image_size": 32, "patch_size": 8}
    layers = ("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers")
    vision = {key: text[key] for key in layers} | size
    if kind == "clip":
        vision["projection_dim"] = 16
        config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
        transformers.CLIPModel(config).save_pretrained(folder)
        crop = {"height": 32, "width": 32}
        eyes = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=crop)
    else:
        text["max_position_embeddings"] = 64
        config = transformers.SiglipConfig(text_config=text, vision_config=vision)
        transformers.SiglipModel(config).save_pretrained(folder)
        eyes = transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    eyes.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _text(tokenizer: Any, width: int) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 37,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "projection_dim": width,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _letters() -> Any:
    """CLIP's tokenizer with no merges: a token for each byte."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    marks = ["<|startoftext|>", "<|endoftext|>"]
    pieces = [*letters, *(letter + "</w>" for letter in letters), *marks]
    return CLIPTokenizer(
        vocab={piece: i for i, piece in enumerate(pieces)}, merges=[], model_max_length=77
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on fakes, with an archive."""
    import pytest_socket
    from served import served

    from limner.agent.studio import Studio

    pytest_socket.enable_socket()
    with served(Studio.open("fake"), archive=tmp_path_factory.mktemp("archive")) as server:
        yield server


@pytest.fixture
def client(house: Served) -> Iterator[OpenAI]:
    """OpenAI's own client of that server."""
    from served import client_of

    with client_of(house) as made:
        yield made


@pytest.fixture
def web(house: Served) -> Iterator[httpx.Client]:
    """Any other client of that server."""
    import httpx

    with httpx.Client(base_url=house.url, timeout=120, trust_env=False) as made:
        yield made


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, BaseTool]:
    """The tools for LangChain on fakes, by their names."""
    from tooled import tools_in

    return tools_in(tmp_path / "pictures")


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of this machine's Chromium or a relative of it; without one, the test is skipped."""
    found = next(filter(None, map(shutil.which, BROWSERS)), "")
    if not found:
        pytest.skip("there is no Chromium on this machine")
    return found


@pytest.fixture(scope="module")  # no longer: while it is there, asyncio.run fails in its thread
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium without a window, as playwright drives it."""
    playwright: Any = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    import pytest_socket

    pytest_socket.enable_socket()
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A narrow window; whatever its console complains of fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    context.set_default_timeout(120_000)  # on a machine that has much else to do
    opened, problems = context.new_page(), list[str]()
    opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda asked: problems.append(asked.url) if _foreign(asked.url) else None)
    yield opened
    context.close()
    assert not [line for line in problems if "status of 4" not in line]


def _foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:"))


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """A job in the background inherits an ignored SIGINT; what is tested here must hear it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
