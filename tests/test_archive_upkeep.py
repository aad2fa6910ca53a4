"""An archive that is old, newer, damaged, full or another program's: it is told, and left whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from archiving import begun

from limner.agent.archive import schema
from limner.agent.archive.archive import Archive
from limner.agent.archive.rows import VersionRow
from limner.errors import BadInput, LimnerError


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "home") as opened:
        yield opened


@pytest.mark.parametrize("content", [b"nonsense " * 500, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_damaged_archive_is_told_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "archive.sqlite3").write_bytes(content)
    with pytest.raises(BadInput, match="is damaged") as error:
        Archive.open(tmp_path)
    assert "\n" not in error.value.message and error.value.hint
    assert (tmp_path / "archive.sqlite3").read_bytes() == content


def test_a_torn_archive_is_told_in_one_line(tmp_path: Path) -> None:
    with Archive.open(tmp_path) as archive:
        for _ in range(20):
            begun(archive)
    path = tmp_path / "archive.sqlite3"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(LimnerError, match="archive"), Archive.open(tmp_path) as archive:
        archive.sessions()
        begun(archive)
    assert path.exists()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "archive.sqlite3")
    base.execute("CREATE TABLE theirs (x)")
    base.close()
    with pytest.raises(BadInput, match="another program"):
        Archive.open(tmp_path)


def test_a_newer_archive_is_not_touched(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(archive)
    archive.close()
    monkeypatch.setattr(schema, "STEPS", ())
    with pytest.raises(BadInput, match="newer limner"):
        Archive.open(archive.folder)


def test_an_older_archive_is_copied_and_brought_up_to_date(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = begun(archive)
    archive.close()
    old, newer = (
        copy_of(archive),
        (*schema.STEPS, ("ALTER TABLE sessions ADD COLUMN colour TEXT",)),
    )
    monkeypatch.setattr(schema, "STEPS", newer)
    with Archive.open(archive.folder) as opened:
        assert opened.load(session).row.request == "a red cat"
    assert columns(archive.folder / "archive.sqlite3") - columns(old) == {"colour"}


def test_a_step_that_fails_changes_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = begun(archive)
    archive.close()
    broken = (*schema.STEPS, ("ALTER TABLE sessions ADD COLUMN colour TEXT", "NONSENSE"))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", broken)
        with pytest.raises(LimnerError, match="can't be used"):
            Archive.open(archive.folder)
    with Archive.open(archive.folder) as opened:
        assert opened.load(session).row.id == session
    assert "colour" not in columns(archive.folder / "archive.sqlite3")
    assert "id" in columns(copy_of(archive))


def copy_of(archive: Archive) -> Path:
    return archive.folder / f"archive-{len(schema.STEPS)}.sqlite3"


def columns(path: Path) -> set[str]:
    base = sqlite3.connect(path)
    found = {row[1] for row in base.execute("PRAGMA table_info (sessions)")}
    base.close()
    return found


def test_a_full_archive_is_told_and_goes_on_later(archive: Archive) -> None:
    session, version = begun(archive)
    pages = archive._base.execute("PRAGMA page_count").fetchone()[0]
    archive._base.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(BadInput, match="disk is full"):
        archive.add_version(session, VersionRow("x" * 100_000, {}, version))
    archive._base.execute("PRAGMA max_page_count = 1000000")
    assert archive.add_version(session, VersionRow("bluer", {}, version)) == 2
