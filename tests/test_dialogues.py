"""The writer's corpus: every answer says what was said, in its very words, and nothing else."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from limner.pipelines.pocket.language.annotated_text import AnnotatedText, Row, bare
from limner.pipelines.pocket.language.chinese import Chinese, numeral
from limner.pipelines.pocket.language.dialogues import KINDS, Dialogue, dialogue, drawing, turning
from limner.pipelines.pocket.language.english import English
from limner.pipelines.pocket.language.lexicon import (
    LANGUAGES,
    article,
    outsiders,
    sayings,
    stranger,
    table,
    wordings,
)
from limner.pipelines.pocket.language.looks import gap, swap, swap_colours
from limner.pipelines.pocket.language.picture import SPEAKERS, Picture, TaughtTurn
from limner.pipelines.pocket.language.scene_requests import (
    RequestedThing,
    SceneRequest,
    scene_request,
)
from limner.pipelines.pocket.language.things import exchange, recount, remove
from limner.pipelines.pocket.language.turns import call_of
from limner.pipelines.pocket.world import world
from limner.pipelines.pocket.writer_tokens import KINDS as STATEMENTS

GIVEN = [(kind, language, exam) for kind in KINDS for language in LANGUAGES for exam in (0, 1)]
TOOLS = {"edit", "draw", "select", "undo", "redo", "back_to", "adjust", "save", "answer", "ask"}
CAT, DOG = (sayings("english", name)[0] for name in ("cat", "dog"))


def drawn(kind: str, language: str, exam: int = 0, count: int = 400) -> list[Dialogue]:
    seeds = (Random(f"{kind}{language}{exam}{n}") for n in range(count))
    return [dialogue(seed, kind, language, bool(exam)) for seed in seeds]


def rows_of(answer: dict[str, Any]) -> list[list[str]]:
    edit = answer.get("then", answer)
    changed = [row[1:] for row in edit.get("change", [])]
    return [*answer.get("asked", []), *edit.get("add", []), *changed]


def test_the_same_seed_says_the_same() -> None:
    assert dialogue(Random(3)) == dialogue(Random(3))
    assert len({dialogue(Random(n)).human for n in range(200)}) > 180


@pytest.mark.parametrize(("kind", "language", "exam"), GIVEN)
def test_every_statement_quotes_what_was_typed(kind: str, language: str, exam: int) -> None:
    quoted = 0
    for one in drawn(kind, language, exam):
        answer = json.loads(one.answer)
        assert json.dumps(answer, ensure_ascii=False, separators=(",", ":")) == one.answer
        assert not any(ord("\ue000") <= ord(letter) < ord("\uf000") for letter in one.human)
        for row in rows_of(answer):
            assert row[0] in STATEMENTS and len(row) == 5
            assert row[4] and row[4] in one.line, one
            quoted += 1
        assert answer.get("request", "") in one.line
    assert quoted > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_edits_name_statements_that_are_there(language: str) -> None:
    tools = set()
    for one in drawn("turn", language):
        answer = json.loads(one.answer)
        tools.add(answer["tool"])
        edit = answer.get("then", answer)
        changed = [row[0] for row in edit.get("change", [])]
        assert set(edit.get("remove", [])) | set(changed) <= set(range(1, len(one.stated) + 1)), one
        assert len(set(changed)) == len(changed), one
        for at, *row in edit.get("change", []):
            before = one.stated[at - 1]
            assert row[0] == before[0] or {row[0], before[0]} == {"count", "object"}, one
            assert tuple(row[:4]) != before, one
    assert tools == TOOLS


def test_statements_are_canonical() -> None:
    values = {
        "colour": {*world().colours, "grey", "silver", "turquoise", "beige", "rainbow"},
        "size": set(world().sizes),
        "place": {"left", "centre", "right", "top", "bottom"},
        "relation": set(table("words")["english"]["relations"]),
        "style": {*world().styles, *table("scenes")["style"]},
        "light": {*world().light, *table("scenes")["light"]},
        "scene": {*world().where, *table("scenes")["scene"]},
    }
    for language in LANGUAGES:
        for one in drawn("draw", language):
            for kind, subject, value, other, _ in rows_of(json.loads(one.answer)):
                assert value in values.get(kind, {value}), one
                assert bool(other) == (kind == "relation" or (kind == "action" and bool(other)))
                assert bool(subject) == (kind not in ("text", "scene", "light", "style", "other"))
                assert kind != "count" or int(value) > 0


def test_things_outside_the_world_keep_their_names() -> None:
    named = {s.text: s.name for s in outsiders("chinese")}
    assert (named["企鹅"], named["埃菲尔铁塔"], named["宇航员"]) == (
        "penguin",
        "Eiffel Tower",
        "astronaut",
    )
    assert [s.name for s in sayings("english", "tulip") if s.text == "rose"] == ["rose"]
    assert {s.name for s in sayings("english", "cat")} == {"cat"}


def test_exams_use_wordings_that_training_never_sees() -> None:
    for language in LANGUAGES:
        for file, key in (("words", "frames"), ("turns", "colour"), ("turns", "remove")):
            known = set(wordings(file, language, key))
            new = set(wordings(file, language, key, exam=True))
            assert known and new and not known & new, key
        names = {s.text for s in outsiders(language)}
        assert len(names) > 400
        assert all(stranger(language, Random(n)).text not in names for n in range(200))


def test_other_languages_state_nothing() -> None:
    foreign = set(table("odd")["foreign"])
    seen = [d for d in drawn("draw", "english", count=3000) if d.line in foreign]
    assert seen and all(json.loads(d.answer) == {"asked": []} for d in seen)


def test_texts_reach_the_writer_on_one_line() -> None:
    assert drawing("a  cat\nand\ta dog") == "draw: a cat and a dog"
    rows: list[Row] = [("count", "cat", "2", ""), ("scene", "", "grass", "")]
    assert (
        turning(rows, "make it\nblue") == "turn:\n1 count cat 2\n2 scene grass\nline: make it blue"
    )


def test_marks_become_quotes() -> None:
    told = AnnotatedText()
    colour = told.mark("red", ("colour", "cat", "red", ""))
    text = told.mark(f"a {colour} cat", ("count", "cat", "1", "")) + "!"
    told.mark("never used", ("style", "", "flat", ""))
    assert bare(text) == "a red cat!"
    assert told.read(text.upper()) == (
        "A RED CAT!",
        [(0, ("count", "cat", "1", "", "A RED CAT")), (0, ("colour", "cat", "red", "", "RED"))],
    )


def test_a_bracket_is_marked_for_each_statement() -> None:
    speaker = English(Random(0))
    rows: list[Row] = [("absent", "cat", "", ""), ("absent", "dog", "", "")]
    for frame, quotes in (
        ("[no {n}], [no {N}]", ["no cat", "no dog"]),
        ("[neither {n} nor {N}]", ["neither cat nor dog"] * 2),
    ):
        _, told = speaker.annotated.read(speaker.fill(frame, *rows, n="cat", N="dog"))
        assert [quoted[-1] for _, quoted in told] == quotes


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_is_asked_is_said(language: str) -> None:
    for number in range(300):
        wanted: SceneRequest = scene_request(Random(number), language)
        asked = {("count", t.name) for t in wanted.things if t.count != "several"}
        asked |= {("colour", t.name) for t in wanted.things if t.colour}
        asked |= {("size", t.name) for t in wanted.things if t.size and not t.second}
        asked |= {(k, "") for k in ("scene", "light", "style") if getattr(wanted, k)}
        asked |= {("absent", s.name) for s in wanted.avoid}
        speaker = SPEAKERS[language](Random(number))
        _, told = speaker.annotated.read(speaker.request(wanted))
        assert asked <= {(q[0], q[1]) for _, q in told}


def turn(*rows: Row, seed: int = 0) -> TaughtTurn:
    """A turn about one or two things, in English."""
    names = {row[1]: row for row in rows if row[0] == "count"}
    things = [RequestedThing(sayings("english", name)[0], row[2]) for name, row in names.items()]
    made = TaughtTurn(Picture(list(rows), things), English(Random(seed)))
    made.speaker.annotated.earlier = made.picture.replaced
    return made


def edit(made: TaughtTurn, text: str) -> dict[str, Any]:
    return call_of(made, made.speaker.annotated.read(text)[1])


PAIR: tuple[Row, ...] = (
    ("count", "cat", "1", ""),
    ("count", "dog", "1", ""),
    ("colour", "cat", "red", ""),
    ("colour", "dog", "blue", ""),
    ("relation", "cat", "left of", "dog"),
)


def test_exchanged_places_and_colours() -> None:
    made = turn(*PAIR)
    answer = edit(made, swap(made))
    assert [row[:5] for row in answer["change"]] == [[5, "relation", "cat", "right of", "dog"]]
    made = turn(*PAIR)
    answer = edit(made, swap_colours(made))
    assert sorted(row[:4] for row in answer["change"]) == [
        [3, "colour", "cat", "blue"],
        [4, "colour", "dog", "red"],
    ]
    assert swap(turn(PAIR[0], PAIR[1])) == ""


def test_a_removed_thing_is_named_by_its_count() -> None:
    made = turn(*PAIR[:2], seed=1)
    answer = edit(made, remove(made))
    assert answer["remove"] in ([1], [2]) and not answer["add"] and not answer["change"]


def test_another_thing_takes_the_place_of_one() -> None:
    for seed in range(20):
        made = turn(PAIR[0], PAIR[2], seed=seed)
        text = exchange(made)
        if text:
            answer = edit(made, text)
            assert answer["change"][0][:2] == [1, "count"] and answer["change"][0][2] != "cat"


def test_numbers_are_worked_out() -> None:
    seen = {}
    for seed in range(200):
        made = turn(("count", "cat", "2", ""), seed=seed)
        text = recount(made)
        if text:
            seen[bare(text)] = edit(made, text)["change"][0][3]
    assert {n for text, n in seen.items() if "another" in text or "one more" in text} == {"3"}
    assert {n for text, n in seen.items() if "twice" in text or "double" in text} == {"4"}
    assert {n for text, n in seen.items() if "less" in text} == {"1"}


def test_two_colours_in_one_line_go_to_their_things() -> None:
    for seed in range(40):
        made = turn(*PAIR[:2], seed=seed)
        answer = edit(made, gap(made))
        assert {row[1] for row in answer["add"]} == {"cat", "dog"}


def test_articles_and_numerals() -> None:
    words = ("apple", "ufo", "unicorn", "orange cat", "house")
    assert [article(w) for w in words] == ["an", "a", "a", "an", "a"]
    assert [numeral(n) for n in (2, 10, 12, 20, 35, 100)] == [
        "两",
        "十",
        "十二",
        "二十",
        "三十五",
        "一百",
    ]
    assert Chinese(Random(0)).number("several") in table("words")["chinese"]["several"]
