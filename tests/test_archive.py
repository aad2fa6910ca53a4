"""The archive: what is kept comes back, is found, and is forgotten, and no more than that."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from archiving import BRIEF, begun, take

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import name_of
from limner.agent.archive.rows import DecisionRow, RatingRow, VersionRow
from limner.errors import BadInput


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "home") as opened:
        yield opened


def files(archive: Archive) -> set[str]:
    return {path.stem for path in archive.pictures.folder.rglob("*.png")}


def test_what_is_kept_comes_back(archive: Archive) -> None:
    session = archive.begin("the cat", "fake")
    first = archive.add_version(session, VersionRow("a red cat", BRIEF, seed=2**64 - 1))
    after = VersionRow("bluer", '{"prompt": "x"}', first, [{"op": "change"}], seed=7)
    second = archive.add_version(session, after)
    number = archive.add_candidate(session, take(second), b"picture")
    archive.add_decision(session, DecisionRow(second, 0, "revise", "Not yet red."))
    archive.rate(session, RatingRow(number, "good"))
    kept = archive.load(session)
    versions = kept.versions
    assert [v.number for v in versions] == [1, 2] and kept.row.head == 2
    assert versions[0] == VersionRow("a red cat", BRIEF, seed=2**64 - 1, number=1)
    assert versions[1] == replace(after, brief={"prompt": "x"}, number=2)
    assert kept.candidates == (replace(take(2), picture=name_of(b"picture"), number=1),)
    assert kept.decisions == (DecisionRow(2, 0, "revise", "Not yet red."),)
    assert kept.ratings == (RatingRow(1, "good"),)
    assert archive.pictures.read(kept.candidates[0].picture) == b"picture"
    assert (kept.row.name, kept.row.request, kept.row.profile) == ("the cat", "a red cat", "fake")


def test_it_is_there_for_who_comes_next(archive: Archive) -> None:
    session, version = begun(archive)
    archive.add_candidate(session, take(version), b"picture")
    with Archive.open(archive.folder) as other:
        assert other.load(session) == archive.load(session)


def test_the_best_take_is_that_of_the_head(archive: Archive) -> None:
    session, first = begun(archive)
    second = archive.add_version(session, VersionRow("bluer", {}, first))
    for version, probabilities in ((first, (0.9, 0.9)), (second, (0.9, 0.4)), (second, (0.2, 0.8))):
        archive.add_candidate(session, take(version, *probabilities), b"same picture")
    row = archive.sessions()[0]
    assert (row.best, row.holds, row.claims, row.candidates, row.versions) == (2, 1, 2, 3, 2)
    archive.set_head(session, first)
    row = archive.load(session).row
    assert (row.head, row.best, row.holds) == (first, 1, 2)
    assert len(files(archive)) == 1


SEARCHES = {
    "": "red chinese",
    "red": "red",
    "RED cat": "red",
    "ＣＡＴ": "red",
    "红色": "chinese",
    "只红 好的": "chinese",
    "kitty": "red",
    "claims": "",
    "colour": "",
    "grey": "",
    "red 红": "",
    "%": "",
    "' OR 1=1 --": "",
}


@pytest.mark.parametrize("search", SEARCHES)
def test_search(archive: Archive, search: str) -> None:
    chinese = archive.begin()
    archive.add_version(chinese, VersionRow("一只红色的猫", {"claims": [], "reply": "好的"}))
    red = archive.begin("Kitty")
    first = archive.add_version(red, VersionRow("something red", {"claims": [3, None]}))
    claim = {"text": "It is a Cat.", "kind": "colour", "foils": ["It is grey."]}
    archive.add_version(red, VersionRow("more", {"claims": [claim]}, first))
    found = {row.id for row in archive.sessions(search)}
    names = {"chinese": chinese, "red": red}
    assert found == {names[name] for name in SEARCHES[search].split()}


def test_the_latest_comes_first(archive: Archive) -> None:
    one, two = begun(archive)[0], begun(archive)[0]
    assert [row.id for row in archive.sessions()] == [two, one]
    time.sleep(0.01)  # the archive's clock counts milliseconds
    archive.set_head(one, 1)
    assert [row.id for row in archive.sessions()] == [one, two]


def test_forgetting_takes_only_what_nobody_else_has(archive: Archive) -> None:
    (one, version), (two, other) = begun(archive, "a secret wish"), begun(archive)
    archive.add_candidate(one, take(version), b"shared")
    archive.add_candidate(one, take(version), b"alone")
    archive.add_candidate(two, take(other), b"shared")
    archive.rate(one, RatingRow(1, "better", 2))
    archive.add_decision(one, DecisionRow(version, 0, "done", ""))
    archive.forget(one)
    assert files(archive) == {name_of(b"shared")} and len(archive.sessions()) == 1
    with pytest.raises(BadInput, match="no session"):
        archive.load(one)
    archive.close()
    kept = b"".join(p.read_bytes() for p in archive.folder.iterdir() if p.is_file())
    assert b"a secret wish" not in kept


def test_litter_is_swept_but_not_what_is_being_written(archive: Archive) -> None:
    session, version = begun(archive)
    archive.add_candidate(session, take(version), b"x")
    orphan = archive.pictures.path(archive.pictures.keep(b"no row names it"))
    old, young = orphan.with_name(".limner-1.part"), orphan.with_name(".limner-2.part")
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    archive.forget(begun(archive)[0])
    assert files(archive) == {name_of(b"x")}
    assert young.exists() and not old.exists()


def test_what_is_not_there_is_said(archive: Archive) -> None:
    session, version = begun(archive)
    archive.add_candidate(session, take(version), b"x")
    for wrong in (
        lambda: archive.load(99),
        lambda: archive.forget(99),
        lambda: archive.add_version(99, VersionRow("", {})),
        lambda: archive.add_version(session, VersionRow("", {}, parent=99)),
        lambda: archive.add_version(session, VersionRow("", {}, number=version)),
        lambda: archive.add_candidate(session, take(99), b"y"),
        lambda: archive.set_head(session, 99),
        lambda: archive.rate(session, RatingRow(99, "good")),
        lambda: archive.rate(session, RatingRow(1, "better", 99)),
    ):
        with pytest.raises(BadInput):
            wrong()
    kept = archive.load(session)
    assert (len(kept.versions), len(kept.candidates), kept.ratings) == (1, 1, ())
    with pytest.raises(ValueError, match="property name"):
        archive.add_version(session, VersionRow("", "{no json"))


def test_half_a_pair_does_no_harm(archive: Archive) -> None:
    session = archive.begin("\ud800")
    archive.add_version(session, VersionRow("\udfff cat", {"prompt": "\ud800"}))
    assert archive.load(session).versions[0].words == "? cat"


def test_a_damaged_picture_is_noticed(archive: Archive) -> None:
    name = archive.pictures.keep(b"picture")
    archive.pictures.path(name).write_bytes(b"pic")
    with pytest.raises(BadInput, match="damaged"):
        archive.pictures.read(name)
    assert archive.pictures.keep(b"picture") == name  # mended by whoever paints it again
    assert archive.pictures.read(name) == b"picture"
    archive.pictures.path(name).unlink()
    with pytest.raises(BadInput, match="can't be read"):
        archive.pictures.read(name)
    with pytest.raises(ValueError, match="no picture's name"):
        archive.pictures.path("../../etc/passwd")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="can't keep an archive"):
        Archive.open(tmp_path / "file")
    (tmp_path / "pictures").write_text("mine")
    with Archive.open(tmp_path) as archive:
        session, version = begun(archive)
        with pytest.raises(BadInput, match="can't keep a picture"):
            archive.add_candidate(session, take(version), b"x")
        assert archive.load(session).candidates == ()
