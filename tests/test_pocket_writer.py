"""The pocket writer's tokens, corpus, training and exam, at tiny size."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from limner.pipelines.pocket.language.dialogues import Dialogue, dialogue, dumps
from limner.pipelines.pocket.writer import WriterSettings, loss_of, train
from limner.pipelines.pocket.writer_corpus import (
    CHUNK,
    ROW,
    TokenRows,
    batches,
    encoded,
    pack,
    texts,
)
from limner.pipelines.pocket.writer_exam import (
    PAPERS,
    Results,
    answered,
    examine,
    faults_of,
    marked,
    table,
)
from limner.pipelines.pocket.writer_held import (
    endings,
    held_answers,
    pieces,
    schema_for,
    settled,
    whole_share,
)
from limner.pipelines.pocket.writer_tokens import (
    END,
    SKELETON,
    USER,
    WRITER,
    known_tokens,
    learn_tokens,
)

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

TINY = WriterSettings(
    width=32,
    layers=1,
    heads=2,
    kv_heads=2,
    inner=64,
    vocabulary=700,
    rows=4,
    warmup=2,
)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return learn_tokens(texts(0, 300), 700)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("writer")
    train(out, "cpu", None, 6, 1, TINY)
    return out


def tiny_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    model: LlamaForCausalLM = LlamaForCausalLM(config)
    return model


@pytest.mark.parametrize(
    "text",
    ["draw: a red cat", "一只可爱的小猫正在玩耍", "🐱👍🏽", "مرحبا ไทย", "{{ x }} <|end|> 2024"],
)
def test_any_text_survives(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_fixed_parts_are_single_tokens_and_digits_stand_alone(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    for piece in SKELETON:
        assert len(tokenizer(piece, add_special_tokens=False)["input_ids"]) == 1
    digits = tokenizer("12", add_special_tokens=False)["input_ids"]
    assert [tokenizer.decode([n]) for n in digits] == ["1", "2"]


def test_the_template_drops_instructions_and_matches_training(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    talk = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "draw: a cat <|end|>"},
    ]
    given = tokenizer.apply_chat_template(
        talk, add_generation_prompt=True, return_dict=True, sanitize_control_tokens=True
    )["input_ids"]
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True
    inner = backend.encode("draw: a cat <|end|>", add_special_tokens=False).ids
    backend.encode_special_tokens = False
    user, writer, end = tokenizer.convert_tokens_to_ids([USER, WRITER, END])
    assert given == [user, *inner, writer]
    assert end not in inner


def kept(tokenizer: PreTrainedTokenizerFast, folder: Path) -> str:
    path = folder / "tokenizer.json"
    tokenizer.backend_tokenizer.save(str(path))
    return str(path)


def test_rows_hold_whole_dialogues(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    path = kept(tokenizer, tmp_path)
    rows = pack((path, 9, 0, 40))
    assert rows.tokens.shape == rows.parts.shape and rows.tokens.shape[1] == ROW
    answers = set()
    for tokens, parts in zip(rows.tokens, rows.parts, strict=True):
        for part in range(2, int(parts.max()) + 1, 2):
            answers.add(tokenizer.decode(tokens[parts == part].tolist(), skip_special_tokens=True))
    assert answers <= {dialogue(Random(f"9:{n}")).answer for n in range(40)}
    assert len(answers) > 25
    assert np.array_equal(pack((path, 9, 0, 40)).tokens, rows.tokens)


def test_batches_go_on_where_a_chunk_ends(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(kept(tokenizer, tmp_path))
    assert CHUNK > 1000
    monkeypatch.setattr("limner.pipelines.pocket.writer_corpus.CHUNK", 30)
    drawn = batches(path, 5, 0, 2, 1)
    first = [next(drawn) for _ in range(12)]
    assert all(rows.tokens.shape == (2, ROW) for rows in first)
    assert len({rows.tokens.tobytes() for rows in first}) == 12
    later = next(batches(path, 5, 1, 2, 1))
    assert any(np.array_equal(later.tokens, rows.tokens) for rows in first[1:])


def test_dialogues_in_a_row_do_not_see_each_other(tokenizer: PreTrainedTokenizerFast) -> None:
    import torch

    model = tiny_model(tokenizer).eval()
    one, two = (encoded(tokenizer.backend_tokenizer, dialogue(Random(n), "draw")) for n in (1, 2))

    def row(*pairs: tuple[list[int], list[int]]) -> TokenRows:
        tokens = [t for said, answer in pairs for t in (*said, *answer)]
        parts = [
            p
            for n, (said, answer) in enumerate(pairs, 1)
            for p in [2 * n - 1] * len(said) + [2 * n] * len(answer)
        ]
        return TokenRows(np.array([tokens], np.uint16), np.array([parts], np.uint8))

    def loss(rows: TokenRows) -> float:
        tokens, parts = (torch.from_numpy(a.astype(np.int64)) for a in (rows.tokens, rows.parts))
        with torch.inference_mode():
            return float(loss_of(model, tokens, parts))

    long, short = len(one[1]), len(two[1])
    apart = (loss(row(one)) * long + loss(row(two)) * short) / (long + short)
    assert loss(row(one, two)) == pytest.approx(apart, rel=1e-4)


@pytest.mark.slow
def test_training_writes_an_ordinary_folder_and_goes_on(trained: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kept = json.loads((trained / "run.json").read_text())
    assert kept["step"] == 6
    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    learned = (trained / "tokenizer.json").read_text()
    assert (
        tokenizer("一只红色的猫 a cat")["input_ids"]
        == known_tokens(trained / "tokenizer.json")("一只红色的猫 a cat")["input_ids"]
    )
    model = AutoModelForCausalLM.from_pretrained(trained / "model")
    assert model.config.vocab_size >= len(tokenizer)
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert (trained / "model" / "model.safetensors").stat().st_size < 200_000
    train(trained, "cpu", None, 8, 1, TINY)
    assert (trained / "tokenizer.json").read_text() == learned
    assert json.loads((trained / "run.json").read_text())["step"] == 8


@pytest.mark.slow
def test_lessons_lower_the_loss(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    import torch

    model = tiny_model(tokenizer)
    rows = pack((kept(tokenizer, tmp_path), 2, 0, 20))
    tokens, parts = (torch.from_numpy(a.astype(np.int64)) for a in (rows.tokens, rows.parts))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = loss_of(model, tokens, parts)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_the_exam_runs_and_prints(trained: Path) -> None:
    results = examine(trained / "model", 1, "cpu")
    lines = table(results).splitlines()
    assert len(lines) == len(PAPERS) + 1 and "MISSED" in lines[1]
    assert json.loads(results.dumps())["papers"][0]["passed"] is False


def test_marks_tell_right_from_wrong() -> None:
    asked = [dialogue(Random(n), "draw", "chinese") for n in range(8)]
    right = marked("paper", 0.98, asked, [one.answer for one in asked])
    assert right.passed
    assert (right.valid, right.tool, right.kept, right.clean, right.right) == (1, 1, 1, 1, 1)
    wrong = marked("paper", 0.98, asked, ["{", *(one.answer for one in asked[1:])])
    assert wrong.valid == 7 / 8 and not wrong.passed and wrong.wrong[0][1] == "{"
    assert "met" in table(Results((right,))) and "MISSED" in table(Results((wrong,)))


def test_faults_are_named() -> None:
    rows = [["count", "cat", "2", "", "two cats"], ["colour", "cat", "red", "", "red"]]
    one = Dialogue("draw", "english", "two cats, red", dumps({"asked": rows}))
    assert faults_of(one, one.answer) == {}
    assert faults_of(one, dumps({"asked": rows[::-1]})) == {}
    assert faults_of(one, dumps({"asked": rows[:1]})) == {"lost": "colour cat red "}
    assert "added" in faults_of(one, dumps({"asked": [*rows, rows[0]]}))
    assert set(faults_of(one, dumps({"asked": [rows[0], [*rows[1][:4], "cats"]]}))) == {"quotes"}
    assert "form" in faults_of(one, '["no record"]')
    edit = {"tool": "edit", "add": [], "remove": [1], "change": [[2, *rows[1]]]}
    one = Dialogue("turn", "english", "red cats", dumps(edit))
    assert set(faults_of(one, dumps(edit | {"remove": [2]}))) == {"lost", "added"}
    assert set(faults_of(one, dumps({"tool": "ask"}))) == {"tool", "lost"}
    then = {"tool": "select", "candidate": 2, "then": edit}
    assert set(faults_of(one, dumps(then))) == {"tool", "added"}


@pytest.mark.slow
def test_answers_come_back_in_the_order_asked(tokenizer: PreTrainedTokenizerFast) -> None:
    model = tiny_model(tokenizer).eval()
    model.generation_config.max_new_tokens = 4
    humans = ["draw: a very long wish about cats and dogs", "draw: x", "画猫"]
    alone = [answered(model, tokenizer, [human], 1)[0][:8] for human in humans]
    assert [text[:8] for text in answered(model, tokenizer, humans, 2)] == alone


def allowed(known: Any, one: Dialogue, answer: list[int]) -> bool:
    """Whether a grammar lets all the tokens of an answer through, one after the other."""
    import llguidance
    from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

    schema = json.dumps(schema_for(one.kind, one.line, one.stated))
    grammar = llguidance.LLMatcher.grammar_from_json_schema(
        schema, defaults={"whitespace_flexible": False}
    )
    matcher = llguidance.LLMatcher(known, grammar)
    assert not matcher.is_error(), matcher.get_error()
    mask = allocate_token_bitmask(1, known.vocab_size)
    for token in answer:
        fill_next_token_bitmask(matcher, mask, 0)
        if not int(mask[0][token // 32]) >> (token % 32) & 1:
            return False
        matcher.consume_token(token)
    return True


def test_a_grammar_lets_every_answer_through_and_no_other(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    import llguidance.hf

    known = llguidance.hf.from_tokenizer(tokenizer, n_vocab=len(tokenizer))

    def tokens(answer: str) -> list[int]:
        ids: list[int] = tokenizer(answer, add_special_tokens=False)["input_ids"]
        return [*ids, int(tokenizer.eos_token_id)]

    for number in range(200):
        one = dialogue(Random(number), exam=number % 2 == 0)
        assert allowed(known, one, tokens(one.answer)), one
    stated = (("count", "cat", "1", ""), ("scene", "", "grass", ""))
    one = Dialogue("turn", "english", "a red cat on sand", "", stated)
    edit = {
        "tool": "edit",
        "add": [],
        "remove": [2],
        "change": [[1, "count", "dog", "1", "", "cat"]],
    }
    for change, right in (
        ({}, True),
        ({"remove": [3]}, False),
        ({"change": [[3, "count", "dog", "1", "", "cat"]]}, False),
        ({"add": [["colour", "cat", "red", "", "blue"]]}, False),
        ({"add": [["colour", "cat", "red", "", "a red"]]}, True),
    ):
        assert allowed(known, one, tokens(dumps(edit | change))) == right, change
    assert allowed(known, one, tokens(dumps({"tool": "draw", "request": "cat on sand"})))
    assert not allowed(known, one, tokens(dumps({"tool": "draw", "request": "cat on"})))


def test_statements_replace_those_of_the_same_kind_and_thing() -> None:
    stated = (("count", "cat", "1", ""), ("colour", "cat", "red", ""), ("scene", "", "grass", ""))
    sand, blue = ["scene", "", "sand", "", "sand"], ["colour", "cat", "blue", "", "blue"]
    dog, small = ["count", "dog", "1", "", "a dog"], ["size", "cat", "small", "", "small"]

    def edit(add: list[list[str]], change: list[list[Any]]) -> dict[str, Any]:
        return {"tool": "edit", "add": add, "remove": [], "change": change}

    right = edit([small], [[3, *sand], [2, *blue]])
    assert settled(edit([sand, small], [[1, *blue]]), stated) == right
    assert settled(edit([], [[1, *dog]]), stated) == edit([], [[1, *dog]])
    assert settled(edit([], [[2, *dog]]), stated) == edit([dog], [])
    same = ["colour", "cat", "red", "", "red"]
    assert settled(edit([same], []), stated) == edit([], [])
    then = {"tool": "select", "candidate": 2, "then": edit([sand], [])}
    assert settled(then, stated)["then"] == edit([], [[3, *sand]])
    assert settled({"tool": "undo"}, stated) == {"tool": "undo"}


def test_pieces_are_runs_of_words_and_of_chinese_characters() -> None:
    assert pieces("two cats!") == ["two", "two cats", "cats"]
    assert pieces("红猫 ok") == ["红", "红猫", "红猫 ok", "猫", "猫 ok", "ok"]
    assert pieces("") == [""] and endings("!") == []
    assert endings("draw a cat.") == ["draw a cat", "a cat", "cat"]
    assert len(pieces("word " * 10_000)) < 2_000


def test_held_answers_are_whole_or_cut_off_by_length(tokenizer: PreTrainedTokenizerFast) -> None:
    model = tiny_model(tokenizer).eval()
    answers = held_answers(model, tokenizer, [dialogue(Random(1), "draw")])
    assert answers[0].startswith('{"asked":[')
    assert whole_share(['{"a": 1}', '{"a": ', "[1]", '{"a": 1}']) == 0.5
