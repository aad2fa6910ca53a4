"""Pictures and archives of version 0.1: they are shown, painted again, and gone on with."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from limner.agent import reproduce
from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.cli import main
from limner.agent.conversation.session import Session
from limner.agent.studio import Studio

DATA = Path(__file__).with_name("data")
PICTURE = DATA / "picture-0.1.png"
REQUEST = "a red cat left of two dogs on the grass, no birds"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An archive of two conversations, as 0.1 wrote it."""
    with zipfile.ZipFile(DATA / "archive-0.1.zip") as kept:
        kept.extractall(tmp_path / "home")
    return tmp_path / "home"


def test_a_picture_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["show", str(PICTURE)]) == 0
    seen = capsys.readouterr().out
    for part in (
        REQUEST,
        "there are two dogs",
        "5 of 6 claims hold",
        "round 2",
        "There is no bird",
    ):
        assert part in seen, part
    assert main.main(["show", str(PICTURE), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["fails"] == ["the cat is left of the dog"]
    assert {claim["source"] for claim in told["brief"]["claims"]} == {"asked"}
    assert ["dog", 2] in [[one["name"], one["count"]] for one in told["brief"]["objects"]]


def test_a_picture_is_painted_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["again", str(PICTURE)]) == 0
    assert "identical" in capsys.readouterr().out


def test_an_archive_is_listed_and_made_into_a_page(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["gallery", "--archive", str(home)]) == 0
    assert "两只红色的猫" in capsys.readouterr().out
    assert main.main(["gallery", "night", "--archive", str(home)]) == 0
    with Archive.open(home) as archive:
        for number in (1, 2):
            html = page(archive, number)
            assert "missing or damaged" not in html and "claims hold" in html
        assert "There are two dogs." in page(archive, 1) and "好，换成夜晚" in page(archive, 2)


@pytest.mark.parametrize("number", [1, 2])
def test_a_conversation_is_gone_on_with(home: Path, number: int, tmp_path: Path) -> None:
    studio = Studio.open("fake")
    with Archive.open(home) as archive:
        talk = Session.resumed(studio, archive, number)
        assert talk.brief and talk.brief.claims and talk.meant and len(talk.candidates) > 1
        for take in range(1, len(talk.candidates) + 1):
            (tmp_path / f"{take}.png").write_bytes(talk.stamped(take, "fake"))
            assert reproduce.again(tmp_path / f"{take}.png", studio)[1]
        before, versions = len(talk.candidates), len(talk.versions())
        list(talk.turn("at sunset"))
        assert talk.brief.claims and len(talk.versions()) == versions + 1
        assert (
            len(talk.candidates) > before
            and isinstance(talk.recorder, SessionRecorder)
            and not talk.recorder.problem
        )
        again = Session.resumed(studio, archive, number)
        assert again.versions() == talk.versions() and again.meant == talk.meant


def test_what_was_finished_and_taken_back_is_still_there(home: Path) -> None:
    with Archive.open(home) as archive:
        talk = Session.resumed(Studio.open("fake"), archive, 1)
        assert talk.version == 1
        talk.redo()
        assert talk.version == 2
        talk.redo()  # which was brightened, and that taken back
        assert talk.history.finishes(talk.meant or 0)
        assert [(r.candidate, r.verdict) for r in archive.load(1).ratings] == [(2, "good")]
