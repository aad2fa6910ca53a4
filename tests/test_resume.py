"""Going on with a session another day is as if nothing had come between."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.archive.schema import STEPS
from limner.agent.conversation.session import Session
from limner.agent.events import Event
from limner.agent.history import SessionState
from limner.agent.records import Settings
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

LINES = ("make it night", "on sand", "make the cat blue", "#2", "第一张", "again", "the last one")
MOVES = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(LINES)),
    st.tuples(st.sampled_from(("paint", "again", "draft")), st.integers(0, 25)),
    st.tuples(st.sampled_from(("pick", "branch")), st.integers(1, 9)),
    st.tuples(st.just("finish"), st.sampled_from(("brighter", "upscale x2", "make it square"))),
    st.tuples(st.sampled_from(("undo", "redo", "resume")), st.none()),
    st.tuples(st.just("style"), st.sampled_from(("watercolour", ""))),
    st.tuples(st.just("seed"), st.integers(0, 9)),
)


def studio() -> Studio:
    return Studio(FakeWriter(), FakePainter(), FakeCritic(), Settings(images_per_round=2, budget=4))


def begun(archive: Archive) -> Session:
    return Session(studio(), 5, recorder=SessionRecorder(archive, "fake"))


def resumed(talk: Session) -> Session:
    assert talk.recorder and talk.recorder.number and talk.recorder.problem is None
    return Session.resumed(talk.studio, talk.recorder.archive, talk.recorder.number, "fake")


def stopped(events: Iterator[Event], after: int) -> None:
    """Look at so many events, and no further."""
    with closing(events):  # type: ignore[type-var]
        list(islice(events, after))


def say(talk: Session, words: str) -> None:
    list(talk.turn(words))


def move(talk: Session, what: str, how: Any) -> Session:
    """The session after one move; what can't be done changes nothing."""
    moves: dict[str, Callable[[], object]] = {
        "say": lambda: say(talk, how),
        "draft": lambda: stopped(talk.draft("add a tree"), how),
        "paint": lambda: stopped(talk.paint(), how),
        "again": lambda: stopped(talk.again(), how),
        "pick": lambda: talk.pick(how),
        "branch": lambda: talk.branch(how),
        "finish": lambda: talk.finish(how),
        "undo": talk.undo,
        "redo": talk.redo,
        "seed": lambda: talk.reseed(how),
        "style": lambda: talk.restyle(how),
    }
    if what == "resume":
        return resumed(talk)
    move: Callable[[], object] = moves[what]
    try:
        move()
    except BadInput:
        assert what in {"pick", "branch", "undo", "redo", "finish", "say"}
    return talk


def stands(talk: Session) -> dict[str, Any]:
    """Everything of a session that a person could notice."""
    return {
        "version": talk.version,
        "meant": talk.meant,
        "history": talk.versions(),
        "versions": talk.tree.versions,
        "standing": talk.standing(),
        "takes": [
            (t.number, t.round, t.brief, t.image_request, t.critique) for t in talk.candidates
        ],
        "runs": [run.numbers for run in talk.history.runs if run.numbers],
        "finishes": [talk.history.finishes(n + 1) for n in range(len(talk.candidates))],
        "undone": {n: steps for n, steps in talk.history.undone.items() if steps},
        "pictures": [talk.picture(n + 1).tobytes() for n in range(len(talk.candidates))],
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MOVES, max_size=8))
def test_nothing_is_lost_and_every_number_means_the_same(moves: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder, Archive.open(Path(folder)) as archive:
        talk = begun(archive)
        say(talk, "a red cat and a dog on grass")
        for what, how in moves:
            talk = move(talk, what, how)
            assert talk.recorder and talk.recorder.problem is None
        again = resumed(talk)
        assert stands(again) == stands(talk)
        for one in (talk, again):  # what is painted next is the same, too
            one.recorder = None
            list(one.draft("make it rain"))
            list(one.paint())
        assert [t.image_request for t in again.candidates] == [
            t.image_request for t in talk.candidates
        ]


@pytest.mark.parametrize("after", range(0, 22, 3))
def test_stopped_anywhere_the_archive_is_whole(after: int, tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        talk = begun(archive)
        say(talk, "a red cat")
        stopped(talk.draft("make it night"), after)
        stopped(talk.paint(), after)
        again = resumed(talk)
        assert stands(again) == stands(talk)
        assert archive._base.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        list(again.paint())
        assert again.meant and resumed(again).meant == again.meant


def test_redo_and_finishing_survive(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        talk = begun(archive)
        say(talk, "a red cat")
        talk.finish("brighter")
        plain = talk.candidate(talk.meant or 0).picture.tobytes()
        bright = talk.picture().tobytes()
        say(talk, "make it night")
        talk.undo()
        again = resumed(talk)
        assert again.picture().tobytes() == bright != plain
        again.undo()
        assert again.version == 1 and again.picture().tobytes() == plain
        again = resumed(again)
        again.redo()
        assert again.version == 1 and again.picture().tobytes() == bright
        assert again.redo().claims[-1].text == "The picture shows night." and again.version == 2


def test_a_take_that_was_picked_is_meant_again_after_an_undo(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        talk = begun(archive)
        say(talk, "a red cat")
        other = 1 if talk.meant == 2 else 2
        talk.pick(other)
        say(talk, "make it night")
        talk.undo()
        assert talk.meant == other == resumed(talk).meant


def test_an_archive_from_before_is_gone_on_with(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        talk = begun(archive)
        say(talk, "a red cat")
        say(talk, "make it night")
    base = sqlite3.connect(tmp_path / "archive.sqlite3")
    base.execute("ALTER TABLE sessions DROP COLUMN standing")
    for column in ("run", "finishes", "undone"):
        base.execute(f"ALTER TABLE candidates DROP COLUMN {column}")
    base.execute("ALTER TABLE candidates RENAME COLUMN image_request TO ordered")
    base.execute("ALTER TABLE candidates RENAME TO takes")
    base.execute("ALTER TABLE ratings RENAME COLUMN candidate TO take")
    base.execute("ALTER TABLE versions ADD COLUMN locks TEXT NOT NULL DEFAULT '[]'")
    base.execute("PRAGMA user_version = 1")
    base.commit()
    base.close()
    with Archive.open(tmp_path) as archive:
        again = Session.resumed(studio(), archive, 1)
        assert again.versions() == talk.versions() and again.meant == talk.meant
        assert [run.numbers for run in again.history.runs] == [
            run.numbers for run in talk.history.runs
        ]
        again.finish("brighter")
        assert resumed(again).history.finishes(again.meant or 0)
    assert (tmp_path / "archive-1.sqlite3").is_file() and len(STEPS) == 3


@pytest.mark.parametrize("kept", [None, 7, [], {"forward": "x"}, {"picked": {"9": 9}, "seed": 3}])
def test_a_standing_that_makes_no_sense_is_left_out(kept: Any) -> None:
    stood = SessionState.of(kept, versions=2, candidates=2)
    assert not (stood.forward or stood.picked or stood.starts)
