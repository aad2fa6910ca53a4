"""The same request and seed are the same file through every door, each with a client of its kind.

Once on fakes, and once on the models that ship.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest
import yaml
from assisted import WAIT, client, fields
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from served import Served, answering, client_of, content_of, served, turns

from limner.agent.as_langchain import limner_tools
from limner.agent.cli import main
from limner.agent.mcp.http import app_of
from limner.agent.mcp.server import open_state, server_of
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCaller

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

WISH, CHANGE, SEED = "a red cat on the grass", "make it night", 3
TOKEN = "a-token-that-nobody-guesses"

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(900)]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module", params=["fake", pytest.param("pocket", marks=pytest.mark.slow)])
def profile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Which models, at a price that a test can pay."""
    chosen = yaml.safe_load((files("limner.configs") / f"{request.param}.yaml").read_text("utf-8"))
    if request.param == "pocket":
        chosen["painter"]["settings"]["steps"] = 4
    path = tmp_path_factory.mktemp("profile") / f"{request.param}.yaml"
    path.write_text(yaml.safe_dump(chosen | {"images_per_round": 2, "budget": 2}), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def studio(profile: str) -> Studio:
    return Studio.open(profile)


@pytest.fixture(scope="module")
def typed(profile: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SHA-256 of what the command line saves."""
    path = tmp_path_factory.mktemp("typed") / "cat.png"
    options = ["--profile", profile, "--seed", str(SEED), "--out", str(path), "--no-archive"]
    assert main.main([WISH, *options, "--quiet"]) == 0
    return sha256(path.read_bytes())


@pytest.fixture(scope="module")
def house(
    studio: Studio, profile: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    import pytest_socket

    pytest_socket.enable_socket()
    archive = tmp_path_factory.mktemp("archive")
    with served(studio, profile=profile, archive=archive) as server:
        yield server


def test_python(studio: Studio, typed: str, tmp_path: Path) -> None:
    result = studio.imagine(WISH, seed=SEED)
    path = studio.save(result, tmp_path / "cat.png", request=WISH, seed=SEED)
    assert path.name == "cat.png" and sha256(path.read_bytes()) == typed


def changed_by_an_agent(studio: Studio, folder: Path) -> tuple[str, str]:
    """An agent of LangChain's paints and refines; the files of both."""
    calls = (
        ("imagine", {"request": WISH, "seed": SEED}),
        ("refine_image", {"take": "t1", "change": CHANGE, "seed": SEED}),
    )
    agent = create_agent(FakeCaller(calls=calls), limner_tools(studio, folder=folder))
    said = agent.invoke({"messages": [HumanMessage(WISH)]})["messages"]
    first, second = (one.artifact for one in said if isinstance(one, ToolMessage))
    return sha256(Path(first["path"]).read_bytes()), sha256(Path(second["path"]).read_bytes())


@pytest.fixture(scope="module")
def agents(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return changed_by_an_agent(studio, tmp_path_factory.mktemp("agent"))


def test_langchain(agents: tuple[str, str], typed: str) -> None:
    assert agents[0] == typed


async def asked(connected: Client) -> tuple[str, str]:
    """What an assistant gets: a picture, and a change to it."""
    first = await fields(connected, "imagine", request=WISH, seed=SEED)
    how = {"take": first["take"], "change": CHANGE, "seed": SEED}
    second = await fields(connected, "refine_image", **how)
    assert sha256(Path(first["file"]).read_bytes()) == first["sha256"]
    return first["sha256"], second["sha256"]


def heard(work: Coroutine[None, None, tuple[str, str]]) -> tuple[str, str]:
    """What a coroutine returns, in another thread: in this one, a browser's loop may be running."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()


@pytest.fixture
def threads(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process sums in as many threads as this one: the last bits depend on it."""
    if torch := sys.modules.get("torch"):  # the fakes have none
        monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))


@pytest.mark.usefixtures("threads")
def test_mcp_on_standard_input(
    profile: str, typed: str, agents: tuple[str, str], tmp_path: Path
) -> None:
    async def ask() -> tuple[str, str]:
        async with client(tmp_path, "--profile", profile, wait=800) as connected:
            return await asked(connected)

    assert heard(ask()) == agents and agents[0] == typed


@asynccontextmanager
async def over_http(address: str) -> AsyncIterator[Client]:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        httpx2.AsyncClient(headers=bearer, timeout=WAIT) as web,
        Client(streamable_http_client(address, http_client=web)) as connected,
    ):
        yield connected


def test_mcp_over_http(
    studio: Studio, profile: str, agents: tuple[str, str], tmp_path: Path
) -> None:
    async def ask(url: str) -> tuple[str, str]:
        with anyio.fail_after(800):
            async with over_http(f"{url}/mcp") as connected:
                return await asked(connected)

    with (
        open_state(lambda: studio, tmp_path, profile=profile) as state,
        answering(lambda port: app_of(server_of(state), port, TOKEN)) as url,
    ):
        assert heard(ask(url)) == agents


def test_openai_s_pictures(house: Served, typed: str, agents: tuple[str, str]) -> None:
    how = {"seed": SEED}
    with client_of(house) as openai:
        first = content_of(openai.images.generate(prompt=WISH, extra_body=how))
        second = content_of(openai.images.edit(image=first, prompt=CHANGE, extra_body=how))
    assert (sha256(first), sha256(second)) == (typed, agents[1])


def test_openai_s_conversation(house: Served, typed: str) -> None:
    with client_of(house) as openai:
        answer = openai.chat.completions.create(model="limner", messages=turns(WISH), seed=SEED)
    link = str(answer.choices[0].message.content).split("](")[1].split(")")[0]
    assert sha256(httpx2.get(link, timeout=WAIT).content) == typed


def test_the_page(house: Served, page: Page, typed: str, tmp_path: Path) -> None:
    def seeded(route: Route) -> None:
        route.continue_(post_data=json.dumps({"seed": SEED}))

    page.route("**/v1/sessions", seeded)
    page.goto(house.url)
    page.fill("#words", WISH)
    page.press("#words", "Enter")
    page.wait_for_function("() => document.querySelectorAll('#log li').length > 0")
    page.wait_for_selector("#send:visible")
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "cat.png")
    assert sha256((tmp_path / "cat.png").read_bytes()) == typed
