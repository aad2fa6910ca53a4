"""The commands that measure how well limner understands: conversations, and open prompts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from limner.agent.records import Brief, Claim
from limner.benchmarks.conversations import FILE, TurnReport, compare, loaded, slots_of, total
from limner.errors import BadInput

TOOLS = "draw edit select undo redo back_to adjust save answer ask".split()
KINDS = "object count colour size place relation scene light style absent".split()
ONE_APPLE = ["count", "apple", "1", ""]


def turn(number: int, tool: str, *claims: Sequence[str], **more: Any) -> dict[str, Any]:
    """A line of a file of expected turns."""
    said = {"conversation": "x", "turn": number, "line": "…", "tool": tool}
    return {**said, "claims": [list(claim) for claim in claims], **more}


def told(number: int, tool: str, *claims: Sequence[str], **more: Any) -> dict[str, Any]:
    """A line that `limner chat --json` prints."""
    keys = ("kind", "subject", "value", "object")
    listed = [{"source": "asked", **dict(zip(keys, c, strict=False))} for c in claims]
    return {"turn": number, "tool": tool, "brief": {"claims": listed, **more}, "verdict": {}}


def one(expected: dict[str, Any], said: dict[str, Any]) -> TurnReport:
    (report,) = compare([expected], [said])
    return report


def test_the_file_is_whole() -> None:
    rows = loaded(FILE)
    assert len(rows) == 60
    turns: dict[str, list[int]] = {}
    for row in rows:
        turns.setdefault(row["conversation"], []).append(row["turn"])
        every = [row, *({**row, **other} for other in row.get("or", ()))]
        assert all(way["tool"] in TOOLS for way in every)
        for way in every:
            claims = [*way["claims"], *way.get("optional", ())]
            assert all(len(claim) == 4 and claim[0] in KINDS for claim in claims)
    assert all(numbers == list(range(1, 11)) for numbers in turns.values())
    assert len(turns) == 6
    chinese = [row for row in rows if any("一" <= sign <= "鿿" for sign in row["line"])]
    assert {row["conversation"] for row in chinese} == {"d", "e", "f"} and len(chinese) == 30
    assert all(row["claims"] for row in rows)


def test_what_paints_nothing_leaves_what_was_asked() -> None:
    before: dict[str, Any] = {}
    for row in loaded(FILE):
        if row["tool"] in ("answer", "ask", "save", "adjust"):
            assert row["claims"] == before["claims"] and row["turn"] > 1
        before = dict(row)


def test_claims_are_compared_as_they_are_meant() -> None:
    assert slots_of(["relation", "Cat", "right of", "dog"]) == slots_of(
        ["relation", "dog", "left of", "cat"]
    )
    assert slots_of(["relation", "cat", "left of", "dog"]) != slots_of(
        ["relation", "dog", "left of", "cat"]
    )
    assert slots_of(["scene", "ground", "grass", ""]) == slots_of(["scene", "", "grass"])
    assert slots_of(["place", "cat", "center", ""]) == slots_of(["place", "cat", "centre", ""])
    assert slots_of(["absent", "dog", "", ""]) == slots_of(["absent", "", "dog", ""])
    assert slots_of(["colour", "cat", "red", ""]) != slots_of(["colour", "cat", "blue", ""])


def test_the_order_of_claims_and_what_was_invented_do_not_matter() -> None:
    colour = ["colour", "apple", "red", ""]
    said = told(1, "draw", colour, ONE_APPLE)
    said["brief"]["claims"].append({"source": "invented", "kind": "light", "value": "night"})
    assert one(turn(1, "draw", ONE_APPLE, colour), said).wrong == ()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (told(1, "edit", ONE_APPLE), ("called edit, not draw",)),
        (told(1, "draw"), ("lacks: count apple 1",)),
        (told(1, "draw", ONE_APPLE, ONE_APPLE), ("too much: count apple 1",)),
        (told(1, "draw", ONE_APPLE, ["light", "", "night"]), ("too much: light night",)),
        (told(1, "draw", ONE_APPLE, not_shown=["apple"]), ("named as not shown: apple",)),
        (told(2, "draw", ONE_APPLE), ("no answer",)),
        ({"turn": 1, "tool": "draw", "brief": None, "verdict": None}, ("lacks: count apple 1",)),
    ],
)
def test_each_difference_is_told(said: dict[str, Any], wrong: tuple[str, ...]) -> None:
    assert one(turn(1, "draw", ONE_APPLE), said).wrong == wrong


def test_optional_claims_may_be_there_or_not() -> None:
    absent = ["absent", "pear", "", ""]
    expected = turn(1, "draw", ONE_APPLE, optional=[absent])
    assert one(expected, told(1, "draw", ONE_APPLE)).wrong == ()
    assert one(expected, told(1, "draw", ONE_APPLE, absent)).wrong == ()
    assert one(expected, told(1, "draw", ONE_APPLE, absent, absent)).wrong


def test_another_right_outcome_counts() -> None:
    two = ["count", "apple", "2", ""]
    expected = turn(1, "edit", ONE_APPLE, **{"or": [{"tool": "undo", "claims": [two]}]})
    assert one(expected, told(1, "edit", ONE_APPLE)).wrong == ()
    assert one(expected, told(1, "undo", two)).wrong == ()
    assert one(expected, told(1, "undo", ONE_APPLE)).wrong


def test_arguments_are_compared_where_they_are_told() -> None:
    expected = turn(1, "select", ONE_APPLE, args={"candidate": 2})
    said = told(1, "select", ONE_APPLE)
    assert one(expected, said).wrong == ()
    assert one(expected, {**said, "arguments": {"candidate": 2}}).wrong == ()
    assert one(expected, {**said, "arguments": {"candidate": 1}}).wrong == (
        "candidate is 1, not 2",
    )


def test_words_that_must_be_named() -> None:
    expected = turn(1, "draw", ONE_APPLE, not_shown=["gnome"])
    assert one(expected, told(1, "draw", ONE_APPLE)).wrong == ("not named as not shown: gnome",)
    assert one(expected, told(1, "draw", ONE_APPLE, not_shown=["a gnome"])).wrong == ()
    said = told(1, "draw", ONE_APPLE, unchecked=["please"])
    report = one(turn(1, "draw", ONE_APPLE), said)
    assert report.wrong == () and report.unchecked == ("please",)


def test_a_turn_that_tells_no_brief_leaves_the_claims() -> None:
    expected = [turn(1, "draw", ONE_APPLE), turn(2, "answer", ONE_APPLE)]
    said = [told(1, "draw", ONE_APPLE), {"turn": 2, "tool": "answer", "brief": None}]
    assert not any(report.wrong for report in compare(expected, said))


def test_what_an_earlier_turn_left_wrong_is_told_apart() -> None:
    night, red = ["light", "", "night", ""], ["colour", "apple", "red", ""]
    expected = [
        turn(1, "draw", ONE_APPLE, night),
        turn(2, "edit", ONE_APPLE, night, red),
        turn(3, "edit", ONE_APPLE, red),
    ]
    said = [told(1, "draw", ONE_APPLE), told(2, "edit", ONE_APPLE, red), told(3, "edit", red)]
    reports = compare(expected, said)
    assert [report.inherited for report in reports] == [False, True, False]
    assert [bool(report.wrong) for report in reports] == [True, True, True]
    lines = total(reports).splitlines()
    assert lines[:2] == ["x: 0 of 3", "0 of 3 turns right"]
    assert lines[2] == "1 more are wrong only by what an earlier turn left wrong"


def test_stored_output_is_compared(tmp_path: Path) -> None:
    """The command itself: perfect output of one conversation but for one turn."""
    rows = [row for row in loaded(FILE) if row["conversation"] == "e"]
    said = [told(row["turn"], row["tool"], *row["claims"]) for row in rows]
    said[3]["tool"] = "ask"
    stored = tmp_path / "said.jsonl"
    stored.write_text("".join(json.dumps(row) + "\n" for row in said))
    typed = [sys.executable, "-m", "benchmarks.conversations", "--from-json", str(stored)]
    ran = subprocess.run(
        [*typed, "--conversation", "e"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "9 of 10 turns right" in ran.stdout
    assert ran.stdout.count("WRONG") == 1


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    for text in ("[1]\n", "{", "3\n"):
        bad.write_text(text)
        with pytest.raises(BadInput):
            loaded(bad)


# --- prompts_open


def test_prompts_are_read_from_any_table(tmp_path: Path) -> None:
    from limner.benchmarks.prompts_open import prompts_of

    files = {
        "a.txt": "a fox\n\na wolf\\nNegative prompt: snow\n",
        "a.tsv": 'Prompt\tCategory\na fox\tAnimals\n"a wolf\nNegative prompt: snow"\tx\n',
        "a.csv": 'id,prompt\n1,a fox\n2,"a wolf\nNegative prompt: snow"\n',
        "a.jsonl": '{"prompt": "a fox"}\n{"prompt": "a wolf\\nNegative prompt: snow"}\n',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        assert prompts_of(path) == ["a fox", "a wolf\nNegative prompt: snow"], name
    empty = tmp_path / "none.csv"
    empty.write_text("id,name\n1,a\n")
    with pytest.raises(BadInput):
        prompts_of(empty)
    with pytest.raises(BadInput):
        prompts_of(tmp_path / "missing.txt")


def test_there_are_sixty_prompts_of_many_kinds() -> None:
    from limner.benchmarks.prompts_open import FILE as OPEN
    from limner.benchmarks.prompts_open import prompts_of

    prompts = prompts_of(OPEN)
    assert len(prompts) == len(set(prompts)) == 60
    assert max(map(len, prompts)) > 400 and min(map(len, prompts)) < 5


APPLES = Claim("There are three apples.", "count", quote="three apples", subject="apple", value="3")
ABSENT = Claim("There is no pear.", "absent", quote="no pear", subject="pear")


@pytest.mark.parametrize(
    ("request_", "prompt", "claims", "negative", "faults"),
    [
        ("three apples, no pear", "Three apples.", (APPLES, ABSENT), ("pear",), []),
        ("three apples", "apples", (), (), ["loses the number 3"]),
        ("3 apples, 4k, f/1.8", "apples", (), (), ["loses the number 3"]),
        ("三个苹果", "apples", (), (), ["loses the number 3"]),
        ("two pears", "two pears", (APPLES,), (), ["makes up the number 3", "quotes"]),
        ('a sign "OPEN"', "a sign", (), (), ["loses the text"]),
        ("写着“营业”的招牌", "a sign", (), (), ["loses the text"]),
        ("three apples", "three apples", (APPLES,), ("apple",), ["avoids apple"]),
        (
            "a bowl without pears",
            "a bowl",
            (Claim("There is a pear.", "object", quote="pears", subject="pear"),),
            (),
            ["asks for pear"],
        ),
        ("an elf --ar 16:9, (moss:1.3)", "an elf", (), (), []),
    ],
)
def test_what_a_brief_alters_is_found(
    request_: str,
    prompt: str,
    claims: tuple[Claim, ...],
    negative: tuple[str, ...],
    faults: list[str],
) -> None:
    from limner.benchmarks.prompts_open import altered

    found = altered(request_, Brief(request_, prompt, claims, negative))
    assert len(found) == len(faults), found
    assert all(text.startswith(fault) for text, fault in zip(found, faults, strict=True))


def test_a_writer_that_repeats_alters_nothing_here() -> None:
    from limner.benchmarks.prompts_open import FILE as OPEN
    from limner.benchmarks.prompts_open import prompts_of, report, rows_of
    from limner.pipelines.fakes import FakeWriter

    rows = list(rows_of(prompts_of(OPEN), FakeWriter(), repeats=True))
    said = report(rows, "repeat").splitlines()
    assert said[0] == "60 prompts, writer repeat"
    assert said[1].startswith("with claims: 60 (100.0%)")
    assert said[2] == "altered in meaning: 0"
