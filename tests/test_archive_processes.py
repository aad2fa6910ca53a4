"""Several threads and processes at one archive, and some that die: it stays whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from archiving import begun, take

from limner.agent.archive.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "home") as opened:
        yield opened


def test_threads_share_one_archive(archive: Archive) -> None:
    session, version = begun(archive)

    def add(which: int) -> None:
        for i in range(5):
            archive.add_candidate(session, take(version), f"{which} {i}".encode())

    threads = [threading.Thread(target=add, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [t.number for t in archive.load(session).candidates] == list(range(1, 21))


WRITER = """
import sys
from pathlib import Path
from limner.agent.archive.archive import Archive
from limner.agent.archive.rows import CandidateRow, VersionRow
from limner.agent.records import Critique
from limner.pipelines.roles import ImageRequest
asked, nobody = ImageRequest("a cat", 1, 64, 64, 4, 5.0), Critique((), ())
print("ready", flush=True)
sys.stdin.readline()
with Archive.open(Path(sys.argv[1])) as archive:
    session = int(sys.argv[3]) if len(sys.argv) > 3 else archive.begin()
    version = archive.add_version(session, VersionRow(sys.argv[2], {}))
    for number in range(100_000 if len(sys.argv) < 4 else 15):
        content = f"{sys.argv[2]} {number}".encode() * 2_000
        archive.add_candidate(session, CandidateRow(version, 0, asked, nobody), content)
        print(number, flush=True)
"""


def writer(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    work = subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert work.stdout and work.stdout.readline() == "ready\n"
    return work


def go(work: subprocess.Popen[str]) -> None:
    assert work.stdin
    work.stdin.write("\n")
    work.stdin.flush()


def whole(archive: Archive) -> int:
    """How many takes there are, each with its picture."""
    assert archive._base.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert not archive._base.execute("PRAGMA foreign_key_check").fetchall()
    takes = [t for row in archive.sessions() for t in archive.load(row.id).candidates]
    for kept in takes:
        archive.pictures.read(kept.picture)  # raises where it is not whole
    return len(takes)


def test_two_processes_begin_and_fill_one_archive(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "home") as archive:
        session, _ = begun(archive)
    works = [writer(tmp_path / "home", name, str(session)) for name in "ab"]
    for work in works:
        go(work)
    for work in works:
        work.communicate(timeout=60)
        assert work.returncode == 0
    with Archive.open(tmp_path / "home") as archive:
        assert [t.number for t in archive.load(session).candidates] == list(range(1, 31))
        assert whole(archive) == 30


def test_two_processes_open_a_new_archive_at_once(tmp_path: Path) -> None:
    works = [writer(tmp_path / "home", name) for name in "abc"]
    for work in works:
        go(work)
    for work in works:
        assert work.stdout and work.stdout.readline() == "0\n"
        work.kill()
        work.communicate()
    with Archive.open(tmp_path / "home") as archive:
        assert len(archive.sessions()) == 3 and whole(archive) >= 3


def test_killed_at_any_moment_it_is_whole(tmp_path: Path) -> None:
    told = 0  # how many takes the writers said are kept
    for after in (1, 4, 9):
        work = writer(tmp_path, f"run {after}")
        go(work)
        assert work.stdout
        for line in work.stdout:
            if int(line) == after:
                break
        work.send_signal(signal.SIGKILL)
        rest, _ = work.communicate()
        told += after + 1 + rest.count("\n")
        with Archive.open(tmp_path) as archive:
            assert whole(archive) >= told
