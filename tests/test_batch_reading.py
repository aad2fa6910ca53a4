"""Rows of a batch: read from tables, lines of JSON and Parquet, whatever is wrong in them."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from batch_rows import good, requests, rows

from limner.agent.batch.reading import read_rows
from limner.agent.batch.reports import write_parquet
from limner.agent.batch.rows import BadRow, BatchRow
from limner.errors import BadInput, MissingExtra


def test_every_column_is_read(tmp_path: Path) -> None:
    table = (
        "ID,Prompt,SEED,Size,style,profile,budget,Negative-Prompt,locked,require,min,Client\n"
        'cat,"a red cat, on grass",7,128x64,flat,fake,2.5,a dog,red; grass;red,'
        '"count, color",80%,A&B\n'
        ",two dogs,8.0,,,,,,,,,\n"
    )
    first, second = good(rows(tmp_path, table))
    assert first == BatchRow(
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
        columns=first.columns,
    )
    assert list(first.columns) == table.splitlines()[0].split(",")
    assert (first.columns["min"], first.columns["Client"]) == ("80%", "A&B")
    assert (second.id, second.named, second.seed) == ("00002-two-dogs", False, 8)


def test_a_bad_row_keeps_its_id_and_its_request(tmp_path: Path) -> None:
    table = "id,text,seed\na,a cat,x\n,a dog,1,2\n../c,a cow,1\n"
    bad = [row for row in rows(tmp_path, table) if isinstance(row, BadRow)]
    assert [(row.id, row.request) for row in bad] == [
        ("a", "a cat"),
        ("", "a dog"),
        ("../c", "a cow"),
    ]
    assert bad[0].columns == {"id": "a", "text": "a cat", "seed": "x"}
    assert bad[1].outcome(2).id == "00002-unusable"


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
            "is no probability",
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
    assert [row.id for row in found if isinstance(row, BatchRow)] == ["L", "m"]
    assert [row.number for row in found if isinstance(row, BatchRow)] == [12, 14]


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
    kept = [row for row in found if isinstance(row, BatchRow)]
    assert len(kept) == 301 and kept[0].line == 3 and kept[-1].line == 304


def test_a_line_of_megabytes_is_one_bad_row(tmp_path: Path) -> None:
    table = "request\n" + "x" * 3_000_000 + "\na cat\n"
    for name in ("in.csv", "in.txt"):
        found = rows(tmp_path, table.removeprefix("request\n" * (name == "in.txt")), name)
        assert isinstance(found[0], BadRow)
        assert isinstance(found[1], BatchRow) and found[1].request == "a cat"
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
    kept = [row for row in found if isinstance(row, BatchRow)]
    assert [row.request for row in kept] == ["a cat", "a dog", "the last"]
    assert kept[0].locked == ("red", "cat") and kept[0].columns["note"] == '{"a": [1]}'
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
    first, bad, last = read_rows(tmp_path / "in.parquet")
    assert isinstance(bad, BadRow) and bad.line == 2 and "empty" in bad.why
    assert isinstance(first, BatchRow) and (first.id, first.seed) == ("00001-a-cat", 7)
    assert first.columns == {"Text": "a cat", "seed": "7.0", "n": "1", "min": ""}
    assert isinstance(last, BatchRow) and (last.number, last.seed) == (3, 9)
    (tmp_path / "in.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(BadInput, match="Parquet"):
        list(read_rows(tmp_path / "in.parquet"))


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra) as refused:
        list(read_rows(tmp_path / "in.parquet"))
    assert refused.value.hint == "pip install 'limner[parquet]'"
    with pytest.raises(MissingExtra):
        write_parquet([], tmp_path / "out.parquet")


@pytest.mark.parametrize(
    "pair", [("Cat", "cat"), ("é", "e\u0301"), ("ﬁn", "fin"), ("Straße", "STRASSE")]
)
def test_ids_that_a_disk_may_take_for_one(tmp_path: Path, pair: tuple[str, str]) -> None:
    lines = "\n".join(json.dumps({"request": "a cat", "id": one}) for one in pair)
    first, second = rows(tmp_path, lines, "in.jsonl")
    assert isinstance(first, BatchRow) and isinstance(second, BadRow) and "line 1" in second.why


def test_many_random_orders_give_the_same_ids(tmp_path: Path) -> None:
    lines = [f"cat {n}" for n in range(50)]
    random.Random(0).shuffle(lines)
    once = good(rows(tmp_path, "\n".join(lines), "in.txt"))
    again = good(rows(tmp_path, "\n".join(lines), "in.txt"))
    assert once == again and len({row.id for row in once}) == 50
