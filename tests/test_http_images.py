"""Pictures over HTTP: what OpenAI's own client asks for, and gets."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from PIL import Image
from served import Served, client_of, content_of, patient, served

from limner.pipelines import stamp

pytestmark = pytest.mark.enable_socket

REQUEST = "a red cat on the grass, two dogs"


def test_a_seed_is_drawn_told_and_good_for_the_same_picture(client: OpenAI) -> None:
    one = client.images.generate(prompt=REQUEST)
    seed = (one.model_extra or {})["limner"]["seed"]
    other = client.images.generate(prompt=REQUEST)
    again = client.images.generate(prompt=REQUEST, extra_body={"seed": seed})
    assert content_of(again) == content_of(one) != content_of(other)


def test_n_pictures_are_the_best_takes(client: OpenAI) -> None:
    one = client.images.generate(prompt=REQUEST, extra_body={"seed": 3})
    three = client.images.generate(prompt=REQUEST, n=3, extra_body={"seed": 3})
    assert content_of(three) == content_of(one)
    assert len({content_of(three, at) for at in range(3)}) == 3
    many = client.images.generate(prompt=REQUEST, n=10, extra_body={"seed": 3})
    assert len({content_of(many, at) for at in range(10)}) == 10


def test_a_link_leads_to_the_picture(client: OpenAI, web: httpx.Client) -> None:
    inline = client.images.generate(prompt=REQUEST, size="64x64", extra_body={"seed": 3})
    linked = client.images.generate(
        prompt=REQUEST, response_format="url", size="64x64", extra_body={"seed": 3}
    )
    assert linked.data and linked.data[0].url and linked.data[0].b64_json is None
    answer = web.get(linked.data[0].url, headers={"Origin": "http://elsewhere.example"})
    assert answer.content == content_of(inline) and answer.headers["content-type"] == "image/png"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_partial_pictures_come_before_the_whole_one() -> None:
    studio, painter = patient()
    with served(studio) as server, client_of(server) as client:
        events = client.images.generate(
            prompt=REQUEST, stream=True, partial_images=1, extra_body={"seed": 3}
        )
        rough = next(iter(events))
        assert rough.type == "image_generation.partial_image" and rough.partial_image_index == 0
        with Image.open(io.BytesIO(base64.b64decode(rough.b64_json))) as picture:
            assert picture.size == (8, 8)
        painter.go.set()
        *_, last = events
        assert last.type == "image_generation.completed"
        whole = client.images.generate(prompt=REQUEST, extra_body={"seed": 3})
        assert base64.b64decode(last.b64_json) == content_of(whole)


def test_an_edit_goes_on_from_the_brief_in_the_picture(client: OpenAI) -> None:
    first = content_of(client.images.generate(prompt="a red cat", extra_body={"seed": 3}))
    edits = [
        client.images.edit(image=first, prompt="make it night", extra_body={"seed": 4})
        for _ in range(2)
    ]
    assert content_of(edits[0]) == content_of(edits[1]) != first
    told = (edits[0].data or [])[0].model_extra or {}
    assert {"red cat", "night"} <= {claim["quote"] for claim in told["claims"]}
    assert told["brief"]["claims"] and {*told["verdict"]} >= {"reached", "holds", "said"}
    recipe = json.loads(stamp.parse(content_of(edits[0]), Path("it")).recipe)
    assert recipe["request"] == "a red cat; make it night"
    *_, last = client.images.edit(
        image=first, prompt="make it night", stream=True, extra_body={"seed": 4}
    )
    assert last.type == "image_edit.completed"
    assert (last.model_extra or {})["limner"]["verdict"] == told["verdict"]
    assert base64.b64decode(last.b64_json) == content_of(edits[0])


def png(**text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    chunks, buffer = PngInfo(), io.BytesIO()
    for name, value in text.items():
        chunks.add_itxt(name, value)
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image", "more", "said"),
    [
        (png(), {}, "its own pictures only"),
        (b"no picture", {}, "its own pictures only"),
        (png(limner='{"request": "x", "lc": 1}'), {}, "its own pictures only"),
        (png(limner="[" * 100_000), {}, "its own pictures only"),
        (png(), {"mask": png()}, "mask"),
    ],
)
def test_other_pictures_are_refused_in_one_line(
    client: OpenAI, image: bytes, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(image=image, prompt="make it night", **more)
    line = refused.value.body["message"]  # type: ignore[index]
    assert said in line and "\n" not in line and len(line) < 600


def test_models(client: OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "limner" == client.models.retrieve("limner").id
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("dall-e-9")


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ({"model": "dall-e-3", "size": "1024x1024", "quality": "hd", "style": "vivid"}, "64x64"),
        ({"model": "gpt-image-1", "size": "1536x1024", "quality": "high"}, "80x56"),
        ({"model": "any", "size": "1792x1024"}, "88x48"),
        ({"size": "auto"}, "64x64"),
        ({"size": "128x64"}, "128x64"),
        ({"n": None, "size": "", "extra_body": {"response_format": "", "stream": None}}, "64x64"),
    ],
)
def test_what_openai_s_clients_send_is_fitted(
    client: OpenAI, how: dict[str, Any], size: str
) -> None:
    answer = client.images.generate(prompt=REQUEST, **how)
    with Image.open(io.BytesIO(content_of(answer))) as picture:
        assert f"{picture.width}x{picture.height}" == answer.size == size
    notes = (answer.model_extra or {})["limner"]["notes"]
    fitted = how.get("size", "").endswith("1024")
    assert any(f"painted {size}" in note for note in notes) == fitted


def test_a_picture_s_head_is_told(client: OpenAI, web: httpx.Client) -> None:
    linked = client.images.generate(prompt=REQUEST, response_format="url")
    answer = web.head(str((linked.data or [])[0].url))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"


README = (Path(__file__).parent.parent / "docs" / "assistants.md").read_text(encoding="utf-8")


def test_the_documented_lines_run(house: Served, tmp_path: Path, monkeypatch: Any) -> None:
    (source,) = re.findall(r"^```py\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert "http://127.0.0.1:8420" in source
    monkeypatch.chdir(tmp_path)
    exec(compile(source.replace("http://127.0.0.1:8420", house.url), "README.md", "exec"), {})
    (saved,) = tmp_path.glob("*.png")
    assert stamp.read(saved).recipe
