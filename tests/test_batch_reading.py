"""Rows of a batch: read from any file, whatever is wrong in it, and written as JSON."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.agent.batch import sources
from limner.agent.batch.reading import Form, read
from limner.agent.batch.rows import BadRow, Outcome, Row, Seen, seen
from limner.agent.batch.tables import write_parquet
from limner.agent.records import Claim, Critique
from limner.errors import BadInput, MissingExtra

LANGUAGES = (
    "a red cat on the grass",
    "一只可爱的小猫正在玩耍",
    "草の上の赤い猫",
    "풀밭 위의 빨간 고양이",
    "красная кошка на траве",
    "قطة حمراء على العشب",
    "חתול אדום על הדשא",
    "घास पर लाल बिल्ली",
    "μια κόκκινη γάτα στο γρασίδι",
    "một con mèo đỏ trên cỏ",
    "🐈‍⬛ on 🌱 with a 🎈",
)


def rows(
    folder: Path, content: str | bytes, name: str = "in.csv", form: Form | None = None
) -> list[Row | BadRow]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read(path, form))


def good(found: list[Row | BadRow]) -> list[Row]:
    assert not [row for row in found if isinstance(row, BadRow)]
    return [row for row in found if isinstance(row, Row)]


def requests(found: list[Row | BadRow]) -> list[str]:
    return [row.request for row in good(found)]


def test_every_column_is_read(tmp_path: Path) -> None:
    table = (
        "ID,Prompt,SEED,Size,style,profile,budget,Negative-Prompt,locked,require,min,Client\n"
        'cat,"a red cat, on grass",7,128x64,flat,fake,2.5,a dog,red; grass;red,'
        '"count, color",80%,A&B\n'
        ",two dogs,8.0,,,,,,,,,\n"
    )
    first, second = good(rows(tmp_path, table))
    assert first == Row(
        number=1,
        line=2,
        id="cat",
        request="a red cat, on grass",
        seed=7,
        size=(128, 64),
        style="flat",
        profile="fake",
        budget=2.5,
        negative="a dog",
        locked=("red", "grass"),
        require="count, color",
        least=0.8,
        more={"Client": "A&B"},
    )
    assert second == Row(2, 3, "00002-two-dogs", "two dogs", seed=8, more={"Client": ""})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    table = f'seed{delimiter}request\n7{delimiter}"a cat{delimiter} a dog"\n8{delimiter}a bird\n'
    assert requests(rows(tmp_path, table)) == [
        " ".join(f"a cat{delimiter} a dog".split()),
        "a bird",
    ]
    assert [row.seed for row in good(rows(tmp_path, table))] == [7, 8]


def test_an_excel_file_from_a_country_of_semicolons(tmp_path: Path) -> None:
    table = "sep=;\r\nrequest;seed\r\nein Käfer, grün;7\r\n".encode("cp1252")
    (row,) = good(rows(tmp_path, table))
    assert (row.request, row.seed, row.line) == ("ein Käfer, grün", 7, 3)


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
    assert isinstance(found[-1], Row) and found[-1].request == "the last"


def test_a_bad_row_says_why_and_the_rest_goes_on(tmp_path: Path) -> None:
    table = (
        "id,request,seed,size,budget,min,require,profile\n"
        f"a,{'x' * 5_000},,,,,,\n"
        "b,,1,,,,,\n"
        "c,a cat,-1,,,,,\n"
        "d,a cat,,large,,,,\n"
        "e,a cat,,,nan,,,\n"
        "f,a cat,,,,2,,\n"
        "g,a cat,,,,,smell,\n"
        "h,a cat,,,,,,/etc/passwd\n"
        "../i,a cat,,,,,,\n"
        "j,a cat,,,,,,,,too,many\n"
        "k,a cat,,99999x9,,,,\n"
        "L,a cat,,,,,,\n"
        "l,a cat,,,,,,\n"
        "m,a cat,,,,,,\n"
    )
    found = rows(tmp_path, table)
    bad = [row for row in found if isinstance(row, BadRow)]
    for row, words in zip(
        bad,
        [
            "5,000 characters; 4,000 are the most",
            "the request is empty",
            "is no seed",
            "is no size",
            "is no budget",
            "is no least",
            "is no kind of claim",
            "is no profile",
            "no file name may have",
            "11 cells, but 8 columns",
            "is no size",
            "is that of line 13",
        ],
        strict=True,
    ):
        assert words in row.why and "\n" not in row.why and len(row.why) <= 300
    assert [row.line for row in bad] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]
    assert [row.id for row in found if isinstance(row, Row)] == ["L", "m"]
    assert [row.number for row in found if isinstance(row, Row)] == [12, 14]


def test_cells_of_several_lines_and_quotes(tmp_path: Path) -> None:
    table = 'request,seed\r\n"a ""red"" cat\r\non the\ngrass",1\r\n\r\n"a dog",2\r\n'
    first, second = good(rows(tmp_path, table))
    assert (first.request, first.line) == ('a "red" cat on the grass', 2)
    assert (second.request, second.line, second.number) == ("a dog", 6, 2)


def test_a_quote_never_closed_costs_one_row(tmp_path: Path) -> None:
    many = "".join(f"cat {n},{n}\n" for n in range(300))
    found = rows(tmp_path, f'request,seed\n"never closed,0\n{many}"nor this,1\nthe last,2\n')
    assert [row.line for row in found if isinstance(row, BadRow)] == [2, 303]
    assert "quotation mark" in str(found[0])
    kept = [row for row in found if isinstance(row, Row)]
    assert len(kept) == 301 and kept[0].line == 3 and kept[-1].line == 304


def test_a_line_of_megabytes_is_one_bad_row(tmp_path: Path) -> None:
    table = "request\n" + "x" * 3_000_000 + "\na cat\n"
    for name in ("in.csv", "in.txt"):
        found = rows(tmp_path, table.removeprefix("request\n" * (name == "in.txt")), name)
        assert isinstance(found[0], BadRow)
        assert isinstance(found[1], Row) and found[1].request == "a cat"
        assert found[1].line == (3 if name == "in.csv" else 2)


def test_a_table_without_names_is_requests(tmp_path: Path) -> None:
    prose = "a cat, on the grass\na dog\n"
    assert requests(rows(tmp_path, prose)) == ["a cat, on the grass", "a dog"]
    assert requests(rows(tmp_path, '"a cat, on grass"\na dog, a bird\n')) == [
        "a cat, on grass",
        "a dog, a bird",
    ]
    with pytest.raises(BadInput, match="no column of the table is called request") as refused:
        rows(tmp_path, "name;number\na cat;7\na dog;8\n")
    assert "--format lines" in refused.value.hint


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"request": "a cat", "seed": 7, "locked": ["red", "cat"], "note": {"a": [1]}}',
        '"a dog"',
        "",
        "[1, 2]",
        '{"request": ',
        "[" * 100_000,
        '{"request": null}',
        '{"request": "a cow", "seed": ' + "9" * 5_000 + "}",
        '{"request": "\\ud800 half"}',
        '{"request": "the last", "size": "64x64", "budget": 1e3}',
    ]
    found = rows(tmp_path, "\n".join(lines), "in.jsonl")
    kept = [row for row in found if isinstance(row, Row)]
    assert [row.request for row in kept] == ["a cat", "a dog", "the last"]
    assert kept[0].locked == ("red", "cat") and kept[0].more == {"note": '{"a": [1]}'}
    assert (kept[2].size, kept[2].budget) == ((64, 64), 1_000)
    assert [row.line for row in found if isinstance(row, BadRow)] == [4, 5, 6, 7, 8, 9]


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table(
        {
            "Text": ["a cat", None, "a dog"],
            "seed": [7.0, None, 9.0],
            "n": [1, 2, 3],
            "min": [float("nan"), 1, 1],
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=2)
    first, bad, last = read(tmp_path / "in.parquet")
    assert bad == BadRow(2, bad.why) and "empty" in bad.why  # type: ignore[union-attr]
    assert first == Row(1, 1, "00001-a-cat", "a cat", seed=7, more={"n": "1"})
    assert isinstance(last, Row) and (last.number, last.seed) == (3, 9)
    (tmp_path / "in.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(BadInput, match="Parquet"):
        list(read(tmp_path / "in.parquet"))


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra) as refused:
        list(read(tmp_path / "in.parquet"))
    assert refused.value.hint == "pip install 'limner[parquet]'"
    with pytest.raises(MissingExtra):
        write_parquet([], tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("request,seed\na cat,7\n", "a cat"),
        ('{"request": "a cat"}\n', "a cat"),
        ("{a|b} cat\n", "{a|b} cat"),
        ("# cats\na cat, red\n", "a cat, red"),
    ],
)
def test_standard_input_is_looked_at(content: str, first: str) -> None:
    code = "from pathlib import Path\nfrom limner.agent.batch.reading import read\n"
    code += "print([r.request for r in read(Path('-'))])"
    done = subprocess.run(
        [sys.executable, "-c", code], input=content, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str([first])


def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    import os
    import threading

    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("request\na cat\n",))
    writer.start()
    assert requests(list(read(pipe))) == ["a cat"]
    writer.join()


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_what_can_not_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="can't read"):
        list(read(tmp_path / name))


@pytest.mark.parametrize("content", ["", "\n\n", "request\n", "# only a comment\n", "\ufeff"])
def test_nothing_is_no_rows(tmp_path: Path, content: str) -> None:
    assert rows(tmp_path, content, "in") == []


@pytest.mark.parametrize(
    "id_",
    ["a/b", "a\\b", "..", ".hidden", "-rf", "con", "NUL.txt", "a:b", "a?", "x" * 101, "a\u202eb",
     "a.", "a\x00b", "～/x".replace("～", "~"), "猫" * 40],
)  # fmt: skip
def test_no_id_is_an_unsafe_name(tmp_path: Path, id_: str) -> None:
    (row,) = rows(tmp_path, json.dumps({"request": "a cat", "id": id_}), "in.jsonl")
    assert isinstance(row, BadRow) and row.why.startswith("the id")


@pytest.mark.parametrize(
    "pair", [("Cat", "cat"), ("é", "e\u0301"), ("ﬁn", "fin"), ("Straße", "STRASSE")]
)
def test_ids_that_a_disk_may_take_for_one(tmp_path: Path, pair: tuple[str, str]) -> None:
    lines = "\n".join(json.dumps({"request": "a cat", "id": one}) for one in pair)
    first, second = rows(tmp_path, lines, "in.jsonl")
    assert isinstance(first, Row) and isinstance(second, BadRow) and "line 1" in second.why


anything = st.text(max_size=300) | st.sampled_from(LANGUAGES)
hostile = st.sampled_from(
    [
        "\x00",
        "=1+1",
        "@x",
        "\x1b[2J",
        '"',
        "''",
        "\u202e",
        "\r",
        "x" * 5_000,
        "{{7*7}}",
        "${x}",
        ",",
    ]
)
names = st.sampled_from(
    ["request", "id", "seed", "size", "budget", "locked", "min", "require", "", "q"]
)
cells = st.dictionaries(names, st.lists(anything | hostile, max_size=4).map("".join), max_size=6)


@given(st.lists(cells, max_size=6))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_in_a_cell_breaks_the_reading(tmp_path: Path, table: list[dict[str, str]]) -> None:
    """Every line of JSON is a row or a bad row; what is good is safe and comes back from JSON."""
    found = rows(tmp_path, "\n".join(json.dumps(row) for row in table), "in.jsonl")
    assert len(found) == len(table)
    for row in found:
        if isinstance(row, BadRow):
            assert row.why and row.why.isprintable()
            continue
        assert row.request.isprintable() or "\u3000" in row.request or len(row.request) > 0
        assert Path(row.id).name == row.id and not row.id.startswith(".")
        assert Row.parse(row.as_json()) == row


@given(
    st.binary(max_size=600), st.sampled_from(["in.csv", "in.jsonl", "in.txt", "in", "in.parquet"])
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_break_the_reading(tmp_path: Path, content: bytes, name: str) -> None:
    try:
        found = rows(tmp_path, content, name)
    except BadInput as problem:
        assert problem.message
        return
    assert all(isinstance(row, Row | BadRow) for row in found)


@given(st.lists(st.tuples(anything | hostile, st.integers(0, 9)), min_size=1, max_size=8))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_csv_writer_wrote_is_what_is_read(
    tmp_path: Path, table: list[tuple[str, int]]
) -> None:
    import csv

    said = [(text, seed) for text, seed in table if "\x00" not in text and text.isprintable()]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("request", "seed"), *said])
    found = rows(tmp_path, buffer.getvalue())
    assert len(found) == len(said)
    for (text, seed), row in zip(said, found, strict=True):
        if isinstance(row, Row):
            assert (row.request, row.seed) == (" ".join(text.split()), seed)
        else:
            assert not text.strip() or len(text) > 4_000


def test_memory_stays_the_same_over_many_rows(tmp_path: Path) -> None:
    import tracemalloc

    def peak(count: int) -> int:
        path = tmp_path / "many.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("request,note\n")
            file.writelines(
                f"a red cat number {n} on the grass,{'x' * 500}\n" for n in range(count)
            )
        tracemalloc.start()
        assert sum(1 for _ in read(path)) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(1_000), peak(5_000)
    assert (many - few) / 4_000 < 250  # bytes for each row: its id's digest, and no more


def test_records_come_back_from_json() -> None:
    claims = (Claim("the cat is red", (), "colour"), Claim("one cat", (), "count"))
    outcome = Outcome(
        "cat", 1, 2, "a cat", "short", "cat.png", "ab", 7, "a cat", {"where": "grass"},
        seen(Critique(claims, (0.9, None))), "budget", 2.5, 1.25, 2, more={"q": "\ud800"},
    )  # fmt: skip
    assert outcome.claims == (
        Seen("the cat is red", "colour", 0.9, True),
        Seen("one cat", "count", None, None),
    )
    assert (outcome.holds, outcome.all_hold) == (1, False)
    assert Outcome.parse(outcome.as_json()) == outcome and outcome.as_json().isascii()
    for wrong in ("{", "3", '{"id": 7}', outcome.as_json().replace('"short"', '"fine"', 1)):
        with pytest.raises(BadInput, match="that is no outcome"):
            Outcome.parse(wrong)


def test_an_encoding_is_told_from_the_whole_file(tmp_path: Path) -> None:
    """The first letter beyond ASCII may come after megabytes."""
    head = b"a cat\n" * 300_000
    for tail, text in (("猫".encode(), "猫"), ("café".encode("cp1252"), "café")):
        stream = io.BytesIO(head + tail)
        with sources.as_text(stream) as read_as:
            assert read_as.readlines()[-1] == text


def test_many_random_orders_give_the_same_ids(tmp_path: Path) -> None:
    lines = [f"cat {n}" for n in range(50)]
    random.Random(0).shuffle(lines)
    once = good(rows(tmp_path, "\n".join(lines), "in.txt"))
    again = good(rows(tmp_path, "\n".join(lines), "in.txt"))
    assert once == again and len({row.id for row in once}) == 50
