"""Rows of a batch: read from any file or pipe, in any language and encoding."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path

import pytest
from batch_rows import LANGUAGES, requests, rows

from limner.agent.batch import reading
from limner.agent.batch.reading import read_rows
from limner.agent.batch.rows import BadRow, BatchRow
from limner.errors import BadInput

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.txt"])
def test_ten_languages_in_any_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    said = ["a red cat on the grass and so on"] * 12 + list(LANGUAGES)
    lines = {
        "in.csv": ["request", *said],
        "in.jsonl": [json.dumps({"request": one}, ensure_ascii=False) for one in said],
        "in.txt": ["# cats", "", *said],
    }
    found = requests(rows(tmp_path, "\n".join(lines[name]).encode(encoding), name))
    kept = [one.replace("\u200d", "") for one in said]  # a joiner of zero width is taken out
    assert found == kept


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("一只红色的猫在草地上，旁边有一个气球", "gb18030"),
        ("café au lait, crème brûlée", "cp1252"),
        ("Ärger über grüne Bäume – “süß”", "cp1252"),
        ("красная кошка на траве", "cp1251"),
        ("草の上の赤い猫", "shift_jis"),
        ("풀밭 위의 빨간 고양이", "euc_kr"),
        ("一隻可愛的小貓在玩耍", "big5"),
    ],
)
def test_encodings_of_old(tmp_path: Path, text: str, encoding: str) -> None:
    assert requests(rows(tmp_path, f"{text}\n{text}\n".encode(encoding), "in.txt")) == [text] * 2


def test_what_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    noise = bytes(range(128, 256)) * 9
    with pytest.raises(BadInput, match="no text"):
        rows(tmp_path, noise, "in.txt")


def test_one_damaged_line_of_utf8_is_one_bad_row(tmp_path: Path) -> None:
    lines = "\n".join(["request", *LANGUAGES]).encode() + b"\na cat \xff\xfe\nthe last\n"
    found = rows(tmp_path, lines)
    bad = [row for row in found if isinstance(row, BadRow)]
    assert [row.line for row in bad] == [len(LANGUAGES) + 2] and "UTF-8" in bad[0].why
    assert isinstance(found[-1], BatchRow) and found[-1].request == "the last"


def test_an_encoding_is_told_from_the_whole_file(tmp_path: Path) -> None:
    """The first letter beyond ASCII may come after megabytes."""
    head = b"a cat\n" * 300_000
    for tail, text in (("猫".encode(), "猫"), ("café".encode("cp1252"), "café")):
        stream = io.BytesIO(head + tail)
        with reading.decoded(stream) as read_as:
            assert read_as.readlines()[-1] == text


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("request,seed\na cat,7\n", "a cat"),
        ('{"request": "a cat"}\n', "a cat"),
        ("{a|b} cat\n", "{a|b} cat"),
        ("# cats\na cat, red\n", "a cat, red"),
    ],
)
def test_standard_input_is_looked_at(
    content: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert requests(list(read_rows(Path("-")))) == [first]


def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("request\na cat\n",))
    writer.start()
    assert requests(list(read_rows(pipe))) == ["a cat"]
    writer.join()


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_what_can_not_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="can't read"):
        list(read_rows(tmp_path / name))


@pytest.mark.parametrize("content", ["", "\n\n", "request\n", "# only a comment\n", "\ufeff"])
def test_nothing_is_no_rows(tmp_path: Path, content: str) -> None:
    assert rows(tmp_path, content, "in") == []
